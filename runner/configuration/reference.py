"""The references of the command line and of the configuration, as Markdown, made from what the program itself reads."""

from __future__ import annotations

import inspect
from enum import StrEnum
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

from typer.models import ArgumentInfo, OptionInfo

from ...definitions import Subscription
from ...definitions.documentation import NOTICE, cell_code, code, document_of, escaped, words
from .configuration import DeliveryOptions, environment_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import typer
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

    from ...definitions import DestinationDefinition

_NAMES = {int: "INTEGER", float: "NUMBER", str: "TEXT", Path: "FILE", bool: ""}
_TYPES = {int: "integer", float: "number", str: "string", bool: "boolean", dict: "table"}


def command_line_reference(app: typer.Typer) -> str:
    """Tell every command with its arguments and options. Nothing of it depends on a terminal or the environment."""
    name = app.info.name or ""
    root = app.registered_callback
    lines = [*_head("Command line"), *(_command(name, root.callback, level=0) if root and root.callback else ())]
    return _text([*lines, *_commands(app, name, level=2)])


def configuration_reference(definition: DestinationDefinition, name: str) -> str:
    """Tell every setting and option, as it stands in the file and as it is called in the environment."""
    return _text(
        [
            *_head("Configuration"),
            "A configuration is a TOML file, named by `--config FILE`. Environment variables win over the file,",
            "and options of the [command line](cli.md) over both. Without a file, the environment is enough. These",
            f"are the variables of {escaped(definition.name)}; those of another destination begin with its own name.",
            "",
            "A complete file, explained: [`examples/kable.toml`](../examples/kable.toml).",
            "",
            *_destination(name),
            *_settings(definition, name),
            *_subscriptions(),
            *_delivery(name),
        ]
    )


def _head(title: str) -> list[str]:
    return [f"<!-- {NOTICE} -->", "", f"# {title}", ""]


def _text(lines: Iterable[str]) -> str:
    return "\n".join(lines).rstrip() + "\n"


def _commands(app: typer.Typer, above: str, level: int) -> Iterator[str]:
    for command in app.registered_commands:
        if command.callback is not None:
            yield from _command(f"{above} {command.name}", command.callback, level=level)
    for group in app.registered_groups:
        inner = group.typer_instance
        if inner is not None:
            path = f"{above} {group.name or inner.info.name}"
            yield from (f"{'#' * level} {code(path)}", "", escaped(inner.info.help), "")
            yield from _commands(inner, path, level + 1)


def _command(path: str, function: Callable[..., Any], *, level: int) -> Iterator[str]:
    arguments, options = _parameters(function)
    usage = [path, *("[OPTIONS]" for _ in options[:1]), *(info.metavar or "" for info, *_ in arguments)]
    if level:
        yield from (f"{'#' * level} {code(path)}", "")
    for paragraph in inspect.cleandoc(function.__doc__ or "").split("\n\n"):
        yield from (escaped(paragraph), "")
    yield from (f"Usage: {code(' '.join(usage))}", "")
    if arguments:
        yield from ("| Argument | What it is |", "| --- | --- |")
        yield from (f"| {cell_code(info.metavar or '')} | {escaped(info.help or '')} |" for info, *_ in arguments)
        yield ""
    if options:
        yield from ("| Option | What it does |", "| --- | --- |")
        for info, kind, default in options:
            names = cell_code(f"{', '.join(_names(info))} {info.metavar or _metavar(kind)}".strip())
            yield f"| {names} | {escaped(info.help or '')}{_range(info)}{_default_of_option(default)} |"
        yield ""


def _default_of_option(default: Any) -> str:
    if default is inspect.Parameter.empty:
        return " Required."
    return "" if default is None or default is False else f" By default {cell_code(str(default))}."


Parameter = tuple[Any, Any, Any]


