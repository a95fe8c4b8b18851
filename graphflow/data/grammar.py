"""Text from a small grammar: sentences whose words depend on words far before them."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from graphflow.data.dataset import Dataset, generator
from graphflow.data.options import Between
from graphflow.data.registry import register
from graphflow.data.text import COLUMNS, Steps, learned, sequence
from graphflow.data.tokenizers import Level

NOUNS = ("bird", "cat", "dog", "frog", "girl", "horse", "king", "owl")
VERBS = ("dance", "hide", "run", "sing", "sleep")
ACTIONS = ("chase", "follow", "hear", "like", "see")  # verbs with an object
ADJECTIVES = ("big", "clever", "old", "young")
DESCRIBED = 0.3
"""How often a noun has an adjective, and how often a subject has a clause of its own."""


@register("sentences", columns=COLUMNS)
def sentences(
    n: Annotated[int, Between(2, 1_000_000)] = 3000,
    level: Level = "char",
    steps: Steps = 32,
    seed: Annotated[int, Between(0)] = 0,
) -> Dataset:
    """Sentences of a small grammar, such as: the dogs that see the old cat run.

    A noun and its verb agree (the dog runs, the dogs run), and a clause may stand between them,
    so that a model must remember whether there was one dog or several.
    """
    content = " ".join(told(n, seed))
    tokenizer = learned(content, level, None, 1)
    return sequence("sentences", f"{n:,} sentences of a small grammar", content, tokenizer, steps)


def told(n: int = 3000, seed: int = 0) -> list[str]:
    """Sentences, one by one.

    >>> told(1)
    ['the owl that the owl hears chases the bird.']
    """
    random = generator(4, seed)
    return [sentence(random) for _ in range(n)]


def sentence(random: np.random.Generator) -> str:
    """One sentence.

    >>> sentence(generator(4, 0))
    'the owl that the owl hears chases the bird.'
    """
    many = random.random() < 0.5
    words = _noun(random, many)
    if random.random() < DESCRIBED:
        words += ["that", *_clause(random, many)]
    return " ".join(words + _predicate(random, many)) + "."


def _noun(random: np.random.Generator, many: bool) -> list[str]:
    """``the dog``, ``the old dogs``."""
    adjective = [_one_of(random, ADJECTIVES)] if random.random() < DESCRIBED else []
    return ["the", *adjective, _one_of(random, NOUNS) + "s" * many]


def _clause(random: np.random.Generator, many: bool) -> list[str]:
    """What follows ``the dog that``: ``sees the cats``, or ``the cats see``."""
    others = random.random() < 0.5
    other = _noun(random, others)
    if random.random() < 0.5:
        return [_agreeing(random, ACTIONS, many), *other]
    return [*other, _agreeing(random, ACTIONS, others)]


def _predicate(random: np.random.Generator, many: bool) -> list[str]:
    """``sleeps``, ``sees the cats``."""
    if random.random() < 0.5:
        return [_agreeing(random, VERBS, many)]
    return [_agreeing(random, ACTIONS, many), *_noun(random, random.random() < 0.5)]


def _agreeing(random: np.random.Generator, verbs: tuple[str, ...], many: bool) -> str:
    """A verb: one dog sees, many dogs see."""
    return _one_of(random, verbs) + "s" * (not many)


def _one_of(random: np.random.Generator, words: tuple[str, ...]) -> str:
    return words[random.integers(len(words))]
