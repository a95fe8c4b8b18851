"""Texts to be classified: film reviews (IMDb) and pairs of sentences (SNLI)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

import numpy as np

from graphflow.data.archive import Members, opened
from graphflow.data.dataset import Array, Dataset
from graphflow.data.files import Remote, decode
from graphflow.data.options import Between
from graphflow.data.padding import padded
from graphflow.data.registry import register
from graphflow.data.tokenizers import PAD, UNKNOWN, Tokenizer, Words, learn
from graphflow.diagnostics import fail

IMDB = Remote(
    "aclImdb_v1.tar.gz",
    "https://d2l-data.s3-accelerate.amazonaws.com/aclImdb_v1.tar.gz",
    "sha1:01ada507287d82875905620988597833ad4e0903",
    size=84_125_825,
    instead="source: made_reviews",
    top="aclImdb",
)
SNLI = Remote(
    "snli_1.0.zip",
    "https://nlp.stanford.edu/projects/snli/snli_1.0.zip",
    "sha1:9fcde07509c7e87ec61c640c1b2753d9041758e4",
    size=94_550_081,
    instead="source: made_inferences",
    top="snli_1.0",
)
OPINIONS = ("neg", "pos")
RELATIONS = ("entailment", "contradiction", "neutral")
REVIEW = re.compile(r"(train|test)/(neg|pos)/[^/]+\.txt")
Steps = Annotated[int, Between(1, 65_536)]
Frequency = Annotated[int, Between(1)]
Pairs = list[tuple[str, str, int]]
REVIEWS = {
    "tokens": "int64 (N, steps)",
    "length": "int64 (N,): how many of them are no <pad>",
    "label": "int64 (N,): 0 negative, 1 positive",
}
INFERENCES = {
    "premise": "int64 (N, steps)",
    "premise_length": "int64 (N,): how many of them are no <pad>",
    "hypothesis": "int64 (N, steps)",
    "hypothesis_length": "int64 (N,): how many of them are no <pad>",
    "label": "int64 (N,): 0 entailment, 1 contradiction, 2 neutral",
}


@register("imdb", columns=REVIEWS, files=[IMDB])
def imdb(steps: Steps = 500, min_freq: Frequency = 5) -> Dataset:
    """Film reviews, praise or blame (IMDb): 25,000 to train and 25,000 to test.

    Words stand between spaces; the vocabulary is that of the training part without words rarer
    than ``min_freq``, and reviews are cut or filled up to ``steps`` tokens. Maas et al. 2011;
    Dive into Deep Learning 16.1.
    """
    with opened(IMDB) as members:
        reviews = sorted(_reviews(members))
    texts = {part: [text for p, _, _, text in reviews if p == part] for part in ("train", "test")}
    for part, found in texts.items():
        if not found:
            fail("GF073", f"'{IMDB.file}' has no reviews in {part}/pos and {part}/neg")
    tokenizer = _spaced(texts["train"], min_freq)
    rows = [tokenizer.encode(text) for text in (*texts["train"], *texts["test"])]
    ids, length = padded(rows, steps, tokenizer.numbers[PAD])
    labels = [OPINIONS.index(o) for part in texts for p, o, _, _ in reviews if p == part]
    n = len(texts["train"])
    return Dataset(
        "imdb",
        {"tokens": ids, "length": length, "label": np.array(labels, dtype=np.int64)},
        f"IMDb: {n:,} train and {len(rows) - n:,} test reviews, {len(tokenizer):,} tokens",
        splits={"train": np.arange(n), "test": np.arange(n, len(rows))},
        tokenizers={"tokens": tokenizer, "label": Words(("negative", "positive"))},
    )


def _reviews(members: Members) -> list[tuple[str, str, str, str]]:
    """Part, opinion, file name and text of each review."""
    found = []
    for name, content in members.contents(lambda name: REVIEW.fullmatch(name) is not None):
        part, opinion, file = name.split("/")
        found.append((part, opinion, file, decode(content, name).replace("\n", "")))
    return found


@register("snli", columns=INFERENCES, files=[SNLI])
def snli(steps: Steps = 50, min_freq: Frequency = 5) -> Dataset:
    """Pairs of sentences: does the second follow from the first? (SNLI, 549,367 + 9,824 pairs).

    Prepared as in Dive into Deep Learning 16.4: words between spaces, the vocabulary of the
    training part without words rarer than ``min_freq``, sentences cut or filled up to ``steps``
    tokens; pairs that people did not agree on are left out. Bowman et al. 2015.
    """
    with opened(SNLI) as members:
        parts = {part: _pairs(members, f"snli_1.0_{part}.txt") for part in ("train", "test")}
    tokenizer = _spaced([text for pair in parts["train"] for text in pair[:2]], min_freq)
    pairs = [pair for part in parts.values() for pair in part]
    columns: dict[str, Array] = {}
    for place, name in enumerate(("premise", "hypothesis")):
        texts = [str(pair[place]) for pair in pairs]
        rows = [tokenizer.encode(text) for text in texts]
        columns[name], columns[f"{name}_length"] = padded(rows, steps, tokenizer.numbers[PAD])
    columns["label"] = np.array([label for _, _, label in pairs], dtype=np.int64)
    n = len(parts["train"])
    return Dataset(
        "snli",
        columns,
        f"SNLI: {n:,} train and {len(pairs) - n:,} test pairs, {len(tokenizer):,} tokens",
        splits={"train": np.arange(n), "test": np.arange(n, len(pairs))},
        tokenizers={"premise": tokenizer, "hypothesis": tokenizer, "label": Words(RELATIONS)},
    )


def _pairs(members: Members, name: str) -> Pairs:
    """Premise, hypothesis and label of each line whose label is one of the three."""
    lines = decode(members.read(name), name).split("\n")[1:]
    rows = [line.split("\t") for line in lines if line]
    if not rows or min(map(len, rows)) < 3:
        fail("GF073", f"'{name}' is not a table of pairs, with tabs between its columns")
    return [
        (plain(row[1]), plain(row[2]), RELATIONS.index(row[0]))
        for row in rows
        if row[0] in RELATIONS
    ]


def plain(parse: str) -> str:
    """The words of a sentence that is written with the brackets of its parse.

    >>> plain("( ( A person ) ( jumps . ) )")
    'A person jumps .'
    """
    return re.sub(r"\s{2,}", " ", re.sub(r"[()]", "", parse)).strip()


def _spaced(texts: Sequence[str], min_freq: int) -> Tokenizer:
    return learn(texts, "word", min_freq=min_freq, reserved=(UNKNOWN, PAD), splits="spaces")
