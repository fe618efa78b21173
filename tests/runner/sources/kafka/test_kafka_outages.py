"""Workers while brokers or the server of the outbox are away: they wait, and go on by themselves."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from kafka_workers import EVENTS, event, running_workers
from postgres_server import own_server, require_postgres

if TYPE_CHECKING:
    from pathlib import Path

    from kable_destination.runner.sandbox import RunningSandbox
    from kafka_cluster import Cluster

SECONDS = float(os.environ.get("KABLE_KAFKA_OUTAGE", "3"))
"""How long brokers or the server are away."""


def test_brokers_may_be_away_when_a_worker_starts_and_later(
    own_cluster: Cluster, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    with running_workers(own_cluster, sandbox, tmp_path) as workers:

        def interrupt() -> None:
            for node in own_cluster.nodes.values():
                node.kill()

        interrupt()
        workers.start()
        workers.until(lambda: "unreachable" in workers.log())
        time.sleep(SECONDS)
        own_cluster.restore()
        own_cluster.publish(workers.topic, [event(number) for number in range(EVENTS)])
        workers.until_delivered(range(EVENTS))
        interrupt()
        time.sleep(SECONDS)
        own_cluster.restore()
        own_cluster.publish(workers.topic, [event(number) for number in range(EVENTS, EVENTS + 100)])
        workers.until_delivered(range(EVENTS + 100))
        assert workers.end() == [0]
    assert sandbox.ledger.duplicates == 0


def test_the_server_of_the_outbox_may_be_away_for_a_while(
    cluster: Cluster, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    require_postgres()
    with own_server() as server, running_workers(cluster, sandbox, tmp_path) as workers:
        workers.start(("--outbox", server.outbox(tmp_path)))
        cluster.publish(workers.topic, [event(number) for number in range(EVENTS)])
        workers.until(lambda: len(sandbox.ledger.events) > 0)
        server.kill()
        cluster.publish(workers.topic, [event(number) for number in range(EVENTS, EVENTS + 100)])
        time.sleep(SECONDS)
        server.start()
        workers.until_delivered(range(EVENTS + 100))
        assert workers.end() == [0]
