"""What stands for cuDNN's frontend on this machine: it takes the same calls in the same order,
notes the graph, and computes it as it is defined, at the addresses that it is given.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from graphflow.ops.narrow import BFLOAT16

Array = np.ndarray
WORKSPACE = 64
TYPES = {"HALF": np.float16, "BFLOAT16": BFLOAT16, "FLOAT": np.float32, "DOUBLE": np.float64}
NOTES = (
    "TENSOR_CORE", "DOWN_CONVERT_INPUTS", "REDUCED_PRECISION_REDUCTION", "FFT", "NONDETERMINISTIC",
    "WINOGRAD",
)  # fmt: skip


class NotSupported(Exception):
    """What the frontend raises for a graph that no engine takes."""


@dataclass
class Tensor:
    """A tensor of a graph."""

    name: str = ""
    uid: int | None = None
    dim: list[int] = field(default_factory=list)
    stride: list[int] = field(default_factory=list)
    data_type: str = ""
    output: bool = False

    def __getattr__(self, name: str) -> Callable[[object], Tensor]:
        attribute = name.removeprefix("set_")
        if attribute == name or attribute not in self.__dataclass_fields__:
            raise AttributeError(name)

        def told(value: object) -> Tensor:
            setattr(self, attribute, value)
            return self

        return told

    def at(self, place: int) -> np.ndarray:
        """The array that lies at an address."""
        assert place % 16 == 0 and min(self.stride) > 0
        dtype = np.dtype(TYPES[self.data_type])
        reach = 1 + sum((n - 1) * s for n, s in zip(self.dim, self.stride, strict=True))
        memory = (ctypes.c_char * (reach * dtype.itemsize)).from_address(place)
        flat = np.frombuffer(memory, dtype)
        return as_strided(flat, self.dim, [s * dtype.itemsize for s in self.stride])


class Graph:
    """A graph of one operation. ``calls`` are those that it was asked for, in their order."""

    def __init__(self, refuses: Callable[[Graph], bool], **how: object) -> None:
        self.how, self.calls, self.notes, self._refuses = how, [], [], refuses
        self.inputs: dict[str, Tensor] = {}
        self.results: dict[str, Tensor] = {}
        self.operation, self.attributes = "", {}

    @property
    def kernel(self) -> list[int]:
        """The size of a convolution's kernel; nothing for other operations."""
        return (self.inputs | self.results).get("w", Tensor()).dim[2:]

    def tensor(self, **about: object) -> Tensor:
        return Tensor(**about)

    def conv_fprop(self, *, image: Tensor, weight: Tensor, **how: list[int]) -> Tensor:
        (y,) = self._asked("conv_fprop", {"x": image, "w": weight}, "y", how)
        return y

    def conv_dgrad(self, *, loss: Tensor, filter: Tensor, **how: list[int]) -> Tensor:
        (x,) = self._asked("conv_dgrad", {"y": loss, "w": filter}, "x", how)
        return x

    def conv_wgrad(self, *, image: Tensor, loss: Tensor, **how: list[int]) -> Tensor:
        (w,) = self._asked("conv_wgrad", {"x": image, "y": loss}, "w", how)
        return w

    def sdpa(
        self, *, q: Tensor, k: Tensor, v: Tensor, generate_stats: bool, **how: Any
    ) -> Sequence[Tensor]:
        assert generate_stats
        return self._asked("sdpa", {"q": q, "k": k, "v": v}, ("o", "stats"), how)

    def sdpa_backward(
        self, *, use_deterministic_algorithm: bool, attn_scale: float, use_causal_mask: bool,
        **inputs: Tensor,
    ) -> Sequence[Tensor]:  # fmt: skip
        assert use_deterministic_algorithm and {*inputs} == {"q", "k", "v", "o", "dO", "stats"}
        how = {"attn_scale": attn_scale, "use_causal_mask": use_causal_mask}
        return self._asked("sdpa_backward", inputs, ("dq", "dk", "dv"), how)

    def _asked(
        self, operation: str, inputs: dict[str, Tensor], results: Sequence[str], how: dict
    ) -> Sequence[Tensor]:
        self.operation, self.inputs, self.attributes = operation, inputs, how
        self.results = {name: Tensor() for name in results}
        return tuple(self.results.values())

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name not in ("validate", "build_operation_graph", "check_support"):
            raise AttributeError(name)
        return lambda: self.calls.append(name)

    def create_execution_plans(self, modes: list[str]) -> None:
        self.calls.append("create_execution_plans")
        assert modes == ["A", "FALLBACK"]

    def deselect_numeric_notes(self, notes: list[str]) -> None:
        assert self.calls[-1] == "create_execution_plans"
        self.notes = notes

    def build_plans(self) -> None:
        self.calls.append("build_plans")
        if self._refuses(self):
            raise NotSupported("no engine takes\n this graph")

    def get_workspace_size(self) -> int:
        return WORKSPACE

    def execute(self, places: dict[int, int], workspace: int, handle: object) -> None:
        assert handle == "handle" and all(made.output for made in self.results.values())
        assert self.calls == ["validate", "build_operation_graph", "create_execution_plans",
                              "check_support", "build_plans"]  # fmt: skip
        ctypes.memset(workspace, 0xA5, WORKSPACE)
        tensors = self.inputs | self.results
        assert sorted(tensor.uid for tensor in tensors.values()) == sorted(places)
        arrays = {name: tensor.at(places[tensor.uid]) for name, tensor in tensors.items()}
        sums = np.dtype(TYPES[str(self.how["compute_data_type"])])
        given = {name: arrays[name].astype(sums) for name in self.inputs}
        made = {name: arrays[name] for name in self.results}
        for array in made.values():
            array[...] = np.nan
        blank = {name: np.zeros(array.shape, sums) for name, array in made.items()}
        if self.operation.startswith("conv"):
            found = convolved({**given, **blank}, *made, **self.attributes)
        else:
            found = ATTENTION[self.operation](**given, **self.attributes)
        for array, value in zip(made.values(), found, strict=True):
            array[...] = value


