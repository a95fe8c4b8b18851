"""Weights from files: safetensors, or npz without pickle; names mapped by ``rename:``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from graphflow.data.files import inside
from graphflow.data.packed import Packed, packed
from graphflow.data.pretrained import PRETRAINED, obtain_weights
from graphflow.diagnostics import Mark, did_you_mean, fail, placed
from graphflow.files import allowed, readable
from graphflow.ir.types import TensorType
from graphflow.ops.op import Array

PICKLED = frozenset({".pt", ".pth", ".ckpt", ".bin", ".pkl", ".pickle"})
"""Suffixes under which PyTorch keeps Python objects."""
FEW = 3
"""Names of each side that a message shows."""
Weight = Array | Packed
"""An array of a weights file; one of an .npz file is read when its shape is known to fit."""


class WeightFiles:
    """The files that parameters start from, each read once, when its first value is needed.

    ``leaves`` maps a parameter to the file that holds it, and the place that says so; ``types`` are
    the types of the parameters here. Files lie in ``folder`` or below it, unless ``overrides``
    (texts) name them: those may lie anywhere.
    """

    def __init__(
        self,
        folder: Path | None,
        leaves: Mapping[str, tuple[str, Mark | None]],
        rename: Mapping[str, str],
        types: Mapping[str, TensorType],
        overrides: Iterable[str] = (),
    ) -> None:
        self._folder, self._leaves, self._rename = folder, dict(leaves), rename
        self._types, self._overrides = types, tuple(overrides)
        self._found: dict[str, Weight] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._leaves

    def __getitem__(self, name: str) -> Array:
        """The first value of a parameter."""
        if name not in self._found:
            file, mark = self._leaves[name]
            names = [n for n, (other, _) in self._leaves.items() if other == file]
            layer = name.partition(".")[0] if "." in name else ""
            given = any(file in text for text in self._overrides)
            path = located(file, self._folder, mark, anywhere=given)
            arrays = read_weights(path, mark, layer)
            marks = {n: self._leaves[n][1] for n in names}
            self._found |= matched(arrays, names, self._rename, marks)
        self._check(name)
        return np.asarray(self._found[name])

    def _check(self, name: str) -> None:
        """GF077 where the file's array has another shape."""
        shape, (file, mark) = self._types[name].shape, self._leaves[name]
        there = self._found[name].shape
        fits = len(there) == len(shape) and all(
            not isinstance(d, int) or d == size for d, size in zip(shape, there, strict=True)
        )
        if not fits:
            part = name.partition(".")[2] or name
            fail("GF077", f"'{name}' is {list(shape)} here and {list(there)} in '{file}'", mark,
                 help=f"an instance may leave it out: weights: {{file: {file}, exclude: [{part}]}}")


def located(
    file: str, folder: Path | None = None, mark: Mark | None = None, *, anywhere: bool = False
) -> Path:
    """A weights file: published weights by their name (torchvision/resnet18), which are fetched
    where they are not here, else a file below ``folder``; GF074 for one outside of it, links
    followed, unless it may lie ``anywhere``.
    """
    if file in PRETRAINED:
        with placed(mark):
            return obtain_weights(file)
    with placed(mark):
        allowed(Path(folder or "", file), file)
    if file.startswith("torchvision/") and not Path(folder or "", file).is_file():
        offer = did_you_mean(file, PRETRAINED) or f"there are {', '.join(PRETRAINED)}"
        fail("GF077", f"no published weights are called '{file}'", mark, help=offer)
    if folder is None or anywhere:
        return Path(folder or "", file)
    with placed(mark):
        return inside(file, folder, "keep weights in the folder of the graph file; files elsewhere "
                      "are named by --set layers.NAME.weights=... or --weights")  # fmt: skip


def read_weights(path: Path, mark: Mark | None = None, layer: str = "") -> dict[str, Weight]:
    """The arrays of a weights file. GF073 for a damaged .npz file, GF077 when it is not there or
    not readable.
    """
    if path.is_dir():
        fail("GF077", f"'{path}' is a folder, not a weights file", mark,
             help=f"the weights of a run: graphflow export {path} --to safetensors")  # fmt: skip
    if not path.is_file():
        start = f", or start from random values: --set layers.{layer}.weights=none"
        what = "is no regular file" if path.exists() else "does not exist"
        fail("GF077", f"the weights file '{path}' {what}", mark,
             help=f"put the file there{start if layer else ''}")  # fmt: skip
    if path.suffix in PICKLED:
        fail("GF077", f"'{path}' may hold pickled objects, which run code when they are read", mark,
             help="save it with safetensors.torch.save_file(model.state_dict(), ...)")  # fmt: skip
    if path.suffix == ".npz":
        with placed(mark):
            return dict(packed(path))
    try:
        return dict(load_file(readable(path)))
    except (SafetensorError, ValueError, TypeError, OSError) as error:
        fail("GF077", f"the weights file '{path}' cannot be read: {error}", mark,
             help="weights are .safetensors, or .npz without pickled objects")  # fmt: skip


def matched(
    arrays: Mapping[str, Weight],
    names: Sequence[str],
    rename: Mapping[str, str],
    marks: Mapping[str, Mark | None],
) -> dict[str, Weight]:
    """The arrays by parameter name: renamed, then looked up by full name or a trailing part of it.

    ``net.conv1.weight`` is found under that name, ``conv1.weight`` or ``weight``, in this order.
    ``marks`` are the places that ask for each name.
    """
    here = {renamed(name, rename): array for name, array in arrays.items()}
    found, missing = {}, []
    for name in names:
        parts = name.split(".")
        endings = (".".join(parts[i:]) for i in range(len(parts)))
        key = next((ending for ending in endings if ending in here), None)
        if key is None:
            missing.append(name)
        else:
            found[name] = here[key]
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        offer = f"{ends_of(here, names)}; map names with rename:"
        close = did_you_mean(missing[0], here) if found else None
        fail(
            "GF077",
            f"the weights file has no '{missing[0]}'{more}",
            marks.get(missing[0]),
            help=close or offer,
        )
    return found


def ends_of(held: Iterable[str], wanted: Iterable[str]) -> str:
    """What a file holds and what is wanted of it, in a few names of each.

    >>> ends_of(["fc.w", "fc.b"], ["y.weight"])
    'the file holds fc.w, fc.b; wanted are y.weight'
    """
    holds, wants = (
        f"{', '.join(names[:FEW]) or 'nothing'}{', ...' if len(names) > FEW else ''}"
        for names in (list(held), list(wanted))
    )
    return f"the file holds {holds}; wanted are {wants}"


def renamed(name: str, rename: Mapping[str, str]) -> str:
    """A name in the file as it is called here: whole names first, then leading parts."""
    if name in rename:
        return rename[name]
    for old, new in rename.items():
        if name.startswith(f"{old}."):
            return new + name[len(old) :]
    return name
