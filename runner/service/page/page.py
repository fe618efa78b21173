"""The page: its parts, and who is let through to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from .access import Access
from .comparisons import Comparisons
from .drafts import Drafts
from .exports import Exports
from .files import PageFiles
from .lanes import Lanes
from .letter_changes import LetterChanges
from .letters import Letters
from .previews import Previews
from .sending import Sending
from .start import Starting
from .watching import Watching

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    from ...configuration.page_configuration import PageConfiguration
    from ...delivery.clock import Clock
    from ...transports.contract import Transport
    from ..operations import Operation

    class Part(Protocol):
        """A group of endpoints of the API."""

        def routes(self) -> list[Route]:
            """Return the endpoints."""


class Page:
    """The endpoints of the page, each behind the checks of its access. `host` is the address that it listens on.

    `watching` are the parts that look at a queue.
    """

    def __init__(
        self,
        configuration: PageConfiguration,
        transport: Transport,
        clock: Clock,
        *,
        host: str,
        watching: Sequence[Part] = (),
    ) -> None:
        drafts = Drafts(configuration)
        self.access = Access(
            host=host,
            token=configuration.token,
            public_url=configuration.public_url,
            is_proxied=configuration.public_url is not None or bool(configuration.service.trusted_proxies),
            clock=clock,
            redactor=drafts.redactor,
        )
        self._files = PageFiles()
        self._parts: list[Part] = [
            Starting(drafts, can_watch=bool(watching)),
            Previews(drafts),
            Comparisons(drafts),
            Exports(drafts),
            Sending(drafts, transport, clock),
            *watching,
        ]

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        access = self.access
        api = [
            Route(route.path, access.to_api(route.endpoint), methods=[*(route.methods or ())])
            for part in self._parts
            for route in part.routes()
        ]
        files = [Route(route.path, access.to_files(route.endpoint), methods=["GET"]) for route in self._files.routes()]
        return [*api, *files]

    @staticmethod
    def operations() -> list[Operation]:
        """Return what the endpoints of the API say about themselves."""
        parts = (Starting, Previews, Comparisons, Exports, Sending, Watching, Lanes, LetterChanges, Letters)
        return [operation for part in parts for operation in part.operations()]
