"""Made up texts with labels: film reviews, and pairs of sentences of which one may follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, TypeVar

import numpy as np

from graphflow.data.dataset import Array, Dataset, generator
from graphflow.data.options import Between
from graphflow.data.padding import padded
from graphflow.data.registry import register
from graphflow.data.sentiment import INFERENCES, RELATIONS, REVIEWS, Pairs, Steps
from graphflow.data.tokenizers import PAD, UNKNOWN, Tokenizer, Words, learn
from graphflow.diagnostics import fail

Count = Annotated[int, Between(1, 50_000)]
Seed = Annotated[int, Between(0)]
Text = TypeVar("Text", bound=tuple[object, ...])

THINGS = ("this movie", "the acting", "the cast", "the ending", "the music", "the plot",
          "the script", "the story")  # fmt: skip
ADJECTIVES = (
    ("awful", "bad", "boring", "clumsy", "dull", "flat", "silly", "tedious", "weak"),
    ("brilliant", "charming", "clever", "fresh", "funny", "great", "lovely", "moving", "superb"),
)
"""Of blame, of praise."""
SAYS = ("is", "is really", "is so")
DENIES = ("is anything but", "is far from", "is never", "is not")
ASIDES = ("we saw it on monday", "it lasts two hours", "my sister came along", "it was raining")
DENIED = 0.4
"""How often an opinion is said by denying its opposite."""

KINDS: Mapping[str, tuple[str, ...]] = {
    "an animal": ("a cat", "a dog", "a horse"),
    "a person": ("a boy", "a girl", "a man", "a woman"),
    "a fruit": ("a banana", "a lemon", "an apple"),
    "an instrument": ("a drum", "a guitar", "a piano"),
    "a toy": ("a ball", "a doll", "a kite"),
    "indoors": ("in the cellar", "in the kitchen", "in the school"),
    "outdoors": ("in the field", "in the garden", "in the park"),
    "": ("on a rainy day", "on a sunny day"),
}
"""What stands for more, and what it stands for; nothing at all stands for every day."""
GENERAL = {one: kind for kind, several in KINDS.items() for one in several}
SLOTS = (
    ("an animal", "a person"), ("carries", "finds", "paints", "sells"),
    ("a fruit", "an instrument", "a toy"), ("indoors", "outdoors"), ("",),
)  # fmt: skip
"""The most general that a sentence may say: who, does, what, where, when."""


@register("made_reviews", columns=REVIEWS)
def made_reviews(
    n_train: Count = 2000, n_test: Count = 500, steps: Steps = 36, seed: Seed = 0
) -> Dataset:
    """Made up film reviews, such as: the plot is far from dull . this movie is so great .

    One or three opinions about parts of a film, of which most are the label's, among sentences
    that say nothing. Four in ten deny the opposite: "is not bad", "is anything but dull". Columns
    are those of ``imdb``; no review is in both parts.
    """
    random = generator(22, seed)
    reviews = distinct(n_train + n_test, lambda: review(random, int(random.integers(2))))
    columns: dict[str, Array] = {"label": np.array([label for _, label in reviews])}
    tokenizer = _fill(columns, {"tokens": [text for text, _ in reviews]}, n_train, steps)
    columns["length"] = columns.pop("tokens_length")
    names = Words(("negative", "positive"))
    return _parts("made_reviews", columns, n_train, {"tokens": tokenizer, "label": names})


def review(random: np.random.Generator, label: int) -> tuple[str, int]:
    """One review of that opinion (0 blame, 1 praise).

    >>> review(generator(22, 0), 1)[0].partition(" . ")[0]
    'this movie is moving'
    """
    of = [label] if random.random() < 0.25 else [label, label, int(random.integers(2))]
    sentences = [_opinion(random, one) for one in of]
    sentences += [_one_of(random, ASIDES) for _ in range(random.integers(3))]
    order = random.permutation(len(sentences))
    return " . ".join(sentences[i] for i in order) + " .", label


def _opinion(random: np.random.Generator, label: int) -> str:
    """``the plot is so clever``, or ``the plot is not dull``."""
    denied = random.random() < DENIED
    words = _one_of(random, ADJECTIVES[1 - label if denied else label])
    return f"{_one_of(random, THINGS)} {_one_of(random, DENIES if denied else SAYS)} {words}"


@register("made_inferences", columns=INFERENCES)
def made_inferences(
    n_train: Count = 3000, n_test: Count = 600, steps: Steps = 14, seed: Seed = 0
) -> Dataset:
    """Made up pairs of sentences: a dog finds a toy in the park . an animal finds a toy .

    Both tell who does what, where, and on what day. The second follows (entailment) if all that
    it says is said by the first, or stands for more; one thing that the first excludes (a cat, in
    the cellar) is a contradiction; else something is new (a kite, on a sunny day), and the pair is
    neutral. Columns are those of ``snli``; no pair is in both parts.
    """
    random = generator(23, seed)
    pairs: Pairs = distinct(n_train + n_test, lambda: inference(random, int(random.integers(3))))
    columns: dict[str, Array] = {"label": np.array([label for _, _, label in pairs])}
    texts = {"premise": [a for a, _, _ in pairs], "hypothesis": [b for _, b, _ in pairs]}
    tokenizer = _fill(columns, texts, n_train, steps)
    named = {"premise": tokenizer, "hypothesis": tokenizer, "label": Words(RELATIONS)}
    return _parts("made_inferences", columns, n_train, named)


def inference(random: np.random.Generator, label: int) -> tuple[str, str, int]:
    """Premise, hypothesis and the relation between them.

    >>> inference(generator(23, 0), 0)[:2]
    ('a man carries a kite in the garden on a rainy day .', 'a man carries a kite in the garden .')
    """
    while True:
        first, second = _scene(random), _scene(random, 0.5)
        kept = random.random(len(SLOTS)) < 0.6
        second = [a if k else b for a, b, k in zip(first, second, kept, strict=True)]
        if first != second and relation(first, second) == label:
            return _told(first), _told(second), label


def _scene(random: np.random.Generator, general: float = 0.3) -> list[str]:
    """Who does what, where, when; some of it in words that stand for more."""
    found = []
    for most in SLOTS:
        word = _one_of(random, most)
        found.append(
            word if random.random() < general else _one_of(random, KINDS.get(word, (word,)))
        )
    return found


def _told(scene: Sequence[str]) -> str:
    return " ".join(word for word in scene if word) + " ."


def relation(first: Sequence[str], second: Sequence[str]) -> int:
    """What the second scene is to the first: 0 entailed, 1 contradicted, 2 neither.

    >>> relation(["a dog", "in the park"], ["an animal", "outdoors"])
    0
    >>> relation(["a dog", "outdoors"], ["a cat", "outdoors"])
    1
    >>> relation(["a dog", "outdoors"], ["a dog", "in the park"])
    2
    """
    pairs = list(zip(first, second, strict=True))
    follows = [b in (a, GENERAL.get(a)) for a, b in pairs]
    possible = [
        follow or a == GENERAL.get(b) for follow, (a, b) in zip(follows, pairs, strict=True)
    ]
    return 0 if all(follows) else 2 if all(possible) else 1


def distinct(count: int, draw: Callable[[], Text]) -> list[Text]:
    """So many different texts. GF071 where there are not so many."""
    found: dict[Text, None] = {}
    for _ in range(100 * count):
        if len(found) == count:
            return list(found)
        found[draw()] = None
    fail("GF071", f"there are not {count:,} different texts of this kind")


def _fill(
    columns: dict[str, Array], texts: Mapping[str, Sequence[str]], n_train: int, steps: int
) -> Tokenizer:
    """Adds texts as columns of tokens, and their lengths; the tokenizer of the training part."""
    known = [text for column in texts.values() for text in column[:n_train]]
    tokenizer = learn(known, "word", reserved=(UNKNOWN, PAD), splits="spaces")
    for name, column in texts.items():
        rows = [tokenizer.encode(text) for text in column]
        columns[name], columns[f"{name}_length"] = padded(rows, steps, tokenizer.numbers[PAD])
    return tokenizer


def _parts(
    name: str, columns: dict[str, Array], n_train: int, tokenizers: Mapping[str, Tokenizer]
) -> Dataset:
    order = np.arange(len(columns["label"]))
    return Dataset(
        name,
        columns,
        f"{n_train:,} + {len(order) - n_train:,} made up texts with labels",
        splits={"train": order[:n_train], "test": order[n_train:]},
        tokenizers=tokenizers,
    )


def _one_of(random: np.random.Generator, words: Sequence[str]) -> str:
    return words[int(random.integers(len(words)))]
