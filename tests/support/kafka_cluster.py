"""Three real Kafka nodes (KRaft) on loopback, shared by all test processes of one run."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import psutil
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._scram import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion
from confluent_kafka.cimpl import NewTopic

from certificates import make_certificate
from kafka_jars import INSTALLED, POM, installed_jars
from kafka_properties import PASSWORD, PROPERTIES, USER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

NODES = (1, 2, 3)
_CLUSTER_ID = "Vr8Nn2kSTyqQ3m0yXc1bWg"
_SECONDS_TO_START = 60.0
_JAVA = (
    *("java", "-Xms96m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"),
    f"-Dlog4j2.configurationFile={POM.with_name('log4j2.properties')}",
)


class Node:
    """One broker, which is also a controller. It can be killed, paused, and started again."""

    def __init__(self, number: int, folder: Path, port: int, properties: Path) -> None:
        self.number = number
        self.port = port
        self._folder = folder
        self._properties = properties

    def start(self) -> None:
        """Start the process. It runs on if the test process that started it ends before others."""
        jars = installed_jars()
        logs = self._folder / f"node-{self.number}.log"
        with logs.open("ab") as log:
            command = [
                *_JAVA,
                f"-Dkafka.logs.dir={self._folder}",
                "-cp",
                f"{jars}/*",
                "kafka.Kafka",
                str(self._properties),
            ]
            process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        (self._folder / f"node-{self.number}.pid").write_text(str(process.pid))
        # Whoever ends last kills it: it is no concern of this object any more.
        process.returncode = 0

    @property
    def logs(self) -> Path:
        """The folder with the log of each partition."""
        return self._folder / f"node-{self.number}"

    @property
    def pid(self) -> int:
        """The process."""
        return int((self._folder / f"node-{self.number}.pid").read_text())

    def kill(self) -> None:
        """End the process at once, as a crash does, and wait until it is gone."""
        self.signal(signal.SIGKILL)
        end = time.monotonic() + _SECONDS_TO_START
        while _is_running(self.pid):
            assert time.monotonic() < end, f"node {self.number} cannot be killed"
            time.sleep(0.02)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop the process for as long as the block lasts: its connections stay, and nothing is answered."""
        self.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)

    def signal(self, number: int) -> None:
        """Send a signal to the process if it runs."""
        if _is_running(self.pid):
            os.kill(self.pid, number)


class Cluster:
    """The nodes, and what tests do with them."""

    def __init__(self, folder: Path) -> None:
        told = json.loads((folder / "cluster.json").read_text())
        self.nodes = {
            number: Node(number, folder, told["ports"][number - 1], folder / f"node-{number}.properties")
            for number in NODES
        }
        self.brokers = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes.values())
        self.brokers_with_login = ",".join(f"127.0.0.1:{port}" for port in told["login_ports"])
        self.brokers_with_tls = ",".join(f"localhost:{port}" for port in told["secure_ports"])
        self.certificate = folder / "localhost.pem"
        self.admin = AdminClient({"bootstrap.servers": self.brokers, "log_level": 0})

    def create_topic(self, name: str, partitions: int = 4, config: Mapping[str, str] | None = None) -> None:
        """Create a topic with three replicas. It waits until the nodes can."""
        end = time.monotonic() + _SECONDS_TO_START
        while True:
            asked = self.admin.create_topics(
                [NewTopic(name, partitions, 3, config=dict(config or {}))], operation_timeout=10, request_timeout=10
            )
            try:
                asked[name].result()
            except KafkaException as error:
                # The answer to an earlier question may have been lost.
                failure = None if error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS else error
            else:
                failure = None
            if failure is None:
                self._wait_for_leaders(name, partitions, end)
                return
            assert time.monotonic() < end, f"the nodes do not become ready: {failure}"
            time.sleep(0.1)

    def let_in(self) -> None:
        """Let the user log in by SCRAM; PLAIN has its password in the settings of the nodes."""
        credential = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        asked = self.admin.alter_user_scram_credentials(
            [UserScramCredentialUpsertion(USER, credential, PASSWORD.encode())]
        )
        asked[USER].result(_SECONDS_TO_START)

    def delete_topic(self, name: str) -> None:
        """Delete a topic, and wait until nobody knows it."""
        self.admin.delete_topics([name], operation_timeout=10)[name].result()
        end = time.monotonic() + _SECONDS_TO_START
        while name in self.admin.list_topics(timeout=10).topics:
            assert time.monotonic() < end
            time.sleep(0.1)

    def low(self, topic: str, partition: int) -> int:
        """Return the oldest offset of a partition."""
        consumer = Consumer({"bootstrap.servers": self.brokers, "group.id": "tests", "log_level": 0})
        try:
            return int(consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)[0])
        finally:
            consumer.close()

    def leader(self, topic: str, partition: int = 0) -> Node:
        """Return the node that leads a partition."""
        end = time.monotonic() + _SECONDS_TO_START
        while (number := self.admin.list_topics(topic, timeout=10).topics[topic].partitions[partition].leader) < 1:
            assert time.monotonic() < end
            time.sleep(0.1)
        return self.nodes[number]

    def publish(
        self,
        topic: str,
        values: Sequence[bytes | None],
        *,
        key: str | None = None,
        partition: int | None = None,
        headers: Sequence[tuple[str, str | bytes | None]] = (),
    ) -> None:
        """Publish some values, and wait until all of them are on all replicas."""
        failed: list[KafkaError] = []
        options: dict[str, Any] = {"bootstrap.servers": self.brokers, "acks": "all", "enable.idempotence": True}

        def note(error: KafkaError | None, _message: object) -> None:
            if error is not None:
                failed.append(error)

        producer = Producer({**options, "linger.ms": 5, "log_level": 0})
        where = -1 if partition is None else partition
        for value in values:
            while True:
                try:
                    producer.produce(topic, value, key, where, on_delivery=note, headers=[*headers])
                    break
                except BufferError:
                    producer.poll(0.1)
            producer.poll(0)
        assert producer.flush(_SECONDS_TO_START) == 0
        assert failed == []

    def restore(self) -> None:
        """Have all nodes run and lead again what they led."""
        for node in self.nodes.values():
            node.signal(signal.SIGCONT)
            if not _is_running(node.pid):
                node.start()
        end = time.monotonic() + _SECONDS_TO_START
        while self._answering() < len(NODES):
            assert time.monotonic() < end, "a node has not come back"
            time.sleep(0.1)

    def _answering(self) -> int:
        with suppress(KafkaException):
            return len(self.admin.list_topics(timeout=10).brokers)
        return 0

    def _wait_for_leaders(self, name: str, partitions: int, end: float) -> None:
        while True:
            found = self.admin.list_topics(name, timeout=10).topics[name].partitions
            if len(found) == partitions and all(partition.leader > 0 for partition in found.values()):
                return
            assert time.monotonic() < end
            time.sleep(0.05)


