"""Data: named sources, their datasets, how they are split, and the batches of an epoch."""

from __future__ import annotations

# Importing these registers their sources.
from graphflow.data import (  # noqa: F401
    arrays,
    bundled,
    cifar,
    csv_file,
    dates,
    documentation,
    english_french,
    environments,
    generated,
    grammar,
    houses,
    images,
    lines,
    made_texts,
    mnist,
    movielens,
    painted,
    pictures,
    pretraining,
    ratings,
    scenes,
    sentiment,
    stories,
    tables,
    text,
    vectors,
    word_contexts,
    word_pairs,
)
from graphflow.data.batches import Batches
from graphflow.data.dataset import Array, Dataset, Indices
from graphflow.data.options import Between, Option, OptionError
from graphflow.data.registry import Source, find, load, register, sources
from graphflow.data.splitting import check_split, split
from graphflow.data.tokenizers import Tokenizer

__all__ = [
    "Array",
    "Batches",
    "Between",
    "Dataset",
    "Indices",
    "Option",
    "OptionError",
    "Source",
    "Tokenizer",
    "check_split",
    "find",
    "load",
    "register",
    "sources",
    "split",
]
