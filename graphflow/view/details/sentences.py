"""What a step did, in a sentence made of the operator, its operands, their kinds and shapes."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from graphflow.ir.graph import Graph, Node, Origin
from graphflow.ir.types import TensorType
from graphflow.ops.elementwise import Elementwise
from graphflow.ops.op import OPS
from graphflow.runtime.chain import adds, contributions
from graphflow.view.recording.texts import shape_text

VERBS = {
    "add": "adds {y} to {x}", "sub": "subtracts {y} from {x}", "mul": "multiplies {x} by {y}",
    "div": "divides {x} by {y}", "pow": "raises {x} to the power {y}",
    "floor_div": "divides {x} by {y} and rounds down",
    "mod": "takes what is left of {x} after whole times {y}",
    "maximum": "takes the larger of {x} and {y}", "minimum": "takes the smaller of {x} and {y}",
    "neg": "turns the sign of {x}", "abs": "drops the sign of {x}",
    "sign": "takes the sign of {x}: -1, 0 or 1", "floor": "rounds {x} down",
    "ceil": "rounds {x} up", "round": "rounds {x}", "exp": "raises e to the power {x}",
    "log": "takes the natural logarithm of {x}", "log1p": "takes the logarithm of 1 plus {x}",
    "sqrt": "takes the square root of {x}", "erf": "takes the error function of {x}",
    "sigmoid": "squeezes {x} into the span from 0 to 1",
    "tanh": "squeezes {x} into the span from -1 to 1",
    "softplus": "bends {x} smoothly away from 0",
    "relu": "keeps what is positive in {x} and puts 0 for the rest",
    "equal": "asks where {x} equals {y}", "not_equal": "asks where {x} differs from {y}",
    "less": "asks where {x} is less than {y}", "greater": "asks where {x} is greater than {y}",
    "less_equal": "asks where {x} is at most {y}",
    "greater_equal": "asks where {x} is at least {y}",
    "logical_and": "asks where {x} and {y} both hold",
    "logical_or": "asks where {x} or {y} holds", "logical_not": "asks where {x} does not hold",
    "where": "takes {x} where {condition} holds and {y} elsewhere",
    "matmul": "multiplies {x} and {y} as matrices",
    "addmm": "adds {alpha} times the product of {x} and {y} as matrices to {input}",
    "conv": "slides the filters {weight} over {x}",
    "conv_transpose": "spreads {x} with the filters {weight}",
    "conv_weight_grad": "adds up how much each weight of the filters met of {x}, times {cotangent}",
    "max_pool": "keeps the largest number of each window of {x}",
    "max_pool_indices": "finds where in each window of {x} the largest number is",
    "avg_pool": "takes the mean of each window of {x}",
    "sum": "sums {x}{axes}", "mean": "takes the mean of {x}{axes}",
    "var": "takes the variance of {x}{axes}", "prod": "multiplies all of {x}{axes}",
    "max": "takes the largest number of {x}{axes}",
    "min": "takes the smallest number of {x}{axes}",
    "logsumexp": "takes the logarithm of the sum of the exponentials of {x}{axes}",
    "argmax": "finds where {x} is largest{axes}", "argmin": "finds where {x} is smallest{axes}",
    "any": "asks whether any of {x} holds{axes}", "all": "asks whether all of {x} hold{axes}",
    "reshape": "gives {x} another shape", "transpose": "turns {x} around: its axes change places",
    "rearrange": "rearranges the axes of {x}", "broadcast_to": "repeats {x} to a larger shape",
    "expand_dims": "adds an axis of length 1 to {x}",
    "squeeze": "drops axes of length 1 from {x}", "concat": "puts {xs} one after the other",
    "stack": "stacks {xs} along a new axis", "split": "cuts {x} into pieces",
    "slice": "picks a part of {x}",
    "unslice": "puts {x} back where it was picked from, with 0 around it",
    "pad": "puts a border around {x}", "unpad": "takes the border off {x}",
    "take": "looks up the rows of {x} at {indices}",
    "take_along_axis": "picks from {x} along an axis at {indices}",
    "scatter_add": "adds {updates} up at the places {indices}",
    "scatter_add_along_axis": "adds {updates} up along an axis at the places {indices}",
    "one_hot": "writes each class of {x} as a row of 0s with a single 1",
    "cast": "changes the number type of {x}", "identity": "hands {x} on as it is",
    "checkpoint": "hands {x} on, to be computed again rather than kept",
    "stop_gradient": "hands {x} on and lets no gradient back",
    "item": "takes one of the results of {x}", "scan": "runs a loop over time",
    "while_loop": "repeats its body while its condition holds",
    "cond": "takes one of its branches, as {condition} says",
    "full": "makes {out}, the same number everywhere", "zeros": "makes {out} of zeros",
    "ones": "makes {out} of ones", "eye": "makes {out} of zeros with ones on the diagonal",
    "arange": "counts: {out}", "linspace": "makes evenly spaced numbers: {out}",
    "uniform": "draws {out} evenly at random",
    "normal": "draws {out} from the normal distribution",
    "bernoulli": "tosses a coin for each number of {out}",
    "randint": "draws whole numbers: {out}", "permutation": "draws an order: {out}",
}  # fmt: skip
"""What an operator does to its operands; any other is named with them."""


def sentence(graph: Graph, name: str) -> str:
    """What a node's run did, and of what shape the result is.

    >>> from graphflow.view.study import Study
    >>> from graphflow.view.workspace import Workspace
    >>> turn = Study(Workspace(graph="xyz")).recording.turns[0]
    >>> sentence(turn.graph, "q"), sentence(turn.graph, "x.grad")[:42]
    ('Adds the input y to the input x.', 'Chain rule of q (add) for x: hands the gra')
    """
    node, origin = graph.nodes[name], graph.origin(name)
    act = _act(graph, node)
    if node.type != _widest(graph, node) and "{out}" not in VERBS.get(node.op, ""):
        act += f"; the result is {_shapes(node)}"
    text = _opening(graph, node, origin, act)
    return f"{text[0].upper()}{text[1:]}."


def about(op: str) -> str:
    """The first paragraph of an operator's own text."""
    text = inspect.getdoc(OPS[op]) or ""
    return " ".join(text.partition("\n\n")[0].split()).replace("``", "`")


