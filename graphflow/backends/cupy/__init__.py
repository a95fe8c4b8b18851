"""NVIDIA's GPUs through CuPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Protocol, TypeVar

from graphflow.backends import cublas, cudnn
from graphflow.backends.cublas import Product
from graphflow.backends.cuda import Fusion, Module
from graphflow.backends.cudnn import MISSING, Wanted
from graphflow.backends.described import Refused, Tensor
from graphflow.diagnostics import fail
from graphflow.ops.op import Array, Namespace


class Loaded(Protocol):
    """The kernels of a module, on a device."""

    def run(self, fusion: Fusion, operands: Sequence[Array]) -> tuple[Array, ...]:
        """The results of a fused node."""

    def missed(self) -> bool:
        """Whether a position lay outside of its row since this was asked last. It is waited for."""


Computes = Callable[..., tuple[Array, ...]]
"""The results of a node, of its operands."""


W_contra = TypeVar("W_contra", contravariant=True)


class Calls(Protocol[W_contra]):
    """A library of a device."""

    def calling(
        self, wanted: W_contra, operands: Sequence[Tensor], results: Sequence[Tensor]
    ) -> Computes | Refused:
        """What computes results from operands that lie like these."""


NO_PRODUCTS = Refused("is not there")


@dataclass(frozen=True)
class Device:
    """A namespace of arrays, a block inside which it tells of singular matrices, what brings
    kernels there, and cuDNN and cuBLASLt, or why they are not there.
    """

    xp: Namespace
    telling: Callable[[], AbstractContextManager[object]]
    load: Callable[[Module], Loaded]
    cudnn: Calls[Wanted] | Refused = MISSING
    cublas: Calls[Product] | Refused = NO_PRODUCTS


def device() -> Device:
    """The GPU that is there. Raises GF076 where the package is missing and GF069 where none is."""
    if find_spec("cupy") is None:
        fail("GF076", "the backend 'cupy' needs the package 'cupy', which is not installed",
             help="pip install 'graphflow[cuda13]' for drivers of CUDA 13, 'graphflow[cuda12]' for "
             "those of CUDA 12; nvidia-smi tells which")  # fmt: skip
    import cupy
    import cupyx

    from graphflow.backends.cupy import calls
    from graphflow.backends.cupy.kernels import Kernels

    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        fail("GF069", f"the backend 'cupy' finds no GPU: {error}",
             help="nvidia-smi lists what there is; without --backend NumPy computes")  # fmt: skip
    if not count:
        fail("GF069", "the backend 'cupy' finds no GPU", help="without --backend NumPy computes")
    of_cudnn, of_cublas = cudnn.library(), cublas.library()
    return Device(
        cupy, partial(cupyx.errstate, linalg="raise"), Kernels,
        of_cudnn if isinstance(of_cudnn, Refused) else calls.Calls(of_cudnn),
        of_cublas if isinstance(of_cublas, Refused) else calls.Calls(of_cublas),
    )  # fmt: skip
