"""Kernel sets: kernels of one make, and how a graph is made ready for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Literal, get_args

from graphflow.backends import cupy
from graphflow.backends.base import Backend
from graphflow.backends.numpy_backend import NUMPY
from graphflow.diagnostics import did_you_mean, fail
from graphflow.ir.graph import Graph, Node
from graphflow.ir.types import TensorType

BackendName = Literal["numpy", "cupy"]
"""Whose arrays hold the values: the machine's own, or a device's."""
KernelsName = Literal["numpy", "numba", "onednn"]
Orders = Callable[[Graph], Mapping[str, tuple[int, ...]]]
"""For a concrete graph the values that are not to lie row by row: their axes, outermost first."""

Fuses = Callable[[Node, Sequence[TensorType]], bool]


@dataclass(frozen=True)
class KernelSet:
    """``fuses`` tells of which elementwise nodes it makes loops, for ``fused`` nodes: those with
    operands of these types; a set without it computes nodes one by one. ``orders`` chooses how
    values lie in memory. ``adds``: its products can be added to what is there. ``panels``: its
    products with few rows are faster by panels of so many columns. ``threads``: it has threads of
    its own, so that BLAS must have one alone.
    """

    name: KernelsName
    backend: Backend
    fuses: Fuses | None = None
    adds: bool = False
    panels: int | None = None
    threads: bool = False
    orders: Orders = lambda graph: {}


def backend_named(name: str) -> BackendName:
    """The name of a backend, if it is one that can be had. Raises GF069 and GF076."""
    known = known_backend(name)
    if known == "cupy":
        cupy.device()
    return known


def known_backend(name: str) -> BackendName:
    """The name of a backend, whether or not it can be had here. Raises GF069."""
    for known in get_args(BackendName):
        if name == known:
            return known  # type: ignore[no-any-return]
    names = get_args(BackendName)
    close = did_you_mean(str(name), names)
    fail("GF069", f"there is no backend '{name}'",
         help=close or "there are numpy, and cupy for NVIDIA GPUs")  # fmt: skip


def kernels_named(name: str) -> KernelsName:
    """The name of a kernel set, if it is one that can be had. Raises GF033 and GF076."""
    if name in ("numba", "onednn") and find_spec("numba") is None:
        fail("GF076", f"the kernels '{name}' need the package 'numba', which is not installed",
             help="pip install numba, or choose the kernels 'numpy'")  # fmt: skip
    if name == "onednn":
        from graphflow.backends.onednn_kernels.library import library

        library()
    for known in get_args(KernelsName):
        if name == known:
            return known  # type: ignore[no-any-return]
    names = get_args(KernelsName)
    fail("GF033", f"there are no kernels '{name}'",
         help=did_you_mean(str(name), names) or f"there are {', '.join(names)}")  # fmt: skip


@cache
def kernel_set(name: KernelsName, exact_conv: bool = False) -> KernelSet:
    """The kernel set of that name; what it needs is imported here and not before. With
    ``exact_conv`` convolutions are sums of products as they are defined, in any set.
    """
    match name:
        case "numpy":
            return KernelSet("numpy", NUMPY)
        case "numba":
            from graphflow.backends.numba_kernels import EXACT, NUMBA

            return _compiled("numba", EXACT if exact_conv else NUMBA)
        case "onednn":
            from graphflow.backends.onednn_kernels import rules

            return _compiled("onednn", rules.EXACT if exact_conv else rules.ONEDNN)


def _compiled(name: KernelsName, backend: Backend) -> KernelSet:
    """A set that has Numba's loops and orders."""
    from graphflow.backends.numba_kernels import chosen_orders, fuses, panel_width

    return KernelSet(
        name, backend, fuses=fuses, adds=True, panels=panel_width(), threads=True,
        orders=chosen_orders,
    )  # fmt: skip
