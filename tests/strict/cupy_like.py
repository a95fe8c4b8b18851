"""A strict array namespace: NumPy behind it, but no more than CuPy offers (``cupy.json``).

Names, parameters and number types are those of CuPy. Nothing turns into a NumPy array unasked, and
no NumPy array is taken where a device's is wanted; ``asarray`` brings one over. A result is always
an array, of no axes where NumPy gives a number. Positions beyond an axis wrap around, as they do on
a device, and writing different numbers to one place is refused, since a device keeps any of them.

What CuPy can do only after it has waited for the device (a number read by Python, a mask, nonzero)
is allowed: the portable forward may wait. Each time is noted, see :func:`watched`. Linear algebra
counts: it looks whether a matrix was singular (``cupyx.errstate(linalg="raise")`` has CuPy do so).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.strict.offered import table
from tests.strict.recording import Unrecordable, launched, recording, waited

FROM_HOST = {"array", "asarray", "ascontiguousarray"}
"""Functions that bring NumPy's arrays and lists over."""
NO_ARRAYS = {"arange", "empty", "eye", "full", "identity", "indices", "linspace", "ones", "zeros"}
"""Functions that make arrays of numbers and shapes."""
WAITING = {"argwhere", "extract", "flatnonzero", "nonzero", "unique", "item", "tolist", "get"}
"""Functions and methods whose result's size, or kind, depends on numbers of a device."""
PRODUCTS = {"matmul", "dot", "tensordot", "einsum", "vdot", "inner", "outer"}
"""Functions that call cuBLAS, which CuPy cannot record."""
LIMITS = {"linalg.solve": lambda a, b: b.ndim == 1 or a.shape[:-1] == b.shape[:-1]}
"""What CuPy wants beyond what its parameters tell."""
NUMBERS = (bool, int, float, complex, np.generic)

class DeviceArray(np.lib.mixins.NDArrayOperatorsMixin):
    """An array that only its namespace and its own methods can read."""

    __slots__ = ("_host",)
    __array_priority__ = 100

    def __init__(self, host: np.ndarray) -> None:
        self._host = host

    def __array__(self, *args: object, **kwargs: object) -> np.ndarray:
        raise TypeError("a device's array does not turn into NumPy's unasked")

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: tuple[Any, ...] = (), **how: Any
    ) -> Any:
        if method != "__call__":
            raise TypeError(f"write xp.{ufunc.__name__}.{method}")
        function = getattr(cupy_like, ufunc.__name__)
        return function(*inputs, **how, **({"out": out[0]} if out else {}))

    def __getattr__(self, name: str) -> Any:
        if name in table()["attributes"]:
            return wrapped(getattr(self._host, name))
        if name in table()["methods"]:
            return checked(name, getattr(self._host, name), table()["methods"][name])
        raise AttributeError(f"cupy.ndarray has no {name}")

    def __getitem__(self, key: Any) -> DeviceArray:
        if any(part.dtype == bool for part in _arrays(key)):
            waited("a mask")
        def read() -> Any:
            return self._host[within(unwrapped(key), self.shape)]

        found = wrapped(read())
        launched(read, [found])
        return found

    def __setitem__(self, key: Any, value: Any) -> None:
        if not isinstance(value, (DeviceArray, *NUMBERS)):
            raise TypeError(f"a device's array does not take {type(value)}")
        places, value = within(unwrapped(key), self.shape), unwrapped(value)
        scattered = any(part.dtype != bool for part in _arrays(key)) and np.ndim(value) > 0
        written = self._host.copy() if scattered else self._host
        self._host[places] = value
        if scattered:
            turned = np.arange(written.size).reshape(written.shape)
            self._refuse_two_values(written, turned, places, value)
        elif _arrays(key) and np.ndim(value):
            waited("a mask")
        launched(lambda: self._host.__setitem__(within(unwrapped(key), self.shape), value))

    def _refuse_two_values(self, before: Any, numbers: Any, places: Any, value: Any) -> None:
        """Write once more, the last number first; a device keeps any one of several."""
        flat = numbers[places].reshape(-1)[::-1]
        before.reshape(-1)[flat] = np.broadcast_to(value, numbers[places].shape).reshape(-1)[::-1]
        if not np.array_equal(before, self._host, equal_nan=self._host.dtype.kind == "f"):
            raise ValueError("two numbers are written to one place: a device keeps any of them")

    def __len__(self) -> int:
        return len(self._host)

    def __iter__(self) -> Iterator[DeviceArray]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        waited("bool")
        return bool(self._host)

    def __int__(self) -> int:
        waited("int")
        return int(self._host)

    def __float__(self) -> float:
        waited("float")
        return float(self._host)

    def __format__(self, spec: str) -> str:
        waited("str")
        return format(self._host[()], spec)