def _opening(graph: Graph, node: Node, origin: Origin, act: str) -> str:
    """The sentence with what a backward or update step is for."""
    if origin.phase == "update":
        return f"update: {act}"
    if origin.phase == "forward" or origin.twin is None:
        return act
    twin = origin.twin
    if origin.wrt is not None:
        op = graph.nodes[twin].op if twin in graph.nodes else "the loop"
        return f"chain rule of {twin} ({op}) for {origin.wrt}: {act}"
    if node.op == "full" and node.name.startswith(f"{twin}.grad"):
        return f"backward begins: the derivative of {twin} by itself is 1"
    if adds(graph, node.name, twin):
        parts = contributions(graph, node.name)
        done = parts.index(node.inputs[1]) + 1
        ways = _listed([graph.origin(part).twin or part for part in parts[:done]])
        return f"the gradient of {twin} gathers what comes from {ways}: {done} of {len(parts)}"
    return f"on the way back through {twin}: {act}"


def _act(graph: Graph, node: Node) -> str:
    """The operation itself."""
    op = OPS[node.op]
    described = [_described(graph, name) for name in node.inputs]
    if isinstance(op, Elementwise) and len(node.inputs) == 2 and node.op in VERBS:
        described = _spread(graph, node, described)
    words = {"axes": _axes(graph, node), "out": f"{node.name} ({_shapes(node)})"}
    for position, operand in enumerate(op.operands):
        if operand.startswith("*"):
            words[operand[1:]] = _listed(described[position:])
        elif position < len(described):
            words[operand] = described[position]
    if node.op in VERBS:
        return VERBS[node.op].format_map(words)
    return f"computes {node.op}" + (f" of {_listed(described)}" if described else "")


def _described(graph: Graph, name: str) -> str:
    """An operand: its kind, name and shape."""
    node, origin = graph.nodes[name], graph.origin(name)
    value = dict(node.attrs).get("value")
    if node.op == "constant" and isinstance(value, int | float):
        return f"{value:.5g}" if isinstance(value, float) else str(value).lower()
    shape = _shapes(node)
    size = "" if shape == "scalar" else f" ({shape})"
    if node.op in ("input", "parameter", "state"):
        return f"the {node.op} {name}{size}"
    owner = origin.twin if origin.wrt is None else origin.wrt
    if origin.phase == "backward" and name == f"{owner}.grad":
        return f"the gradient of {owner}{size}"
    return f"{name}{size}"


def _spread(graph: Graph, node: Node, described: list[str]) -> list[str]:
    """Two operands, the larger one with the parts of it that the smaller one meets in turn."""
    first, second = (graph.nodes[n].type for n in node.inputs)
    if not isinstance(first, TensorType) or not isinstance(second, TensorType):
        return described
    small, large = sorted((first.shape, second.shape), key=len)
    if first.shape == second.shape or large != node.tensor.shape:
        other = first.shape if first.shape != node.tensor.shape else second.shape
        small = other if large != node.tensor.shape or len(small) == len(large) else small
    if small == node.tensor.shape or node.tensor.shape not in (first.shape, second.shape):
        return described
    where = 0 if first.shape == node.tensor.shape else 1
    each = _each(small, node.tensor.shape)
    return [f"{each} of {text}" if i == where else text for i, text in enumerate(described)]


def _each(small: Sequence[object], large: Sequence[object]) -> str:
    """Which parts of the large shape meet the small one in turn."""
    padded = [1] * (len(large) - len(small)) + list(small)
    repeated = [i for i, n in enumerate(padded) if n == 1 and large[i] != 1]
    if all(n == 1 for n in padded):
        return "every number"
    if len(large) == 2:
        return "every row" if repeated == [0] else "every column"
    if len(large) == 4 and repeated == [0, 2, 3]:
        return "every channel"
    axis = "axis" if len(repeated) == 1 else "axes"
    return f"every part (along {axis} {_listed([str(i) for i in repeated])})"


def _axes(graph: Graph, node: Node) -> str:
    axis = dict(node.attrs).get("axis")
    if isinstance(axis, int):
        return f" along axis {axis}"
    if not isinstance(axis, tuple) or not node.inputs:
        return ""
    if len(axis) == len(graph.nodes[node.inputs[0]].tensor.shape):
        return ""
    return f" over {'axis' if len(axis) == 1 else 'axes'} {_listed([str(a) for a in axis])}"


def _widest(graph: Graph, node: Node) -> object:
    """The type of an operand of the result's shape, or None."""
    same = (graph.nodes[n].type for n in node.inputs)
    return next((t for t in same if t == node.type), None)


def _shapes(node: Node) -> str:
    types = node.type.items if not isinstance(node.type, TensorType) else (node.type,)
    return ", ".join(shape_text(tuple(t.shape)) for t in types)  # type: ignore[arg-type]


def _listed(texts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``; of many the first ones."""
    if len(texts) > 5:
        return f"{', '.join(texts[:4])} and {len(texts) - 4} more"
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)
