"""How each directive is written as source. Their options are valid here; what they mean is Segment's.

`generator.Writer` says what a writer gets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..javascript.values import is_truthy
from ..python_source import Kind
from .failure import fail
from .generator import Generator
from .identifier_parts import IDENTIFIER_LIQUID, IDENTIFIER_PART, IDENTIFIER_TEMPLATE
from .paths import parse_event_path
from .replacing import Replacement, Replacer
from .root_directive import expand_root
from .templates import parse_template
from .written_code import NOTHING, Code, Payload, Undefined, inside, joint

if TYPE_CHECKING:
    from ..python_source import PythonSource
    from .generator import Writer


def mapping_generator(source: PythonSource, *, of_record: bool = False) -> Generator:
    """Return a generator that knows every directive."""
    return Generator(source, _WRITERS, of_record=of_record)


def _path(generator: Generator, value: Any, place: str, _wanted: Undefined) -> Code:
    if isinstance(value, str):
        return generator.follow(parse_event_path(value))
    path = generator.value(value, place, Undefined.NOWHERE)
    payload = generator.payload
    call = f"walk_computed_path({path.text}, {payload.whole}, {_where(generator, place)})"
    return Code(generator.source.assigned(call), optional=True, undefined=payload.undefined)


def _template(generator: Generator, value: Any, place: str, _wanted: Undefined) -> Code:
    if isinstance(value, str):
        return generator.template(value, place)
    template = generator.value(value, place, Undefined.NOWHERE)
    call = f"render_computed_template({template.text}, {generator.payload.whole}, {_where(generator, place)})"
    return Code(generator.source.assigned(call), kind=Kind.TEXT)


def _literal(generator: Generator, value: Any, place: str, wanted: Undefined) -> Code:
    return generator.value(value, place, wanted)


def _if(generator: Generator, options: dict[str, Any], place: str, wanted: Undefined) -> Code:
    asked = "exists" if "exists" in options else "blank"
    subject = generator.named(generator.value(options[asked], f"{place}.{asked}", Undefined.NOWHERE))
    exists = f"{subject} is not None and {subject} is not MISSING"
    is_filled = f"{subject} != '' if type({subject}) is str else {exists} and not equals_empty_text({subject})"
    result = generator.source.fresh()
    codes = []
    heads = (f"if {exists if asked == 'exists' else is_filled}:", "else:")
    # Segment takes `else` only when what is written there is truthy.
    present = ("then" in options, is_truthy(options.get("else")))
    for head, key, is_present in zip(heads, ("then", "else"), present, strict=True):
        with generator.branch(head):
            code = generator.value(options[key], f"{place}.{key}", wanted) if is_present else NOTHING
            generator.source.line(f"{result} = {code.text}")
            codes.append(code)
    kind = codes[0].kind if codes[0].kind is codes[1].kind else Kind.ANY
    return Code(result, any(code.optional for code in codes), joint(codes), kind)


def _case(generator: Generator, options: dict[str, Any], place: str, wanted: Undefined) -> Code:
    if not options.get("value"):
        return NOTHING
    code = generator.value(options["value"], f"{place}.value", wanted)
    name = generator.named(code)
    operator = options["operator"]
    if operator in {"lower", "upper"}:
        changed = f"{name}.{operator}()"
    else:
        changed = f"unknown_case({generator.source.literal(operator)}, {_where(generator, place)})"
    if code.kind is Kind.TEXT:
        return Code(generator.source.assigned(changed), kind=Kind.TEXT)
    text = generator.source.assigned(f"{changed} if type({name}) is str else {name}")
    return Code(text, code.optional, code.undefined)


def _replace(generator: Generator, options: dict[str, Any], place: str, _wanted: Undefined) -> Code:
    if not options["value"]:
        return NOTHING
    code = generator.value(options["value"], f"{place}.value", Undefined.NOWHERE)
    replacements = [Replacement(options["pattern"], options.get("replacement", ""))]
    second, by = options.get("pattern2"), options.get("replacement2")
    if isinstance(second, str) and second and (by is None or isinstance(by, str)):
        replacements.append(Replacement(second, by or ""))
    replacer = Replacer(place, tuple(replacements), options.get("ignorecase", False), options.get("global", True))
    function = generator.source.constant(replacer, "replaced")
    longest = replacer.longest_plain
    if not longest:
        return Code(generator.source.assigned(f"{function}({code.text})"), kind=Kind.TEXT)
    name = generator.named(code)
    literal = generator.source.literal
    calls = "".join(f".replace({literal(one.pattern)}, {literal(one.replacement)})" for one in replacements)
    test = f"type({name}) is str and len({name}) <= {longest}"
    return Code(generator.source.assigned(f"{name}{calls} if {test} else {function}({name})"), kind=Kind.TEXT)


def _array_path(generator: Generator, value: list[Any], place: str, wanted: Undefined) -> Code:
    shape = value[1] if len(value) > 1 else None
    is_shaped = isinstance(shape, dict) and bool(shape)
    if isinstance(value[0], str):
        found = generator.follow(parse_event_path(value[0]))
    else:
        found = generator.value(value[0], f"{place}[0]", Undefined.ANYWHERE if is_shaped else wanted)
    if not is_shaped:
        return found
    payload = Payload(
        "item",
        optional=found.undefined is not Undefined.NOWHERE,
        undefined=found.undefined,
        made=generator.payload.made or not isinstance(value[0], str),
    )
    name = generator.named(found)
    if generator.payload.made and payload.made:
        name = generator.source.assigned(f"limited({name}, {_where(generator, place)})")
    function = generator.source.fresh("item_")
    with generator.source.function(function, "item"), generator.working_on(payload):
        code = generator.value(shape, f"{place}[1]", wanted.within)
        keeps = wanted is not Undefined.NOWHERE
        is_replaced = code.optional and not keeps
        generator.source.line(f"return {f'None if {code.text} is MISSING else ' if is_replaced else ''}{code.text}")
    items = f"list(map({function}, {name}))"
    text = generator.source.assigned(f"{items} if type({name}) is list else map_other({function}, {name})")
    return Code(text, found.optional, inside([code], wanted, keeps_own=keeps))


def _flatten(generator: Generator, options: dict[str, Any], place: str, wanted: Undefined) -> Code:
    code = generator.value(options["value"], f"{place}.value", Undefined.ANYWHERE)
    separator = generator.source.literal(options["separator"])
    omit_arrays = is_truthy(options.get("omitArrays"))
    undefined = Undefined.ANYWHERE
    if code.undefined is Undefined.NOWHERE:
        undefined = Undefined.OWN if code.optional and wanted.keeps_keys else Undefined.NOWHERE
    flags = f"omit_arrays={omit_arrays}, keep_missing={undefined is not Undefined.NOWHERE or not code.optional}"
    call = f"flatten({code.text}, {separator}, {_where(generator, place)}, {flags})"
    return Code(generator.source.assigned(call), undefined=undefined, kind=Kind.OBJECT)


def _json(generator: Generator, options: dict[str, Any], place: str, wanted: Undefined) -> Code:
    where = _where(generator, place)
    if options["mode"] == "encode":
        code = generator.value(options["value"], f"{place}.value", Undefined.NOWHERE)
        return Code(generator.source.assigned(f"encode({code.text}, {where})"), code.optional)
    code = generator.value(options["value"], f"{place}.value", wanted)
    name = generator.named(code)
    text = generator.source.assigned(f"decode({name}, {where}) if type({name}) is str else {name}")
    return Code(text, code.optional, code.undefined)


def _merge(generator: Generator, options: dict[str, Any], place: str, wanted: Undefined) -> Code:
    members = Undefined.OWN if wanted in {Undefined.NOWHERE, Undefined.OWN} else Undefined.ANYWHERE
    codes = [
        generator.value(item, f"{place}.objects[{index}]", members) for index, item in enumerate(options["objects"])
    ]
    ordered = codes[::-1] if options["direction"] == "left" else codes
    is_new = bool(ordered) and ordered[0].text.startswith("{")
    name = generator.source.assigned(ordered[0].text if is_new else "{}")
    for code in ordered[is_new:]:
        if code.kind is Kind.OBJECT and not code.optional:
            generator.source.line(f"{name}.update({code.text})")
            continue
        other = generator.named(code)
        with generator.source.block(f"if type({other}) is dict:"):
            generator.source.line(f"{name}.update({other})")
        with generator.source.block("else:"):
            generator.source.line(f"merge_other({name}, {other}, {_where(generator, place)})")
    return Code(name, undefined=joint(codes), kind=Kind.OBJECT)


def _transform(generator: Generator, options: dict[str, Any], place: str, wanted: Undefined) -> Code:
    outer = generator.payload
    where = _where(generator, place)
    present = outer
    if not outer.is_object:
        name = generator.source.assigned(f"transformable({outer.whole}, {where})")
        present = Payload(name, is_object=True, undefined=outer.undefined, made=outer.made)
    with generator.working_on(present):
        apply = expand_root(options["apply"])
        code = generator.value(apply, f"{place}.apply", Undefined.ELEMENTS)
    name = generator.named(code)
    if outer.made:
        name = generator.source.assigned(f"limited({name}, {where})")
    made = Payload(
        name,
        code.kind is Kind.OBJECT and not code.optional,
        optional=code.optional,
        undefined=code.undefined,
        made=True,
    )
    with generator.working_on(made):
        return generator.value(options["mapping"], f"{place}.mapping", wanted)


def _exclude_when_null(generator: Generator, value: Any, place: str, wanted: Undefined) -> Code:
    code = generator.value(value, place, wanted)
    if wanted.keeps_keys:
        text = generator.source.assigned(f"with_undefined_for_null({code.text})")
        return Code(text, optional=True, undefined=Undefined.ANYWHERE)
    return Code(generator.source.assigned(f"without_nulls({code.text})"), optional=True, undefined=code.undefined)


def _liquid(generator: Generator, text: str, place: str, _wanted: Undefined) -> Code:
    return _written_liquid(generator, text, place, is_identifier=False)


def _written_liquid(generator: Generator, text: str, place: str, *, is_identifier: bool) -> Code:
    if not text:
        return Code("''", kind=Kind.TEXT)
    from .liquid.template import compile_liquid  # noqa: PLC0415 - python-liquid is slow to import, and rarely needed

    template = generator.source.constant(compile_liquid(text), "liquid")
    call = f"{template}.render({generator.payload.whole}, {_where(generator, place)}, is_identifier={is_identifier})"
    return Code(generator.source.assigned(call), kind=Kind.TEXT)


def _identifier_template(generator: Generator, options: dict[str, Any], place: str, _wanted: Undefined) -> Code:
    literal, where = generator.source.literal, _where(generator, place.replace(IDENTIFIER_TEMPLATE, "@template"))
    allows = options["allowsPlaceholders"]
    pieces = []
    for part in parse_template(options["text"]):
        if isinstance(part, str):
            pieces.append((False, part))
        else:
            value, path = generator.follow(part).text, literal(".".join(part))
            call = f"identifier_piece({value}, {path}, {where}, allows_placeholders={allows})"
            pieces.append((True, generator.source.assigned(call)))
    if not any(is_value for is_value, _ in pieces):
        return Code(literal(options["text"]), kind=Kind.TEXT)
    if len(pieces) == 1:
        return Code(pieces[0][1], kind=Kind.TEXT)
    name = generator.source.assigned(generator.source.formatted(pieces))
    generator.source.line(f"check_length(len({name}), {where})")
    return Code(name, kind=Kind.TEXT)


def _identifier_part(generator: Generator, options: dict[str, Any], place: str, _wanted: Undefined) -> Code:
    at = place.removesuffix(f".{IDENTIFIER_PART}")
    code = generator.value(options["value"], at, Undefined.NOWHERE)
    flags = f"allows_placeholders={options['allowsPlaceholders']}, is_encoded={options.get('isEncoded', False)}"
    call = f"identifier_part({code.text}, {_where(generator, at)}, {flags})"
    return Code(generator.source.assigned(call), code.optional)


def _identifier_liquid(generator: Generator, options: dict[str, Any], place: str, _wanted: Undefined) -> Code:
    return _written_liquid(generator, options["text"], place.replace(IDENTIFIER_LIQUID, "@liquid"), is_identifier=True)


def unknown_case(operator: str, place: str) -> None:
    """Raise MappingError for text that @case is asked to change in a way that it does not know."""
    fail(place, f'the operator is "lower" or "upper", but here it is "{operator[:60]}"')


def _where(generator: Generator, place: str) -> str:
    return generator.source.literal(place)


_WRITERS: dict[str, Writer] = {
    "@arrayPath": _array_path,
    "@case": _case,
    "@excludeWhenNull": _exclude_when_null,
    "@flatten": _flatten,
    "@if": _if,
    "@json": _json,
    "@liquid": _liquid,
    "@literal": _literal,
    "@merge": _merge,
    "@path": _path,
    "@replace": _replace,
    "@template": _template,
    "@transform": _transform,
    IDENTIFIER_LIQUID: _identifier_liquid,
    IDENTIFIER_PART: _identifier_part,
    IDENTIFIER_TEMPLATE: _identifier_template,
}
