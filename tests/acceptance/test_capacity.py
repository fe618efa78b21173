"""The capacity model of docs/scaling.md is what its formulas give, with the figures that the benchmarks have kept."""

from __future__ import annotations

import json
import re
import runpy
from typing import Any

import pytest

from documentation import ROOT, Section, sections

BENCHMARKS = ROOT / "benchmarks"
MODEL: dict[str, Any] = runpy.run_path(str(BENCHMARKS / "capacity.py"))


@pytest.fixture(scope="module")
def found() -> dict[str, Section]:
    return {section.heading: section for section in sections(ROOT / "docs" / "scaling.md")}


def test_the_tables_and_the_example_are_those_of_the_model(found: dict[str, Section]) -> None:
    small = MODEL["figures_table"](MODEL["SMALL_FIGURES"], MODEL["SMALL"])
    large = MODEL["figures_table"](MODEL["LARGE_FIGURES"], MODEL["LARGE"])
    assert small in found["One process with a file"].text, "run benchmarks/capacity.py, and copy what it prints"
    assert large in found["Kafka, workers and PostgreSQL"].text
    assert MODEL["inputs_table"]() in found["Where the figures are from"].text
    assert f"```text\n{MODEL['example'](MODEL['EXAMPLE'])}\n```" in found["An example"].text


def test_the_model_computes_what_a_person_computes() -> None:
    """By hand: 500 events a request, 0.2 s, 235.3 bytes on three disks for a week, 113.5 bytes for an ID of a week."""
    needs = MODEL["computed"](MODEL["LARGE_FIGURES"], 1_000_000)
    assert (needs["requests"], needs["flight"], needs["databases"]) == (2_000, 400, 40)
    week = 7 * 24 * 60 * 60
    assert needs["topic"] == pytest.approx(1e6 * 235.3 * 3 * week)
    assert needs["ids"] == pytest.approx(1e6 * 113.5 * week)
    assert needs["workers"] == 42  # 29.1 µs on 0.7 of a core: 41.6
    assert MODEL["computed"](MODEL["LARGE_FIGURES"], 1)["workers"] == 2


def test_what_comes_first_is_computed_too(found: dict[str, Section]) -> None:
    """The summary repeats some figures."""
    text = found["Capacity"].text
    a_day = {rate: MODEL["computed"](MODEL["SMALL_FIGURES"], rate)["file_ids"] / 400 for rate in (1_000, 10_000)}
    assert f"`keepIds = 30` they take {MODEL['shown'](30 * a_day[1_000], 'B')}" in text
    assert f"`keepIds = 7` ({MODEL['shown'](7 * a_day[10_000], 'B')})" in text
    needs = MODEL["computed"](MODEL["LARGE_FIGURES"], 1_000_000)
    assert f"{needs['requests']:,.0f} requests and {MODEL['shown'](needs['upload'], 'B')} a second" in text


def test_the_page_about_benchmarks_has_the_costs_that_were_measured() -> None:
    costs = json.loads((BENCHMARKS / "costs.json").read_text(encoding="utf-8"))["costs"]
    (section,) = [each for each in sections(BENCHMARKS / "README.md") if each.heading == "What an event costs"]
    shown = [re.sub(r" \D+$", "", row[1]).replace(",", "") for row in section.rows]
    assert sorted(map(float, shown)) == sorted(costs.values())


@pytest.mark.parametrize("formula", ["rate - batch", "rate ** 2", "min(rate, 1)", "1.5", "'rate'"])
def test_what_is_no_formula_is_refused(formula: str) -> None:
    figure = MODEL["Figure"]("wrong", formula, "wrong")
    with pytest.raises(ValueError, match="is no part of a formula"):
        MODEL["computed"]([figure], 1)
