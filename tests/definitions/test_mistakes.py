"""The page of mistakes tells what is said about each of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from kable_destination.definitions import MappingError, TriggerError, compile_mapping, compile_trigger

DOCS = Path(__file__).parents[2] / "docs"
MISTAKES = (DOCS / "mistakes.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"^### (.+)\n\n```(json|fql)\n([\s\S]*?)\n```\n\n```text\n([\s\S]*?)\n```$", re.MULTILINE)
EXAMPLES = EXAMPLE.findall(MISTAKES)


@pytest.mark.parametrize(
    ("language", "text", "told"), [example[1:] for example in EXAMPLES], ids=[example[0] for example in EXAMPLES]
)
def test_a_mistake_is_refused_in_the_words_of_the_page(language: str, text: str, told: str) -> None:
    """Place, reason and remedy stand there as they are told."""
    if language == "json":
        with pytest.raises(MappingError) as refused:
            compile_mapping(json.loads(text))
        assert [str(problem) for problem in refused.value.problems] == told.split("\n")
    else:
        with pytest.raises(TriggerError, match="line") as caught:
            compile_trigger(text)
        assert str(caught.value) == told


def test_every_example_of_the_page_is_run() -> None:
    """There are more than ten of each, and none is left out."""
    assert len(EXAMPLES) == MISTAKES.count("\n### ")
    languages = [example[1] for example in EXAMPLES]
    assert min(languages.count("json"), languages.count("fql")) > 10
