"""Texts as sequences of integers, served for truncated back-propagation through time."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np

from graphflow.data.dataset import Dataset
from graphflow.data.files import Remote, decode, obtain, read_bytes, user_path
from graphflow.data.options import Between, concerning
from graphflow.data.registry import register
from graphflow.data.tokenizers import Level, Tokenizer, learn
from graphflow.diagnostics import fail

Steps = Annotated[int, Between(1, 65_536)]
VocabularySize = Annotated[int, Between(2)]
Frequency = Annotated[int, Between(1)]

COLUMNS = {
    "tokens": "int64 (N,), served as (T, B)",
    "targets": "int64 (N,), served as (T, B): the tokens that follow",
}
TIME_MACHINE = Remote(
    "timemachine.txt",
    "https://d2l-data.s3-accelerate.amazonaws.com/timemachine.txt",
    "sha1:090b5e7e70c295757f55df93cb0a180b9691891a",
    size=178_887,
    instead="source: text with a path of your own",
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
    """A text file of your own, as characters, words, or pieces of words (``bpe``).

    ``vocab`` keeps the most frequent tokens (it counts ``<unk>``, which the others become),
    ``min_freq`` those that are frequent enough. ``letters_only`` turns every run of other
    characters than A to Z into one space.
    """
    with concerning("path"):
        file = user_path(path, folder)
        content = decode(read_bytes(file), path)
    tokenizer = learned(content, level, vocab, min_freq, lower, letters_only)
    with concerning("path"):
        return sequence(file.stem, file.name, content, tokenizer, steps)


@register("timemachine", columns=COLUMNS, files=[TIME_MACHINE])
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
    tokenizer = learned(content, level, vocab, min_freq, lower, letters_only)
    about = "The Time Machine, H. G. Wells, 1898"
    return sequence("timemachine", about, content, tokenizer, steps)


def learned(
    content: str,
    level: Level,
    vocab: int | None,
    min_freq: int,
    lower: bool = False,
    letters_only: bool = False,
) -> Tokenizer:
    """The tokenizer of one text."""
    with concerning("vocab" if level == "bpe" else "level"):
        return learn([content], level, vocab, min_freq, lower=lower, letters_only=letters_only)


def sequence(name: str, about: str, content: str, tokenizer: Tokenizer, steps: int) -> Dataset:
    """A text as a dataset: each token's number, and the number of the token that follows."""
    numbers = tokenizer.encode(content)
    if len(numbers) < 2:
        fail("GF073", f"'{name}' is too short a text: nothing follows its first token")
    stream = np.array(numbers, dtype=np.int64)
    return Dataset(
        name,
        {"tokens": stream[:-1], "targets": stream[1:]},
        f"{about}: {len(stream):,} tokens, {len(tokenizer):,} of them distinct",
        steps=steps,
        tokenizers={"tokens": tokenizer, "targets": tokenizer},
    )
