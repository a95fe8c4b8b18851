"""NVIDIA's GPUs through CuPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Protocol, TypeVar

import numpy as np

from graphflow.backends import cublas, cudnn
from graphflow.backends.base import Kernel
from graphflow.backends.cublas import Product
from graphflow.backends.cuda import Fusion, Module
from graphflow.backends.cudnn import MISSING, Wanted
from graphflow.backends.described import Refused, Sizes, Tensor
from graphflow.diagnostics import fail
from graphflow.ops.help import Help
from graphflow.ops.op import Array, Namespace


class Loaded(Protocol):
    """The kernels of a module, on a device."""

    def bound(self, fusion: Fusion, operands: Sequence[Array], results: Sequence[Array]) -> Kernel:
        """A fused node on the arrays of its operands and results."""

    def missed(self) -> bool:
        """Whether a position lay outside of its row since this was asked last. It is waited for."""


W_contra = TypeVar("W_contra", contravariant=True)
Places = Sequence[tuple[Array, Tensor]]
"""Arrays, and how a library is told that each lies."""


class Calls(Protocol[W_contra]):
    """A library of a device."""

    def bound(
        self, wanted: W_contra, operands: Places, results: Places
    ) -> Kernel | Refused:
        """An operation on arrays, which may lie otherwise than the library is told."""


class Inbox(Protocol):
    """A leaf that is fed."""

    @property
    def array(self) -> Array:
        """Where it lies on the device."""

    def bring(self, value: Array) -> None:
        """Begin to bring a value that is put later, beside what still runs, if there is room."""

    def put(self, value: Array) -> None:
        """Bring a value there. The host does not wait for it."""


class Traffic(Protocol):
    """What goes to a device and comes back."""

    def inbox(self, shape: Sizes, dtype: np.dtype[np.generic]) -> Inbox:
        """A place for what is fed."""

    def fetched(self, values: Sequence[Array]) -> Callable[[], list[Array]]:
        """Begin to bring values back; what waits for them, and has copies of them."""


class Helps(Help, Protocol):
    """What a device does for portable forwards."""

    def told(self) -> bool:
        """Whether something was wrong since this was asked last. It is waited for."""


NO_PRODUCTS = Refused("is not there")


@dataclass(frozen=True)
class Device:
    """What a plan works with on a device: a namespace of arrays; a block inside which it works, and
    tells of singular matrices; what brings kernels there, what values come and go by, and what
    makes kernels that run one after the other one that is recorded and repeated; what it does for
    portable forwards; how many bytes are free; cuDNN and cuBLASLt, or why they are not there.
    """

    xp: Namespace
    working: Callable[[], AbstractContextManager[object]]
    load: Callable[[Module], Loaded]
    traffic: Traffic
    recorded: Callable[[Sequence[Kernel]], Kernel]
    help: Helps
    free: Callable[[], int]
    cudnn: Calls[Wanted] | Refused = MISSING
    cublas: Calls[Product] | Refused = NO_PRODUCTS


def device() -> Device:
    """The GPU that is there, for one plan. Raises GF076 where the package is missing, GF069 where
    no GPU is.
    """
    if find_spec("cupy") is None:
        fail("GF076", "the backend 'cupy' needs an NVIDIA GPU, and the package 'cupy', which is "
             "not installed",
             help="nvidia-smi tells whether there is a GPU, and which CUDA its driver has: "
             "pip install 'graphflow[cuda13]' for 13, 'graphflow[cuda12]' for 12")  # fmt: skip
    import cupy

    from graphflow.backends.cupy.calls import Calls
    from graphflow.backends.cupy.helping import Helping
    from graphflow.backends.cupy.kernels import Kernels
    from graphflow.backends.cupy.recording import Recorder
    from graphflow.backends.cupy.travelling import Travelling
    from graphflow.backends.cupy.workspace import Workspace

    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        fail("GF069", f"the backend 'cupy' finds no GPU: {error}",
             help="nvidia-smi lists what there is; without --backend NumPy computes")  # fmt: skip
    if not count:
        fail("GF069", "the backend 'cupy' finds no GPU", help="without --backend NumPy computes")
    of_cudnn, of_cublas = cudnn.library(), cublas.library()
    workspace, recorder = Workspace(cupy), Recorder()
    return Device(
        cupy, recorder.working, partial(Kernels, workspace), Travelling(), recorder.recorded,
        Helping(), recorder.free,
        of_cudnn if isinstance(of_cudnn, Refused) else Calls(of_cudnn, workspace),
        of_cublas if isinstance(of_cublas, Refused) else Calls(of_cublas, workspace),
    )  # fmt: skip
