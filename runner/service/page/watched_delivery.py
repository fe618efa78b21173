"""Everything of the page that shows a delivery, for one queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lanes import Lanes
from .letter_changes import LetterChanges
from .letters import Letters
from .live import Live
from .queue_status import QueueReadings
from .watching import Watching

if TYPE_CHECKING:
    from ....definitions import DestinationDefinition, Redactor
    from ...configuration.delivery_options import DeliveryOptions
    from ...delivery.clock import Clock
    from .figures import Figures
    from .known_accounts import KnownAccounts
    from .watched_queue import WatchedQueue


class WatchedDelivery:
    """What lasts as long as the process, whatever its configuration: the readings of the queue, and who watches.

    `figures` has what deliveries of this process do; None if there are none, or if another process delivers.
    """

    def __init__(self, queue: WatchedQueue, figures: Figures | None, *, clock: Clock) -> None:
        self._queue = queue
        self._clock = clock
        self._readings = QueueReadings(queue, clock)
        self._live = Live(self._readings, figures, clock=clock)

    def end(self) -> None:
        """End all live views: the process is about to end."""
        self._live.end()

    def endpoints(
        self,
        definition: DestinationDefinition,
        options: DeliveryOptions,
        accounts: KnownAccounts,
        redactor: Redactor,
    ) -> tuple[Watching, Lanes, LetterChanges, Letters]:
        """Return the endpoints for a configuration."""
        queue, readings = self._queue, self._readings
        return (
            Watching(readings, self._live, accounts, definition, redactor),
            Lanes(queue, readings, accounts, definition, redactor),
            # Before those whose path may have any ID.
            LetterChanges(queue, readings, accounts, options, redactor, clock=self._clock),
            Letters(queue, accounts, definition, redactor),
        )
