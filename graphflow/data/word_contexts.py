"""Words of a text that is at hand and the words around them, for word vectors."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt

from graphflow.data.dataset import Array, Dataset, generator
from graphflow.data.documentation import topics
from graphflow.data.files import decode, read_bytes, user_path
from graphflow.data.grammar import told
from graphflow.data.options import Between, concerning
from graphflow.data.padding import Numbers, padded
from graphflow.data.registry import register
from graphflow.data.text import Frequency, VocabularySize
from graphflow.data.tokenizers import Words, learn
from graphflow.data.word_pairs import WINDOWS, contexts, negative_sampling
from graphflow.diagnostics import fail

Text = Literal["sentences", "python_docs"]
Reach = Annotated[int, Between(1, 100)]
_BREAK = re.compile(r"(?<=[.:;?!])\s+|\n\s*\n")
OFFSET, PRIME = 2166136261, 16777619  # of the hash FNV-1a, in 32 bits


@register("skipgrams", columns=WINDOWS)
def skipgrams(
    text: Text = "sentences",
    path: str | None = None,
    max_window: Reach = 2,
    noise: Annotated[int, Between(0, 100)] = 5,
    vocab: VocabularySize | None = None,
    min_freq: Frequency = 1,
    subsample: Annotated[float, Between(0, 1)] = 0.01,
    seed: Annotated[int, Between(0)] = 0,
    folder: str | Path | None = None,
) -> Dataset:
    """Words, the words around them and noise words, for word2vec, from a text that is at hand.

    ``text`` is that of the source ``sentences`` or ``python_docs``, ``path`` a file of your own.
    Words are runs of letters, in lower case. All else is as in ``ptb_skipgram``; ``subsample`` is
    larger because the texts are smaller.
    """
    lines = _sentences(text, path, folder)
    tokenizer = learn(lines, "word", vocab, min_freq, lower=True, letters_only=True)
    return negative_sampling(
        "skipgrams", path or text, lines, tokenizer, max_window, noise, subsample,
        generator(24, seed),
    )  # fmt: skip


@register(
    "cooccurrences",
    columns={
        "word": "int64 (N,)",
        "counts": "float32 (N, vocab): how often each of the most frequent words stands near it",
        "subwords": "int64 (N, S): numbers of its n-grams from 1 on, then 0",
    },
)
def cooccurrences(
    text: Text = "sentences",
    path: str | None = None,
    window: Reach = 2,
    by_distance: bool = False,
    vocab: VocabularySize | None = None,
    rare: Annotated[int, Between(0)] = 0,
    shortest: Annotated[int, Between(1)] = 3,
    longest: Annotated[int, Between(1)] = 6,
    buckets: Annotated[int, Between(1)] | None = None,
    folder: str | Path | None = None,
) -> Dataset:
    """Every word of a text, how often others stand near it, and the pieces it is made of.

    Rows are the ``vocab`` most frequent words (all if it is not said), in order, as part
    ``train``, and the ``rare`` next ones as part ``rare``. Words up to ``window`` places before
    and behind count 1, or with ``by_distance`` 1 / distance. Subwords are those of fastText: with
    < before and > behind, all runs of ``shortest`` to ``longest`` letters, and the whole. Each has
    a number of its own, or that of one of ``buckets`` (its FNV-1a hash, as in fastText). The text
    is that of ``skipgrams``. Dive into Deep Learning 15.5 and 15.6.
    """
    bare = Words((), lower=True, letters_only=True)
    lines = [bare.split(line) for line in _sentences(text, path, folder)]
    found = Counter(word for line in lines for word in line)
    words = sorted(found, key=lambda word: (-found[word], word))
    size = min(vocab or len(words), len(words))
    words = words[: size + rare]
    if len(words) < (vocab or 1) + rare:
        fail("GF075", f"the text has {len(words):,} different words, not {(vocab or 1) + rare:,}")
    numbers = {word: number for number, word in enumerate(words)}
    known = [np.array([numbers[w] for w in line if w in numbers], np.int64) for line in lines]
    pieces = _numbered([subwords(word, shortest, longest) for word in words], buckets)
    columns: dict[str, Array] = {
        "word": np.arange(len(words)),
        "counts": _counts(known, len(words), window, by_distance)[:, :size],
        "subwords": padded(pieces, max(map(len, pieces)), 0)[0],
    }
    parts = {"train": np.arange(size), "rare": np.arange(size, len(words))}
    return Dataset(
        "cooccurrences",
        columns,
        f"{len(words):,} words of {path or text}, {size:,} of them as contexts, "
        f"{max(map(max, pieces)):,} subwords",
        splits={part: rows for part, rows in parts.items() if len(rows)},
        tokenizers={"word": Words(tuple(words), lower=True, letters_only=True)},
    )


def _sentences(text: Text, path: str | None, folder: str | Path | None) -> list[str]:
    """The sentences of a text."""
    if path is not None:
        with concerning("path"):
            return _BREAK.split(decode(read_bytes(user_path(path, folder)), path))
    if text == "sentences":
        return told()
    return [part for _, page in sorted(topics().items()) for part in _BREAK.split(page)]


def _counts(
    sentences: Sequence[Numbers], size: int, window: int, by_distance: bool
) -> npt.NDArray[np.float32]:
    """How often, or how near, each word stands to each other one (size, size)."""
    sentences = [line for line in sentences if len(line)]
    center = np.concatenate(sentences)
    words, here = contexts(sentences, np.full(len(center), window), window)
    distance = np.abs([d for d in range(-window, window + 1) if d])
    weight = here / (distance if by_distance else 1)
    found = np.zeros((size, size))
    np.add.at(found, (np.repeat(center, 2 * window), words.ravel()), weight.ravel())
    return found.astype(np.float32)


def subwords(word: str, shortest: int = 3, longest: int = 6) -> list[str]:
    """The pieces of a word in fastText: its n-grams between < and >, and the whole, each once.

    >>> subwords("where", 3, 3)
    ['<wh', 'whe', 'her', 'ere', 're>', '<where>']
    """
    marked = f"<{word}>"
    runs = [
        marked[start : start + n]
        for n in range(shortest, longest + 1)
        for start in range(len(marked) - n + 1)
    ]
    return list(dict.fromkeys([*runs, marked]))


def _numbered(rows: Sequence[Sequence[str]], buckets: int | None) -> list[list[int]]:
    """Numbers from 1 on: those of pieces in the order in which they are met, or of buckets."""
    if buckets is not None:
        return [[1 + fnv1a(piece) % buckets for piece in row] for row in rows]
    numbers: Mapping[str, int] = {
        piece: 1 + i for i, piece in enumerate(dict.fromkeys(p for row in rows for p in row))
    }
    return [[numbers[piece] for piece in row] for row in rows]


def fnv1a(text: str) -> int:
    """The hash of Fowler, Noll and Vo in 32 bits, FNV-1a, of a text's bytes.

    >>> hex(fnv1a("a")), hex(fnv1a("foobar"))
    ('0xe40c292c', '0xbf9cf968')
    """
    found = OFFSET
    for byte in text.encode():
        found = (found ^ byte) * PRIME % 2**32
    return found
