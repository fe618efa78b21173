"""The capacity model: what a rate of events needs, from one process to a million events a second.

Run it by `python benchmarks/capacity.py [EVENTS_A_SECOND …]`. It prints the tables and the example of docs/scaling.md,
or the last table for other rates. It measures nothing: it computes with the figures of costs.json, serve.json and
known_ids.json, and with estimates, which are marked.
"""

from __future__ import annotations

import ast
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

FOLDER = Path(__file__).parent
SMALL = (10, 1_000, 10_000)
LARGE = (10_000, 100_000, 1_000_000)
EXAMPLE = 100_000
_UNITS = {"µs": 1e-6, "days": 86_400, "MB": 1e6}


class Input(NamedTuple):
    """A figure of the model: its name in formulas, its value with a unit, what it is, and where it is from."""

    name: str
    value: float
    unit: str
    what: str
    origin: str

    @property
    def text(self) -> str:
        """The value with its unit."""
        number = f"{self.value:g}" if self.value < 1_000 else f"{self.value:,.0f}"
        return f"{number} {self.unit}".rstrip()


class Figure(NamedTuple):
    """Something to compute: its name, its formula, what it is, and its unit (`B`, whole things, or a number)."""

    name: str
    formula: str
    what: str
    unit: str = ""


def _kept(file: str, *keys: str) -> float:
    found = json.loads((FOLDER / file).read_text(encoding="utf-8"))
    for key in keys:
        found = found[key]
    return float(found)


def _served() -> float:
    """Return how many events a second the service takes in batches while it delivers them."""
    rows = json.loads((FOLDER / "serve.json").read_text(encoding="utf-8"))["rates"]
    return next(float(row["rate"]["median"]) for row in rows if "batch" in row["title"] and row["who"] == "delivers")


def _cost(name: str) -> float:
    return _kept("costs.json", "costs", name)


_FILE_ID = _kept("known_ids.json", "known", "1000000", "bytes_an_id")
_COSTS = "measured, `costs.py`"
_ESTIMATE = "an estimate"
_ADVICE = "[advice](#settings-of-the-topic)"
INPUTS = (
    Input("batch", 500, "", "events in a request to Kable", "the limit of Kable's own clients"),
    Input("answer", 0.2, "s", "until Kable answers", _ESTIMATE),
    Input("concurrency", 16, "", "requests in flight of a worker", "the default"),
    Input("load", 0.7, "", "the part of a core that is planned with", _ESTIMATE),
    Input("posted", _cost("http_bytes"), "B", "an event as an SDK posts it, without gzip", _COSTS),
    Input("serve", _cost("service_microseconds"), "µs", "processor time of `serve --to`", _COSTS),
    Input("serve_memory", _cost("service_megabytes"), "MB", "memory of `serve --to`", _COSTS),
    Input("message", _cost("kafka_bytes_a_replica"), "B", "an event in one replica of a topic (lz4)", _COSTS),
    Input("replicas", 3, "", "replicas of the topic", _ADVICE),
    Input("retention", 7, "days", "how long the topic keeps events", _ADVICE),
    Input("work", _cost("worker_microseconds"), "µs", "processor time of `work --from`", _COSTS),
    Input("work_memory", _cost("worker_megabytes"), "MB", "memory of `work --from`, behind by 300,000 events", _COSTS),
    Input("sent", _cost("request_bytes"), "B", "an event in a request to Kable", _COSTS),
    Input("commit", _cost("commits_a_thousand_events") / 1_000, "", "commits of PostgreSQL", _COSTS),
    Input("log", _cost("wal_bytes"), "B", "WAL of PostgreSQL, while few IDs are known", _COSTS),
    Input("store", _cost("postgres_microseconds"), "µs", "processor time of PostgreSQL", _COSTS),
    Input("id", _cost("id_bytes"), "B", "a known ID in PostgreSQL, with its index", _COSTS),
    Input("window", 7, "days", "how long PostgreSQL keeps IDs", "the default of `uniqueFor`"),
    Input("server", 25_000, "", "events a second that one PostgreSQL takes", f"{_ESTIMATE}: see [Speed](#speed)"),
    Input("process", _served(), "", "events a second of one `serve` with a file", "measured, `serve.py`"),
    Input("file_id", _FILE_ID, "B", "a known ID in a file", "measured, `known_ids.py`"),
    Input("keep", 400, "days", "how long a file keeps IDs", "the default of `keepIds`"),
)  # fmt: skip

