"""The page about a destination tells all of it, shows every text as text, and is fresh."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from markdown_it import MarkdownIt

from hostile_destination import HOSTILE, hostile_destination
from kable_destination.definitions import (
    ActionDefinition,
    Authentication,
    DestinationDefinition,
    InputField,
    RequestOptions,
    one_line,
)
from kable_destination.definitions.documentation import FORMATS, NOTICE, document_of, render
from kable_destination.destination import kable
from manifests import action, field, manifest

if TYPE_CHECKING:
    from markdown_it.token import Token


ROOT = Path(__file__).parents[2]
VOID = {"meta", "link", "br", "input"}


class Page(HTMLParser):
    """An HTML page: its tags with their attributes, and the text within each."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[tuple[str, list[str]]] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append((tag, []))

    def handle_endtag(self, tag: str) -> None:
        opened, parts = self._open.pop()
        assert opened == tag
        self.texts.append((tag, " ".join("".join(parts).split())))

    def handle_data(self, data: str) -> None:
        for _, parts in self._open:
            parts.append(data)

    def of(self, tag: str) -> list[str]:
        """Give the text of each element of this name."""
        return [text for name, text in self.texts if name == tag]


def markdown_tokens(text: str) -> list[Token]:
    """Read Markdown as GitHub does; HTML in it is allowed, so that none can hide."""
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text)


def inline(tokens: list[Token]) -> list[Token]:
    """Give all that stands within lines."""
    return [child for token in tokens for child in token.children or ()]


def texts_after(tokens: list[Token], kind: str) -> list[str]:
    """Give the text of each heading or cell, as a reader sees it; a line break is a space."""
    found = []
    for opening, content in pairwise(tokens):
        if opening.type == kind:
            parts = [" " if child.type == "html_inline" else child.content for child in content.children or ()]
            found.append(" ".join("".join(parts).split()))
    return found


@pytest.fixture(params=list(HOSTILE.values()), ids=list(HOSTILE))
def hostile(request: pytest.FixtureRequest) -> str:
    """A text that would be markup, code or a template if anybody let it."""
    text: str = request.param
    return text


def test_hostile_text_is_text_in_markdown(hostile: str) -> None:
    tokens = markdown_tokens(render(hostile_destination(hostile), "markdown"))
    shown = " ".join(one_line(hostile).split())
    assert [token.content for token in tokens if token.type == "html_block"] == [f"<!-- {NOTICE} -->\n"]
    kinds = {child.type for child in inline(tokens)}
    assert kinds <= {"text", "code_inline", "html_inline", "text_special", "softbreak"}
    assert {child.content for child in inline(tokens) if child.type == "html_inline"} == {"<br>"}
    headings = texts_after(tokens, "heading_open")
    assert [headings[0], headings.count(shown)] == [shown, 3], "destination, action, worked example"
    cells = texts_after(tokens, "td_open")
    assert cells.count(f"{shown} {shown}") == 2, "a setting and a field: label and key"
    assert f"{shown} {shown}.{shown}" in cells, "a property within a field"


def test_hostile_text_is_text_in_html(hostile: str) -> None:
    page = Page(render(hostile_destination(hostile), "html"))
    shown = " ".join(one_line(hostile).split())
    assert [name for name, _ in page.tags].count("script") == 1
    assert not [name for name, _ in page.tags if name in {"img", "iframe", "b", "em"}]
    allowed = {"href", "id", "class", "style", "content", "name", "charset", "http-equiv", "lang", "rel", "tabindex"}
    allowed |= {"role", "aria-label", "aria-labelledby", "aria-live", "scope", "data-field", "data-group", "hidden"}
    allowed |= {"for", "type", "autocomplete", "spellcheck"}
    assert {attribute for _, attributes in page.tags for attribute in attributes} <= allowed
    links = {attributes["href"] or "" for name, attributes in page.tags if name == "a"}
    assert all(link.startswith(("#", "https://example.com")) for link in links)
    assert page.of("h1") == [shown]
    assert page.of("h3").count(shown) == 1
    assert page.of("h4").count(shown) == 1
    assert page.of("strong") == [shown] * 3
    assert page.of("title") == [f"{shown} destination"]


def test_a_text_of_a_definition_is_never_a_template(hostile: str) -> None:
    """The document holds every text as it was, on one line, and both pages show nothing that was computed from it."""
    document = document_of(hostile_destination(hostile))
    assert document.actions[0].fields[0].label == one_line(hostile)
    assert document.actions[0].fields[0].choices[0].label == one_line(hostile)
    for page_format in FORMATS:
        assert "49" not in render(hostile_destination("{{ 7 * 7 }}"), page_format).split("<body>")[-1]


