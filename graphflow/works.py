"""The books, blogs and courses that canned graphs come from, and what a graph's sources mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from graphflow.gallery import WORKS, Entry, list_graphs, root
from graphflow.spec.values import Plain, plain
from graphflow.spec.yaml12 import read_file

NUMBERED = re.compile(r"(\d+|[A-Z])\.\d+")
ITEM = re.compile(r"(?P<work>[a-z]\w*)/(?P<section>[\w.-]+)/(?P<item>\w+)")
"""How `source:` names an item of a section of a work."""


@dataclass(frozen=True, slots=True)
class Work:
    """A book, a blog or a course, and the titles of its sections, in their order."""

    title: str
    sections: Mapping[str, str]

    def section(self, name: str) -> str:
        """How people call a section: by its number where it has one."""
        if NUMBERED.fullmatch(name):
            return f"{self.title} {name}"
        title = self.sections.get(name, name)
        return f"{self.title}, {title}" if title else self.title

    def place(self, name: str) -> int:
        """Which of the sections it is; one that is not known comes last."""
        return [*self.sections, name].index(name)


@dataclass(frozen=True, slots=True)
class Source:
    """What a graph comes from, as people call it, with the section of a work that it belongs to.

    ``place`` sorts sections: works in their order, in each its sections, then what is of no work.
    """

    title: str
    section: str
    place: tuple[int, int, str]


@cache
def works() -> Mapping[str, Work]:
    """The works that canned graphs come from, by the word that stands for them in ``source:``.

    >>> works()["d2l"].sections["8.6"]
    'ResNet and ResNeXt'
    """
    _, document = read_file(root() / WORKS)
    written = plain(document)
    assert isinstance(written, dict)
    return {name: _work(work) for name, work in written.items()}


def _work(written: Plain) -> Work:
    assert isinstance(written, dict)
    sections = written["sections"]
    assert isinstance(sections, dict)
    return Work(str(written["title"]), {name: str(title) for name, title in sections.items()})


def source_of(written: str) -> Source:
    """What `work/section/item` means. Words, and works that are not known, stay as they are; words
    that begin with a work's title have their place in it.

    >>> source_of("d2l/8.6/resnet18").title, source_of("d2l/8.6/resnet18").section
    ('Dive into Deep Learning 8.6, resnet18', 'Dive into Deep Learning 8.6')
    >>> source_of("He et al. 2015").section
    'He et al. 2015'
    """
    item = ITEM.fullmatch(written)
    for index, (name, work) in enumerate(works().items()):
        if item is not None and item["work"] == name:
            section = work.section(item["section"])
            return Source(f"{section}, {item['item']}", section,
                          (index, work.place(item["section"]), section))  # fmt: skip
        if written.startswith(f"{work.title} "):
            place = work.place(written.removeprefix(work.title).split()[0].strip(","))
            return Source(written, written, (index, place, written))
    return Source(written, written, (len(works()), 0, written))


def title_of(source: str) -> str:
    """How people call a source.

    >>> title_of("sgugger/recurrent/rnn_char")
    'Sylvain Gugger, Recurrent neural network, rnn_char'
    """
    return source_of(source).title


def learning_order() -> list[Entry]:
    """All canned graphs: topics in reading order, in each of them by the section of the first
    source, then the shortest file first.

    >>> [entry.topic for entry in learning_order()] == [entry.topic for entry in list_graphs()]
    True
    """
    entries = list_graphs()
    topics = list(dict.fromkeys(entry.topic for entry in entries))
    return sorted(entries, key=lambda entry: (topics.index(entry.topic), *_learned(entry)))


def _learned(entry: Entry) -> tuple[tuple[int, int], int]:
    """Where the first source stands, and how long the file is."""
    work, section, _ = source_of(entry.sources[0]).place if entry.sources else (len(works()), 0, "")
    return (work, section), entry.path.stat().st_size


def from_section(wanted: str) -> list[Entry]:
    """The canned graphs from a work (d2l), a chapter (7, d2l/7), or a section (7.4, d2l/7.4), in
    the order of the sections.

    >>> "conv_padding_stride" in [entry.name for entry in from_section("7.3")]
    True
    """
    found = [(entry, [s for s in entry.sources if _is_of(s, wanted)]) for entry in learning_order()]
    among = [(min(source_of(s).place[:2] for s in own), entry) for entry, own in found if own]
    return [entry for _, entry in sorted(among, key=lambda pair: pair[0])]


def _is_of(source: str, wanted: str) -> bool:
    """Whether a source is a section, or lies in it."""
    if not ITEM.fullmatch(source):
        return False
    ways = (source, source.partition("/")[2])
    return any(way.startswith((f"{wanted}/", f"{wanted}.")) for way in ways)
