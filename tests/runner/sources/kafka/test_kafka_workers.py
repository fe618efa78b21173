"""`work --from` on a real cluster: what it shows, and what it does when it cannot continue for a while."""

from __future__ import annotations

import re
import signal
import time
from typing import TYPE_CHECKING

import httpx

from kable_destination.runner.sandbox import Faults
from kafka_workers import EVENTS, event, running_workers

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox
    from kafka_cluster import Cluster
    from kafka_workers import Workers

FEW, MANY = 6_000, 10_000


def test_an_owner_that_was_frozen_does_not_accept_what_another_has_accepted(
    cluster: Cluster, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    with running_workers(cluster, sandbox, tmp_path, partitions=1) as workers:
        frozen = workers.start()
        cluster.publish(workers.topic, [event(number) for number in range(50)])
        workers.until_delivered(range(50))
        frozen.send_signal(signal.SIGSTOP)
        workers.start()
        cluster.publish(workers.topic, [event(number) for number in range(50, 100)])
        workers.until_delivered(range(100))
        frozen.send_signal(signal.SIGCONT)
        cluster.publish(workers.topic, [event(number) for number in range(100, 150)])
        workers.until_delivered(range(150))
        assert workers.end() == [0, 0]
    assert sandbox.ledger.duplicates == 0


def test_lag_and_what_is_skipped_are_metrics(cluster: Cluster, sandbox: RunningSandbox, tmp_path: Path) -> None:
    with running_workers(cluster, sandbox, tmp_path, partitions=1) as workers:
        workers.start(options=("--admin-port", "0"))
        cluster.publish(workers.topic, [event(0), None, event(1)])
        workers.until_delivered(range(2))
        found = re.search(r"metrics and health on (http://\S+)", workers.log())
        assert found is not None
        part = f'{{destination="kable",source="kafka:{workers.topic}/0"}}'
        wanted = {f"destination_runner_source_lag{part} 0.0", f"destination_runner_source_tombstones_total{part} 1.0"}
        workers.until(lambda: wanted <= {*httpx.get(f"{found[1]}/metrics").text.splitlines()})
        assert f"destination_runner_source_halted{part} 0.0" in httpx.get(f"{found[1]}/metrics").text


def test_the_lag_of_a_partition_is_shown_by_its_reader_alone(
    cluster: Cluster, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    """What its earlier reader knew last would be added to every sum, for as long as that process runs."""
    with running_workers(cluster, sandbox, tmp_path, partitions=2) as workers:
        partitions = {f"kafka:{workers.topic}/{number}" for number in range(2)}
        workers.start(options=("--admin-port", "0"))
        cluster.publish(workers.topic, [event(number) for number in range(20)])
        workers.until(lambda: {*shown_lags(workers)[0]} == partitions)
        workers.start(options=("--admin-port", "0"))
        workers.until(lambda: sorted(map(len, shown_lags(workers))) == [1, 1])
        assert {name for names in shown_lags(workers) for name in names} == partitions
        assert workers.end() == [0, 0]


def test_the_lag_grows_with_the_topic_while_nothing_is_fetched(
    cluster: Cluster, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    (tmp_path / "kable.toml").write_text("[delivery]\noutboxMegabytes = 1\n")
    sandbox.faults.set(Faults(statuses={"503": 1.0}, retry_after="1"))
    # More than the outbox has room for.
    count = 30_000
    with running_workers(cluster, sandbox, tmp_path, partitions=1) as workers:
        workers.start(options=("--config", "kable.toml", "--admin-port", "0"))
        cluster.publish(workers.topic, [event(number) for number in range(count)])
        workers.until(lambda: "full" in workers.log())
        # Longer than messages trickle in: nothing is fetched any more.
        time.sleep(7)
        cluster.publish(workers.topic, [event(number) for number in range(count, 2 * count)])
        workers.until(lambda: shown_lag(workers) >= count)


def shown_lag(workers: Workers) -> float:
    """Return the lag that a worker shows of a topic with one partition; 0 if it shows none yet."""
    (url,) = re.findall(r"health on (http://\S+)", workers.log())
    found = re.search(r"\ndestination_runner_source_lag\{.*\} (\S+)", httpx.get(f"{url}/metrics").text)
    return 0.0 if found is None else float(found[1])


def shown_lags(workers: Workers) -> list[list[str]]:
    """Return the partitions whose lag each worker shows."""
    pages = [httpx.get(f"{url}/metrics").text for url in re.findall(r"health on (http://\S+)", workers.log())]
    return [re.findall(r'\ndestination_runner_source_lag\{.*source="([^"]+)"\}', page) for page in pages]


def test_a_topic_that_is_not_there_yet_is_read_once_it_is(
    cluster: Cluster, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    with running_workers(cluster, sandbox, tmp_path, partitions=1) as workers:
        cluster.delete_topic(workers.topic)
        workers.start()
        workers.until(lambda: "unreachable" in workers.log())
        cluster.create_topic(workers.topic, 1)
        cluster.publish(workers.topic, [event(0)])
        workers.until_delivered([0])
        workers.end()


def test_a_topic_that_is_made_again_while_it_is_read_stops_its_partitions(
    cluster: Cluster, sandbox: RunningSandbox, command_line: CommandLine
) -> None:
    with running_workers(cluster, sandbox, command_line.folder, partitions=1) as workers:
        workers.start()
        cluster.publish(workers.topic, [event(number) for number in range(10)])
        workers.until_delivered(range(10))
        cluster.delete_topic(workers.topic)
        workers.until(lambda: "Unknown topic" in workers.log())
        cluster.create_topic(workers.topic, 1)
        # More than there were, so the earlier offset is there again.
        cluster.publish(workers.topic, [event(number) for number in range(10, 40)])
        workers.until(lambda: "the topic was deleted and made again" in workers.log())
        assert workers.end() == [0]
        workers.start(query="&lost=continue")
        workers.until_delivered(range(40))
        workers.end()


def test_more_than_the_outbox_holds_waits_in_the_topic(
    cluster: Cluster, sandbox: RunningSandbox, command_line: CommandLine
) -> None:
    (command_line.folder / "kable.toml").write_text("[delivery]\noutboxMegabytes = 1\n")
    # More than a worker holds, or just more than fits.
    count = max(16_000, EVENTS) if EVENTS >= MANY else FEW
    sandbox.faults.set(Faults(statuses={"503": 1.0}, retry_after="1"))
    with running_workers(cluster, sandbox, command_line.folder, partitions=2) as workers:
        # Shorter than it waits: a worker that did not poll meanwhile would lose its partitions.
        workers.start(options=("--config", "kable.toml"), query="&max.poll.interval.ms=6000")
        cluster.publish(workers.topic, [event(number) for number in range(count)])
        workers.until(lambda: "full" in workers.log())
        if count > FEW:
            # Longer than messages trickle in: nothing is fetched any more.
            time.sleep(10)
        sandbox.faults.set(Faults())
        workers.until_delivered(range(count))
        workers.end()
