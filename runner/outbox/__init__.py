"""The outbox: a durable queue in one SQLite file, for any number of processes."""

from .outbox import Outbox
from .schema import OutboxError

__all__ = ["Outbox", "OutboxError"]
