"""Texts as sequences of integers, served for truncated back-propagation through time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np

from graphflow.data.dataset import Dataset
from graphflow.data.files import Remote, decode, obtain, read_bytes, user_path
from graphflow.data.options import Between, concerning
from graphflow.data.registry import register
from graphflow.diagnostics import fail

Level = Literal["char", "word"]
Steps = Annotated[int, Between(1, 65_536)]
VocabularySize = Annotated[int, Between(2)]
Frequency = Annotated[int, Between(1)]

UNKNOWN = "<unk>"
COLUMNS = {
    "tokens": "int64 (N,), served as (T, B)",
    "targets": "int64 (N,), served as (T, B): the tokens that follow",
}
TIME_MACHINE = Remote(
    "timemachine.txt",
    "https://d2l-data.s3-accelerate.amazonaws.com/timemachine.txt",
    "sha1:090b5e7e70c295757f55df93cb0a180b9691891a",
)


@register("text", columns=COLUMNS)
def text(
    path: str,
    level: Level = "char",
    steps: Steps = 32,
    vocab: VocabularySize | None = None,
    min_freq: Frequency = 1,
    lower: bool = False,
    letters_only: bool = False,
    folder: str | Path | None = None,
) -> Dataset:
    """A text file of your own, as characters or words.

    ``vocab`` keeps the most frequent tokens (it counts ``<unk>``, which the others become),
    ``min_freq`` those that are frequent enough. ``letters_only`` turns every run of other
    characters than A to Z into one space.
    """
    with concerning("path"):
        file = user_path(path, folder)
        tokens = tokenize(decode(read_bytes(file), path), level, lower, letters_only)
        return sequence(file.stem, file.name, tokens, vocab, min_freq, steps)


@register("timemachine", columns=COLUMNS)
def timemachine(
    level: Level = "char",
    steps: Steps = 32,
    vocab: VocabularySize | None = None,
    min_freq: Frequency = 1,
    lower: bool = True,
    letters_only: bool = True,
) -> Dataset:
    """The Time Machine by H. G. Wells, prepared as in Dive into Deep Learning 9.2."""
    content = decode(obtain(TIME_MACHINE), TIME_MACHINE.file)
    tokens = tokenize(content, level, lower, letters_only)
    about = "The Time Machine, H. G. Wells, 1898"
    return sequence("timemachine", about, tokens, vocab, min_freq, steps)


def tokenize(content: str, level: Level, lower: bool, letters_only: bool) -> Sequence[str]:
    """The characters of a text, or its words and punctuation marks.

    >>> tokenize("Yes, I see.", "word", lower=True, letters_only=False)
    ['yes', ',', 'i', 'see', '.']
    """
    if letters_only:
        content = re.sub("[^A-Za-z]+", " ", content)
    if lower:
        content = content.lower()
    return content if level == "char" else re.findall(r"\w+|[^\w\s]", content)


def vocabulary_of(tokens: Sequence[str], size: int | None, min_freq: int) -> tuple[str, ...]:
    """The distinct tokens and ``<unk>`` in sorted order; a token's index is its number.

    At most ``size`` with ``<unk>``, the most frequent first (of equally frequent, the first in
    sorted order), none rarer than ``min_freq``.

    >>> vocabulary_of("hello", size=3, min_freq=1)
    ('<unk>', 'e', 'l')
    """
    counts = sorted(Counter(tokens).items(), key=lambda item: (-item[1], item[0]))
    kept = [token for token, count in counts if count >= min_freq]
    return tuple(sorted({UNKNOWN, *(kept if size is None else kept[: size - 1])}))


def sequence(
    name: str, about: str, tokens: Sequence[str], size: int | None, min_freq: int, steps: int
) -> Dataset:
    """Tokens as a dataset: each token's number, and the number of the token that follows."""
    if len(tokens) < 2:
        fail("GF073", f"'{name}' is too short a text: nothing follows its first token")
    vocabulary = vocabulary_of(tokens, size, min_freq)
    number = {token: i for i, token in enumerate(vocabulary)}
    unknown = number[UNKNOWN]
    stream = np.array([number.get(token, unknown) for token in tokens], dtype=np.int64)
    return Dataset(
        name,
        {"tokens": stream[:-1], "targets": stream[1:]},
        f"{about}: {len(tokens):,} tokens, {len(vocabulary):,} of them distinct",
        steps=steps,
        vocabulary=vocabulary,
    )
