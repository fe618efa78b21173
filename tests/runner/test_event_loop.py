"""The event loop: uvloop's with the extra `fast`, and Python's own without it."""

from __future__ import annotations

import asyncio
import sys

import pytest

from kable_destination.runner.event_loop import run_in_loop


async def module_of_loop() -> str:
    """Return where the running loop comes from."""
    return type(asyncio.get_running_loop()).__module__.partition(".")[0]


def test_uvloop_is_used_where_it_is_installed() -> None:
    pytest.importorskip("uvloop")
    assert run_in_loop(module_of_loop()) == "uvloop"


def test_without_it_the_loop_is_that_of_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert run_in_loop(module_of_loop()) == "asyncio"


@pytest.mark.parametrize("stream", ["stdin", "stdout", "stderr"])
def test_nor_is_uvloop_used_when_a_standard_stream_was_closed(stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would abort the process when it closes a socket that has the number of the stream."""
    monkeypatch.setattr(sys, stream, None)
    assert run_in_loop(module_of_loop()) == "asyncio"
