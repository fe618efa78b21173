"""The chart: how many times as fast as the peer, one bar a measure, as an SVG that reads on white and on black.

It is drawn from results.json and delivery.json: `python benchmarks/chart.py` draws it again.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FOLDER = Path(__file__).parent
_WIDTH = 860
_LEFT = 290
_RIGHT = 150
_TOP = 84
_ROW = 30
_BAR = 18
_GAP = 30

# It has a background of its own: who looks at it may have a page of the other kind than their system says.
_STYLE = """
  .page { fill: #ffffff; stroke: #d1d9e0; }
  text { font: 14px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
  .title { font-size: 17px; font-weight: 600; }
  .group { font-weight: 600; }
  .small { font-size: 12px; fill: #59636e; }
  .bar { fill: #0969da; }
  .peer { stroke: #59636e; stroke-width: 1.5; }
  .grid { stroke: #d1d9e0; }
  .least { stroke: #cf222e; stroke-width: 2.5; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; stroke: #3d444d; }
    text { fill: #f0f6fc; }
    .small { fill: #9198a1; }
    .bar { fill: #4493f8; }
    .peer { stroke: #9198a1; }
    .grid { stroke: #3d444d; }
    .least { stroke: #ff7b72; }
  }
"""


@dataclass(frozen=True)
class Bar:
    """A measure: how many times as fast as the peer this package is, and its events a second."""

    group: str
    title: str
    ratio: float
    rate: float
    least: float | None


def draw() -> None:
    """Draw the chart from what was measured last."""
    parts = json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))
    delivery = json.loads((FOLDER / "delivery.json").read_text(encoding="utf-8"))
    bars = [*_of_parts(parts), *_of_delivery(delivery)]
    machine = parts["machine"]
    shown = f"Python {machine['python']}, Node {machine['node']}, {machine['processor']}"
    (FOLDER / "results.svg").write_text(chart(bars, shown), encoding="utf-8")


def _of_parts(result: dict[str, Any]) -> Iterator[Bar]:
    for item in result["results"]:
        ratio, rate = item["ratios"]["peer"], item["rates"]["python"]["median"]
        yield Bar(f"{item['workload_title']}, one core", item["title"], ratio["median"], rate, ratio.get("least"))


def _of_delivery(result: dict[str, Any]) -> Iterator[Bar]:
    for item in result["rows"]:
        if item["is_main"]:
            rate = item["rates"]["python"]["median"]
            yield Bar("Delivery, file to server", item["title"], item["ratio"]["median"], rate, item.get("least"))


def chart(bars: Sequence[Bar], machine: str) -> str:
    """Draw the ratios to the peer; a red mark on a bar's row is what is required at least."""
    groups = list(dict.fromkeys(bar.group for bar in bars))
    bottom = _TOP + len(bars) * _ROW + len(groups) * _GAP
    longest = max(bar.ratio for bar in bars)
    step = 1 if longest <= 6 else 2 if longest <= 14 else 5
    last = math.ceil(longest / step) * step
    scale = (_WIDTH - _LEFT - _RIGHT) / last
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {bottom + 66}" role="img">',
        f"<title>{_title()}</title>",
        f"<style>{_STYLE}</style>",
        f'<rect class="page" x="0.5" y="0.5" width="{_WIDTH - 1}" height="{bottom + 65}" rx="6"/>',
        f'<text class="title" x="16" y="30">{_title()}</text>',
        f'<text class="small" x="16" y="52">{_escaped(machine)}; medians</text>',
        *_axis(bottom, scale, range(0, last + 1, step)),
        *_bars(bars, scale),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _title() -> str:
    return "Events a second, as a multiple of Segment's own code in Node (1 is as fast)"


def _axis(bottom: float, scale: float, ticks: range) -> Iterator[str]:
    for tick in ticks:
        x = _LEFT + tick * scale
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 8}" y2="{bottom}"/>'
        yield f'<text class="small" x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{tick}×</text>'
    one = _LEFT + scale
    yield f'<line class="peer" x1="{one:.1f}" x2="{one:.1f}" y1="{_TOP - 8}" y2="{bottom}"/>'
    centre = (_LEFT + _WIDTH - _RIGHT) / 2
    label = "times as fast as the peer; the red mark is the required minimum"
    yield f'<text class="small" x="{centre:.1f}" y="{bottom + 42}" text-anchor="middle">{label}</text>'


def _bars(bars: Sequence[Bar], scale: float) -> Iterator[str]:
    y, group = float(_TOP), ""
    for bar in bars:
        if bar.group != group:
            group = bar.group
            yield f'<text class="group" x="16" y="{y + 16}">{_escaped(group)}</text>'
            y += _GAP
        width, middle = bar.ratio * scale, y + _BAR - 4
        yield f'<text x="{_LEFT - 12}" y="{middle}" text-anchor="end">{_escaped(bar.title)}</text>'
        yield f'<rect class="bar" x="{_LEFT}" y="{y}" width="{width:.1f}" height="{_BAR}" rx="2"/>'
        if bar.least is not None:
            x = _LEFT + bar.least * scale
            yield f'<line class="least" x1="{x:.1f}" x2="{x:.1f}" y1="{y - 3}" y2="{y + _BAR + 3}"/>'
        x = _LEFT + max(width, bar.least * scale if bar.least is not None else 0) + 8
        rate = f'<tspan class="small">{_thousands(bar.rate)}</tspan>'
        yield f'<text x="{x:.1f}" y="{middle}">{bar.ratio:.1f}× {rate}</text>'
        y += _ROW


def _thousands(rate: float) -> str:
    return f"({rate / 1000:,.0f} k/s)" if rate >= 10_000 else f"({rate / 1000:,.1f} k/s)"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


if __name__ == "__main__":
    draw()
