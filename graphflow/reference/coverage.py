"""What of each work is where, as a page: ``python -m graphflow.reference.coverage
docs/coverage.md`` writes ``graphs/coverage.yaml`` as a table a chapter.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from graphflow.data.registry import sources
from graphflow.data.transforms import TRANSFORMS
from graphflow.gallery import COVERAGE, TOPICS, list_graphs, root
from graphflow.reference.page import all_names, page_of
from graphflow.spec.values import plain
from graphflow.spec.yaml12 import read_file
from graphflow.works import ITEM, NUMBERED, Work, works

KEYS = ("graphs", "features", "reason", "open")


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a section of a work, and what of graphflow it is: canned graphs, features, or the
    ``reason`` why there is nothing. ``open`` is the topic where it will stand.
    """

    work: str
    section: str
    name: str
    graphs: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    reason: str = ""
    open: str = ""

    @property
    def source(self) -> str:
        """What ``source:`` of a graph calls it."""
        return f"{self.work}/{self.section}/{self.name}"


def items() -> tuple[Item, ...]:
    """All items, in the order of the works.

    >>> [item.graphs for item in items() if item.source == "d2l/8.3/nin"]
    [('nin',)]
    """
    _, document = read_file(root() / COVERAGE)
    written = plain(document)
    assert isinstance(written, dict)
    found = []
    for source, where in written.items():
        parts = ITEM.fullmatch(source)
        assert parts and isinstance(where, dict) and set(where) <= set(KEYS), source
        found.append(_item(parts["work"], parts["section"], parts["item"], where))
    return tuple(found)


def _item(work: str, section: str, name: str, where: Mapping[str, object]) -> Item:
    lists = [where.get(key, []) for key in ("graphs", "features")]
    words = [str(where.get(key, "")) for key in ("reason", "open")]
    graphs, features = (tuple(map(str, x)) for x in lists if isinstance(x, list))
    return Item(work, section, name, graphs, features, *words)


# -- the page ------------------------------------------------------------------------------------
HEAD = """<!-- Made by `python -m graphflow.reference.coverage docs/coverage.md`; do not edit. -->

# The book, section by section

Where to find each item of the book, and of the other works that canned graphs come from: in graphs
(`graphflow step NAME`, `run NAME`, `show NAME`), or in a command, a function, a page. Items are
called as `source:` in a graph calls them. The table is made of `graphs/coverage.yaml`.
"""


def page() -> str:
    """The page: for every work a table a chapter."""
    found = items()
    graphs = {entry.name: entry.path.relative_to(root()) for entry in list_graphs()}
    lines = [HEAD, *_summary(found)]
    for name, work in works().items():
        lines += [f"## {work.title}", ""]
        of_work = [item for item in found if item.work == name]
        for chapter, inside in groupby(of_work, key=lambda item: _chapter(item.section)):
            lines += _chapter_table(work, chapter, tuple(inside), graphs)
    return "\n".join(lines)


def _summary(found: Sequence[Item]) -> Iterator[str]:
    yield from ("| work | items | as graphs | as features | for a reason not | not here yet |",
                "|---|---|---|---|---|---|")  # fmt: skip
    for name, work in works().items():
        of_work = [item for item in found if item.work == name]
        counts = [sum(bool(getattr(item, key)) for item in of_work) for key in KEYS]
        yield f"| {work.title} | {len(of_work)} | {' | '.join(map(str, counts))} |"
    yield ""


def _chapter(section: str) -> str:
    return section.partition(".")[0] if NUMBERED.fullmatch(section) else ""


def _chapter_table(
    work: Work, chapter: str, inside: Sequence[Item], graphs: Mapping[str, Path]
) -> Iterator[str]:
    if chapter:
        yield from (f"### {chapter} {work.sections[chapter]}", "")
    yield from ("| section | item | where |", "|---|---|---|")
    last = ""
    for item in inside:
        number = f"{item.section} " if NUMBERED.fullmatch(item.section) else ""
        title = f"{number}{work.sections[item.section]}" if item.section != last else ""
        yield f"| {title} | {item.name} | {_where(item, graphs)} |"
        last = item.section
    yield ""


def _where(item: Item, graphs: Mapping[str, Path]) -> str:
    linked = [f"[{name}](../graphs/{graphs[name].as_posix()})" for name in item.graphs]
    linked += [_link(feature) for feature in item.features]
    missing = f"not here yet: {TOPICS.get(item.open, item.open).lower()}" if item.open else ""
    return ", ".join(linked) or item.reason or missing


def _link(feature: str) -> str:
    """A feature with the page that tells of it, where there is one."""
    if feature.partition("#")[0].endswith(".md"):
        words = feature.removeprefix("docs/").replace(".md", "").replace("#", ": ")
        file = feature.removeprefix("docs/") if feature.startswith("docs/") else f"../{feature}"
        return f"[{words.replace('-', ' ')}]({file})"
    found = page_of(feature) if feature.isidentifier() else None
    if found:
        family = all_names()[feature].replace("_", "-")
        return f"[`{feature}`](reference/{found.kind}s-{family}.md#{feature})"
    home = "datasets.md" if feature in sources() else "data.md" if feature in TRANSFORMS else ""
    return f"[`{feature}`]({home})" if home else f"`{feature}`"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