@contextmanager
def shared_cluster(run: str) -> Iterator[Cluster]:
    """Yield the nodes of a test run; the first process that asks starts them, and the last one ends them.

    Raises UnavailableError if Kafka cannot be had.
    """
    installed_jars()
    folder = INSTALLED / f"run-{run}"
    folder.mkdir(parents=True, exist_ok=True)
    users = folder / "users"
    with _locked(folder / "lock"):
        if not users.exists():
            _start(folder)
            users.mkdir()
        (users / str(os.getpid())).touch()
    try:
        yield Cluster(folder)
    finally:
        with _locked(folder / "lock"):
            (users / str(os.getpid())).unlink(missing_ok=True)
            # A test process that has crashed is no user any more.
            if not any(psutil.pid_exists(int(path.name)) for path in users.iterdir()):
                for node in Cluster(folder).nodes.values():
                    node.kill()
                shutil.rmtree(folder)


@contextmanager
def exclusive(run: str, *, shared: bool) -> Iterator[None]:
    """Hold the nodes for one test; those that leave them alone share them."""
    with (INSTALLED / f"run-{run}" / "exclusive").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield


def _start(folder: Path) -> None:
    count = len(NODES)
    ports = _free_ports(4 * count)
    brokers, controllers, logins, secures = (ports[at : at + count] for at in range(0, 4 * count, count))
    certificate = make_certificate(folder)
    keystore = folder / "keystore.pem"
    keystore.write_text(certificate.key.read_text() + certificate.file.read_text())
    voters = ",".join(f"{number}@127.0.0.1:{port}" for number, port in zip(NODES, controllers, strict=True))
    for number, broker, controller, login, secure in zip(NODES, brokers, controllers, logins, secures, strict=True):
        clients = f"PLAINTEXT://127.0.0.1:{broker},LOGIN://127.0.0.1:{login},SECURE://localhost:{secure}"
        properties = {
            **PROPERTIES,
            "node.id": number,
            "controller.quorum.voters": voters,
            "listeners": f"{clients},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": clients,
            "listener.name.secure.ssl.keystore.location": keystore,
            "log.dirs": folder / f"node-{number}",
        }
        lines = "".join(f"{key}={value}\n" for key, value in properties.items())
        (folder / f"node-{number}.properties").write_text(lines)
    _format(folder)
    (folder / "cluster.json").write_text(json.dumps({"ports": brokers, "login_ports": logins, "secure_ports": secures}))
    for node in Cluster(folder).nodes.values():
        node.start()


def _format(folder: Path) -> None:
    """Format the folders of the nodes. Only the first run needs Java for that: the ports are not part of it."""
    formatted = INSTALLED / "formatted"
    with _locked(INSTALLED / "formatting"):
        if not formatted.exists():
            made = folder / "formatting"
            made.mkdir()
            running = []
            for number in NODES:
                properties = made / f"node-{number}.properties"
                lines = (folder / f"node-{number}.properties").read_text().splitlines()
                kept = [line for line in lines if not line.startswith("log.dirs=")]
                properties.write_text("\n".join([*kept, f"log.dirs={made / f'node-{number}'}\n"]))
                command = [*_JAVA, "-cp", f"{installed_jars()}/*", "kafka.tools.StorageTool", "format"]
                running.append(
                    subprocess.Popen([*command, "-t", _CLUSTER_ID, "-c", properties], stdout=subprocess.DEVNULL)
                )
            assert [process.wait(_SECONDS_TO_START) for process in running] == [0, 0, 0]
            made.rename(formatted)
    for number in NODES:
        shutil.copytree(formatted / f"node-{number}", folder / f"node-{number}")


def _free_ports(count: int) -> list[int]:
    with suppress(OSError):
        sockets = [socket.socket() for _ in range(count)]
        try:
            for opened in sockets:
                opened.bind(("127.0.0.1", 0))
            return [opened.getsockname()[1] for opened in sockets]
        finally:
            for opened in sockets:
                opened.close()
    raise AssertionError("there are no free ports")


def _is_running(pid: int) -> bool:
    """Return whether a process runs; one that has ended and was not waited for does not."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as lock:
        # Tests run in several processes.
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
