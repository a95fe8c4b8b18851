"""State dicts: all parameters and lasting states of a model by name, to files and back.

Names and layouts are those of PyTorch: ``module.load_state_dict(load_file(path))`` takes what
is saved here, and a safetensors file of PyTorch's loads here.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from graphflow.diagnostics import Note, did_you_mean, fail
from graphflow.files import write_atomically
from graphflow.ir.types import TensorType
from graphflow.ops.op import Array
from graphflow.runtime.store import Store
from graphflow.runtime.weights import Weight, ends_of, read_weights, renamed
from graphflow.spec.patterns import brief, chosen, matching

COUNTERS = "num_batches_tracked"
"""What PyTorch's batch norm counts besides its statistics; nothing here reads it."""
OPTIMIZER = "optimizer."
"""What a checkpoint holds beside weights."""
SHOWN = 8
"""Names that a message lists of each kind."""


@dataclass(frozen=True)
class Loaded:
    """What a file gave: names that were set, names it lacks, names that nothing here has, names
    whose array has another shape.
    """

    matched: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    mismatched: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [f"{len(self.matched)} matched"]
        kinds = {
            "missing": self.missing,
            "unexpected": self.unexpected,
            "of another shape": self.mismatched,
        }
        for what, names in kinds.items():
            if names:
                parts.append(f"{len(names)} {what}: {_listed(names)}")
        return "; ".join(parts)


@dataclass(frozen=True)
class Wanted:
    """What is taken from a file, and what may be wrong with the rest.

    ``only`` and ``exclude`` are patterns of names here; ``strict`` refuses names that are missing
    or unexpected, ``ignore_mismatched_sizes`` leaves out arrays of another shape.
    """

    only: Sequence[str] = ()
    exclude: Sequence[str] = ()
    strict: bool = True
    ignore_mismatched_sizes: bool = False

    def of(self, names: Iterable[str]) -> list[str]:
        """The names that are meant."""
        return chosen(names, self.only, self.exclude)

    def check(self, names: Collection[str]) -> None:
        """GF041 for a pattern that means nothing here."""
        for pattern in (*self.only, *self.exclude):
            if not matching(names, pattern):
                fail("GF041", f"no parameter is called '{pattern}'",
                     help=did_you_mean(pattern, names) or f"there are {brief(names)}")  # fmt: skip


def load_state(
    store: Store,
    types: Mapping[str, TensorType],
    path: Path,
    rename: Mapping[str, str],
    wanted: Wanted,
) -> Loaded:
    """Set the leaves ``types`` of a store to the arrays of a file, all that are wanted or none.

    GF077 with everything that does not fit: names that are missing or unexpected, and arrays of
    another shape, unless they may.
    """
    wanted.check(types)
    types = {name: types[name] for name in wanted.of(types)}
    if wanted.exclude and not types:
        fail("GF041", "what is chosen is left out again: no parameter is left to be set",
             help="let 'only' name more than 'exclude' does")  # fmt: skip
    found = _renamed(read_weights(path), rename, path)
    arrays = {
        n: found[n]
        for n in wanted.of(found)
        if n in types or n.rpartition(".")[2] != COUNTERS
    }
    wrong = [n for n in types if n in arrays and not _fits(types[n], arrays[n])]
    loaded = Loaded(
        tuple(n for n in types if n in arrays and n not in wrong),
        tuple(n for n in types if n not in arrays),
        tuple(n for n in arrays if n not in types),
        tuple(wrong),
    )
    refused = wrong and not wanted.ignore_mismatched_sizes
    if refused or (wanted.strict and (loaded.missing or loaded.unexpected)):
        _refuse(path, loaded, types, arrays, wanted)
    for name in loaded.matched:
        store.assign(name, np.asarray(arrays[name]))
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


def _renamed(
    arrays: Mapping[str, Weight], rename: Mapping[str, str], path: Path
) -> dict[str, Weight]:
    """The arrays under the names they have here; two must not become one, and what is renamed must
    be there.
    """
    for name in rename:
        if not any(held == name or held.startswith(f"{name}.") for held in arrays):
            fail("GF077", f"'{path}' has no '{name}' to rename",
                 help=did_you_mean(name, _heads(arrays)) or f"it has {brief(arrays)}")  # fmt: skip
    found: dict[str, Weight] = {}
    for name, array in arrays.items():
        here = renamed(name, rename)
        if here in found:
            fail("GF077", f"two arrays of the file are called '{here}' here",
                 help="rename one of them to something else")  # fmt: skip
        found[here] = array
    return found


def _heads(names: Iterable[str]) -> list[str]:
    """Names, and what stands before each of their dots."""
    parts = [name.split(".") for name in names]
    return [".".join(p[:i]) for p in parts for i in range(1, len(p) + 1)]


def _fits(type: TensorType, array: Weight) -> bool:
    return array.dtype.kind in "biuf" and tuple(type.shape) == array.shape


def _refuse(
    path: Path,
    loaded: Loaded,
    types: Mapping[str, TensorType],
    arrays: Mapping[str, Weight],
    wanted: Wanted,
) -> None:
    """One diagnostic that names everything."""
    wrong = () if wanted.ignore_mismatched_sizes else loaded.mismatched
    notes = [
        Note(f"'{n}' is {list(types[n].shape)} here and {arrays[n].dtype} {list(arrays[n].shape)} "
             "in the file")
        for n in wrong[:SHOWN]
    ]  # fmt: skip
    if wanted.strict and loaded.missing:
        notes.append(Note(f"the file lacks {_listed(loaded.missing)}"))
    if wanted.strict and loaded.unexpected:
        notes.append(Note(f"the model has no {_listed(loaded.unexpected)}"))
    kinds = {"of another shape": wrong}
    if wanted.strict:
        kinds |= {"missing": loaded.missing, "unexpected": loaded.unexpected}
    counts = [f"{len(names)} {what}" for what, names in kinds.items() if names]
    close = did_you_mean(loaded.missing[0], loaded.unexpected) if loaded.missing else None
    if any(name.startswith(OPTIMIZER) for name in loaded.unexpected):
        close = "this is a run's checkpoint: graphflow export RUN --to safetensors has its weights"
    elif not loaded.matched:
        close = f"{ends_of(arrays, types)}; map names with rename={{'fc': 'net'}}"
    offer = (
        "choose some names with only or exclude (--only NAME, --exclude NAME); from Python also "
        "rename={'name in the file': 'name here'} or strict=False"
    )
    shape_help = (
        "the shapes must agree: look at the sizes that the model is made with, or leave some out "
        "with exclude (--exclude NAME)"
    )
    fail("GF077", f"the weights in '{path}' do not fit the model: {', '.join(counts)}", notes=notes,
         help=close or (offer if len(counts) > len(wrong[:1]) else shape_help))  # fmt: skip


def _listed(names: Iterable[str]) -> str:
    shown = list(names)
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return ", ".join(f"'{n}'" for n in shown[:SHOWN]) + more
