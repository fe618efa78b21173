"""Queues are opened by URL: ours and those of other packages in the same way."""

from __future__ import annotations

import asyncio
import importlib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import toy_engine
from kable_destination.runner.queues.contract import Queue, QueueOpenError
from kable_destination.runner.queues.memory import MemoryEngine
from kable_destination.runner.queues.opening import open_queue, shown_place, split_place
from kable_destination.runner.queues.suite import queue_suite
from kable_destination.runner.queues.suite.opened import MovedClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kable_destination.runner.delivery.clock import Clock

SECRET = "S3cr3t"  # noqa: S105 - of no use


@pytest.fixture(autouse=True)
def toy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Install a package with an engine, as pip would."""
    site = tmp_path_factory.mktemp("site")
    information = site / "toy_queue-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-queue\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(
        "[kable_destination.queues]\ntoy = a_toy_engine:open_toy\nbroken = toy_engine_that_needs_psycopg:open_it\n"
    )
    source = Path(toy_engine.__file__).read_text(encoding="utf-8")
    (site / "a_toy_engine.py").write_text(source, encoding="utf-8")
    sys.path.insert(0, str(site))
    importlib.invalidate_caches()
    yield
    sys.path.remove(str(site))
    sys.modules.pop("a_toy_engine", None)


def open_toy_queue(folder: Path, clock: Clock, /, **options: Any) -> Queue:
    """Open the toy queue of a folder."""
    return open_queue(f"toy://user:{SECRET}@{folder}", clock=clock, **options)


TestToy = queue_suite(open_toy_queue, is_durable=True)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("outbox.sqlite", ("sqlite", "outbox.sqlite")),
        ("sqlite:outbox.sqlite", ("sqlite", "outbox.sqlite")),
        ("SQLite:outbox.sqlite", ("sqlite", "outbox.sqlite")),
        ("sqlite:/var/outbox.sqlite", ("sqlite", "/var/outbox.sqlite")),
        ("sqlite:///outbox.sqlite", ("sqlite", "outbox.sqlite")),
        ("sqlite:////var/outbox.sqlite", ("sqlite", "/var/outbox.sqlite")),
        (r"C:\kable\outbox.sqlite", ("sqlite", r"C:\kable\outbox.sqlite")),
        ("c:/kable/outbox.sqlite", ("sqlite", "c:/kable/outbox.sqlite")),
        (r"sqlite:C:\kable\outbox.sqlite", ("sqlite", r"C:\kable\outbox.sqlite")),
        ("./run:1/outbox.sqlite", ("sqlite", "./run:1/outbox.sqlite")),
        ("/srv/a:b.sqlite", ("sqlite", "/srv/a:b.sqlite")),
        (Path("memory:"), ("sqlite", "memory:")),
        ("memory:", ("memory", "")),
        ("toy://user:pw@host/name", ("toy", "//user:pw@host/name")),
    ],
)
def test_what_is_no_url_is_a_path(place: str | Path, expected: tuple[str, str]) -> None:
    assert split_place(place) == expected


def test_a_file_with_a_colon_that_exists_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("run:1.sqlite").touch()
    assert split_place("run:1.sqlite") == ("sqlite", "run:1.sqlite")


@pytest.mark.parametrize("place", [f"mysql://user:{SECRET}@host/name", f"sqlit:{SECRET}"])
def test_an_unknown_scheme_names_those_that_are_installed_and_no_secret(place: str) -> None:
    scheme = place.partition(":")[0]
    installed = "broken:, memory:, postgres:, postgresql:, sqlite:, toy:"
    expected = f"no queue has the scheme {scheme}: (installed are {installed}); write ./ before"
    with pytest.raises(QueueOpenError, match=re.escape(expected)) as raised:
        open_queue(place, clock=MovedClock())
    assert SECRET not in str(raised.value)


def test_an_engine_whose_package_lacks_something_says_what() -> None:
    with pytest.raises(QueueOpenError, match="the queue broken: cannot be used: toy_engine_that_needs_psycopg is not"):
        open_queue(f"broken://{SECRET}", clock=MovedClock())


def test_what_an_engine_says_of_a_url_is_shown_without_secrets() -> None:
    with pytest.raises(QueueOpenError) as raised:
        open_queue(f"toy://user:{SECRET}%21@missing/name?sslpassword={SECRET}%22&a=b", clock=MovedClock())
    assert str(raised.value) == "nothing is at //…@missing/name?…, as it is written in //…@missing/name?…"


def test_a_place_is_shown_without_secrets() -> None:
    assert shown_place(f"toy://user:{SECRET}@host") == "toy://…"
    assert shown_place("sqlite:a.sqlite") == shown_place("a.sqlite") == "a.sqlite"
    assert shown_place("memory:") == "memory:"


def test_ours_are_entry_points_like_all_others() -> None:
    queue = open_queue("memory:", clock=MovedClock())
    assert isinstance(queue._engine, MemoryEngine)
    asyncio.run(queue.close())


def test_all_queues_are_queues(tmp_path: Path) -> None:
    """Seen by the type checker."""
    queues: list[Queue] = [open_queue(place, clock=MovedClock()) for place in ("memory:", str(tmp_path / "outbox"))]
    assert [queue.is_durable for queue in queues] == [False, True]
    for queue in queues:
        asyncio.run(queue.close())
