"""What every output of a command as JSON has."""

from __future__ import annotations

from typing import Literal

import msgspec


class JsonOutput(msgspec.Struct, frozen=True, kw_only=True):
    """What a command prints. Moments are seconds since 1970."""

    version: Literal[1] = 1
