"""The chart: how many times as fast as the peer, one bar a measure, as an SVG that reads on white and on black."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from report import requirement

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rounds import Contest

_WIDTH = 860
_LEFT = 290
_RIGHT = 150
_TOP = 84
_ROW = 30
_BAR = 18
_GAP = 30

_STYLE = """
  text { font: 14px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
  .ground { fill: #ffffff; }
  .title { font-size: 17px; font-weight: 600; }
  .group { font-weight: 600; }
  .small { font-size: 12px; fill: #59636e; }
  .bar { fill: #0969da; }
  .peer { stroke: #59636e; stroke-width: 1.5; }
  .grid { stroke: #d1d9e0; }
  .least { stroke: #cf222e; stroke-width: 2.5; }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117; }
    text { fill: #f0f6fc; }
    .small { fill: #9198a1; }
    .bar { fill: #4493f8; }
    .peer { stroke: #9198a1; }
    .grid { stroke: #3d444d; }
    .least { stroke: #ff7b72; }
  }
"""


def chart(contests: Sequence[Contest], machine: str) -> str:
    """Draw the ratios to the peer; a red mark on a bar's row is what is required at least."""
    groups = list(dict.fromkeys(contest.workload.title for contest in contests))
    bottom = _TOP + len(contests) * _ROW + len(groups) * _GAP
    longest = max(contest.ratio("peer").median for contest in contests)
    step = 1 if longest <= 6 else 2 if longest <= 14 else 5
    last = math.ceil(longest / step) * step
    scale = (_WIDTH - _LEFT - _RIGHT) / last
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {bottom + 66}" role="img">',
        f"<title>{_title()}</title>",
        f"<style>{_STYLE}</style>",
        # A page may be dark where the system is light: with its own ground the chart is readable on any.
        f'<rect class="ground" width="{_WIDTH}" height="{bottom + 66}" rx="6"/>',
        f'<text class="title" x="16" y="30">{_title()}</text>',
        f'<text class="small" x="16" y="52">{_escaped(machine)}; medians, one core</text>',
        *_axis(bottom, scale, range(0, last + 1, step)),
        *_bars(contests, scale),
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


def _bars(contests: Sequence[Contest], scale: float) -> Iterator[str]:
    y, group = float(_TOP), ""
    for contest in contests:
        if contest.workload.title != group:
            group = contest.workload.title
            yield f'<text class="group" x="16" y="{y + 16}">{_escaped(group)}</text>'
            y += _GAP
        ratio, rate = contest.ratio("peer").median, contest.rate("python").median
        width, middle = ratio * scale, y + _BAR - 4
        yield f'<text x="{_LEFT - 12}" y="{middle}" text-anchor="end">{_escaped(contest.measure.title)}</text>'
        yield f'<rect class="bar" x="{_LEFT}" y="{y}" width="{width:.1f}" height="{_BAR}" rx="2"/>'
        if required := requirement(contest, "peer"):
            x = _LEFT + required.least * scale
            yield f'<line class="least" x1="{x:.1f}" x2="{x:.1f}" y1="{y - 3}" y2="{y + _BAR + 3}"/>'
        x = _LEFT + max(width, required.least * scale if required else 0) + 8
        yield f'<text x="{x:.1f}" y="{middle}">{ratio:.1f}× <tspan class="small">{_thousands(rate)}</tspan></text>'
        y += _ROW


def _thousands(rate: float) -> str:
    return f"({rate / 1000:,.0f} k/s)" if rate >= 10_000 else f"({rate / 1000:,.1f} k/s)"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
