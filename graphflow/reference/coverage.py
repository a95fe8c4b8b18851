"""What of each work is where, as a page: ``python -m graphflow.reference.coverage
docs/coverage.md`` writes ``graphs/coverage.yaml`` as a table a chapter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from graphflow.gallery import COVERAGE, ITEM, root
from graphflow.spec.values import plain
from graphflow.spec.yaml12 import read_file

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

    >>> [item.graphs for item in items() if item.source == "d2l/8.6/resnet18"]
    [('resnet18',)]
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
