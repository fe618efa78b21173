"""The queue contract as tests, for any engine. Needs pytest."""

import pytest

# Before they are imported, so a failed assertion shows its values.
pytest.register_assert_rewrite(
    *(f"{__name__}.{name}" for name in ("durable", "exporting", "leasing", "letters", "putting", "settling"))
)

from .suite import DurableQueueSuite, QueueSuite, queue_suite  # noqa: E402 - see above

__all__ = ["DurableQueueSuite", "QueueSuite", "queue_suite"]
