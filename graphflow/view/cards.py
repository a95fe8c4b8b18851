"""The canned graphs as cards: what each teaches, where it is from, how they are found."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from graphflow.gallery import list_graphs

SECTION = re.compile(r"(?P<book>.*?)\s+(?P<section>(\d+|[A-Z])\.\d.*)")


@dataclass(frozen=True)
class Card:
    """What is known of a canned graph without opening it. ``sources`` and the ``sections`` that
    they belong to are what people call them.
    """

    name: str
    title: str
    topic: str
    about: str
    sources: tuple[str, ...]
    sections: tuple[str, ...]


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
        Card(entry.name, entry.title, entry.topic, entry.about, entry.titles, entry.sections)
        for entry in entries
    )


def sourced(found: Iterable[Card]) -> tuple[tuple[str, Card], ...]:
    """Every card under each section it is from, books first, in the order of their sections.

    >>> sourced(cards())[0][0].startswith("Dive into Deep Learning 2.")
    True
    """
    pairs = ((section, card) for card in found for section in card.sections)
    return tuple(sorted(pairs, key=lambda pair: _place(pair[0])))


def _place(section: str) -> tuple[bool, str, tuple[tuple[bool, int, str], ...]]:
    """Where a section comes; what has no number, such as an article, comes after what has. An
    appendix, which has a letter, comes after the chapters.
    """
    parts = SECTION.fullmatch(section)
    if parts is None:
        return True, section, ()
    numbers = re.findall(r"\d+|[A-Z]", parts["section"])
    return False, parts["book"], tuple((n.isalpha(), len(n), n) for n in numbers)


def matching(found: Iterable[Card], wanted: str) -> tuple[Card, ...]:
    """The cards in which every word that is wanted stands, in whatever part of them.

    >>> [card.name for card in matching(cards(), "chain rule")]
    ['xyz']
    """
    words = wanted.lower().split()
    return tuple(card for card in found if all(word in _said(card) for word in words))


def _said(card: Card) -> str:
    return " ".join((card.name, card.title, card.topic, card.about, *card.sources)).lower()
