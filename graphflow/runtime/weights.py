"""Weights from files: safetensors, or npz without pickle; names mapped by ``rename:``."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from graphflow.diagnostics import Mark, did_you_mean, fail
from graphflow.ops.op import Array


def read_weights(path: Path, mark: Mark | None = None, layer: str = "") -> dict[str, Array]:
    """The arrays of a weights file. GF077 when it is not there or not readable."""
    if not path.is_file():
        help = f"put the file there, or start from random values: --set layers.{layer}.weights=none"
        fail(
            "GF077", f"the weights file '{path}' does not exist", mark, help=help if layer else None
        )
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        return dict(load_file(path))
    except (SafetensorError, ValueError, OSError, zipfile.BadZipFile) as error:
        fail("GF077", f"the weights file '{path}' cannot be read: {error}", mark,
             help="weights are .safetensors, or .npz without pickled objects")  # fmt: skip


def matched(
    arrays: Mapping[str, Array],
    names: Sequence[str],
    owner: str,
    rename: Mapping[str, str],
    mark: Mark | None = None,
) -> dict[str, Array]:
    """The arrays by parameter name: renamed, and looked up with and without the owner's path."""
    prefix = f"{owner}." if owner else ""
    renamed = {_renamed(name, rename): array for name, array in arrays.items()}
    found, missing = {}, []
    for name in names:
        short = name.removeprefix(prefix)
        key = next((k for k in (name, short) if k in renamed), None)
        if key is None:
            missing.append(short)
        else:
            found[name] = renamed[key]
    if missing:
        close = did_you_mean(missing[0], renamed)
        offer = f"the file holds {', '.join(list(renamed)[:6])}, ..."
        fail("GF077", f"the weights file has no '{missing[0]}'"
             + (f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""), mark,
             help=close or f"{offer} map names with rename:")  # fmt: skip
    return found


def _renamed(name: str, rename: Mapping[str, str]) -> str:
    """A name in the file as it is called here: whole names first, then leading parts."""
    if name in rename:
        return rename[name]
    for old, new in rename.items():
        if name.startswith(f"{old}."):
            return new + name[len(old) :]
    return name
