"""State dicts: all parameters and lasting states of a model by name, to files and back.

Names and layouts are those of PyTorch: ``module.load_state_dict(load_file(path))`` takes what
is saved here, and a safetensors file of PyTorch's loads here.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from graphflow.diagnostics import Note, did_you_mean, fail
from graphflow.files import write_atomically
from graphflow.ir.types import TensorType
from graphflow.ops.op import Array
from graphflow.runtime.store import Store
from graphflow.runtime.weights import ends_of, read_weights, renamed

COUNTERS = "num_batches_tracked"
"""What PyTorch's batch norm counts besides its statistics; nothing here reads it."""
SHOWN = 8
"""Names that a message lists of each kind."""


@dataclass(frozen=True)
class Loaded:
    """What a file gave: names that were set, names it lacks, names that nothing here has."""

    matched: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]

    def __str__(self) -> str:
        parts = [f"{len(self.matched)} matched"]
        for what, names in (("missing", self.missing), ("unexpected", self.unexpected)):
            if names:
                parts.append(f"{len(names)} {what}: {_listed(names)}")
        return "; ".join(parts)


def load_state(
    store: Store,
    types: Mapping[str, TensorType],
    path: Path,
    rename: Mapping[str, str],
    strict: bool,
) -> Loaded:
    """Set the leaves ``types`` of a store to the arrays of a file, all of them or none.

    GF077 with everything that does not fit: names that are missing or unexpected (unless not
    ``strict``) and arrays of another shape.
    """
    found = _renamed(read_weights(path), rename)
    arrays = {n: a for n, a in found.items() if n.rpartition(".")[2] != COUNTERS or n in types}
    loaded = Loaded(
        tuple(n for n in types if n in arrays),
        tuple(n for n in types if n not in arrays),
        tuple(n for n in arrays if n not in types),
    )
    wrong = [n for n in loaded.matched if not _fits(types[n], arrays[n])]
    if wrong or (strict and (loaded.missing or loaded.unexpected)):
        _refuse(path, loaded, types, arrays, wrong, strict)
    for name in loaded.matched:
        store.assign(name, arrays[name])
    return loaded


def state_bytes(arrays: Mapping[str, Array], suffix: str) -> bytes:
    """The content of a weights file of that kind: ``.safetensors`` or ``.npz``."""
    if suffix == ".npz":
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for name, array in arrays.items():
                with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w") as entry:
                    np.lib.format.write_array(entry, array, allow_pickle=False)
        return stream.getvalue()
    if suffix != ".safetensors":
        fail("GF077", f"weights are saved as .safetensors or .npz, not '{suffix}'")
    return save({n: np.asarray(a, order="C") for n, a in arrays.items()}, {"format": "np"})


def save_state(arrays: Mapping[str, Array], path: Path) -> None:
    """Write a weights file: at every moment it holds the old bytes or all of the new."""
    data = state_bytes(arrays, path.suffix)
    try:
        write_atomically(path, data)
    except OSError as error:
        fail("GF007", f"'{path}' cannot be written: {error.strerror}")


def _renamed(arrays: Mapping[str, Array], rename: Mapping[str, str]) -> dict[str, Array]:
    """The arrays under the names they have here; two must not become one."""
    found: dict[str, Array] = {}
    for name, array in arrays.items():
        here = renamed(name, rename)
        if here in found:
            fail("GF077", f"two arrays of the file are called '{here}' here",
                 help="rename one of them to something else")  # fmt: skip
        found[here] = array
    return found


def _fits(type: TensorType, array: Array) -> bool:
    return array.dtype.kind in "biuf" and tuple(type.shape) == array.shape


def _refuse(
    path: Path,
    loaded: Loaded,
    types: Mapping[str, TensorType],
    arrays: Mapping[str, Array],
    wrong: list[str],
    strict: bool,
) -> None:
    """One diagnostic that names everything."""
    notes = [
        Note(f"'{n}' is {list(types[n].shape)} here and {arrays[n].dtype} {list(arrays[n].shape)} "
             "in the file")
        for n in wrong[:SHOWN]
    ]  # fmt: skip
    if strict and loaded.missing:
        notes.append(Note(f"the file lacks {_listed(loaded.missing)}"))
    if strict and loaded.unexpected:
        notes.append(Note(f"the model has no {_listed(loaded.unexpected)}"))
    kinds = {"of another shape": wrong}
    if strict:
        kinds |= {"missing": list(loaded.missing), "unexpected": list(loaded.unexpected)}
    counts = [f"{len(names)} {what}" for what, names in kinds.items() if names]
    close = did_you_mean(loaded.missing[0], loaded.unexpected) if loaded.missing else None
    if not loaded.matched:
        close = f"{ends_of(arrays, types)}; map names with rename={{'fc': 'net'}}"
    offer = "map names with rename={'name in the file': 'name here'}, or pass strict=False"
    shape_help = "the shapes must agree: look at the sizes that the model is made with"
    fail("GF077", f"the weights in '{path}' do not fit the model: {', '.join(counts)}", notes=notes,
         help=close or (offer if len(counts) > len(wrong[:1]) else shape_help))  # fmt: skip


def _listed(names: Iterable[str]) -> str:
    shown = list(names)
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return ", ".join(f"'{n}'" for n in shown[:SHOWN]) + more