LARGE_FIGURES = (
    Figure("requests", "rate / batch", "requests a second to Kable"),
    Figure("upload", "rate × sent", "bytes a second to Kable", "B"),
    Figure("flight", "requests × answer", "requests in flight"),
    Figure("download", "rate × posted", "bytes a second from SDKs", "B"),
    Figure("services", "max(2, rate × serve / load)", "processes of the service", "whole"),
    Figure("workers", "max(2, rate × work / load, flight / concurrency)", "workers", "whole"),
    Figure("memory", "services × serve_memory + workers × work_memory", "memory of both", "B"),
    Figure("partitions", "2 × workers", "partitions, with room for more workers", "whole"),
    Figure("topic", "rate × message × replicas × retention", "disk of Kafka", "B"),
    Figure("databases", "rate / server", "databases", "whole"),
    Figure("commits", "rate × commit", "commits a second"),
    Figure("wal", "rate × log", "WAL a second", "B"),
    Figure("cores", "rate × store / load", "cores of databases", "whole"),
    Figure("ids", "rate × id × window", "disk of known IDs", "B"),
)
SMALL_FIGURES = (
    Figure("share", "100 × rate / process", "percent of what one process takes"),
    Figure("requests", "rate / batch", "requests a second, at least"),
    Figure("file_ids", "rate × file_id × keep", "disk of known IDs, after 400 days", "B"),
)


def computed(figures: Iterable[Figure], rate: float) -> dict[str, float]:
    """Return the figures for a rate of events a second, by name. A formula may use those before it."""
    names = {item.name: item.value * _UNITS.get(item.unit, 1) for item in INPUTS} | {"rate": rate}
    for figure in figures:
        value = _value(ast.parse(figure.formula.replace("×", "*"), mode="eval").body, names)
        names[figure.name] = math.ceil(value) if figure.unit == "whole" else value
    return {figure.name: names[figure.name] for figure in figures}


def _value(node: ast.expr, names: Mapping[str, float]) -> float:
    """Return the value of a formula of numbers, names, products, quotients, sums and `max`."""
    match node:
        case ast.Constant(value=int() as number):
            return number
        case ast.Name(id=name):
            return names[name]
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _value(left, names) * _value(right, names)
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return _value(left, names) / _value(right, names)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _value(left, names) + _value(right, names)
        case ast.Call(func=ast.Name(id="max"), args=several):
            return max(_value(each, names) for each in several)
    raise ValueError(f"{ast.unparse(node)} is no part of a formula")


def shown(value: float, unit: str = "") -> str:
    """Return a value with two or three digits."""
    if unit == "B":
        size, prefix = next((pair for pair in ((1e12, "T"), (1e9, "G"), (1e6, "M")) if value >= pair[0]), (1e3, "k"))
        return f"{shown(value / size)} {prefix}B"
    if value >= 10 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.2g}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of Markdown."""
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *rows))


def inputs_table() -> str:
    """Return the figures that the model begins with."""
    rows = ([f"`{item.name}`", item.text, item.what, item.origin] for item in INPUTS)
    return table(["name", "value", "what it is", "where it is from"], rows)


def figures_table(figures: Sequence[Figure], rates: Sequence[int]) -> str:
    """Return the figures for some rates, with their formulas."""
    found = [computed(figures, rate) for rate in rates]
    rows = (
        [
            f"{figure.what}: `{figure.name}` = `{figure.formula}`",
            *(shown(each[figure.name], figure.unit) for each in found),
        ]
        for figure in figures
    )
    return table(["events a second (`rate`)", *(f"{rate:,}" for rate in rates)], rows)


def example(rate: int) -> str:
    """Return the arithmetic for one rate: each formula with its values, and the result."""
    found = computed(LARGE_FIGURES, rate)
    texts = {item.name: item.text for item in INPUTS}
    texts |= {figure.name: shown(found[figure.name], figure.unit) for figure in LARGE_FIGURES} | {"rate": f"{rate:,}"}
    lines = []
    for figure in LARGE_FIGURES:
        words = [texts.get(word.strip("(),"), word) if word.isidentifier() else word for word in _words(figure.formula)]
        lines.append(f"{figure.name:11}= {''.join(words)} = {texts[figure.name]}")
    return "\n".join(lines)


def _words(formula: str) -> list[str]:
    """Split a formula into names and what is between them."""
    words = [""]
    for letter in formula:
        is_name = letter.isalpha() or letter == "_"
        if words[-1] and is_name != words[-1].isidentifier():
            words.append("")
        words[-1] += letter
    return words


def main() -> int:
    """Print the model, or what other rates need."""
    if rates := [int(text) for text in sys.argv[1:]]:
        print(figures_table(LARGE_FIGURES, rates))
        return 0
    print(
        inputs_table(),
        figures_table(SMALL_FIGURES, SMALL),
        figures_table(LARGE_FIGURES, LARGE),
        example(EXAMPLE),
        sep="\n\n",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
