"""CuPy itself takes every call that the strict namespace lets through.

Without a GPU its arrays can lie nowhere: a call with them ends where the driver is missing, after
CuPy has looked at names, parameters and number types. Runs where CuPy is installed and no GPU is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any

import numpy as np
import pytest

from graphflow.ir.types import DType
from graphflow.ops.evaluate import evaluate
from tests.ops.sampling import cases
from tests.strict import cupy_like
from tests.strict.cupy_like import DeviceArray, Ufunc
from tests.strict.test_forwards import on_host

cupy = pytest.importorskip("cupy", exc_type=ImportError)
if cupy.cuda.is_available():
    pytest.skip("arrays that lie nowhere are not for a GPU", allow_module_level=True)


def nowhere(x: Any) -> Any:
    """Arguments with CuPy's arrays that have no memory in the place of ours."""
    if isinstance(x, tuple | list):
        return type(x)(map(nowhere, x))
    if not isinstance(x, DeviceArray):
        return x
    memory = cupy.cuda.UnownedMemory(0x1000, 8 * x.size + 8, None, 0)
    return cupy.ndarray(x.shape, x.dtype, cupy.cuda.MemoryPointer(memory, 0))


def tried(call: Callable[..., Any], *args: Any, **how: Any) -> None:
    try:
        call(*map(nowhere, args), **{k: nowhere(v) for k, v in how.items()})
    except NotImplementedError:
        raise
    except (ImportError, RuntimeError):  # no library, no driver: so far all was well
        return


@pytest.fixture
def doubled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every call of the strict namespace is made of CuPy first."""
    ours = cupy_like.checked

    def checked(name: str, function: Callable[..., Any], shown: str) -> Callable[..., Any]:
        run, of = ours(name, function, shown), getattr(function, "__self__", None)

        def both(*args: Any, **how: Any) -> Any:
            if isinstance(of, np.ndarray):
                tried(lambda x, *a, **k: getattr(x, name)(*a, **k), DeviceArray(of), *args, **how)
            elif name not in cupy_like.FROM_HOST:
                tried(attrgetter(name)(cupy), *args, **how)
            return run(*args, **how)

        return both

    def doubling(method: Callable[..., Any], theirs: Callable[..., Any]) -> Callable[..., Any]:
        def both(self: Any, *args: Any, **how: Any) -> Any:
            tried(theirs(self), *args, **how)
            return method(self, *args, **how)

        return both

    monkeypatch.setattr(cupy_like, "checked", checked)
    for name, theirs in (
        ("__call__", lambda u: getattr(cupy, u.name)),
        ("at", lambda u: getattr(cupy, u.name).at),
    ):
        monkeypatch.setattr(Ufunc, name, doubling(getattr(Ufunc, name), theirs))
    for name in ("__getitem__", "__setitem__"):
        of = doubling(getattr(DeviceArray, name), lambda x, name=name: getattr(nowhere(x), name))
        monkeypatch.setattr(DeviceArray, name, of)
    yield


@pytest.mark.parametrize("dtype", [DType.FLOAT32, DType.FLOAT64], ids=str)
def test_cupy_takes_the_calls_of_every_operator(doubled: None, dtype: DType) -> None:
    for case in cases():
        if not on_host(case, dtype):
            graph, _ = case.graph(dtype)
            space = cupy_like.cupy_like
            leaves = {name: space.asarray(x) for name, x in case.leaves(dtype).items()}
            evaluate(graph, leaves, space)
