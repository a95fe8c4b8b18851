"""The canned graphs as cards: what each teaches, where it is from, how they are found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from graphflow.gallery import Entry, list_graphs
from graphflow.works import Source, source_of


@dataclass(frozen=True)
class Card:
    """What is known of a canned graph without opening it."""

    name: str
    path: Path
    title: str
    topic: str
    about: str
    sources: tuple[Source, ...]


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
    return tuple(map(_card, entries))


def _card(entry: Entry) -> Card:
    sources = tuple(map(source_of, entry.sources))
    return Card(entry.name, entry.path, entry.title, entry.topic, entry.about, sources)


def sourced(found: Iterable[Card]) -> tuple[tuple[str, Card], ...]:
    """Every card under each section it is from, in the order of the works and their sections.

    >>> sourced(cards())[0][0]
    'Dive into Deep Learning 1.3'
    """
    every = {(s.section, card.name): (s, card) for card in found for s in card.sources}
    ordered = sorted(every.values(), key=lambda pair: pair[0].place)
    return tuple((source.section, card) for source, card in ordered)


def matching(found: Iterable[Card], wanted: str) -> tuple[Card, ...]:
    """The cards in which every word that is wanted stands, in whatever part of them.

    >>> "xyz" in [card.name for card in matching(cards(), "chain rule")]
    True
    """
    words = wanted.lower().split()
    return tuple(card for card in found if all(word in _said(card) for word in words))


def _said(card: Card) -> str:
    titles = (source.title for source in card.sources)
    return " ".join((card.name, card.title, card.topic, card.about, *titles)).lower()
