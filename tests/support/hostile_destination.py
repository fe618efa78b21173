"""A destination whose every text is the same hostile one, to see that pages show it as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kable_destination.definitions import (
    ActionDefinition,
    Answer,
    BatchLimits,
    Choice,
    Condition,
    Conditions,
    DestinationDefinition,
    Documentation,
    InputField,
    Preset,
    RequestOptions,
    WorkedExample,
)

if TYPE_CHECKING:
    import httpx

    from kable_destination.definitions import BatchData, EventData, RequestBuilder

HOSTILE = {
    "script": "<script>window.taken = true</script>",
    "image": '<img src=x onerror="window.taken = true">',
    "attribute": '" onmouseover="window.taken = true" \'',
    "end of code": "</code></pre></title></style><script>window.taken = true</script>",
    "comment": "<!-- a --> b --!> c <!--",
    "bars": "a | b || c \\| d",
    "ends in a bar": "a\\|",
    "ends in a backslash": "a\\",
    "backtick": "one ` tick",
    "backticks": "``` fence `code` ``",
    "only backticks": "```",
    "template": "{{ 7 * 7 }}{% for x in y %}{# gone #}",
    "lines": "one\n\n# two\n\n- three\n\n    four",
    "link": "[x](javascript:window.taken) ![y](javascript:z) <javascript:window.taken>",
    "reference": "[x]: https://example.com 'y'",
    "heading": "# not a heading #",
    "setext": "===",
    "rule": "---",
    "list": "- not a list",
    "plus": "+ not a list",
    "number": "1. not a list",
    "other number": "12) not a list",
    "quote": "> not a quote",
    "emphasis": "*a* **b** _c_ __d__ ~~e~~ snake_case $x$",
    "entity": "&lt;b&gt; &amp; &#60; &copy",
    "addresses": "https://example.com/~a/b_c?d=1&e=2#f",
    "autolink": "<https://example.com> <a@example.com>",
    "control": "a\u202eb\x00c\x1bd",
    "table": "| --- |",
}


def hostile_destination(text: str) -> DestinationDefinition:
    """Make a destination of a text."""
    field = InputField(
        label=text,
        description=text,
        type="object",
        required=Conditions(conditions=(Condition(field_key=text, operator="is", value=text),)),
        default={"@path": f"$.{text}"},
        choices=(Choice(label=text, value=text), text),
        placeholder=text,
        depends_on=Conditions(conditions=(Condition(field_key=f"{text}.{text}", operator="is_not", value=text),)),
        properties={text: InputField(label=text, description=text, type="string", default={"@template": text})},
    )
    return DestinationDefinition(
        name=text,
        slug=text,
        description=text,
        settings={text: InputField(label=text, description=text, type="string", default=text, placeholder=text)},
        extend_request=lambda _: RequestOptions("https://example.com"),
        actions={
            text: ActionDefinition(
                title=text,
                description=text,
                default_subscription=text,
                fields={text: field, "free": InputField(label=text, type="string", default=text)},
                idempotency_field=text,
                batch=BatchLimits(events=2, bytes=1_000),
                perform=_send,
                perform_batch=_send_batch,
            )
        },
        presets=(Preset(name=text, partner_action=text, subscribe=text, mapping={"free": text}),),
        answers=(Answer(statuses=("2xx",), meaning="delivered", description=text),),
        documentation=Documentation(
            owner=text,
            support=text,
            website=text,
            getting_started=(text, text),
            examples=(
                WorkedExample(title=text, text=text, event={"type": "track", text: text}, settings={text: text}),
            ),
            engage=(text,),
        ),
        request_id_header=text,
    )


def _send(request: RequestBuilder, data: EventData) -> httpx.Request:
    return request("POST", "/events", json=data.payload)


def _send_batch(request: RequestBuilder, data: BatchData) -> httpx.Request:
    return request("POST", "/events", json=data.payloads)