@pytest.mark.parametrize("page_format", FORMATS)
def test_the_page_of_kable_has_what_its_catalogue_page_has(page_format: Any) -> None:
    page = render(kable, page_format)
    told = (
        "Track", "Identify", "actions-kable", "partner owned", "contact@kable.io", "https://kable.io", "X-REQUEST-ID",
        "Configure Kable", "https://dashboard.kable.io/company", "API Key", "Client ID Field", "Kable Client ID",
        "Properties Mappings", "string (a secret)", "text-map", "sk_test.h6kVNO3I...", "kci_3c90e9ac92c6...",
        "segmentX : kableX, nested.field : dimension", "Record usage", "Record membership",
        "POST https://live.kable.io/api/v1/events/create", "••••••••", "six hours or more", "two to three hours",
        "RetryableError", "CredentialsError", "500 events", "1,000,000 bytes",
    )  # fmt: skip
    assert [words for words in told if words not in page] == []


def test_the_worked_example_is_what_kable_receives() -> None:
    """It is the documented example, as it is planned for delivery; the key of its made-up user is masked."""
    example = document_of(kable).methods[0].examples[0]
    (request,) = example.requests
    snapshot = json.loads((ROOT / "snapshots" / "kable-documented-example.json").read_text(encoding="utf-8"))
    assert request.line == f"{snapshot['method']} {snapshot['url']}"
    assert json.loads(request.body) == snapshot["body"]
    assert {name.lower(): value for name, value in request.headers}.items() <= snapshot["headers"].items()
    assert "sk_live" not in "".join(render(kable, page_format) for page_format in FORMATS)


def test_a_change_of_the_code_changes_the_worked_example() -> None:
    elsewhere = kable.model_copy(update={"extend_request": lambda _: RequestOptions("https://elsewhere.example")})
    assert "POST https://elsewhere.example/api/v1/events/create" in render(elsewhere, "markdown")


def test_a_page_is_made_where_the_code_of_a_plugin_fails() -> None:
    def fail(_: Any) -> RequestOptions:
        raise LookupError("sk_live.of-nobody")

    page = render(kable.model_copy(update={"extend_request": fail}), "markdown")
    assert "No request can be shown: the destination's code failed (LookupError)." in page
    assert "sk_live" not in page


def test_a_manifest_has_no_code_so_its_payload_is_shown() -> None:
    definition = DestinationDefinition.from_manifest(manifest())
    (documented,) = document_of(definition).actions
    assert documented.example is not None
    assert json.loads(documented.example.payload) == {"name": "Example Event", "units": 12}


def test_an_action_whose_tokens_are_missing_says_so() -> None:
    oauth = kable.model_copy(update={"authentication": Authentication(scheme="oauth2")})
    page = render(oauth, "markdown")
    assert 'This event would be rejected: authentication: the scheme "oauth2" needs tokens' in page


def test_a_default_that_is_not_json_is_told_all_the_same() -> None:
    """The page is made, though such a mapping would be refused."""
    fields = {"units": InputField(label="Units", type="number", default=float("nan"))}
    odd = kable.model_copy(update={"actions": {"odd": ActionDefinition(title="Odd", fields=fields)}, "presets": ()})
    for page_format in FORMATS:
        assert "Units" in render(odd, page_format)


def test_no_two_things_of_a_page_have_one_id() -> None:
    """Whatever the names of actions and fields are."""
    fields = {name: InputField(label=name, type="string") for name in ("Track", "track", "track!", "box", "info")}
    keys = ("method", "find", "destination", "action", "field", "setting", "example")
    actions = {key: ActionDefinition(title=key, fields=fields, default_subscription='type = "track"') for key in keys}
    page = Page(render(DestinationDefinition(name="X", slug="x", settings=fields, actions=actions), "html"))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids)) > len(keys) * len(fields)


def test_requirements_conditions_bounds_and_choices_are_told_in_words() -> None:
    fields = {
        "kind": field(label="Kind", choices=[{"label": "One", "value": 1}], default=None),
        "list": field(
            label="List",
            type="object",
            multiple=True,
            required={"match": "any", "conditions": [{"fieldKey": "kind", "operator": "is", "value": 1}]},
            depends_on={"conditions": [{"fieldKey": "kind", "operator": "is_not"}]},
            properties={"sku": field(label="SKU", format="email", minimum=2, maximum=3000)},
        ),
    }
    definition = DestinationDefinition.from_manifest(manifest(actions={"send": action(fields=fields)}, presets=[]))
    kind, items, sku = document_of(definition).actions[0].fields
    assert [(choice.label, choice.value) for choice in kind.choices] == [("One", "1")]
    assert (items.type, items.required, items.notes) == (
        "list of objects",
        "When Kind is 1",
        ("Concerned only when Kind is given.",),
    )
    assert (sku.path, sku.depth) == ("list[].sku", 1)
    assert sku.notes == ("Format: email.", "At least 2 characters.", "At most 3,000 characters.")


def test_documentation_has_no_part_in_the_manifest() -> None:
    assert "documentation" not in kable.to_manifest()