class Ufunc:
    """A universal function with the number types and methods that CuPy has for it."""

    def __init__(self, name: str) -> None:
        if name not in table()["ufuncs"]:
            raise AttributeError(f"cupy has no {name}")
        self.name = name
        self.facts = table()["ufuncs"][name]
        self.numpy: np.ufunc = getattr(np, name)

    def __call__(
        self, *operands: Any, out: Any = None, dtype: Any = None, casting: str = "same_kind"
    ) -> Any:
        for x in (*operands, *([] if out is None else [out])):
            if not isinstance(x, (DeviceArray, *NUMBERS)):
                raise TypeError(f"cupy.{self.name}: unsupported type {type(x)}")
        results = self._results(operands) if dtype is None else [np.dtype(dtype)]
        how = {"dtype": dtype, "casting": casting}
        if out is not None:
            how["out"] = unwrapped(out)
        given = [*map(unwrapped, operands)]
        found = self.numpy(*given, **how)
        if out is not None:
            launched(lambda: self.numpy(*given, **how))
            return out
        if len(results) == 1:
            made = DeviceArray(np.asarray(found, results[0]))
        else:
            pairs = zip(found, results, strict=True)
            made = tuple(DeviceArray(np.asarray(f, r)) for f, r in pairs)
        launched(lambda: self.numpy(*given, **how), _arrays(made))
        return made

    def _results(self, operands: tuple[Any, ...]) -> list[np.dtype]:
        """The number types of the results, by the first of CuPy's loops that fits."""
        kinds = [_kind(x) for x in operands]
        resolved = self.numpy.resolve_dtypes((*kinds, *[None] * self.numpy.nout))
        given = resolved[: self.numpy.nin]
        fitting = [
            loop for loop in _loops(self.facts["loops"])
            if all(np.can_cast(a, b) for a, b in zip(given, loop[0], strict=True))
        ]  # fmt: skip
        if not fitting:
            raise TypeError(f"cupy.{self.name} of {', '.join(map(str, given))}")
        return fitting[0][1]

    def at(self, x: DeviceArray, places: DeviceArray, values: Any) -> None:
        """In place at positions, for the few types that a device has atomic operations of."""
        if x.dtype.char not in self.facts["at"]:
            raise TypeError(f"cupy.{self.name}.at does not take {x.dtype}")
        into, values = unwrapped(x), unwrapped(values)

        def write() -> None:
            self.numpy.at(into, within(unwrapped(places), x.shape), values)

        write()
        launched(write)

    def __getattr__(self, name: str) -> Any:
        if name not in self.facts["methods"].split():
            raise NotImplementedError(f"cupy.{self.name}.{name} is not supported")
        shown = "array, axis=None, dtype=None, out=None, keepdims=None"
        return checked(f"{self.name}.{name}", getattr(self.numpy, name), shown)


def _kind(x: Any) -> Any:
    """The number type of an operand; Python's numbers take that of the others."""
    if isinstance(x, DeviceArray | np.generic):
        return x.dtype
    return np.dtype(bool) if isinstance(x, bool) else type(x)


@cache
def _loops(text: str) -> list[tuple[list[np.dtype], list[np.dtype]]]:
    """The number types of operands and results, loop by loop."""
    sides = (loop.split("->") for loop in text.split())
    return [([*map(np.dtype, a)], [*map(np.dtype, b)]) for a, b in sides]


class Namespace:
    """What stands for ``cupy``, or for one of its modules."""

    ndarray = DeviceArray

    def __init__(self, module: str = "") -> None:
        self._prefix = module

    def __getattr__(self, name: str) -> Any:
        full, offered = self._prefix + name, table()
        if full == "asnumpy":
            return fetched
        if full in ("fft", "linalg"):
            return Namespace(full + ".")
        if full == "lib":
            return SimpleNamespace(stride_tricks=SimpleNamespace(as_strided=as_strided))
        home = getattr(np, self._prefix[:-1]) if self._prefix else np
        if full in offered["ufuncs"]:
            return Ufunc(name)
        if full in offered["constants"]:
            return getattr(home, name)
        if full in offered["functions"]:
            return checked(full, getattr(home, name), offered["functions"][full])
        raise AttributeError(f"cupy has no {full}")


