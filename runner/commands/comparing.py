"""What `snapshot` shows of a comparison: how the bill changes, then event by event and field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .tables import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ...definitions import Redactor
    from ..billing.changes import Amount, BillChanges, DimensionChange, UsageChange
    from ..snapshotting.comparison import Comparison
    from ..snapshotting.difference import Difference
    from ..snapshotting.recording import Recording
    from ..snapshotting.renames import Rename
    from .json_outputs.snapshot import (
        BillChangesOutput,
        CountChange,
        DifferenceOutput,
        DimensionChangeOutput,
        RenameOutput,
        SnapshotOutput,
        SumChange,
    )

_MOST_DIMENSIONS = 12
_LONGEST_NAME = 200


def comparison_lines(comparison: Comparison, now: Recording, redactor: Redactor, *, show_all: bool) -> Iterator[str]:
    """Yield the lines of a comparison, without secrets."""
    from ..snapshotting.difference import report

    yield from map(redactor.text, _bill_lines(comparison.bill, show_all=show_all))
    yield ""
    yield from map(redactor.text, report(comparison.differences, now.lines, show_all=show_all))


def snapshot_output(
    folder: Path, now: Recording, comparison: Comparison | None, redactor: Redactor, *, update: bool, show_all: bool
) -> SnapshotOutput:
    """Return a comparison, or a recording without one, as `--json` prints it, without secrets."""
    from ..snapshotting.difference import MOST_SHOWN
    from .json_outputs.snapshot import SnapshotOutput

    changed = comparison or None
    differences = [] if changed is None else changed.differences
    shown = differences if show_all else differences[:MOST_SHOWN]
    return SnapshotOutput(
        folder=str(folder),
        state="recorded"
        if comparison is None
        else "unchanged"
        if not comparison
        else "updated"
        if update
        else "changed",
        events=len(now.lines),
        changed_events=0 if changed is None else changed.changed_events,
        outcomes=dict(now.outcomes),
        renamed=[_rename_output(item, redactor) for item in (changed.renamed if changed else ())],
        bill=None if changed is None else _bill_output(changed.bill, redactor, show_all=show_all),
        differences=[_difference_output(difference, now, redactor) for difference in shown],
        differences_left_out=len(differences) - len(shown),
    )


def _bill_lines(bill: BillChanges, *, show_all: bool) -> Iterator[str]:
    """Yield a table of what changes in the bill; only what changes has a row."""
    from ...definitions import counted
    from ..snapshotting.difference import MOST_SHOWN

    if not bill.customers:
        yield "the bill: all counts and sums stay the same"
        return
    shown = bill.customers if show_all else bill.customers[:MOST_SHOWN]
    rows = list(_rows("all customers", bill.total, show_all=show_all))
    for name, change in shown:
        rows += _rows("(no customer)" if name is None else _line(name), change, show_all=show_all)
    yield f"the bill changes for {counted(len(bill.customers), 'customer')}:"
    yield from table(("customer", "dimension", "", "before", "after", "difference"), rows, names=2)
    if more := len(bill.customers) - len(shown):
        yield f"… and {counted(more, 'more customer')}; --all shows them"


def _rows(name: str, change: UsageChange, *, show_all: bool) -> Iterator[tuple[str, ...]]:
    yield (name, "events", "count", *_numbers(change.events))
    dimensions = change.dimensions if show_all else change.dimensions[:_MOST_DIMENSIONS]
    for item in dimensions:
        yield from _dimension_rows(item)
    if more := len(change.dimensions) - len(dimensions):
        yield "", f"… and {more:,} more", "", "", "", ""


def _dimension_rows(item: DimensionChange) -> Iterator[tuple[str, ...]]:
    name = _line(item.dimension)
    if item.count.difference:
        yield ("", name, "count", *_numbers(item.count))
        name = ""
    if item.total.difference:
        yield ("", name, "sum  ", *_numbers(item.total))


def _numbers(amount: Amount) -> tuple[str, str, str]:
    from ..billing.exact import shown_number

    sign = "+" if amount.difference > 0 else ""
    return shown_number(amount.before), shown_number(amount.after), f"{sign}{shown_number(amount.difference)}"


def _line(text: str) -> str:
    from ...definitions import shortened, visible

    return visible(shortened(text, _LONGEST_NAME), keep_lines=False)


def _bill_output(bill: BillChanges, redactor: Redactor, *, show_all: bool) -> BillChangesOutput:
    from ..snapshotting.difference import MOST_SHOWN
    from .json_outputs.snapshot import BillChangesOutput, CustomerChangeOutput, UsageChangeOutput

    shown = bill.customers if show_all else bill.customers[:MOST_SHOWN]
    return BillChangesOutput(
        total=UsageChangeOutput(
            events=_count(bill.total.events), dimensions=_dimension_outputs(bill.total.dimensions, redactor)
        ),
        customers=[
            CustomerChangeOutput(
                customer=None if name is None else redactor.text(name),
                events=_count(change.events),
                dimensions=_dimension_outputs(change.dimensions, redactor),
            )
            for name, change in shown
        ],
        customers_left_out=len(bill.customers) - len(shown),
    )


def _dimension_outputs(changes: Sequence[DimensionChange], redactor: Redactor) -> list[DimensionChangeOutput]:
    from .json_outputs.snapshot import DimensionChangeOutput

    return [
        DimensionChangeOutput(dimension=redactor.text(item.dimension), count=_count(item.count), sum=_sum(item.total))
        for item in changes
    ]


def _count(amount: Amount) -> CountChange:
    from .json_outputs.snapshot import CountChange

    return CountChange(before=int(amount.before), after=int(amount.after), difference=int(amount.difference))


def _sum(amount: Amount) -> SumChange:
    from ..billing.exact import number_text
    from .json_outputs.snapshot import SumChange

    before, after, difference = map(number_text, (amount.before, amount.after, amount.difference))
    return SumChange(before=before, after=after, difference=difference)


def _rename_output(rename: Rename, redactor: Redactor) -> RenameOutput:
    from .json_outputs.snapshot import RenameOutput

    return RenameOutput(before=redactor.text(rename.before), after=redactor.text(rename.after))


def _difference_output(difference: Difference, now: Recording, redactor: Redactor) -> DifferenceOutput:
    from .json_outputs.snapshot import DifferenceOutput, FieldChangeOutput

    key = difference.key
    name = None if key is None else key[0]
    return DifferenceOutput(
        subscription=None if difference.subscription is None else redactor.text(difference.subscription),
        message_id=redactor.text(name) if isinstance(name, str) else None,
        line=None if key is None else now.lines.get(key),
        changes=[
            FieldChangeOutput(
                field=redactor.text(change.field),
                was=None if change.was is None else redactor.text(change.was),
                now=None if change.now is None else redactor.text(change.now),
            )
            for change in difference.changes
        ],
    )
