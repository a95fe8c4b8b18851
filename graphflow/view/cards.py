"""The canned graphs as cards: what each teaches, where it is from, how they are found."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from graphflow.gallery import Entry, list_graphs
from graphflow.spec.values import Map
from graphflow.spec.yaml12 import read_file

SECTION = re.compile(r"(?P<book>.*?)\s+(?P<section>\d+\.\d.*)")


@dataclass(frozen=True)
class Card:
    """What is known of a canned graph without opening it."""

    name: str
    title: str
    topic: str
    about: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Thumbnail:
    """What takes opening it: how many nodes it has, how many numbers it learns, its picture (an
    SVG in light and one in dark), and that in words.
    """

    nodes: int
    parameters: int
    light: str
    dark: str
    text: str


def cards() -> tuple[Card, ...]:
    """All canned graphs: topics in reading order, in each of them the shortest file first.

    >>> cards()[0].name
    'xyz'
    """
    entries = list_graphs()
    topics = list(dict.fromkeys(entry.topic for entry in entries))
    entries.sort(key=lambda entry: (topics.index(entry.topic), entry.path.stat().st_size))
    return tuple(
        Card(entry.name, _title(entry), entry.topic, entry.about, entry.sources)
        for entry in entries
    )


def _title(entry: Entry) -> str:
    _, tree = read_file(entry.path)
    name = tree.get("name") if isinstance(tree, Map) else None
    return entry.name if name is None else str(getattr(name, "text", entry.name))


def sourced(found: Iterable[Card]) -> tuple[tuple[str, Card], ...]:
    """Every card under each of its sources, books first, in the order of their sections.

    >>> [source for source, _ in sourced(cards())][:2]
    ['Dive into Deep Learning 2.6', 'Dive into Deep Learning 3.4']
    """
    pairs = ((source, card) for card in found for source in card.sources)
    return tuple(sorted(pairs, key=lambda pair: _place(pair[0])))


def _place(source: str) -> tuple[bool, str, tuple[int, ...]]:
    """Where a source comes; what has no sections, such as an article, comes after what has."""
    parts = SECTION.fullmatch(source)
    if parts is None:
        return True, source, ()
    numbers = re.findall(r"\d+", parts["section"])
    return False, parts["book"], tuple(int(number) for number in numbers)


def matching(found: Iterable[Card], wanted: str) -> tuple[Card, ...]:
    """The cards in which every word that is wanted stands, in whatever part of them.

    >>> [card.name for card in matching(cards(), "chain rule")]
    ['xyz']
    """
    words = wanted.lower().split()
    return tuple(card for card in found if all(word in _said(card) for word in words))


def _said(card: Card) -> str:
    return " ".join((card.name, card.title, card.topic, card.about, *card.sources)).lower()
