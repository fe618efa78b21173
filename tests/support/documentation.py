"""The code blocks of the pages of documentation, and what an author says about them in comments that nobody else sees.

A comment stands before its block, on a line of its own:

- `<!-- run: exits with 1 -->`: the block ends with this exit code, and not with 0.
- `<!-- run: after COMMAND -->`: this runs first, in a shell of its own, and may fail. `;` separates several of these.
- `<!-- file: src/plan.py -->`: the block is this file, which is written and not run.

A word after the language (```json event) is the role of the block, for a test that reads the blocks of one page.

A `text` block that follows a Python or shell block is what that prints; `…` in it stands for anything, and on a line of
its own for any number of lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SHELLS = {"sh": "sh", "shell": "sh", "bash": "bash"}

_FENCE = re.compile(r"^ *(?P<fence>`{3,}|~{3,})(?P<language>[^`]*)$")
_CELL_BORDER = re.compile(r"(?<!\\)\|")
_CODE = re.compile(r"``(.+?)``|`([^`]+)`")
_COMMENT = re.compile(r"^ *<!-- (?P<kind>run|file): (?P<what>.*) -->$")


@dataclass(frozen=True)
class Block:
    """A block: where it stands, what it says, and what is expected of it."""

    page: str
    line: int
    language: str
    text: str
    exit_code: int = 0
    before: str = ""
    file: str = ""
    output: str | None = None
    role: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line} {self.file or self.language or 'no language'}"


def pages() -> list[Path]:
    """Find the pages of documentation; one that is added is found too."""
    folders = [ROOT / "examples", ROOT / "benchmarks"]
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(page for at in folders for page in at.glob("*.md"))]
    return sorted(found)


@dataclass(frozen=True)
class Section:
    """A part of a page: its heading, without backticks, and its text up to the next heading of any level."""

    heading: str
    text: str

    @property
    def rows(self) -> list[list[str]]:
        """The rows of its tables, each as its cells, without the first two lines of a table."""
        lines = [line for line in self.text.splitlines() if line.startswith("| ")]
        ruled = [at for at, line in enumerate(lines) if set(line) <= set("|- ")]
        heads = {head for at in ruled for head in (at - 1, at)}
        rows = [line for at, line in enumerate(lines) if at not in heads]
        return [[cell.strip().replace("\\|", "|") for cell in _CELL_BORDER.split(row)[1:-1]] for row in rows]


def sections(page: Path) -> list[Section]:
    """Read the sections of a page; a line that begins with # in a block is no heading."""
    found: list[tuple[str, list[str]]] = [("", [])]
    is_code = False
    for line in page.read_text(encoding="utf-8").splitlines():
        is_code ^= bool(_FENCE.match(line))
        if line.startswith("#") and not is_code:
            found.append((line.lstrip("#").strip().replace("`", ""), []))
        else:
            found[-1][1].append(line)
    return [Section(heading, "\n".join(lines)) for heading, lines in found]


def codes(text: str) -> list[str]:
    """Return what stands between backticks in a line, with one or two at each end."""
    return [two.strip() or one for two, one in _CODE.findall(text)]


def blocks(page: Path, root: Path = ROOT) -> list[Block]:
    """Read the blocks of a page, in order. Raises ValueError for a block or a comment that cannot be understood."""
    name = str(page.relative_to(root))
    lines = page.read_text(encoding="utf-8").splitlines()
    found: list[Block] = []
    comments: list[str] = []
    last_end = -1
    number = 0
    while number < len(lines):
        line = lines[number]
        fence = _FENCE.match(line)
        if fence is None:
            if _COMMENT.match(line):
                comments.append(line)
            elif line.strip():
                _refuse_stray(comments, name, number)
                last_end = -1
            number += 1
            continue
        end = _end_of(lines, number, fence["fence"])
        if end is None:
            raise ValueError(f"{name}:{number + 1}: the block is never closed")
        indent = len(line) - len(line.lstrip())
        text = "\n".join(inner[indent:] if not inner[:indent].strip() else inner for inner in lines[number + 1 : end])
        language, _, role = fence["language"].strip().partition(" ")
        block = _with_comments(Block(name, number + 1, language, text + "\n", role=role), comments)
        if block.language == "text" and last_end >= 0 and not comments and found[-1].language in {*SHELLS, "python"}:
            found[-1] = Block(**{**vars(found[-1]), "output": block.text})
        found.append(block)
        comments, last_end, number = [], end, end + 1
    _refuse_stray(comments, name, number)
    return found


def _end_of(lines: list[str], start: int, fence: str) -> int | None:
    for at in range(start + 1, len(lines)):
        stripped = lines[at].strip()
        if stripped.startswith(fence) and not stripped.strip(fence[0]):
            return at
    return None


def _refuse_stray(comments: list[str], page: str, number: int) -> None:
    if comments:
        raise ValueError(f"{page}:{number + 1}: {comments[0].strip()} stands before no block")


def _with_comments(block: Block, comments: list[str]) -> Block:
    told: dict[str, object] = {}
    for comment in comments:
        found = _COMMENT.match(comment)
        if found is None:
            continue
        if found["kind"] == "file":
            told["file"] = found["what"].strip()
            continue
        for part in found["what"].split(";"):
            told.update(_told(part.strip(), block))
    return Block(**{**vars(block), **told})


def _told(part: str, block: Block) -> dict[str, object]:
    if found := re.fullmatch(r"exits with (\d+)", part):
        return {"exit_code": int(found[1])}
    if part.startswith("after "):
        return {"before": part.removeprefix("after ")}
    raise ValueError(f'{block.page}:{block.line}: "{part}" is nothing that can be said of a block')
