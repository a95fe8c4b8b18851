"""Fused nodes as kernels, and all kernels of a graph as the text of one module."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from graphflow.backends.cuda.arrays import MISSED, Arrays, Buffer, Strides, View
from graphflow.backends.cuda.instructions import LIBRARY
from graphflow.backends.cuda.mapped import mapped
from graphflow.backends.cuda.rows import Rows, is_sum, row_frontier
from graphflow.backends.cuda.sums import sums
from graphflow.backends.cuda.writing import Kernel, Launch
from graphflow.backends.elements.lowering import Lowered, Result, lowered
from graphflow.backends.elements.tracing import Language, Scalar, has_loop
from graphflow.ir.graph import Graph, Node
from graphflow.ir.types import TensorType
from graphflow.ops.fused import body_of

CUDA = Language(frozenset(LIBRARY), narrow=True)
PRELUDE = """\
template <class T, int N> struct alignas(sizeof(T) * N < 16 ? sizeof(T) * N : 16) Pack { T at[N]; };

// The upper half of a float; the nearest one, halves to the even one, nan stays nan.
struct bfloat16 { unsigned short bits; };
static __device__ float wide(bfloat16 x) { return __int_as_float((unsigned)x.bits << 16); }
static __device__ bfloat16 narrow(float x) {
    const unsigned bits = __float_as_int(x);
    const unsigned up = x != x ? bits | 0x400000u : bits + 0x7fffu + (bits >> 16 & 1u);
    return {(unsigned short)(up >> 16)};
}

struct joining_add {
    template <class T> static __device__ T of(T a, T b) { return a + b; }
};
struct joining_maximum {  // nan comes through
    template <class T> static __device__ T of(T a, T b) { return a > b || a != a ? a : b; }
};
struct joining_minimum {
    template <class T> static __device__ T of(T a, T b) { return a < b || a != a ? a : b; }
};

// What N neighbouring threads hold, joined; each has the same.
template <int N, class Join, class T> __device__ T within_warp(T x) {
#pragma unroll
    for (int d = N / 2; d > 0; d /= 2) x = Join::of(x, __shfl_xor_sync(0xffffffffu, x, d));
    return x;
}

// What all N threads of a block hold.
template <int N, class Join, class T> __device__ T within_block(T x, T* shared) {
    x = within_warp<32, Join>(x);
    if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = x;
    __syncthreads();
    x = shared[0];
    for (int w = 1; w < N / 32; ++w) x = Join::of(x, shared[w]);
    __syncthreads();
    return x;
}

// What the N threads of a column hold, which are `step` apart; the one with y = 0 has the result.
template <int N, int step, class Join, class T> __device__ T down_columns(T x, int y, T* shared) {
    const int t = threadIdx.x;
    shared[t] = x;
    for (int h = N / 2; h > 0; h /= 2) {
        __syncthreads();
        if (y < h) shared[t] = Join::of(shared[t], shared[t + h * step]);
    }
    x = shared[t];
    __syncthreads();
    return x;
}

"""


@dataclass(frozen=True)
class Operand:
    """How an operand has to lie: its strides in elements; ``packed``: on a boundary of 16 bytes."""

    strides: Strides
    packed: bool


@dataclass(frozen=True)
class Fusion:
    """A fused node, known by its region ``body``, as launches one after the other.

    The numbers of their arrays count operands, results and rooms, in this order; the last is where
    a position outside of its row is noted.
    """

    body: Graph
    operands: tuple[Operand, ...]
    results: tuple[Buffer, ...]
    rooms: tuple[Buffer, ...]
    launches: tuple[Launch, ...]

    @property
    def how(self) -> str:
        """The kernels in a few words."""
        return "; ".join(launch.how for launch in self.launches)

    @property
    def in_place(self) -> bool:
        """Whether a result may lie where an operand does, element for element."""
        return len(self.launches) == 1 and self.launches[0].pointwise

    @property
    def notes(self) -> bool:
        """Whether a position may lie outside of its row."""
        return any(MISSED in launch.arrays for launch in self.launches)


@dataclass(frozen=True)
class Module:
    """CUDA C++ of some fused nodes' kernels, and how each node is launched."""

    text: str
    fusions: tuple[Fusion, ...]

    @cached_property
    def digest(self) -> str:
        """What the text is known by."""
        return sha256(self.text.encode()).hexdigest()

    @cached_property
    def _by_body(self) -> Mapping[int, Fusion]:
        return {id(fusion.body): fusion for fusion in self.fusions}

    def of(self, body: Graph) -> Fusion:
        """The launches of the fused node with that very region."""
        return self._by_body[id(body)]


def fuses(node: Node, types: Sequence[TensorType]) -> bool:
    """Whether kernels can be written for an elementwise node or a reduction of such types."""
    return has_loop(node, types, CUDA)


def module(nodes: Iterable[tuple[Node, Sequence[Strides]]]) -> Module:
    """The kernels of concrete fused nodes; equal ones are written once. Beside each node stands how
    its operands lie: their strides in elements.
    """
    fusions: list[Fusion] = []
    texts: dict[str, None] = {}
    for node, laid in nodes:
        found, written = _fusion(node, laid)
        fusions.append(found)
        texts |= dict.fromkeys(written)
    return Module(PRELUDE + "\n".join(texts), tuple(fusions))


def _fusion(node: Node, laid: Sequence[Strides]) -> tuple[Fusion, list[str]]:
    """One fused node, and the texts of its kernels."""
    found = lowered(node, CUDA)
    arrays = Arrays(node, found, laid)
    written = _written(found, arrays)
    operands = tuple(Operand(strides, i in arrays.packed) for i, strides in enumerate(laid))
    results, rooms = arrays.buffers[: arrays.results], arrays.buffers[arrays.results :]
    launches = tuple(launch for _, launch in written)
    fusion = Fusion(body_of(node), operands, tuple(results), tuple(rooms), launches)
    return fusion, [text for text, _ in written]


def _written(found: Lowered, arrays: Arrays) -> list[tuple[str, Launch]]:
    """First what has an element for each point or row, then sums, which read of it."""
    ended = [r for r in found.results if is_sum(r.scalar, arrays)]
    direct = [r for r in found.results if not is_sum(r.scalar, arrays)]
    stored = {r.scalar: arrays.written[r.part] for r in direct}
    kept = _kept(arrays, stored, ended)
    written: list[tuple[str, Launch]] = []
    if found.tail and (direct or kept):
        written.append(Rows(arrays, kept).written())
    elif direct:
        written.append(mapped(arrays))
    return [*written, *sums(arrays, {**kept, **stored}, ended)]


def _kept(
    arrays: Arrays, stored: Mapping[Scalar, View], ended: Sequence[Result]
) -> dict[Scalar, View]:
    """Rooms for what sums need of each row, one number for each."""
    roots = [r.scalar.args[0] for r in ended]
    shape = (arrays.size(range(arrays.end)),)
    return {
        scalar: arrays.room(shape, scalar.dtype, arrays.row_numbers())
        for scalar in row_frontier(roots, Kernel(arrays, stored))
    }
