"""The values that outlive a run: parameters and states, by name.

Arrays keep their identity, so that executors bind to their memory and update it in place. When an
array must be replaced (a wider number type, another size) the store's ``version`` goes up and
executors bind again.

A leaf lives in one place: here, on a device, where what runs there keeps it from step to step, or
on servers.
Whoever asks for its array brings it back; until then nobody can write into that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Protocol

import numpy as np

from graphflow.diagnostics import did_you_mean, fail
from graphflow.ir.types import DType, TensorType
from graphflow.ops.op import Array, Namespace

Fill = Callable[[str], Array]


def as_array(name: str, value: object) -> Array:
    """Whatever was fed as an array; GF065 where it is none."""
    if getattr(value, "requires_grad", False) is True:  # a tensor of PyTorch's
        fail("GF065", f"'{name}' is a tensor that records gradients elsewhere",
             help=f"detach it first: {name}.detach()")  # fmt: skip
    try:
        return np.asarray(value)
    except (ValueError, TypeError) as error:
        fail("GF065", f"'{name}' needs a rectangular array of numbers: {error}")


class Elsewhere(Protocol):
    """What has leaves that do not live here."""

    def fetched(self, name: str) -> Array:
        """What a leaf is now."""


class StoreLike(Protocol):
    """What holds the leaves that outlive a run."""

    @property
    def version(self) -> int:
        """Goes up when an array is replaced by another one."""

    def array(self, name: str) -> Array:
        """The live array of a leaf."""

    def there(self, name: str, xp: Namespace) -> Array:
        """The leaf on a device, where it lives from now on, to be read and written."""


class Store:
    """Leaf arrays by name, in order of creation; one that is not there yet is made by ``fill``.

    A store may stand on another one (``base``): a trainer keeps its optimizer's state in a store
    of its own, on top of the model's. Open floats are kept in float32 unless that would lose
    something: a float64 value that float32 cannot hold, assigned or a first value, is kept as it
    is. What trains or iterates settles the type (:meth:`settle`): first values take it from then
    on.
    """

    def __init__(
        self, types: Mapping[str, TensorType], fill: Fill, base: Store | None = None
    ) -> None:
        self.types, self.base = dict(types), base
        self._version = 0
        self._fill = fill
        self._float = np.dtype(np.float32)
        self._settled = False
        self._arrays: dict[str, Array] = {}
        self._away: dict[str, tuple[Array, Namespace]] = {}
        """Leaves that live on a device, and its namespace; their arrays here are of the past."""
        self._places: dict[str, tuple[Array, Namespace]] = {}
        """Where leaves lived on a device that live here now."""
        self._elsewhere: dict[str, Elsewhere] = {}
        """Leaves that something else has; their arrays here are of the past, too."""

    @property
    def version(self) -> int:
        """Goes up when an array is replaced by another one, or leaves for a device."""
        return self._version + (self.base.version if self.base else 0)

    def home(self, name: str) -> Store:
        """The store, of this one and those below, that holds ``name``."""
        return self if self.base is None or name in self.types else self.base.home(name)

    def __contains__(self, name: object) -> bool:
        return name in self.types or (self.base is not None and name in self.base)

    def names(self) -> list[str]:
        """All leaves, those below first."""
        return [*(self.base.names() if self.base else ()), *self.types]

    def filled(self, name: str) -> bool:
        """Whether the leaf has a value already."""
        return name in self.home(name)._arrays

    def array(self, name: str) -> Array:
        """The live array of a leaf; its first value is computed when it is first asked for. A leaf
        that lives on a device is brought back.
        """
        home = self.home(name)
        if name not in home._arrays:
            home.assign(name, home._first(name))
        fetched = home._fetched(name)
        if fetched is not None:
            home._return(name)
            np.copyto(home._arrays[name], fetched)
        return home._arrays[name]

    def copied(self, name: str) -> Array:
        """A copy of a leaf's value, which stays where it is."""
        fetched = self.home(name)._fetched(name)
        return np.array(self.array(name) if fetched is None else fetched)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a leaf that is filled, wherever it lives."""
        return self.home(name)._arrays[name].shape

    def there(self, name: str, xp: Namespace) -> Array:
        """The leaf on a device, brought there if it lives here or on another one, to where it lived
        before if it fits. What is bound to its array here binds again before it reads, and writing
        into that array is an error until it is back.
        """
        home = self.home(name)
        if name in home._away and home._away[name][1] is not xp:
            self.array(name)
        if name not in home._away:
            here = self.array(name)
            home._away[name] = (home._brought(name, here, xp), xp)
            here.flags.writeable = False
            home._version += 1
        return home._away[name][0]

    def keep(self, name: str, value: Array, xp: Namespace) -> None:
        """A leaf's new value where it lives is another array; nobody may write into it."""
        home = self.home(name)
        home._away[name] = (xp.asarray(value, dtype=home._arrays[name].dtype), xp)

    def _brought(self, name: str, here: Array, xp: Namespace) -> Array:
        """An array on a device, in the place that a leaf had there."""
        before, namespace = self._places.pop(name, (None, None))
        value: Array = xp.asarray(here)
        if before is None or namespace is not xp or before.shape != here.shape:
            return value
        if before.dtype != here.dtype:
            return value
        xp.copyto(before, value)
        return before

    def leave(self, name: str, place: Elsewhere) -> None:
        """The leaf lives elsewhere from now on, where its value is by now. Whoever asks for its
        array brings it back; until then writing into that is an error.
        """
        home = self.home(name)
        self.array(name).flags.writeable = False
        home._elsewhere[name] = place
        home._version += 1

    def lives(self, name: str, place: Elsewhere) -> bool:
        """Whether the leaf lives at a place."""
        return self.home(name)._elsewhere.get(name) is place

    def _fetched(self, name: str) -> Array | None:
        """What the leaf is where it lives; None where that is here."""
        if name in self._elsewhere:
            return self._elsewhere[name].fetched(name)
        away = self._away.get(name)
        return None if away is None else np.asarray(away[1].asnumpy(away[0]))

    def _return(self, name: str) -> None:
        """The leaf lives here from now on."""
        elsewhere, away = self._elsewhere.pop(name, None), self._away.pop(name, None)
        if away is not None:
            self._places[name] = away
            self._version += 1
        if elsewhere is not None or away is not None:
            self._arrays[name].flags.writeable = True

    def assign(self, name: str, value: Array) -> None:
        """Copy ``value`` into the leaf."""
        home, given = self.home(name), as_array(name, value)
        type = home.types[name]
        _check(name, type, given)
        home._return(name)
        known = home._arrays.get(name)
        dtype = home._dtype(type.dtype, given)
        if known is not None and known.shape == given.shape and known.dtype == dtype:
            np.copyto(known, given)
            return
        home._arrays[name] = np.array(given, dtype=dtype, order="C")
        home._version += 1

    def forget(self, name: str) -> None:
        """Drop a value: the next use computes the first value again."""
        home = self.home(name)
        home._return(name)
        if home._arrays.pop(name, None) is not None:
            home._version += 1

    def settle(self, dtype: DType) -> None:
        """Keep open floats in at least this number type from now on, and first values in no wider
        one, here and below.
        """
        if self.base is not None:
            self.base.settle(dtype)
        self._settled = True
        self._float = np.dtype(np.promote_types(self._float, np.dtype(str(dtype))))
        for name, array in list(self._arrays.items()):
            if self.types[name].dtype is DType.FLOAT and array.dtype != self._float:
                self.assign(name, self.copied(name))

    # -- everything at once ------------------------------------------------------------------
    def snapshot(self) -> dict[str, Array]:
        """Copies of all values there are."""
        below = self.base.snapshot() if self.base else {}
        return below | {name: self.copied(name) for name in self._arrays}

    def restore(self, saved: Mapping[str, Array]) -> None:
        """Take over a snapshot: values it does not hold are forgotten."""
        for name in self.names():
            if name in saved:
                self.assign(name, saved[name])
            else:
                self.forget(name)

    @contextmanager
    def preserved(self) -> Iterator[None]:
        """Whatever happens inside this block, values and number types are afterwards as before."""
        saved, kept = self.snapshot(), (self._float, self._settled)
        try:
            yield
        finally:
            self._float, self._settled = kept
            self.restore(saved)

    def _first(self, name: str) -> Array:
        """The first value, in the type that is settled for open floats."""
        value = self._fill(name)
        rounded = self._settled and self.types[name].dtype is DType.FLOAT
        return value.astype(self._float, copy=False) if rounded else value

    def _dtype(self, declared: DType, given: Array) -> np.dtype:
        """The number type to keep: as declared; for open floats the narrowest that is exact."""
        if declared is not DType.FLOAT:
            return np.dtype(str(declared))
        safe = given.dtype.kind != "f" or np.can_cast(given.dtype, self._float)
        exact = safe or np.array_equal(given.astype(self._float), given, equal_nan=True)
        return self._float if exact else np.dtype(given.dtype)


