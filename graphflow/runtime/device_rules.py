"""Who computes the nodes of a plan on a device: generated kernels, cuBLASLt, cuDNN, and CuPy."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import partial
from itertools import groupby

from graphflow.backends.base import Backend, Hosted, Kernel, Operand
from graphflow.backends.cuda import Module
from graphflow.backends.cudnn.convolution import SIDES
from graphflow.backends.cupy import Device
from graphflow.backends.described import Refused
from graphflow.ir.graph import Node
from graphflow.ops.evaluate import run_node, types_of
from graphflow.ops.fused import body_of
from graphflow.ops.op import Array, get_op
from graphflow.runtime.asked import ATTENDING, asked_for, refusal
from graphflow.runtime.products import PRODUCTS, product_of

Arrays = tuple[Array, ...]
Operands = tuple[Operand, ...]


class Rules:
    """What binds the nodes of a plan whose generated kernels a module holds."""

    def __init__(self, device: Device, module: Module, exact: bool, tf32: bool) -> None:
        self._device, self._module, self._exact, self._tf32 = device, module, exact, tf32
        self._loaded = device.load(module)
        self._notes = False
        self._refused: dict[str, list[str]] = {}

    def backend(self) -> Backend:
        """Kernels by operator."""
        rules = {
            "fused": self._fused, ATTENDING: self._by_cudnn,
            **dict.fromkeys(PRODUCTS, self._product), **dict.fromkeys(SIDES, self._by_cudnn),
        }  # fmt: skip
        return Backend(
            "cupy", self._portable, rules, joined=self._joined, xp=self._device.xp, narrow=True
        )

    def warn(self) -> None:
        """Tell what is computed by CuPy since a library that might do it does not."""
        for why, names in self._refused.items():
            warnings.warn(f"computed by {why}: {', '.join(dict.fromkeys(names))}", stacklevel=2)

    def is_wrong(self) -> bool:
        """Whether a kernel or a forward has met what it cannot use since this was asked last. It is
        waited for where that may be.
        """
        missed = self._loaded.missed()
        return (self._notes and self._device.help.told()) or missed

    def _joined(self, kernels: Sequence[Kernel]) -> list[Kernel]:
        """Those in which the host has no part, in lines that are recorded."""
        found: list[Kernel] = []
        for hosted, group in groupby(kernels, lambda kernel: isinstance(kernel, Hosted)):
            line = [*group]
            found += line if hosted else [self._device.recorded(line)]
        return found

    def _fused(self, node: Node, out: Arrays, inputs: Operands) -> Kernel:
        return self._loaded.bound(self._module.of(body_of(node)), _arrays(inputs), out)

    def _product(self, node: Node, out: Arrays, inputs: Operands) -> Kernel | None:
        operands, cublas = _arrays(inputs), self._device.cublas
        wanted = product_of(node, operands, out, self._tf32)
        if wanted is None:
            return None
        if isinstance(cublas, Refused):
            self._leave(node, f"cupy, since cuBLASLt {cublas.why}")
            return None
        made = cublas.bound(
            wanted, [*zip(operands, wanted.operands, strict=True)],
            [*zip(out, wanted.results, strict=True)],
        )  # fmt: skip
        if isinstance(made, Refused):
            self._leave(node, f"cupy, since cuBLASLt {made.why}")
            return None
        return made

    def _by_cudnn(self, node: Node, out: Arrays, inputs: Operands) -> Kernel | None:
        operands, cudnn = _arrays(inputs), self._device.cudnn
        asked = asked_for(node, operands, out, self._exact, self._tf32)
        wanted = asked.wanted
        if isinstance(cudnn, Refused) or isinstance(wanted, Refused):
            why = cudnn if isinstance(cudnn, Refused) else wanted
            assert isinstance(why, Refused)
            self._leave(node, refusal(why))
            return None
        made = cudnn.bound(
            wanted, [*zip(operands, asked.operands, strict=True)],
            [*zip(out, asked.results, strict=True)],
        )  # fmt: skip
        if isinstance(made, Refused):
            self._leave(node, refusal(made))
            return None
        return made

    def _leave(self, node: Node, why: str) -> None:
        """A node that is left to CuPy."""
        self._refused.setdefault(why, []).append(node.name)

    def _portable(self, node: Node, out: Arrays, inputs: Operands) -> Kernel:
        """The operator's own forward, its results copied into place."""
        run = partial(self._forward, node, out, [*inputs])
        op = get_op(node.op)
        self._notes |= op.notes
        apart = op.waits or op.shared or op.on_host(types_of(inputs), node.attributes())
        return Hosted(run) if apart else run

    def _forward(self, node: Node, out: Arrays, inputs: list[Operand]) -> None:
        xp = self._device.xp
        made = run_node(node, inputs, xp)
        for target, value in zip(out, made if isinstance(made, tuple) else (made,), strict=True):
            xp.copyto(target, value)


def _arrays(operands: Operands) -> Arrays:
    """Operands that are one array each."""
    found = tuple(x for x in operands if not isinstance(x, tuple))
    assert len(found) == len(operands)
    return found
