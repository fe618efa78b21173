"""A real cluster of three nodes for the tests here, or a clear sentence why there is none."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from kafka_jars import UnavailableError, is_required

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kafka_cluster import Cluster


@pytest.fixture(scope="session")
def started_cluster(testrun_uid: str) -> Iterator[Cluster]:
    """The nodes, which all processes of a test run share."""
    if not is_required():
        pytest.skip("tests with Kafka are run by make test-servers, or with KABLE_KAFKA=required")
    from kafka_cluster import shared_cluster  # noqa: PLC0415 - its library comes with an extra

    with contextlib.ExitStack() as stack:
        try:
            found = stack.enter_context(shared_cluster(testrun_uid))
        except UnavailableError as error:
            pytest.fail(f"Kafka cannot be had: {error}")
        yield found


@pytest.fixture
def cluster(started_cluster: Cluster, testrun_uid: str) -> Iterator[Cluster]:
    """The nodes, for a test that leaves them as they are."""
    from kafka_cluster import exclusive  # noqa: PLC0415 - likewise

    with exclusive(testrun_uid, shared=True):
        yield started_cluster


@pytest.fixture
def own_cluster(started_cluster: Cluster, testrun_uid: str) -> Iterator[Cluster]:
    """The nodes, for a test that kills some of them: nobody else uses them meanwhile."""
    from kafka_cluster import exclusive  # noqa: PLC0415 - likewise

    with exclusive(testrun_uid, shared=False):
        try:
            yield started_cluster
        finally:
            started_cluster.restore()
