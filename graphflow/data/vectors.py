"""Published word vectors (GloVe, fastText): as a data set, and as rows for a vocabulary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt

from graphflow.data.archive import opened, undamaged
from graphflow.data.dataset import Dataset
from graphflow.data.files import Remote
from graphflow.data.options import Between
from graphflow.data.registry import register
from graphflow.data.tokenizers import UNKNOWN, Words
from graphflow.diagnostics import fail

Floats = npt.NDArray[np.float32]
Which = Literal["6b.50d", "6b.100d", "42b.300d", "wiki.en"]

BOOK = "https://d2l-data.s3-accelerate.amazonaws.com/"
INSTEAD = "leave the embedding to its initialiser"
VECTORS: dict[str, Remote] = {
    name: Remote(f"{file}.zip", f"{BOOK}{file}.zip", f"sha1:{digest}", size, INSTEAD, top=file)
    for name, file, size, digest in (
        ("6b.50d", "glove.6B.50d", 69_000_000, "0b8703943ccdb6eb788e6f091b8946e82231bc4d"),
        ("6b.100d", "glove.6B.100d", 134_000_000, "cd43bfb07e44e6f27cbcc7bc9ae3d80284fdaf5a"),
        ("42b.300d", "glove.42B.300d", 1_880_000_000, "b5116e234e9eb9076672cfeabf5469f3eec904fa"),
        ("wiki.en", "wiki.en", 5_000_000_000, "c1816da3821ae9f43899be655002f6c723e91b88"),
    )
}
LINES = 10_000
"""Lines that are read at a time."""


@register(
    "glove",
    columns={"token": "int64 (N,): 0 is <unk>", "vector": "float32 (N, d), zeros for <unk>"},
    files=list(VECTORS.values()),
)
def glove(vectors: Which = "6b.50d", n: Annotated[int, Between(1)] | None = None) -> Dataset:
    """Published word vectors: GloVe ``6b.50d``, ``6b.100d``, ``42b.300d``, fastText ``wiki.en``.

    ``n`` keeps the first words, which are the most frequent. Only the file that ``vectors`` names
    is read. ``graphflow fetch glove/6b.100d --tokens FILE`` writes those of a file's vocabulary as
    weights for its embedding. Pennington et al. 2014; Dive into Deep Learning 15.7.
    """
    words, parts, left = [UNKNOWN], [], n
    for tokens, rows in _chunks(VECTORS[vectors]):
        words += tokens[:left]
        parts.append(rows[:left])
        left = None if left is None else left - len(parts[-1])
        if left == 0:
            break
    matrix = np.concatenate([np.zeros((1, parts[0].shape[1]), np.float32), *parts])
    return Dataset(
        "glove",
        {"token": np.arange(len(words)), "vector": matrix},
        f"{len(words):,} words as vectors of {matrix.shape[1]} numbers ({vectors})",
        tokenizers={"token": Words(tuple(words), splits="spaces")},
    )


def vectors_of(tokens: Sequence[str], vectors: str) -> tuple[Floats, int]:
    """A vector for each token (V, d), zeros for one that has none; how many have one."""
    place = {token: i for i, token in enumerate(tokens)}
    found: Floats | None = None
    known = set()
    for words, rows in _chunks(VECTORS[vectors]):
        if found is None:
            found = np.zeros((len(tokens), rows.shape[1]), np.float32)
        for word, row in zip(words, rows, strict=True):
            if word in place and word not in known:
                found[place[word]] = row
                known.add(word)
    assert found is not None  # _chunks gives one part at least
    return found, len(known)


def _chunks(remote: Remote) -> Iterator[tuple[list[str], Floats]]:
    """Words and their vectors, some thousands at a time; GF073 for a file that holds none.

    A line is a word and its numbers; the first line of fastText's files, two numbers, is skipped.
    """
    width = 0
    with opened(remote) as members, undamaged(members.where), members.open("vec.txt") as stream:
        while lines := list(islice(stream, LINES)):
            cells = [line.decode("utf-8", "replace").rstrip().split(" ") for line in lines]
            cells = [row for row in cells if len(row) > 2]
            if not cells:
                continue
            width = width or len(cells[0]) - 1
            if any(len(row) != width + 1 for row in cells):
                fail("GF073", f"'vec.txt' in '{members.where}' has lines that are no word with "
                     f"{width} numbers")  # fmt: skip
            yield [row[0] for row in cells], np.array([row[1:] for row in cells], np.float32)
    if not width:
        fail("GF073", f"'vec.txt' in '{remote.file}' holds no vectors")
