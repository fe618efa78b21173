"""The JSON that commands print with --json: versioned, and described by a JSON Schema in docs/schemas.

A command that gets `--json` needs a subclass of `JsonOutput` in `json_outputs`, and a line in `outputs`. Within one
version, keys may be added; removing or changing one makes a new version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from .output import print_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .json_outputs.versioned import JsonOutput

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def print_output(output: JsonOutput) -> None:
    """Print the output of a command. Its texts must hold no secrets."""
    print_json(output)


def print_line(output: JsonOutput) -> None:
    """Print the output of a command that continues running, on one line: a program that waits for it reads a line."""
    import typer

    from ...definitions import visible_json

    typer.echo(visible_json(msgspec.json.encode(output).decode()))


def outputs() -> Mapping[str, type[JsonOutput]]:
    """Return what each command prints, by the name of the command."""
    from .json_outputs import audience, check, dead_letters, outbox, writing
    from .json_outputs.bill import BillOutput
    from .json_outputs.deliver import DeliverOutput
    from .json_outputs.destinations import DestinationsOutput
    from .json_outputs.doctor import DoctorOutput
    from .json_outputs.preview import PreviewOutput
    from .json_outputs.snapshot import SnapshotOutput
    from .json_outputs.status import StatusOutput

    return {
        "audience list": audience.AudienceListOutput,
        "audience preview": audience.AudiencePreviewOutput,
        "audience remove": audience.AudienceRemoveOutput,
        "audience rename": audience.AudienceRenameOutput,
        "audience show": audience.AudienceShowOutput,
        "audience sync": audience.AudienceSyncOutput,
        "bill": BillOutput,
        "check": check.CheckOutput,
        "dead-letters discard": dead_letters.DiscardOutput,
        "dead-letters export": dead_letters.ExportOutput,
        "dead-letters list": dead_letters.LettersOutput,
        "dead-letters replay": dead_letters.ReplayOutput,
        "dead-letters show": dead_letters.LetterOutput,
        "deliver": DeliverOutput,
        "destinations": DestinationsOutput,
        "docs": writing.DocsOutput,
        "doctor": DoctorOutput,
        "init": check.InitOutput,
        "new": writing.NewOutput,
        "outbox backup": outbox.BackupOutput,
        "outbox copy": outbox.CopyOutput,
        "outbox erase": outbox.EraseOutput,
        "preview": PreviewOutput,
        "sandbox": writing.SandboxOutput,
        "page": writing.PageOutput,
        "serve": writing.ServeOutput,
        "snapshot": SnapshotOutput,
        "status": StatusOutput,
        "work": writing.WorkOutput,
    }


def schemas() -> Mapping[str, str]:
    """Return the JSON Schema of each output, by the name of its file."""
    return {f"{name.replace(' ', '-')}.schema.json": _schema(name, output) for name, output in outputs().items()}


def _schema(command: str, output: type[JsonOutput]) -> str:
    schema = msgspec.json.schema(output)
    title = f"kable-destination {command} --json"
    described = {"$schema": _DIALECT, "title": title, **schema}
    return f"{msgspec.json.format(msgspec.json.encode(described), indent=2).decode()}\n"
