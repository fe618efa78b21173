"""What an outbox holds of audiences: list, show, rename."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from .exit_codes import OK
from .output import echo, echo_lines, inform, time_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from ..configuration.configuration import Configuration
    from ..queues.contract import Audience, Audiences, Movement
    from .json_outputs.audience import AudienceStatus, MovementOutput

T = TypeVar("T")


def ask(configuration: Configuration, question: Callable[[Audiences], Awaitable[T]], *, read_only: bool = True) -> T:
    """Ask the outbox about audiences. Raises SetupError, also for what is wrong with a name."""
    from ...definitions import Problem, SetupError
    from ..outbox import outbox_of
    from ..queues.contract import AudienceHeldError, AudienceNameError, QueueFullError

    async def asked() -> T:
        async with outbox_of(configuration.delivery, read_only=read_only) as queue:
            return await question(queue.audiences)

    try:
        return asyncio.run(asked())
    except (AudienceNameError, AudienceHeldError) as error:
        raise SetupError.of([Problem("", str(error))]) from None
    except QueueFullError as error:
        raise SetupError.of([Problem("outbox", f"cannot be written: {error}; {error.advice} and run again")]) from None


def named(configuration: Configuration, name: str) -> Audience:
    """Return an audience of the outbox by its name. Raises SetupError if there is none, or in several accounts."""
    from ...definitions import Problem, SetupError, nearest_word, quoted
    from ..delivery.delivery import account_of

    everything = ask(configuration, lambda audiences: audiences.all())
    found = [audience for audience in everything if audience.name == name]
    if len(found) > 1:
        # Only here, since credentials are needed to know the account.
        account = account_of(configuration.set_up())
        found = [audience for audience in found if audience.account == account]
    if not found:
        near = nearest_word(name, [audience.name for audience in everything])
        hint = f"; did you mean {quoted(near)}?" if near else "; kable-destination audience list shows all"
        raise SetupError.of([Problem("NAME", f"there is no audience {quoted(name)}{hint}")])
    return found[0]


def print_list(configuration: Configuration, *, as_json: bool) -> int:
    """List all audiences."""
    from ..outbox import outbox_name
    from .tables import table

    found = ask(configuration, lambda audiences: audiences.all())
    if as_json:
        from .json_output import print_output
        from .json_outputs.audience import AudienceListOutput

        listed = [audience_status(audience) for audience in found]
        print_output(AudienceListOutput(outbox=outbox_name(configuration.delivery), audiences=listed))
    elif not found:
        inform("no audiences; kable-destination audience sync makes one")
    else:
        accounts = {audience.account for audience in found}
        rows = [
            [
                audience.name if len(accounts) == 1 else f"{audience.name} ({audience.account})",
                audience.key,
                f"{audience.members:,}",
                f"{audience.sync - 1:,}",
                "never" if audience.completed_at is None else time_text(audience.completed_at),
            ]
            for audience in found
        ]
        echo_lines(table(("name", "trait", "members", "syncs", "latest"), rows, names=2))
    return OK


def print_one(configuration: Configuration, name: str, *, as_json: bool) -> int:
    """Show an audience."""
    audience = named(configuration, name)
    if as_json:
        from .json_output import print_output
        from .json_outputs.audience import AudienceShowOutput

        print_output(AudienceShowOutput(audience=audience_status(audience)))
    else:
        echo_lines(_shown(audience))
    return OK


def rename(configuration: Configuration, name: str, new: str, *, as_json: bool) -> int:
    """Rename an audience."""
    from ...definitions import Problem, SetupError
    from ..audience.names import name_fault

    if (fault := name_fault(new)) is not None:
        raise SetupError.of([Problem("NEW", fault)])
    account = named(configuration, name).account
    renamed = ask(configuration, lambda audiences: audiences.rename(account, name, new), read_only=False)
    if as_json:
        from .json_output import print_output
        from .json_outputs.audience import AudienceRenameOutput

        print_output(AudienceRenameOutput(before=name, audience=audience_status(renamed)))
    else:
        echo(f"{name} is {new} now, and still sends {renamed.key}")
    return OK


def audience_status(audience: Audience) -> AudienceStatus:
    """Return an audience as JSON shows it."""
    from .json_outputs.audience import AudienceStatus

    is_complete = audience.completed_at is not None
    return AudienceStatus(
        name=audience.name,
        kind=audience.kind,
        trait=audience.key,
        id=audience.id,
        space=audience.space,
        account=audience.account,
        members=audience.members,
        next_sync=audience.sync,
        under_way=None if audience.begun_at is None else movement_output(audience.under_way),
        latest=movement_output(audience.latest) if is_complete else None,
        completed_at=audience.completed_at,
    )


def movement_output(movement: Movement) -> MovementOutput:
    """Return counts as JSON shows them."""
    from .json_outputs.audience import MovementOutput

    return MovementOutput(entered=movement.entered, left=movement.left, changed=movement.changed)


def movement_text(movement: Movement) -> str:
    """Return counts as text; values change only in computed traits."""
    parts = [f"{movement.entered:,} entered", f"{movement.left:,} left"]
    return ", ".join([*parts, *([f"{movement.changed:,} changed"] if movement.changed else [])])


def _shown(audience: Audience) -> Iterator[str]:
    yield f"{'audience' if audience.kind == 'audience' else 'computed trait'} {audience.name}"
    yield f"  trait    {audience.key}"
    yield f"  ID       {audience.id} in {audience.space}"
    yield f"  account  {audience.account}"
    yield f"  members  {audience.members:,}"
    if audience.completed_at is not None:
        done = f"{movement_text(audience.latest)} ({time_text(audience.completed_at)})"
        yield f"  latest   sync {audience.sync - 1:,}: {done}"
    if audience.begun_at is not None:
        begun = f"{movement_text(audience.under_way)} so far (begun {time_text(audience.begun_at)})"
        yield f"  not done sync {audience.sync:,}: {begun}; run it again"
