"""The pages of documentation lead somewhere: every link, every anchor, and the menu of the site to every page."""

from __future__ import annotations

import re
import runpy
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt

from documentation import ROOT, pages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from markdown_it.token import Token

MARKDOWN = MarkdownIt("commonmark").enable("table")
OUTSIDE = re.compile(r"[a-z][a-z0-9+.-]*:")


def inner_tokens(page: Path) -> Iterator[Token]:
    for token in MARKDOWN.parse(page.read_text(encoding="utf-8")):
        yield from token.children or ()


def links(page: Path) -> Iterator[str]:
    """Yield where links and images lead, apart from other sites."""
    for token in inner_tokens(page):
        target = token.attrGet({"link_open": "href", "image": "src"}.get(token.type, ""))
        if target and not OUTSIDE.match(str(target)):
            yield unquote(str(target))


@cache
def anchors(page: Path) -> set[str]:
    """Return the anchors of a page as GitHub makes them, and as the site does."""
    found: set[str] = set()
    tokens = MARKDOWN.parse(page.read_text(encoding="utf-8"))
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            words = "".join(token.content for token in inline.children or () if token.type in {"text", "code_inline"})
            slug = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
            others = sum(1 for known in found if re.fullmatch(rf"{re.escape(slug)}(-\d+)?", known))
            found.add(f"{slug}-{others}" if others else slug)
    return found | set(re.findall(r'<a id="([^"]+)"', page.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    broken = []
    for target in links(page):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


def test_a_broken_link_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    text = "# One `two`: three\n\n[a](#one-two-three) [b](none.md) ![c](c.svg) [d](https://x.example)\n\n`[e](e.md)`\n"
    page.write_text(text, encoding="utf-8")
    assert list(links(page)) == ["#one-two-three", "none.md", "c.svg"]
    assert anchors(page) == {"one-two-three"}


def test_the_menu_of_the_site_has_every_page_once() -> None:
    site = runpy.run_path(str(ROOT / "docs" / "site" / "build.py"))
    listed = [page for group in site["GROUPS"].values() for page in group]
    there = [str(page.relative_to(ROOT).with_suffix("")) for page in pages()]
    assert sorted(listed) == sorted([*there, *(f"api/{name}" for name in site["API"])])


def test_the_readme_leads_to_every_page_of_docs() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    missing = [page.name for page in (ROOT / "docs").glob("*.md") if f"docs/{page.name}" not in readme]
    assert missing == []
