"""Transforms of texts and of lists of different lengths."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np

from graphflow.data.columns import Column, Indices, Lists, chunks
from graphflow.data.options import Between
from graphflow.data.tokenizers import BEGIN, END, PAD, UNKNOWN, Level, Tokenizer, learn
from graphflow.data.transforms.frame import Fitted, Frame, Transform
from graphflow.data.transforms.registry import transform
from graphflow.diagnostics import fail


@transform("tokenize")
@dataclass(frozen=True)
class Tokenize(Transform):
    """A column of texts as lists of token numbers, and ``column_length`` as how long each is.

    The vocabulary is that of the training part: at most ``vocab`` tokens, none rarer than
    ``min_freq``; others become ``<unk>``. Tokens are characters, words or byte pairs (``level``).
    With ``bos`` and ``eos`` a list begins with ``<bos>`` and ends with ``<eos>``. Lists served
    together are filled up with ``<pad>`` to the longest of a batch; pad(column, length) gives all
    one length.
    """

    learns: ClassVar[bool] = True
    column: str
    level: Level = "word"
    vocab: Annotated[int, Between(5)] | None = None
    min_freq: Annotated[int, Between(1)] = 1
    lower: bool = False
    letters_only: bool = False
    splits: Literal["words", "spaces"] = "words"
    bos: bool = False
    eos: bool = False

    def fit(self, frame: Frame) -> Fitted:
        reserved = [UNKNOWN, PAD, *([BEGIN] * self.bos), *([END] * self.eos)]
        learned = learn(
            _texts(frame.text(self.column), frame.training), self.level, self.vocab, self.min_freq,
            reserved=reserved, lower=self.lower, letters_only=self.letters_only, splits=self.splits,
        )  # fmt: skip
        return learned.to_json()

    def apply(self, frame: Frame, fitted: Fitted) -> Frame:
        tokenizer = Tokenizer.from_json(fitted)
        texts = frame.text(self.column)
        lists = Lists.of(
            [self._list(tokenizer, text) for text in _texts(texts, np.arange(len(texts)))],
            tokenizer.numbers[PAD],
        )
        columns: dict[str, Column] = {self.column: lists, f"{self.column}_length": lists.lengths}
        return frame.with_columns(columns, tokenizers={self.column: tokenizer})

    def _list(self, tokenizer: Tokenizer, text: str) -> list[int]:
        begin = [tokenizer.numbers[BEGIN]] if self.bos else []
        end = [tokenizer.numbers[END]] if self.eos else []
        return [*begin, *tokenizer.encode(text), *end]


def _texts(column: Column, rows: Indices) -> Iterator[str]:
    """The texts of some rows; a missing one is empty."""
    for part in chunks(column, rows):
        yield from ("" if text is None else str(text) for text in part.tolist())


@transform("pad")
@dataclass(frozen=True)
class Pad(Transform):
    """Lists filled up with ``value`` (``<pad>`` by default), or cut, to one ``length``.

    ``column_length`` then says how many entries are no filling.
    """

    column: str
    length: Annotated[int, Between(1)]
    value: int | None = None

    def apply(self, frame: Frame, fitted: Fitted) -> Frame:
        lists = frame.column(self.column)
        if not isinstance(lists, Lists):
            what = (
                "text" if lists.dtype.kind == "O" else f"rows of one shape, {list(lists.shape[1:])}"
            )
            fail("GF071", f"column '{self.column}' holds {what}: nothing is padded",
                 help=f"transforms: tokenize({self.column}) makes lists of a text")  # fmt: skip
        filled = Lists(lists.values, lists.starts, lists.pad if self.value is None else self.value)
        columns: dict[str, Column] = {
            self.column: filled.filled(np.arange(len(lists)), self.length),
            f"{self.column}_length": np.minimum(lists.lengths, self.length),
        }
        return frame.with_columns(columns)
