"""A request as it is shown: as JSON, as HTTP text or as a curl command. Secrets are masked in each of them."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from .json_body import indented_json
from .text import visible, visible_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from .redaction import Redactor

IMPLIED_HEADERS = frozenset({"host", "content-length"})
"""The headers that HTTP itself adds, in lower case. Only `shown_request` can show them."""


def shown_request(request: httpx.Request, redactor: Redactor, *, all_headers: bool = False) -> dict[str, Any]:
    """Return a request as JSON: method, URL, headers and body.

    `all_headers` adds those that HTTP implies, and writes the names of headers in lower case.
    """
    headers = (
        {name: redactor.text(value) for name, value in request.headers.items()}
        if all_headers
        else dict(own_headers(request, redactor))
    )
    return {
        "method": request.method,
        "url": redactor.text(str(request.url)),
        "headers": headers,
        "body": redactor.value(body_of(request)),
    }


def http_text(request: httpx.Request, redactor: Redactor) -> bytes:
    """Return a request as HTTP text: request line, headers, an empty line, and the body.

    The body is as it is sent, but JSON's escapes replace characters that would steer a terminal.
    """
    lines = [redactor.text(f"{request.method} {request.url}")]
    lines += [f"{name}: {value}" for name, value in own_headers(request, redactor)]
    try:
        body = visible_json(redactor.text(request.content.decode())).encode()
    except UnicodeDecodeError:
        # It is not JSON, so there is no escape that would mean the same.
        body = redactor.text(request.content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    return "\n".join(lines).encode() + b"\n\n" + body + b"\n\n"


def curl_command(request: httpx.Request, redactor: Redactor, variables: Mapping[str, str]) -> str:
    """Return a request as a curl command that runs in a POSIX shell.

    `variables` names the environment variable for each secret that is the value of a header.
    """
    parts = ["curl", "--request", request.method, shlex.quote(redactor.text(str(request.url)))]
    for name, value in _raw_headers(request):
        if value in variables:
            parts += ["--header", f'"{name}: ${variables[value]}"']
        else:
            parts += ["--header", shlex.quote(f"{name}: {redactor.text(value)}")]
    if request.content:
        parts += [
            "--data-raw",
            shlex.quote(visible_json(redactor.text(request.content.decode("utf-8", "backslashreplace")))),
        ]
    return " ".join(parts)


def own_headers(request: httpx.Request, redactor: Redactor) -> list[tuple[str, str]]:
    """Return the headers of a request as they are written, without those that HTTP implies."""
    return [(name, redactor.text(value)) for name, value in _raw_headers(request)]


def body_text(request: httpx.Request, redactor: Redactor) -> str:
    """Return the body of a request for a page: JSON over several lines, another body as text."""
    try:
        text = indented_json(json.loads(request.content))
    except (ValueError, RecursionError):
        text = request.content.decode("utf-8", "backslashreplace")
    return redactor.text(visible(text))


def body_of(request: httpx.Request) -> Any:
    """Return the body of a request, unmasked: as JSON, as text if it is not JSON, None if it is empty."""
    if not request.content:
        return None
    try:
        return json.loads(request.content)
    except (ValueError, RecursionError):
        return request.content.decode("utf-8", "backslashreplace")


def _raw_headers(request: httpx.Request) -> list[tuple[str, str]]:
    headers = [(name.decode("ascii"), value.decode("latin-1")) for name, value in request.headers.raw]
    return [(name, value) for name, value in headers if name.lower() not in IMPLIED_HEADERS]
