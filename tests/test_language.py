"""The texts that users and authors read are plain English: no habit of the list below, and no sentence without end.

A finding says file, line, what is there and what to write instead. Code and quotes are not looked at. If a rule is
wrong for a text, change the rule here; there is no way to silence one place.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from documentation import ROOT, pages
from prose import Passage, commented_passages, module_passages, page_passages, script_passages, template_passages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

PACKAGE = ("definitions", "actions", "destination", "runner")

HABITS = {
    r"all the same": '"anyway" or "still"',
    r"anew": '"again"',
    r"at hand": '"available", or what has it',
    r"(?:becom(?:e|es|ing)|became) of": '"what happens to"',
    r"c(?:a|o)mes? to nothing": '"fails", "has no effect" or "was rolled back"',
    r"what (?:\w+ ){1,4}c(?:a|o)mes? to": '"the result of", or what it adds up to',
    r"comes? of (?:it|this|that)": '"the result"',
    r"(?:is|are|was|were|be) given up": 'who gives up: "the run gives up"',
    r"(?:go|goes|going|went) on(?! with| to)": '"continue"',
    r"(?<!there\s)(?:is|are|was|were) no(?= \w)(?! longer| more| such| other| limit)": '"is not a"',
    r"in vain": '"without effect"',
    r"mend(?:s|ed|ing)?": '"fix"',
    r"nothing but": '"only"',
    r"of which": '"whose", or two sentences',
    r"otherwise than": '"differently from"',
    r"out of order": '"down" or "not working"',
    r"shall": '"must" or "will"',
    r"so long(?! as)": '"that long", or the time',
    r"so that": '"so" or "to"',
    r"(?:stand|stands|stood|standing)(?! for| in for|-in| side by side| alone)": '"is", or what it does',
    r"(?:tell|tells|told|telling)(?! \w+ apart| apart| to| [^.;]{1,40} from)": '"say", "show" or "report"',
    r"(?:hence|lest|thereby|thereof|thus|upon|whereby|whereof|hitherto|henceforth)": "a common word, or nothing",
    r"turned? (?:down|away)": '"rejected", "refused" or "skipped"',
    r"whom": '"who", or another sentence',
    r"(?:whoever|whomever|whosoever)": 'who it is: "the caller", "the user who", "anyone who"',
}
"""What is not written, as a pattern of whole words, and what to write instead."""

CLAUSES = re.compile(r"(?:What|Whether|That it|That a) [^?:]+\Z", re.DOTALL)
"""A sentence whose subject is a clause: "What is unsent is kept". Say who does what."""

MOST_WORDS = 35

_HABITS = [
    (re.compile(rf"\b(?:{pattern})\b".replace(" ", r"\s+"), re.IGNORECASE), remedy)
    for pattern, remedy in HABITS.items()
]


def findings(passages: Iterable[Passage]) -> Iterator[str]:
    """Yield what is not plain: the place, what is there, and the remedy."""
    for passage in passages:
        for habit, remedy in _HABITS:
            for match in habit.finditer(passage.text):
                yield f'{passage.place(match.start())}: "{" ".join(match[0].split())}"; write {remedy}'
        if passage.is_running_text:
            yield from _long_or_inverted(passage)


def _long_or_inverted(passage: Passage) -> Iterator[str]:
    for position, sentence in passage.sentences():
        words = len(re.findall(r"[\w…'-]+", sentence))
        begin = " ".join(sentence.split()[:5])
        if words > MOST_WORDS:
            yield f'{passage.place(position)}: "{begin} …" has {words} words; make sentences of at most {MOST_WORDS}'
        if CLAUSES.match(sentence):
            yield f'{passage.place(position)}: "{begin} …" begins with a clause as its subject; begin with who acts'


def checked(paths: Iterable[Path]) -> list[str]:
    """Return all findings in some files, each read as its name says."""
    readers = {
        ".md": page_passages,
        ".py": module_passages,
        ".js": script_passages,
        ".mjs": script_passages,
        ".j2": template_passages,
    }
    found: list[str] = []
    for path in paths:
        name = str(path.relative_to(ROOT))
        found += findings(readers.get(path.suffix, commented_passages)(path, name))
    return found


def report(found: list[str]) -> None:
    """Fail with all findings, one on each line."""
    assert not found, "\n".join(["", *found])


def test_the_pages_are_plain_english() -> None:
    """The pages that commands generate are among them: `docs/cli.md` has all help texts."""
    report(checked(pages()))


@pytest.mark.parametrize("layer", PACKAGE)
def test_docstrings_comments_messages_and_help_are_plain_english(layer: str) -> None:
    report(checked(sorted((ROOT / layer).rglob("*.py"))))


def test_templates_are_plain_english() -> None:
    report(checked(sorted(path for layer in PACKAGE for path in (ROOT / layer).rglob("*.j2"))))


def test_the_page_is_plain_english() -> None:
    report(checked([ROOT / "page" / "build.mjs", *sorted((ROOT / "page" / "src").rglob("*.js"))]))


def test_examples_are_plain_english() -> None:
    texts = {".py", ".toml", ".yml", ".yaml", ".service", ".timer"}
    report(checked(sorted(path for path in (ROOT / "examples").rglob("*") if path.suffix in texts)))


def test_a_finding_names_file_line_word_and_remedy(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n\nIt is kept so\nthat whoever reads it\nis content.\n")
    assert list(findings(page_passages(page, "page.md"))) == [
        'page.md:3: "so that"; write "so" or "to"',
        'page.md:4: "whoever"; write who it is: "the caller", "the user who", "anyone who"',
    ]


def test_code_quotes_links_and_comments_of_a_page_are_not_checked(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        '`anew` and ``shall`` and "whoever" and [a link](https://whom.example)\n\n'
        "```text\nanew\n```\n\n<!-- run: after\nanew -->\n\n| `anew` |\n| --- |\n| fine |\n"
    )
    assert list(findings(page_passages(page, "page.md"))) == []


def test_headings_cells_items_and_paragraphs_are_checked(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Anew\n\n| anew |\n| --- |\n| anew |\n\n- anew\n  and anew\n- fine\n")
    assert [finding.split(":")[1] for finding in findings(page_passages(page, "page.md"))] == ["1", "3", "5", "7", "8"]


def test_docstrings_comments_and_messages_of_a_module_are_checked(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        '"""Anew."""\n\n\ndef anew(anew: str) -> str:\n    # First,\n    # then anew.\n'
        '    return f"{anew!r}: it is done anew" + "and `anew` is code"\n'
    )
    lines = [finding.split(":")[1] for finding in findings(module_passages(module, "module.py"))]
    assert sorted(lines) == ["1", "6", "7"]


def test_comments_and_messages_of_a_script_are_checked(tmp_path: Path) -> None:
    script = tmp_path / "script.js"
    script.write_text(
        "/**\n * Anew.\n * @param {{anew: string}} anew  it is anew\n */\n"
        "const anew = /anew/;\n// First,\n// then anew.\n"
        'say(`it is ${anew} done anew`, "anew", "and it is done anew");\n'
    )
    lines = [finding.split(":")[1] for finding in findings(script_passages(script, "script.js"))]
    assert lines == ["2", "3", "7", "8", "8"]


def test_a_long_sentence_and_a_clause_as_a_subject_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"It ends. {' '.join(['word'] * 41)}.\n\nWhat is unsent is kept.\n\nWhat now? What follows:\n")
    assert [finding.partition(" has ")[0] for finding in findings(page_passages(page, "page.md"))] == [
        'page.md:1: "word word word word word …"',
        'page.md:3: "What is unsent is kept. …" begins with a clause as its subject; begin with who acts',
    ]