def _parameters(function: Callable[..., Any]) -> tuple[list[Parameter], list[Parameter]]:
    """Give the arguments and the options of a command: what typer is told of each, its type, its default."""
    arguments: list[Parameter] = []
    options: list[Parameter] = []
    hints = get_type_hints(function, include_extras=True)
    for parameter in inspect.signature(function).parameters.values():
        kind, info, *_ = get_args(hints[parameter.name])
        if isinstance(info, ArgumentInfo):
            arguments.append((info, kind, parameter.default))
        elif isinstance(info, OptionInfo):
            options.append((info, kind, parameter.default))
    return arguments, options


def _names(info: OptionInfo) -> list[str]:
    """Give the names of an option; typer keeps the first that is written in an annotation as its default."""
    return [name for name in (info.default, *(info.param_decls or ())) if isinstance(name, str)]


def _metavar(kind: Any) -> str:
    (kind, *_) = _alternatives(kind)
    if get_origin(kind) is list:
        (kind,) = get_args(kind)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return "|".join(kind)
    return _NAMES.get(kind, "TEXT")


def _alternatives(kind: Any) -> list[Any]:
    """Give the types that a union admits, other than None."""
    kinds = get_args(kind) if get_origin(kind) in {Union, UnionType} else (kind,)
    return [found for found in kinds if found is not NoneType]


def _range(info: OptionInfo) -> str:
    if info.min is not None and info.max is not None:
        return f" From {info.min:g} to {info.max:g}."
    return "" if info.min is None else f" At least {info.min:g}."


def _destination(name: str) -> Iterator[str]:
    yield from (
        "## `destination`",
        "",
        f"The name of an installed destination, or the path of a manifest (`.json`). By default {code(name)}.",
        "",
    )


def _settings(definition: DestinationDefinition, name: str) -> Iterator[str]:
    yield from ("## `[settings]`", "")
    yield from ("| Key | Variable | Required | Type | What it is |", "| --- | --- | --- | --- | --- |")
    for field in document_of(definition).settings:
        if field.depth == 0:
            variable = cell_code(environment_name(name, field.key))
            as_json = " In its variable, as JSON." if field.type in {"object", "text-map"} else ""
            yield (
                f"| {cell_code(field.key)} | {variable} | {escaped(field.required)} | {escaped(field.type)} "
                f"| {escaped(field.description)}{as_json} |"
            )
    yield ""


def _subscriptions() -> Iterator[str]:
    yield from (
        "## `[[subscriptions]]`",
        "",
        "Which events go to which action, one table each. Without any, the presets apply.",
        "",
        "| Key | Type | Default | What it is |",
        "| --- | --- | --- | --- |",
    )
    for key, field in _fields(Subscription):
        yield f"| {cell_code(key)} | {escaped(_type(field))} | {_default(field)} | {words(field.description or '')} |"
    yield ""


def _delivery(name: str) -> Iterator[str]:
    yield from (
        "## `[delivery]`",
        "",
        "| Key | Variable | Type | Default | What it is |",
        "| --- | --- | --- | --- | --- |",
    )
    for key, field in _fields(DeliveryOptions):
        variable = cell_code(environment_name(name, key))
        yield (
            f"| {cell_code(key)} | {variable} | {escaped(_type(field))} | {_default(field)} "
            f"| {words(field.description or '')}{_bounds(field)} |"
        )


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    return ((field.alias or name, field) for name, field in model.model_fields.items())


def _type(field: FieldInfo) -> str:
    kinds = _alternatives(field.annotation)
    told = [
        "false" if get_origin(kind) is Literal else _TYPES.get(get_origin(kind) or kind, "string") for kind in kinds
    ]
    return " or ".join(told)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if default is None or default in ("", {}):
        return ""
    return cell_code(str(default).lower() if isinstance(default, bool) else str(default))


def _bounds(field: FieldInfo) -> str:
    bounds = {
        name: getattr(bound, name) for bound in field.metadata for name in ("gt", "ge", "le") if hasattr(bound, name)
    }
    told = {"gt": "more than", "ge": "at least", "le": "at most"}
    found = [f"{told[name]} {value:,}" for name, value in bounds.items()]
    return f" {', '.join(found).capitalize()}." if found else ""