def scores(q: Array, k: Array, attn_scale: float, use_causal_mask: bool) -> Array:
    """How well keys match queries; -inf for keys that are not seen."""
    found = np.einsum("nhte,nhse->nhts", q, k) * attn_scale
    later = np.arange(found.shape[3]) > np.arange(found.shape[2])[:, None]
    return np.where(later & use_causal_mask, -np.inf, found)


def sdpa(q: Array, k: Array, v: Array, **how: Any) -> tuple[Array, ...]:
    """Attention, and the logarithms of the sums of its weights."""
    weights = np.exp(scores(q, k, **how))
    sums = weights.sum(axis=-1, keepdims=True)
    return np.einsum("nhts,nhsv->nhtv", weights / sums, v), np.log(sums)


def sdpa_backward(
    q: Array, k: Array, v: Array, o: Array, dO: Array, stats: Array, attn_scale: float,
    use_causal_mask: bool,
) -> tuple[Array, ...]:  # fmt: skip
    """Its derivative: that of a softmax, p * (dp - sum(p * dp)), between those of two products."""
    p = np.exp(scores(q, k, attn_scale, use_causal_mask) - stats)
    dp = np.einsum("nhtv,nhsv->nhts", dO, v)
    ds = attn_scale * p * (dp - (p * dp).sum(axis=-1, keepdims=True))
    assert np.allclose(p @ v, o, atol=1e-2, equal_nan=True)
    return ds @ k, np.swapaxes(ds, 2, 3) @ q, np.swapaxes(p, 2, 3) @ dO


ATTENTION = {"sdpa": sdpa, "sdpa_backward": sdpa_backward}


def convolved(
    parts: dict[str, Array], wanted: str, *, pre_padding: list[int], post_padding: list[int],
    stride: list[int], dilation: list[int],
) -> tuple[Array]:  # fmt: skip
    """One side of y[n, o, p] = sum of x[n, c, p * stride + i * dilation - padding] w[o, c, i], by
    groups of channels: position for position of the kernel.
    """
    pads = [(0, 0), (0, 0), *zip(pre_padding, post_padding, strict=True)]
    x = np.pad(parts["x"], pads)
    groups = x.shape[1] // parts["w"].shape[1]
    xs = x.reshape(len(x), groups, -1, *x.shape[2:])
    w = parts["w"].reshape(groups, -1, *parts["w"].shape[1:])
    y = parts["y"].reshape(len(x), groups, -1, *parts["y"].shape[2:])
    for at in np.ndindex(*w.shape[3:]):
        seen = [
            slice(i * d, i * d + s * (n - 1) + 1, s)
            for i, d, s, n in zip(at, dilation, stride, y.shape[3:], strict=True)
        ]
        part, corner = xs[:, :, :, *seen], w[:, :, :, *at]
        assert part.shape[3:] == y.shape[3:], "the sizes do not belong together"
        if wanted == "y":
            y += np.einsum("ngc...,goc->ngo...", part, corner)
        elif wanted == "x":
            part += np.einsum("ngo...,goc->ngc...", y, corner)
        else:
            corner += np.einsum("ngcp,ngop->goc", *(a.reshape(*a.shape[:3], -1) for a in (part, y)))
    core = tuple(slice(b, n - a) for (b, a), n in zip(pads, x.shape, strict=True))
    return ({"x": x[core], "w": w, "y": y}[wanted].reshape(parts[wanted].shape),)


class StandIn(SimpleNamespace):
    """The module. ``graphs`` are those that were made; ``refuses`` tells which have no plan."""

    cudnnGraphNotSupportedError = NotSupported
    data_type = SimpleNamespace(**{name: name for name in TYPES})
    heur_mode = SimpleNamespace(A="A", FALLBACK="FALLBACK")
    numerical_note = SimpleNamespace(**{name: name for name in NOTES})

    def __init__(self, refuses: Callable[[Graph], bool] = lambda graph: False) -> None:
        self.graphs: list[Graph] = []
        self.streams: list[int] = []
        self._refuses = refuses

    def create_handle(self) -> str:
        return "handle"

    def set_stream(self, handle: str, stream: int) -> None:
        self.streams.append(stream)

    def pygraph(self, **how: object) -> Graph:
        self.graphs.append(Graph(self._refuses, **how))
        return self.graphs[-1]

    def executed(self) -> Iterator[str]:
        """The operations of the graphs."""
        return (graph.operation for graph in self.graphs)


def aligned(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array that begins where cuDNN may read several numbers at once."""
    room = np.empty(int(np.prod(shape)) * dtype.itemsize + 16, np.uint8)
    start = -room.ctypes.data % 16
    return room[start : start + room.size - 16].view(dtype).reshape(shape)
