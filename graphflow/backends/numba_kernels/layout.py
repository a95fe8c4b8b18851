"""Which values of a graph lie in memory with their channels, or their batch, last.

Kernels of convolutions go through all channels of a pixel at a time or, where these are few,
through one pixel of all images. So in a graph whose work is mostly convolutions with enough
channels, their results and what is computed from them element by element, by pooling or by joining
channels lie with their channels last; where it is mostly convolutions with few, with their batch
last, if that fills rows of lanes. Everything else stays row by row, as do the leaves, which a user
sees, and images of few channels that an adjoint makes of many. Where the two meet, whoever reads
takes the strides as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import prod

from graphflow.backends.llvm.words import LANES
from graphflow.backends.numba_kernels import depthwise
from graphflow.ir.graph import Graph, Node
from graphflow.ir.types import TensorType, tensors
from graphflow.ops.elementwise import Elementwise
from graphflow.ops.op import get_op

Order = tuple[int, ...]
CHANNELS_LAST: Mapping[int, Order] = {4: (0, 2, 3, 1), 3: (0, 2, 1)}
BATCH_LAST: Mapping[int, Order] = {4: (1, 2, 3, 0), 3: (1, 2, 0)}
"""The order of axes by their number: of images, and of sequences or images with their pixels in a
row.
"""
CONVOLVING = frozenset({"conv", "conv_transpose"})
FOLLOWING = frozenset({
    "cast", "where", "fused", "concat", "pad", "unslice", "identity",
    "max_pool", "max_pool_indices", "avg_pool", "avg_unpool",
    "adaptive_avg_pool", "adaptive_avg_unpool", "scatter_add_along_axis",
})  # fmt: skip
"""Operators whose result lies as their largest operands do, besides the elementwise ones."""
VIEWING = frozenset({"reshape", "slice", "split", "item"})
"""Operators that see their operand where it lies, if they keep batch and channels."""
FEWEST = 16
"""Channels below which a pixel is too short to be gone through."""
MOST = 16
"""Channels on the other side up to which it pays to go through a pixel of all images instead."""


def image_orders(graph: Graph) -> dict[str, Order]:
    """For every value that is not to lie row by row the order of its axes."""
    found: dict[str, Order] = {}
    orders = _wanted(graph)
    if not orders:
        return found
    last: set[str] = set()
    updates = set(graph.updates.values())
    for node in graph:
        if _lies_last(graph, node, last) and not (orders is CHANNELS_LAST and _is_short(node)):
            last.add(node.name)
            order = orders.get(_rank(node))
            if order is not None and node.op not in VIEWING and node.name not in updates:
                found[node.name] = order
    return found


def _wanted(graph: Graph) -> Mapping[int, Order]:
    """The orders that suit most products of a graph's convolutions; none where it has few."""
    suited: Counter[str] = Counter()
    for node in graph:
        if node.op.startswith("conv") and isinstance(node.type, TensorType):
            types = [graph.nodes[name].tensor for name in node.inputs]
            flops = get_op(node.op).flops(node.type, *types, **node.attributes())
            assert isinstance(flops, int)
            suited[_suited(node, [_shape(t) for t in (*types, node.type)])] += flops
    wanted = max(suited, key=suited.__getitem__, default="rows")
    return {"channels": CHANNELS_LAST, "batch": BATCH_LAST}.get(wanted, {})


def _suited(node: Node, shapes: Sequence[tuple[int, ...]]) -> str:
    """What should lie last in one convolution, by the shapes of its operands and its result."""
    groups = node.attr("groups")
    assert isinstance(groups, int)
    if len(shapes[0]) not in CHANNELS_LAST:
        return "rows"
    channels = [shapes[i][1] for i in (0, 2 if node.op != "conv_weight_grad" else 1)]
    sides = [n // groups for n in channels]
    if max(sides) > MOST or min(sides) >= FEWEST or depthwise.suits(groups, *channels):
        return "channels"
    images = shapes[0][0]  # the first operand of each of the three operators is images
    return "rows" if images % LANES else "batch"


def _is_short(node: Node) -> bool:
    """Whether a node scatters products over images whose pixels are short."""
    return node.op == "conv_transpose" and _shape(node.tensor)[1] < FEWEST


def _lies_last(graph: Graph, node: Node, last: set[str]) -> bool:
    """Whether a value should not lie row by row, when those in ``last`` do not."""
    if node.op in CONVOLVING:
        return _rank(node) in CHANNELS_LAST
    if node.op in VIEWING:
        return node.inputs[0] in last and _keeps_channels(graph, node)
    if node.op == "concat" and node.attr("axis") != 1:
        return False
    if node.op not in FOLLOWING and not isinstance(get_op(node.op), Elementwise):
        return False
    votes = [name in last for name in _large(graph, node)]
    return 2 * sum(votes) >= len(votes) > 0


def _large(graph: Graph, node: Node) -> Iterator[str]:
    """The operands that have the rank of the result and more than one pixel, if any has."""
    rank = _rank(node)
    for name in node.inputs:
        type = graph.nodes[name].type
        if isinstance(type, TensorType) and type.ndim == rank and _pixels(type) > 1:
            yield name


def _rank(node: Node) -> int:
    """The largest rank among a node's results."""
    return max((t.ndim for t in tensors(node.type)), default=0)


def _shape(type: TensorType) -> tuple[int, ...]:
    """The shape of a type without symbols."""
    return tuple(n for n in type.shape if isinstance(n, int))


def _pixels(type: TensorType) -> int:
    return prod(_shape(type)[2:])


def _keeps_channels(graph: Graph, node: Node) -> bool:
    """Whether the axes of batch and channels are still the first two, pixels behind them."""
    operand, ranks = graph.nodes[node.inputs[0]].type, (3, 4)
    if isinstance(node.type, TensorType) and isinstance(operand, TensorType):
        same = node.type.shape[:2] == operand.shape[:2] or node.op != "reshape"
        return same and node.type.ndim in ranks and operand.ndim in ranks
    return True
