"""The loops on which a transport runs: with and without the extra `fast`."""

from __future__ import annotations

import sys

import pytest


@pytest.fixture(params=["uvloop", "asyncio"])
def each_loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test once with uvloop, if it is installed, and once as if it were not."""
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    else:
        monkeypatch.setitem(sys.modules, "uvloop", None)
