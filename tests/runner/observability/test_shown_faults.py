"""Faults that libraries report to Python's logging are shown, without secrets."""

from __future__ import annotations

import json
import logging

import pytest

from kable_destination.definitions import Redactor
from kable_destination.runner.observability.faults import shown_faults
from kable_destination.runner.observability.options import LogFormat


@pytest.mark.parametrize("log_format", [LogFormat.CONSOLE, LogFormat.JSON])
def test_a_fault_is_shown_with_its_traceback_and_without_secrets(log_format: LogFormat) -> None:
    written: list[str] = []
    logger = logging.getLogger("uvicorn.error")
    with shown_faults(log_format, Redactor(["sk_test.secret"]), written.append):
        try:
            raise ValueError("the key sk_test.secret\x1b[2J")  # noqa: TRY301 - as an application would
        except ValueError:
            logger.exception("Exception in ASGI application")
        logger.warning("Invalid HTTP request received.")
    (shown,) = written
    text = json.loads(shown)["error"] if log_format is LogFormat.JSON else shown
    assert text.startswith("Exception in ASGI application\nTraceback")
    assert "ValueError: the key ••••••••" in text
    assert "\x1b" not in shown