class Fitted:
    """A store as a program sees it that only reads: states of another size start afresh.

    A carried state has the size of the batches it was carried through. A program that runs with
    another size sees that state's first value instead; the store is left as it is.
    """

    def __init__(self, store: Store, first: Fill, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self._store, self._first, self._shapes = store, first, dict(shapes)
        self._own: dict[str, Array] = {}

    @property
    def version(self) -> int:
        """Goes up when an array of the store is replaced."""
        return self._store.version

    def array(self, name: str) -> Array:
        """The store's array where it fits, else the first value for this size."""
        return self._store.array(name) if self._fits(name) else self._afresh(name)

    def there(self, name: str, xp: Namespace) -> Array:
        """The same on a device, where what fits lives from now on."""
        return self._store.there(name, xp) if self._fits(name) else xp.asarray(self._afresh(name))

    def _fits(self, name: str) -> bool:
        shape, store = self._shapes.get(name), self._store
        return shape is None or (store.filled(name) and store.shape(name) == shape)

    def _afresh(self, name: str) -> Array:
        if name not in self._own:
            self._own[name] = self._first(name)
        return self._own[name]


class LeafView(MutableMapping[str, Array]):
    """Parameters or states as a mapping, in order of creation.

    Reading gives the live array (writing into it changes the model); assigning copies the value
    in. Names cannot be added or removed. After a step on a device an array that was read before
    refuses to be written into, and holds what it held, until it is read here again.
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

    def __repr__(self) -> str:
        shapes = (f"{n}: {self._store.home(n).types[n]}" for n in self._names)
        return f"{{{', '.join(shapes)}}}"

    def _known(self, name: str) -> str:
        if name not in self._names:
            fail("GF020", f"no {self._kind} is called '{name}'",
                 help=did_you_mean(name, self._names))  # fmt: skip
        return name


def _check(name: str, type: TensorType, value: Array) -> None:
    if value.dtype.kind not in "biuf":
        fail("GF031", f"'{name}' holds numbers, not {value.dtype}")
    if not type.admits(value.shape):
        fail("GF030", f"'{name}' has the shape {list(type.shape)}, the value {list(value.shape)}")
