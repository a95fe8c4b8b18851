"""Data: named sources, their datasets, how they are split, and the batches of an epoch."""

from __future__ import annotations

# Importing these registers their sources.
from graphflow.data import bundled, csv_file, generated, grammar, mnist, tables, text  # noqa: F401
from graphflow.data.batches import Batches
from graphflow.data.dataset import Array, Dataset, Indices, split
from graphflow.data.options import Between, Option, OptionError
from graphflow.data.registry import Source, find, load, register, sources

__all__ = [
    "Array",
    "Batches",
    "Between",
    "Dataset",
    "Indices",
    "Option",
    "OptionError",
    "Source",
    "find",
    "load",
    "register",
    "sources",
    "split",
]
