"""The values that outlive a run: parameters and states, by name.

Arrays keep their identity, so that executors bind to their memory and update it in place. When an
array must be replaced (a wider number type, another size) the store's ``version`` goes up and
executors bind again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence

import numpy as np

from graphflow.diagnostics import did_you_mean, fail
from graphflow.ir.types import DType, TensorType
from graphflow.ops.op import Array

Fill = Callable[[str], Array]


class Store:
    """Leaf arrays by name, in order of creation; one that is not there yet is made by ``fill``."""

    def __init__(self, types: Mapping[str, TensorType], fill: Fill) -> None:
        self.types = dict(types)
        self.version = 0
        self._fills = dict.fromkeys(types, fill)
        self._arrays: dict[str, Array] = {}

    def __contains__(self, name: object) -> bool:
        return name in self.types

    def filled(self, name: str) -> bool:
        """Whether the leaf has a value already."""
        return name in self._arrays

    def array(self, name: str) -> Array:
        """The live array of a leaf; its first value is computed when it is first asked for."""
        if name not in self._arrays:
            self._arrays[name] = np.asarray(self._fills[name](name), order="C")
            self.version += 1
        return self._arrays[name]

    def assign(self, name: str, value: Array) -> None:
        """Copy ``value`` into the leaf. Float64 values widen a float32 leaf, so nothing is lost."""
        given = np.asarray(value)
        _check(name, self.types[name], given)
        known = self._arrays.get(name)
        dtype = _stored_dtype(self.types[name].dtype, given, known)
        if known is not None and known.shape == given.shape and known.dtype == dtype:
            np.copyto(known, given)
            return
        self._arrays[name] = np.array(given, dtype=dtype, order="C")
        self.version += 1

    def forget(self, name: str) -> None:
        """Drop a value: the next use computes the first value again."""
        if self._arrays.pop(name, None) is not None:
            self.version += 1

    def add(self, types: Mapping[str, TensorType], fill: Fill) -> None:
        """Make further leaves known, an optimizer's state say; they start afresh."""
        for name in types:
            self.forget(name)
        self.types.update(types)
        self._fills.update(dict.fromkeys(types, fill))

    def arrays(self) -> dict[str, Array]:
        """All live arrays that have a value."""
        return dict(self._arrays)


class LeafView(MutableMapping[str, Array]):
    """Parameters or states as a mapping, in order of creation.

    Reading gives the live array (writing into it changes the model); assigning copies the value
    in. Names cannot be added or removed.
    """

    def __init__(self, store: Store, names: Sequence[str], kind: str) -> None:
        self._store, self._names, self._kind = store, tuple(names), kind

    def __getitem__(self, name: str) -> Array:
        return self._store.array(self._known(name))

    def __setitem__(self, name: str, value: Array) -> None:
        self._store.assign(self._known(name), value)

    def __delitem__(self, name: str) -> None:
        fail("GF068", f"{self._kind} '{name}' cannot be removed: the graph needs it")

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def _known(self, name: str) -> str:
        if name not in self._names:
            fail("GF020", f"no {self._kind} is called '{name}'",
                 help=did_you_mean(name, self._names))  # fmt: skip
        return name


def _check(name: str, type: TensorType, value: Array) -> None:
    if value.dtype.kind not in "biuf":
        fail("GF031", f"'{name}' holds numbers, not {value.dtype}")
    fits = len(value.shape) == type.ndim and all(
        not isinstance(d, int) or d == s for d, s in zip(type.shape, value.shape, strict=False)
    )
    if not fits:
        fail("GF030", f"'{name}' has the shape {list(type.shape)}, the value {list(value.shape)}")


def _stored_dtype(declared: DType, given: Array, known: Array | None) -> np.dtype:
    """The number type to keep: as declared, or for open floats the wider of old and new."""
    if declared is not DType.FLOAT:
        return np.dtype(str(declared))
    offered = given.dtype if given.dtype.kind == "f" else np.dtype(np.float32)
    wider: np.dtype = offered if known is None else np.result_type(offered, known.dtype)
    return wider
