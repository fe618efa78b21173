"""The files of the page, as they were built: it loads nothing from anywhere else."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from .messages import PageError

if TYPE_CHECKING:
    from starlette.requests import Request

_TYPES = {
    "index.html": "text/html; charset=utf-8",
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "licences.txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    compressed: bytes
    tag: str
    media_type: str


class PageFiles:
    """The endpoints of the files. They are read once, and only those that are named here can be asked for."""

    def __init__(self) -> None:
        folder = files(__package__) / "static"
        self._files = {name: _file((folder / name).read_bytes(), kind) for name, kind in _TYPES.items()}

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        return [
            Route("/", self._answer, methods=["GET"]),
            Route("/page", self._answer, methods=["GET"]),
            Route("/page/{name}", self._answer, methods=["GET"]),
        ]

    async def _answer(self, request: Request) -> Response:
        file = self._files.get(request.path_params.get("name", "index.html"))
        if file is None:
            raise PageError(404, "not_found", "The page has no such file.")
        headers = {"Cache-Control": "no-cache", "ETag": file.tag, "Vary": "Accept-Encoding"}
        if request.headers.get("if-none-match") == file.tag:
            return Response(None, 304, headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Response(file.compressed, headers=headers, media_type=file.media_type)
        return Response(file.content, headers=headers, media_type=file.media_type)


def _file(content: bytes, media_type: str) -> _File:
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return _File(content, gzip.compress(content, mtime=0), tag, media_type)
