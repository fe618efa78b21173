"""The command `doctor`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .exit_codes import FAILED, OK, exits
from .options import AccountOption, BaseUrlOption, ConfigOption, DestinationOption, JsonOption, OutboxOption
from .output import echo

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ..configuration.configuration import Configuration
    from ..doctor.finding import Finding, State

_SIGNS: dict[State, tuple[str, str]] = {
    "ok": ("✓", "+"),
    "warning": ("!", "!"),
    "failed": ("✗", "x"),
    "skipped": ("·", "-"),
}
"""How a state is shown, and how if the output has only ASCII."""

_COLORS: dict[State, str] = {"ok": "green", "warning": "yellow", "failed": "red", "skipped": "dim"}


@exits
def doctor(
    *,
    config: ConfigOption = None,
    destination: DestinationOption = None,
    account: AccountOption = None,
    base_url: BaseUrlOption = None,
    outbox: OutboxOption = None,
    as_json: JsonOption = False,
) -> int:
    """Find out why a delivery does not work.

    Shows what is installed, where each setting comes from, where events would go, and whether the way there works:
    DNS, proxy, TLS, credentials, clock, outbox. Secrets are hidden, and nothing is sent but the test of credentials,
    which bills nothing.

    Exit codes: 0 all is well; 1 something has failed.
    """
    import asyncio

    findings = asyncio.run(_all(_diagnosis(config, destination, account, base_url, outbox)))
    is_well = all(finding.state != "failed" for finding in findings)
    if as_json:
        _print_json(findings, is_well=is_well)
    else:
        _print_text(findings)
    return OK if is_well else FAILED


async def _all(findings: AsyncIterator[Finding]) -> list[Finding]:
    return [finding async for finding in findings]


async def _diagnosis(
    config: Path | None, destination: str | None, account: str | None, base_url: str | None, outbox: str | None
) -> AsyncIterator[Finding]:
    """Yield all findings; what cannot be found out because of an earlier one is left out."""
    from ...definitions import SetupError
    from ..configuration.configuration import Configuration
    from ..doctor.finding import Finding
    from ..doctor.installation import installation
    from ..doctor.settings import settings

    for finding in installation():
        yield finding
    try:
        configuration = Configuration(
            config,
            environment=os.environ,
            destination=destination,
            account=account,
            delivery={"base_url": base_url, "outbox": outbox},
        )
    except SetupError as error:
        for problem in error.problems:
            yield Finding(problem.place or "configuration", "failed", problem.message)
        return
    found = list(settings(configuration))
    for finding in found:
        yield finding
    is_valid = all(finding.state != "failed" for finding in found)
    async for finding in _with(configuration, is_valid=is_valid):
        yield finding


async def _with(configuration: Configuration, *, is_valid: bool) -> AsyncIterator[Finding]:
    """Yield what a configuration leads to: host and outbox."""
    from ...definitions import SetupError
    from ..delivery.clock import SystemClock
    from ..doctor.network import network
    from ..doctor.settings import target
    from ..doctor.storage import storage

    try:
        options = configuration.delivery
    except SetupError:
        return  # reported among the settings
    ready = configuration.set_up_in_part()
    if ready is not None and ready.definition.extend_request is not None:
        if is_valid:
            yield target(ready, options, configuration.live_advice)
        async for finding in network(ready, os.environ, SystemClock(), may_ask=is_valid):
            yield finding
    async for finding in storage(options):
        yield finding


def _print_text(findings: list[Finding]) -> None:
    """Print a line for each finding, with a sign that the output can show."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        "".join(sign for sign, _ in _SIGNS.values()).encode(encoding)
        is_ascii = False
    except (UnicodeEncodeError, LookupError):
        is_ascii = True
    width = max(len(finding.about) for finding in findings)
    for finding in findings:
        sign, color = _SIGNS[finding.state][is_ascii], _COLORS[finding.state]
        echo(f"{finding.about.ljust(width)}  {finding.text}", sign=sign, color=color, indent=width + 4)
    failed = sum(finding.state == "failed" for finding in findings)
    echo(f"{failed} of {len(findings)} checks failed" if failed else "nothing is wrong")


def _print_json(findings: list[Finding], *, is_well: bool) -> None:
    from dataclasses import asdict

    from .json_output import print_output
    from .json_outputs.doctor import DoctorOutput, FindingOutput

    print_output(DoctorOutput(ok=is_well, findings=[FindingOutput(**asdict(finding)) for finding in findings]))
