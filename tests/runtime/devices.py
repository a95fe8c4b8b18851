"""What stands for a GPU, and what is run on it."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from itertools import islice

import numpy as np
from numpy.lib.stride_tricks import as_strided

import graphflow as gf
from graphflow.backends import cupy
from graphflow.backends.cublas import Library as Products
from graphflow.backends.cuda import Module
from graphflow.backends.cudnn import MISSING, Library, Refused, Tensor
from graphflow.ops.evaluate import run_region
from graphflow.ops.narrow import widened
from graphflow.training.checks import check_feed
from graphflow.training.feed import open_feed
from tests.backends.cudnn.stand_in import aligned
from tests.strict.cupy_like import cupy_like, fetched
from tests.strict.helping import HostHelp
from tests.strict.recording import launch, recorded, recording


class Forwards:
    """What stands for a module of kernels: each fused node is computed by its region's forwards."""

    def __init__(self, module: Module) -> None:
        self.module = module

    def bound(self, fusion, operands, results):
        def compute() -> tuple[np.ndarray, ...]:
            return tuple(map(fetched, run_region(fusion.body, list(operands), cupy_like)))

        return partial(launch, compute, results)

    def missed(self) -> bool:
        return False


class HostCalls:
    """What stands for cuDNN or cuBLASLt on a device: a library, on arrays of the strict namespace.
    """

    def __init__(self, library: Library | Products) -> None:
        self.library = library

    def bound(self, wanted, operands, results):
        plan = self.library.plan(wanted)
        if isinstance(plan, Refused):
            return plan
        room = aligned((plan.workspace,), np.dtype(np.uint8))
        places = [lying(tensor) for _, tensor in (*operands, *results)]
        made = places[len(operands) :]

        def compute() -> tuple[np.ndarray, ...]:
            for place, (x, _) in zip(places, operands, strict=False):
                place[...] = fetched(x)
            plan.run([place.ctypes.data for place in places], room.ctypes.data, 0)
            return tuple(made)

        return partial(launch, compute, [y for y, _ in results])


class Multiplies:
    """What stands for cuBLASLt where nothing of its own is asked: NumPy's products."""

    def bound(self, wanted, operands, results):
        arrays, ((z, _),) = [x for x, _ in operands], results

        def compute() -> tuple[np.ndarray, ...]:
            x, y, *bias = (widened(fetched(each)) for each in arrays)
            found = sum(bias, np.matmul(x, y))
            return ((np.maximum(found, 0) if wanted.relu else found).astype(z.dtype),)

        return partial(launch, compute, [z])


def lying(tensor: Tensor) -> np.ndarray:
    """A new array that lies so."""
    dtype = np.dtype(tensor.dtype)
    reach = 1 + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.strides, strict=True))
    strides = [s * dtype.itemsize for s in tensor.strides]
    return as_strided(aligned((reach,), dtype), tensor.shape, strides)


class Inbox:
    """A place for what is fed."""

    def __init__(self, xp, shape, dtype) -> None:
        self._xp, self.array = xp, xp.empty(shape, dtype)
        self.coming, self.met = [], 0

    def bring(self, value) -> None:
        self.coming.append(value)

    def put(self, value) -> None:
        self.met += any(value is each for each in self.coming)
        self.coming = [each for each in self.coming if each is not value]
        self._xp.copyto(self.array, self._xp.asarray(value, dtype=self.array.dtype))


class Traffic:
    """What goes there and comes back, as the namespace brings it."""

    def __init__(self, xp=cupy_like) -> None:
        self._xp = xp

    def inbox(self, shape, dtype) -> Inbox:
        return Inbox(self._xp, shape, dtype)

    def fetched(self, values):
        found = [np.array(self._xp.asnumpy(x)) for x in values]
        return lambda: found


class Recording:
    """Kernels that run at first, are recorded then, and repeated ever after."""

    def __init__(self, kernels) -> None:
        self.kernels, self.launches, self.ran = kernels, None, 0
        self.repeated = 0

    def __call__(self) -> None:
        if self.launches is not None:
            self.repeated += 1
            for launch in self.launches:
                launch()
        elif self.ran and not recording():
            self.launches = recorded(self._run)
        else:
            self._run()

    def _run(self) -> None:
        self.ran += 1
        for kernel in self.kernels:
            kernel()


def device(
    load=Forwards, cudnn: Library | None = None, cublas: Products | None = None, xp=cupy_like,
    record=Recording, free=1 << 40,
) -> cupy.Device:  # fmt: skip
    """The strict namespace as a device, what loads its kernels, cuDNN and cuBLASLt."""
    found = MISSING if cudnn is None else HostCalls(cudnn)
    products = Multiplies() if cublas is None else HostCalls(cublas)
    return cupy.Device(
        xp, nullcontext, load, Traffic(xp), record, HostHelp(), lambda: free, found, products
    )


def computed(name: str, backend: str, dtype: str = "float64", count: int = 4):
    """What a canned graph gives, and the state after it: of ``count`` steps, or its outputs."""
    document = gf.load(name).document
    steps = document.train is not None or document.run is not None
    return _steps(name, backend, dtype, count) if steps else _values(name, backend, dtype)


def _steps(name: str, backend: str, dtype: str, count: int):
    model = gf.load(name)
    stepping = model.stepping(dtype=dtype, backend=backend)
    feed = open_feed(model.elaborated, model.folder, stepping.seed, model.learned)
    stepping.start_epoch(0)
    batches = islice(feed.training(0), count)
    found = [stepping.step(batch).values for batch, _ in batches]
    return found, stepping.state_dict()


def _values(name: str, backend: str, dtype: str):
    """The outputs of a graph that makes no steps, fed as its first check is."""
    model = gf.load(name)
    entry = next(iter(model.document.check), None)
    feed = {} if entry is None else check_feed(model, entry)
    return [model.compile(dtype=dtype, backend=backend)(feed).values], {}


def same_here_and_there(name: str, atol: float = 1e-9) -> None:
    """A canned graph on the device that there is, and by NumPy. Sums in another order need a wider
    ``atol``: they move what is rounding alone.
    """
    expected, before = computed(name, "numpy")
    found, after = computed(name, "cupy")
    for one, other in zip(expected, found, strict=True):
        assert one.keys() == other.keys()
        for key, value in one.items():
            np.testing.assert_allclose(other[key], value, rtol=1e-6, atol=atol, err_msg=key)
    for key, value in before.items():
        np.testing.assert_allclose(after[key], value, rtol=1e-6, atol=atol, err_msg=key)
