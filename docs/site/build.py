"""Make the site: every page of documentation, with a search and the API reference.

    python docs/site/build.py [FOLDER]

Sphinx reads a copy of the project's files, in the same folders, so that links between pages are the same here and on
GitHub. Every warning is an error: a link that leads nowhere, a page in no list, a docstring that cannot be read.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from sphinx.cmd.build import build_main

ROOT = Path(__file__).parents[2]
SITE = ROOT / "build" / "site"
COPIED = (
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", "Dockerfile", "docs", "examples"),
    *("benchmarks", "tests", "definitions", "actions", "destination", "page", "runner"),
)

GROUPS = {
    "Start": {
        "README": "what this is, and a first run",
        "docs/tutorial": "from nothing to a first bill and a safe change",
        "docs/kable": "the Kable destination: settings, actions, worked examples",
        "docs/configuration": "every key of a configuration",
        "docs/cli": "every command and option",
        "docs/schemas/README": "the JSON that commands print",
        "examples/README": "the example events",
    },
    "Say what is billed": {
        "docs/mappings": "the reference of mappings, with Liquid",
        "docs/triggers": "the reference of triggers",
        "docs/mistakes": "messages about mistakes in both, and what to write instead",
        "docs/page": "see what a mapping does while you type",
        "docs/bill": "what some events come to, per customer and dimension",
        "docs/snapshots": "see what a change would do to a bill",
    },
    "Run it": {
        "docs/delivery": "what is promised about each event, and how to watch a run",
        "docs/sources": "folders, buckets, periods, Parquet and CSV",
        "docs/operations": "services, containers, alerts, backups, upgrades",
        "docs/deployment": "Docker Compose and Kubernetes",
        "docs/audiences": "sync audiences and computed traits without Engage",
        "docs/service": "accept events of Segment and its SDKs over HTTP",
        "docs/scaling": "PostgreSQL and Kafka, for more than one machine, and what a rate needs",
        "docs/troubleshooting": "by symptom",
        "docs/versioning": "what a new version may change",
    },
    "Write code": {
        "docs/writing-a-destination": "a plugin for another destination",
        "docs/lint": "findings in a definition",
        "docs/manifests": "a destination as JSON",
        "docs/runner": "a runner of your own",
        "docs/runner-parts": "sources, queues and transports of your own",
    },
    "API": {
        "api/definitions": "the framework",
        "api/documentation": "pages about a destination",
        "api/testing": "the test kit",
        "api/destination": "Kable itself",
    },
    "The project": {
        "benchmarks/README": "how fast it is, and how that is measured",
        "CHANGELOG": "what has changed",
        "CONTRIBUTING": "how to work on it",
        "SECURITY": "how to report a vulnerability",
    },
}
"""Every page, in the order of the menu, with what a reader finds there."""

MENU = {
    "README": "Overview",
    "api/definitions": "definitions",
    "api/documentation": "definitions.documentation",
    "api/testing": "definitions.testing",
    "api/destination": "destination",
}
"""What the menu calls a page whose title is long, or not its own."""

API = {
    "definitions": "kable_destination.definitions",
    "documentation": "kable_destination.definitions.documentation",
    "testing": "kable_destination.definitions.testing",
    "destination": "kable_destination.destination",
}
"""The public packages; what is public in each is its `__all__`."""

INTRODUCTION = """\
# kable-destination

Segment events in, [Kable](https://kable.io) usage events out. A destination is data, and everything that happens to an
event before the network is a pure function of that data. So a preview, a dry run, a snapshot test and a real delivery
show the same bytes.

```sh
export KABLE_API_KEY=sk_test.… KABLE_CLIENT_ID=kci_…
kable-destination deliver events.ndjson
```
"""


def build(folder: Path, source: Path) -> int:
    """Make the site in a folder, from a copy of the project that is made here too; return an exit code."""
    trees = source.with_name("doctrees")
    for made in (folder, source, trees):
        shutil.rmtree(made, ignore_errors=True)
    (source / "api").mkdir(parents=True)
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        else:
            shutil.copy(ROOT / name, source)
    (source / "index.md").write_text(_index(), encoding="utf-8")
    for name, package in API.items():
        text = f"# `{package}`\n\n```{{eval-rst}}\n.. automodule:: {package}\n```\n"
        (source / "api" / f"{name}.md").write_text(text, encoding="utf-8")
    options = ["--fail-on-warning", "--keep-going", "--quiet", "-c", str(ROOT / "docs" / "site")]
    return build_main([*options, "-d", str(trees), str(source), str(folder)])


def _index() -> str:
    parts = [INTRODUCTION]
    for group, pages in GROUPS.items():
        parts.append(f"## {group}\n")
        titles = {page: "Overview" if page == "README" else "" for page in pages}
        parts += [f"- [{titles[page]}](/{page}.md): {words}" for page, words in pages.items()]
        parts.append(f"\n```{{toctree}}\n:caption: {group}\n:hidden:\n")
        parts += [f"{MENU[page]} <{page}>" if page in MENU else page for page in pages]
        parts.append("```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    target = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else SITE
    code = build(target, target.with_name(f"{target.name}-source"))
    if code == 0:
        sys.stdout.write(f"the site is at {target / 'index.html'}\n")
    sys.exit(code)
