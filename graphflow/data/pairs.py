"""Pairs of texts, one the translation of the other, as padded sequences of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphflow.data.dataset import Array, Dataset
from graphflow.data.padding import Numbers, padded
from graphflow.data.tokenizers import BEGIN, END, PAD, RESERVED, Level, Splits, Tokenizer, learn

COLUMNS = {
    "source": "int64 (N, S): the tokens of the source, then <eos>, then <pad>",
    "source_length": "int64 (N,): how many of them are no <pad>",
    "target_input": "int64 (N, T): <bos> and the target, what a decoder reads",
    "target": "int64 (N, T): the target and <eos>, what it is to say",
    "target_length": "int64 (N,): how many of them are no <pad>",
}


@dataclass(frozen=True, slots=True)
class Side:
    """How the texts of one side become tokens: ``steps`` is the length that each is padded or cut
    to, that of the longest if None, ``reserved`` are tokens that the vocabulary holds in any case.
    """

    level: Level = "word"
    steps: int | None = None
    min_freq: int = 1
    splits: Splits = "words"
    reserved: tuple[str, ...] = RESERVED

    def tokens(self, texts: Sequence[str], n_learn: int) -> tuple[Tokenizer, Numbers, Numbers]:
        """The tokenizer, learned from the first ``n_learn`` texts; numbers (N, T); lengths (N,)."""
        tokenizer = learn(
            texts[:n_learn], self.level, min_freq=self.min_freq, reserved=self.reserved,
            splits=self.splits,
        )  # fmt: skip
        end = tokenizer.numbers[END]
        rows = [[*tokenizer.encode(text), end] for text in texts]
        width = self.steps or max(map(len, rows))
        return tokenizer, *padded(rows, width, tokenizer.numbers[PAD])


def translation(
    name: str,
    about: str,
    pairs: Sequence[tuple[str, str]],
    n_train: int,
    source: Side,
    target: Side,
    n_learn: int | None = None,
) -> Dataset:
    """Pairs of texts as a dataset of five columns (Dive into Deep Learning 10.5).

    The first ``n_train`` pairs are for training, and the vocabularies are learned from them (or
    from the first ``n_learn``); the others are part ``val``. A text that is too long loses its end
    and ``<eos>``.

    >>> data = translation("tiny", "", [("go .", "va !"), ("go !", "va .")], 2, Side(), Side())
    >>> data.columns["target_input"].shape, data.tokenizers["target"].decode(
    ...     data.columns["target"][0].tolist()
    ... )
    ((2, 3), 'va !')
    """
    reads, source_ids, source_length = source.tokens([a for a, _ in pairs], n_learn or n_train)
    says, target_ids, target_length = target.tokens([b for _, b in pairs], n_learn or n_train)
    begin = np.full((len(pairs), 1), says.numbers[BEGIN], dtype=np.int64)
    columns: dict[str, Array] = {
        "source": source_ids,
        "source_length": source_length,
        "target_input": np.concatenate([begin, target_ids[:, :-1]], axis=1),
        "target": target_ids,
        "target_length": target_length,
    }
    order = np.arange(len(pairs))
    parts = {"train": order[:n_train], "val": order[n_train:]}
    return Dataset(
        name,
        columns,
        about,
        splits={part: rows for part, rows in parts.items() if len(rows)},
        tokenizers={"source": reads, "target_input": says, "target": says},
    )