def checked(name: str, function: Callable[..., Any], shown: str) -> Callable[..., Any]:
    """A function or method of NumPy that takes CuPy's arrays and parameters only."""
    signature = _signature(shown)
    method = hasattr(function, "__self__") and isinstance(function.__self__, np.ndarray)

    def run(*args: Any, **how: Any) -> Any:
        try:
            signature.bind(*args, **how)
        except TypeError as error:
            raise TypeError(f"cupy.{name}: {error}") from None
        if name in WAITING | PRODUCTS or name.startswith("linalg."):
            waited(name)
        if name in LIMITS and not LIMITS[name](*args, **how):
            raise TypeError(f"cupy.{name} does not take these shapes")
        if name in FROM_HOST:
            return _brought(function, args, how)
        if not (method or name in NO_ARRAYS or _arrays((args, tuple(how.values())))):
            raise TypeError(f"cupy.{name} of no array of the device")
        if name == "take":
            how["mode"] = "wrap"
        given = [*map(unwrapped, args)]
        options = {k: unwrapped(v) for k, v in how.items()}
        found = function(*given, **options)
        if name == "tolist":
            return found
        made = wrapped(found)
        launched(lambda: function(*given, **options), _arrays(made))
        return made

    return run


def _brought(function: Callable[..., Any], args: tuple[Any, ...], how: dict[str, Any]) -> Any:
    """What comes from the host, or is an array of the device already."""
    if isinstance(args[0], np.ndarray):
        waited("an array of the host")
    made = wrapped(function(*map(carried, args), **how))
    given = [*map(carried, args)]
    launched(lambda: function(*given, **how), _arrays(made))
    return made


@cache
def _signature(shown: str) -> inspect.Signature:
    return inspect.signature(eval(f"lambda {shown}: None"))


def fetched(x: DeviceArray) -> np.ndarray:
    """A device's array as NumPy's, for whoever asks: CuPy's ``asnumpy``."""
    if recording():
        raise Unrecordable("an array of the device is fetched")
    return x._host


def as_strided(x: DeviceArray, shape: tuple[int, ...], strides: tuple[int, ...]) -> DeviceArray:
    """An array seen otherwise: CuPy's, in ``lib.stride_tricks``."""
    return DeviceArray(np.lib.stride_tricks.as_strided(x._host, shape, strides))


def carried(x: Any) -> Any:
    """What ``asarray`` may be given: lists, numbers, arrays of either side; NumPy's are copied."""
    if isinstance(x, DeviceArray):
        return x._host
    return x.copy() if isinstance(x, np.ndarray) else x


def unwrapped(x: Any) -> Any:
    """An argument for NumPy; NumPy's own arrays are refused."""
    if isinstance(x, DeviceArray):
        return x._host
    if isinstance(x, np.ndarray):
        raise TypeError("an array of NumPy among those of a device")
    return type(x)(map(unwrapped, x)) if isinstance(x, tuple | list) else x


def wrapped(found: Any) -> Any:
    """A result of NumPy: arrays as a device's, also those of no axes."""
    if isinstance(found, np.ndarray | np.generic):
        return DeviceArray(np.asarray(found))
    if isinstance(found, tuple | list) and any(hasattr(f, "dtype") for f in found):
        return tuple(map(wrapped, found))
    return found


def _arrays(x: Any) -> list[DeviceArray]:
    """The device's arrays in an argument."""
    if isinstance(x, DeviceArray):
        return [x]
    return [a for part in x for a in _arrays(part)] if isinstance(x, tuple | list) else []


def within(key: Any, shape: tuple[int, ...]) -> Any:
    """An index whose positions have wrapped around their axes."""
    parts = list(key) if isinstance(key, tuple) else [key]
    used = sum(1 for p in parts if p is not None and p is not ...)
    axis, found = 0, []
    for part in parts:
        if part is ...:
            axis += len(shape) - used
        elif isinstance(part, np.ndarray):
            fixed = part if part.dtype == bool else part % max(1, shape[axis])
            axis += part.ndim if part.dtype == bool else 1
            part = fixed
        elif part is not None:
            axis += 1
        found.append(part)
    return tuple(found)


cupy_like = Namespace()
