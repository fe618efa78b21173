"""What an endpoint says about itself, for the OpenAPI document: beside its routes, each group has its operations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Schema = dict[str, Any]
"""A JSON Schema, as OpenAPI 3.1 has it."""


@dataclass(frozen=True, slots=True)
class Described:
    """An answer: when it is given, and what it holds: a msgspec Struct, a JSON Schema, or None for an empty body.

    `comes_back`: it has `Retry-After`.
    """

    text: str
    model: type | Schema | None
    media_type: str = "application/json"
    comes_back: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One endpoint, and all of its answers by their status.

    - `body`: what it reads, as a msgspec Struct or as a JSON Schema. Endpoints read the raw members of events, for
      speed, so no model has all of those; their schema is in the file that reads them.
    - `security`: names of schemes. One of these is enough; each may be several that are needed together, or none.
    - `headers`, `path_parameters`: those that it reads, each with its description.
    """

    method: Literal["get", "post"]
    path: str
    name: str
    tag: str
    summary: str
    answers: Mapping[int, Described]
    description: str = ""
    body: type | Schema | None = None
    security: tuple[tuple[str, ...], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    path_parameters: Mapping[str, str] = field(default_factory=dict)
