"""The suite that every queue gets: what the contract promises, as tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .audiences import AudienceTests
from .contents import ContentTests
from .durable import DurableTests
from .erasing import ErasureTests
from .exporting import ExportTests
from .leasing import LeaseTests
from .letters import DeadLetterTests
from .putting import PutTests
from .reporting import ReportTests
from .settling import SettlementTests

if TYPE_CHECKING:
    from .opened import OpenQueue


class QueueSuite(
    PutTests,
    ContentTests,
    LeaseTests,
    SettlementTests,
    DeadLetterTests,
    AudienceTests,
    ErasureTests,
    ExportTests,
    ReportTests,
):
    """What every queue promises."""


class DurableQueueSuite(QueueSuite, DurableTests):
    """What a durable queue promises."""


def queue_suite(open_queue: OpenQueue, *, is_durable: bool) -> type[QueueSuite]:
    """Make the test class of a queue, for a module of tests.

    `open_queue(folder, clock, **options)` opens the queue that belongs to a folder; each test has a folder of its own.
    A durable queue is opened more than once in a folder, also while it is open, and shows the same contents.
    """
    base = DurableQueueSuite if is_durable else QueueSuite
    return type(base.__name__, (base,), {"open_queue": staticmethod(open_queue), "__doc__": base.__doc__})
