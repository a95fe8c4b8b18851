"""What to feed a file with when nobody trains it: its first fitting check, a few rows of its data,
numbers given on the command line, or files that it names.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.lib.npyio import NpzFile

from graphflow.api import Model
from graphflow.diagnostics import fail
from graphflow.ir.graph import Graph
from graphflow.ops.op import Array
from graphflow.spec.document import CheckDecl
from graphflow.training.checks import check_feed
from graphflow.training.feed import Feed

ROWS = 4
"""Rows of data that are fed."""


@dataclass(frozen=True)
class Fed:
    """Values by input, where they are from, and the check they are from."""

    values: Mapping[str, Array] = field(default_factory=dict)
    source: str = ""
    check: CheckDecl | None = None


def own_feed(model: Model, graph: Graph) -> Fed | None:
    """What the file itself offers for the inputs that ``graph`` needs; None if that is not all."""
    needed = graph.needed_for(graph.outputs)
    wanted = {node.name for node in graph.leaves("input")} & needed
    for entry in model.document.check:
        if wanted <= entry.feed.keys():
            return Fed(check_feed(model, entry), "a check's feed", entry)
    plan = model.elaborated.data
    if plan is not None:
        few = replace(model.elaborated, data=replace(plan, batch=min(plan.batch, ROWS)))
        values, _ = next(iter(Feed(few, model.folder, seed=0).training(0)))
        if wanted <= values.keys():
            return Fed(values, "data")
    return None


def given_feed(texts: Sequence[str] | None) -> dict[str, Array]:
    """``x=1``, ``x=[[1, 2]]`` or ``x=@file`` as arrays by name.

    >>> given_feed(["x=[1, 2]"])
    {'x': array([1, 2])}
    """
    found = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        name = name.strip()
        array = _from_file(name, Path(value[1:])) if value[:1] == "@" else _from_json(value)
        if not equals or array is None or array.dtype.kind not in "biuf":
            fail("GF006", f"'{text}' feeds no numbers",
                 help="such as --feed x=1, 'x=[[1, 2]]' or x=@file.npy")  # fmt: skip
        found[name] = array
    return found


def _from_json(text: str) -> Array | None:
    """Numbers in nested lists; None where the text is anything else."""
    try:
        return np.array(json.loads(text))
    except ValueError:
        return None


def _from_file(name: str, path: Path) -> Array | None:
    """The array that a file holds: ``.npy``, ``.npz`` (the entry ``name``, or the only one) without
    pickle, or ``.json``.
    """
    if path.suffix not in (".npy", ".npz", ".json"):
        fail("GF006", f"'{path}' is no file to feed from", help="it ends in .npy, .npz or .json")
    try:
        if path.suffix == ".json":
            return _from_json(path.read_text(encoding="utf-8"))
        loaded = np.load(path, allow_pickle=False)
        return _entry(loaded, name, path) if isinstance(loaded, NpzFile) else np.asarray(loaded)
    except (ValueError, EOFError, zipfile.BadZipFile):
        fail("GF006", f"'{path}' cannot be read: it holds no plain arrays of numbers",
             help="save it with numpy.save or numpy.savez, as numbers")  # fmt: skip


def _entry(archive: NpzFile, name: str, path: Path) -> Array:
    """The entry of that name, or the only one."""
    with archive:
        only = archive.files[0] if len(archive.files) == 1 else name
        entry = name if name in archive.files else only
        if entry not in archive.files:
            holds = ", ".join(archive.files) or "nothing"
            fail("GF006", f"'{path}' has no entry '{name}'", help=f"it holds {holds}")
        return np.asarray(archive[entry])
