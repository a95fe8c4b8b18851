"""A small world to write about: animals, machines and people, what they do, and how one finds them.

A sentence is a list of words with their parts of speech. Some words have two meanings, which only
the words around them tell apart: a crane is an animal or a machine, owls fly and frogs eat flies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from graphflow.data.pretraining import BETWEEN, FIRST, MASK
from graphflow.data.tokenizers import PAD, UNKNOWN, Words

TAGS = ("adj", "adv", "conj", "det", "mark", "noun", "prep", "pron", "verb")
Sentence = list[tuple[str, str]]
"""Words with their tags."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What is of one kind: what it does, what it does to which things, and where it is."""

    name: str
    nouns: tuple[str, ...]
    does: tuple[str, ...]
    acts: tuple[str, ...]
    things: tuple[str, ...]
    places: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


KINDS = (
    Kind(
        "animal", _words("bear cat crane dog duck frog owl"),
        _words("flies hides sings sleeps swims"), _words("chases eats finds"),
        _words("berries fish flies seeds"), _words("forest lake nest tree"),
    ),
    Kind(
        "machine", _words("crane digger engine pump robot train truck"),
        _words("breaks hums stops turns works"), _words("drops lifts pulls"),
        _words("beams boxes pipes stones"), _words("bridge factory harbour station"),
    ),
    Kind(
        "person", _words("baker boy cook girl king queen teacher"),
        _words("dances laughs plays talks waits"), _words("buys makes orders"),
        _words("books cakes orders plays"), _words("house kitchen market school"),
    ),
)  # fmt: skip
PLAIN = _words("big little new old quiet small tall young")
MOODS = (
    _words("awful bad boring cruel dreadful dull foul grim horrible mean nasty poor rude sad "
           "terrible ugly"),
    _words("brave charming cheerful fine friendly gentle good graceful great happy kind lovely "
           "nice splendid sweet wonderful"),
)  # fmt: skip
"""Adjectives of blame, and of praise."""
DEGREES = _words("quite so very")
PREPOSITIONS = _words("behind in near")
MARKS = _words(". ?")
LITTLE = _words("a an and is it the where who")
_ALL = {
    word
    for k in KINDS
    for group in ((k.name,), k.nouns, k.does, k.acts, k.things, k.places)
    for word in group
}.union(PLAIN, *MOODS, DEGREES, PREPOSITIONS, MARKS, LITTLE)
VOCABULARY = Words(tuple(sorted({UNKNOWN, PAD, MASK, FIRST, BETWEEN, *_ALL})), splits="spaces")
"""Of all texts of the small world, so that what one text has taught serves for the others."""
NAMES: Mapping[str, str] = {k.name: "an" if k.name[0] in "aeiou" else "a" for k in KINDS}


@dataclass(frozen=True, slots=True)
class Event:
    """Somebody does something: to ``thing``, somewhere, or neither."""

    kind: Kind
    noun: str
    verb: str
    thing: str = ""
    where: tuple[str, str] | None = None
    adjective: str = ""

    def subject(self) -> Sentence:
        """``the old crane``."""
        described = [(self.adjective, "adj")] if self.adjective else []
        return [("the", "det"), *described, (self.noun, "noun")]

    def doing(self) -> Sentence:
        """``lifts stones``."""
        return [(self.verb, "verb"), *([(self.thing, "noun")] if self.thing else [])]

    def place(self) -> Sentence:
        """``near the bridge``."""
        if self.where is None:
            return []
        preposition, place = self.where
        return [(preposition, "prep"), ("the", "det"), (place, "noun")]

    def told(self) -> Sentence:
        """The whole, without a full stop."""
        return self.subject() + self.doing() + self.place()


STOP: Sentence = [(".", "mark")]


class Writer:
    """Writes sentences; what is drawn depends on ``random`` alone."""

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random

    def one_of(self, words: Sequence[str], but: str = "") -> str:
        """A word, another than ``but``."""
        left = [word for word in words if word != but]
        return left[self.random.integers(len(left))]

    def chance(self, share: float) -> bool:
        """True so often."""
        return bool(self.random.random() < share)

    def kind(self) -> Kind:
        """One of the kinds."""
        return KINDS[self.random.integers(len(KINDS))]

    def event(self, kind: Kind, noun: str = "", adjectives: Sequence[str] = PLAIN) -> Event:
        """Something that happens to happen; half of the time with an adjective and a place."""
        acts = self.chance(0.5)
        return Event(
            kind,
            noun or self.one_of(kind.nouns),
            self.one_of(kind.acts if acts else kind.does),
            self.one_of(kind.things) if acts else "",
            self.where(kind) if self.chance(0.5) else None,
            self.one_of(adjectives) if self.chance(0.5) else "",
        )

    def where(self, kind: Kind) -> tuple[str, str]:
        """``near``, ``bridge``."""
        return self.one_of(PREPOSITIONS), self.one_of(kind.places)

    def opinion(self, subject: Sentence, mood: int) -> Sentence:
        """``the crane is very lovely``."""
        degree: Sentence = [(self.one_of(DEGREES), "adv")] if self.chance(0.5) else []
        return [*subject, ("is", "verb"), *degree, (self.one_of(MOODS[mood]), "adj")]

    def story(self, sentences: int) -> list[Sentence]:
        """Sentences about one kind in one mood, most of them about one of that kind."""
        kind, mood = self.kind(), int(self.random.integers(2))
        hero = self.one_of(kind.nouns)
        return [self._told(kind, hero, mood) + STOP for _ in range(sentences)]

    def _told(self, kind: Kind, hero: str, mood: int) -> Sentence:
        noun = hero if self.chance(0.7) else self.one_of(kind.nouns)
        drawn = self.random.random()
        if drawn < 0.1:
            named: Sentence = [(NAMES[kind.name], "det"), (kind.name, "noun")]
            return [("the", "det"), (noun, "noun"), ("is", "verb"), *named]
        if drawn < 0.5:
            it: Sentence = [("it", "pron")]
            of = it if self.chance(0.3) else [("the", "det"), (noun, "noun")]
            said = self.opinion(of, mood)
            more: Sentence = [("and", "conj"), (self.one_of(MOODS[mood], said[-1][0]), "adj")]
            return said + more if self.chance(0.6) else said
        return self.event(kind, noun, PLAIN if self.chance(0.2) else MOODS[mood]).told()
