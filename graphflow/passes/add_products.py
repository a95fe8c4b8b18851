"""Updates inside products: a weight that descends a gradient does so while that is multiplied.

    w - lr (x y)  ->  addmm(w, x, y, -lr)

A product of BLAS adds to what is there, so the gradient needs no memory and no second look.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphflow.ir.graph import LEAVES, Graph, Node
from graphflow.ir.types import DType, TensorType
from graphflow.ops.builder import Builder, Value
from graphflow.ops.matmul import swapped
from graphflow.ops.op import get_op
from graphflow.passes.dead import drop_dead
from graphflow.passes.rewrite import Rewritten
from graphflow.passes.substitute import rebuilt

FLOATS = (DType.FLOAT32, DType.FLOAT64)


def add_products(graph: Graph) -> Rewritten:
    """Plain gradient steps on leaves as additions of products.

    Such a step runs at the end, when all others have read the leaf, and its operands must live
    until then; so it is left as it is where they are larger than the leaf.
    """
    steps = {name: _step(graph, leaf, name) for leaf, name in graph.updates.items()}
    recipes = {name: step.made for name, step in steps.items() if step is not None}
    if not recipes:
        return Rewritten(graph)
    return Rewritten(drop_dead(rebuilt(graph, recipes)).graph, {"add_product": len(recipes)})


@dataclass(frozen=True)
class _Step:
    """leaf - rate (x y), or the transpose of x y."""

    leaf: str
    rate: str
    x: str
    y: str
    turned: bool

    def made(self, builder: Builder) -> Value:
        """The step as one node."""
        x, y, rate = map(builder.value, (self.x, self.y, self.rate))
        if self.turned:
            x, y = swapped(y), swapped(x)
        number = rate.node.attributes().get("value")
        known = rate.node.op == "constant" and isinstance(number, int | float)
        alpha = rate.like(-number) if known else -rate  # type: ignore[operator]
        return builder.add("addmm", builder.value(self.leaf), x, y, alpha)


def _step(graph: Graph, leaf: str, name: str) -> _Step | None:
    """A plain gradient step by a product that nothing else reads."""
    node, own = graph.nodes[name], graph.nodes[leaf].tensor
    if node.op != "sub" or node.inputs[0] != leaf or own.dtype not in FLOATS:
        return None
    scaled = _alone(graph, node.inputs[1], "mul")
    if scaled is None:
        return None
    for rate, gradient in (scaled.inputs, scaled.inputs[::-1]):
        turning = _alone(graph, gradient, "transpose")
        turned = turning is not None and turning.attr("axes") == (1, 0)
        product = _alone(graph, turning.inputs[0] if turning and turned else gradient, "matmul")
        if product is not None and graph.nodes[gradient].type == own:
            x, y = product.inputs
            number = not graph.nodes[rate].tensor.shape
            if number and _computed(graph, x) + _computed(graph, y) <= _bytes(own):
                return _Step(leaf, rate, x, y, turned)
    return None


def _alone(graph: Graph, name: str, op: str) -> Node | None:
    """A node of that operator which one other node reads, and nobody else."""
    node = graph.nodes[name]
    wanted = node.op == op and len(graph.consumers[name]) == 1
    return node if wanted and name not in graph.roots() else None


def _computed(graph: Graph, name: str) -> int:
    """Bytes of a value that must be kept for a step at the end: none of what lies in a leaf."""
    node = graph.nodes[name]
    while get_op(node.op).view:
        node = graph.nodes[node.inputs[0]]
    kept = node.op in LEAVES or not node.inputs
    return 0 if kept else _bytes(graph.nodes[name].tensor)


def _bytes(type: TensorType) -> int:
    return int(type.size) * type.dtype.itemsize  # type: ignore[arg-type]
