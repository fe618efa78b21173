"""What `doctor --json` prints."""

from __future__ import annotations

from typing import Literal

import msgspec

from .versioned import JsonOutput


class FindingOutput(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at: what it is about, its state, and what was found."""

    about: str
    state: Literal["ok", "warning", "failed", "skipped"]
    text: str


class DoctorOutput(JsonOutput, frozen=True, kw_only=True):
    """All findings, in their order. `ok` is false if one has failed."""

    ok: bool
    findings: list[FindingOutput]
