"""What Analytics.js asks for before it sends events: the script itself, and its settings."""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from ...definitions import Problem, SetupError
from .answers import INTERNAL_ERROR, AnswerError, ErrorAnswer, json_answer
from .operations import Described, Operation

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path

    from starlette.requests import Request

_PATHS = (
    "/v1/projects/{write_key}/settings",
    "/projects/{write_key}/settings",
    "/analytics.js/v1/{write_key}/analytics.min.js",
)
_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_CACHED = {"Cache-Control": "public, max-age=300"}
"""Browsers ask at every page; a change is seen within five minutes."""

_CACHED_FOR_ONE = {"Cache-Control": "private, max-age=300"}
"""For what depends on the Host of the request: a cache between us must not give it to others."""

_MOST_SCRIPT_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Script:
    """A build of Analytics.js, as it is sent."""

    content: bytes
    compressed: bytes
    tag: str

    @classmethod
    def read(cls, path: Path) -> Script:
        """Read a build. Raises SetupError."""
        place = "service.analyticsJs"
        try:
            with path.open("rb") as file:
                content = file.read(_MOST_SCRIPT_BYTES + 1)
        except OSError as error:
            raise SetupError.of([Problem(place, f"{path} cannot be read: {error.strerror or error}")]) from None
        if len(content) > _MOST_SCRIPT_BYTES:
            raise SetupError.of([Problem(place, f"{path} has more than {_MOST_SCRIPT_BYTES:,} bytes")])
        tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        return cls(content, gzip.compress(content, mtime=0), tag)

    def answer(self, request: Request) -> Response:
        """Return the answer to a browser, which may have the script already."""
        headers = {
            **_CACHED,
            "ETag": self.tag,
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
        }
        if self.tag in request.headers.get("if-none-match", ""):
            return Response(None, 304, headers)
        content = self.content
        if "gzip" in request.headers.get("accept-encoding", ""):
            content, headers["Content-Encoding"] = self.compressed, "gzip"
        return Response(content, 200, headers, "text/javascript")


class Browser:
    """The endpoints for the write keys that are known.

    `public_url` is the address of this service for others; without it, a request says how it has reached the service.
    """

    def __init__(self, write_keys: Container[str], *, public_url: str | None, script: Script | None) -> None:
        self._write_keys = write_keys
        self._public_url = public_url
        self._script = script

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        return [
            Route(_PATHS[0], self._settings, methods=["GET"]),
            Route(_PATHS[1], self._settings, methods=["GET"]),
            Route(_PATHS[2], self._analytics_js, methods=["GET"]),
        ]

    @staticmethod
    def operations() -> list[Operation]:
        """Return what the endpoints say about themselves."""
        unknown = Described("The write key is not known.", ErrorAnswer)
        settings = {
            200: Described("The settings.", {"type": "object", "required": ["integrations", "metrics"]}),
            400: Described("The Host header is missing or malformed.", ErrorAnswer),
            403: Described("Web pages of this origin may not use the service.", ErrorAnswer),
            404: unknown,
            500: INTERNAL_ERROR,
        }
        script = {
            200: Described("The script.", {"type": "string"}, "text/javascript"),
            304: Described("The browser has it already.", None),
            403: settings[403],
            404: Described("The write key is not known, or there is no script.", ErrorAnswer),
            500: INTERNAL_ERROR,
        }
        key = {"write_key": "The write key of a source."}
        said = "Return the settings of a source for Analytics.js."
        return [
            Operation("get", _PATHS[0], "readSettings", "Browser", said, settings, path_parameters=key),
            Operation("get", _PATHS[1], "readSettingsByShortPath", "Browser", said, settings, path_parameters=key),
            Operation("get", _PATHS[2], "readScript", "Browser", "Return Analytics.js.", script, path_parameters=key),
        ]

    async def _settings(self, request: Request) -> Response:
        """Answer the settings of a source: the least that has Analytics.js and the mobile SDKs send all to this host.

        Without `apiKey` they send no write key, and with another sampling rate Analytics.js sends counters to Segment.
        """
        try:
            write_key = self._known_key(request)
            protocol, address = self._reached_at(request)
        except AnswerError as error:
            return json_answer(error.status, {"code": error.code, "message": error.message})
        settings = {
            "integrations": {"Segment.io": {"apiKey": write_key, "apiHost": f"{address}/v1", "protocol": protocol}},
            "metrics": {"sampleRate": 0},
        }
        return json_answer(200, settings, _CACHED_FOR_ONE if self._public_url is None else _CACHED)

    async def _analytics_js(self, request: Request) -> Response:
        """Answer the script."""
        try:
            self._known_key(request)
        except AnswerError as error:
            return json_answer(error.status, {"code": error.code, "message": error.message})
        if self._script is None:
            message = "This service has no build of Analytics.js; the option analyticsJs of [service] names one."
            return json_answer(404, {"code": "not_found", "message": message})
        return self._script.answer(request)

    def _known_key(self, request: Request) -> str:
        write_key: str = request.path_params["write_key"]
        if write_key not in self._write_keys:
            message = "The write key is not one of this service's; check the SDK's key."
            raise AnswerError(404, "invalid_write_key", message)
        return write_key

    def _reached_at(self, request: Request) -> tuple[str, str]:
        """Return the protocol of this service, and its host with what comes before its paths."""
        if self._public_url is not None:
            protocol, _, address = self._public_url.partition("://")
            return protocol, address
        host = request.headers.get("host", "")
        # It comes back as the address that events are sent to.
        if not _HOST.fullmatch(host):
            raise AnswerError(400, "invalid_host", "The Host header is missing, or is not the name of a host.")
        return request.scope["scheme"], host
