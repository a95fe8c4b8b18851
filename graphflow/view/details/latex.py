r"""Formulas in LaTeX that KaTeX reads: over names, over numbers, and of derivative rules."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from graphflow.ir.graph import ArrayLiteral, Graph, Node
from graphflow.ir.types import TensorType
from graphflow.ops.evaluate import Computed
from graphflow.ops.op import OPS, Array
from graphflow.runtime.chain import own_steps
from graphflow.runtime.formula import applied, formula, number, symbol

LARGEST = 4
"""Rows and columns of matrices that are written out."""
NESTED = 12
"""Nodes of a derivative rule that are written into one expression; further ones by name."""

LOOSE, SUM, NEGATIVE, PRODUCT, PREFIX, POWER, ATOM = range(7)
"""How tightly an expression holds together; what holds less tightly than is asked is bracketed."""

Text = tuple[str, int]
"""An expression and how tightly it holds together."""

_NEEDS: Mapping[str, tuple[int, ...]] = {
    "add": (SUM, PRODUCT), "sub": (SUM, PRODUCT), "mul": (NEGATIVE, PRODUCT), "neg": (PRODUCT,),
    "matmul": (NEGATIVE, PRODUCT), "conv": (PREFIX, PREFIX), "conv_transpose": (PREFIX, PREFIX),
    "conv_weight_grad": (PREFIX, PREFIX), "div": (LOOSE, LOOSE), "pow": (ATOM, LOOSE),
    "where": (SUM, SUM, SUM),
}  # fmt: skip
"""What operands have to be, for operators written between or before them."""
_HOLDS = {
    "add": SUM, "sub": SUM, "neg": NEGATIVE, "mul": PRODUCT, "matmul": PRODUCT, "conv": PRODUCT,
    "conv_transpose": PRODUCT, "conv_weight_grad": PRODUCT, "div": POWER, "pow": POWER,
    "where": LOOSE, "by_mode": LOOSE, "expm1": SUM,
}  # fmt: skip
_REDUCING = {
    "sum": r"\sum", "prod": r"\prod", "max": r"\max", "min": r"\min",
    "mean": r"\operatorname{mean}", "var": r"\operatorname{var}",
}  # fmt: skip
_COMPARING = ("compare", "bits")


def bar(name: str) -> str:
    """The gradient of a value, as derivative rules are written: a bar over its name."""
    return rf"\overline{{{symbol(name)}}}"


def slope(of: str, by: str) -> str:
    """A derivative as a fraction."""
    return rf"\frac{{\partial {symbol(of)}}}{{\partial {symbol(by)}}}"


# -- numbers -----------------------------------------------------------------------------------
def array_text(value: Computed) -> Text | None:
    """A number, or a small matrix written out; None for anything larger."""
    if isinstance(value, tuple):
        return None
    array = np.asarray(value)
    if array.ndim == 0:
        text = number(array.item())
        return text, NEGATIVE if text.startswith("-") else PRODUCT if " " in text else ATOM
    if array.ndim > 2 or not array.size or any(n > LARGEST for n in array.shape):
        return None
    rows = r" \\ ".join(" & ".join(number(n.item()) for n in row) for row in np.atleast_2d(array))
    return rf"\begin{{pmatrix}} {rows} \end{{pmatrix}}", ATOM


def substituted(graph: Graph, values: Mapping[str, Computed], name: str) -> str:
    """The operation with numbers in the place of names, and its result; empty for large tensors.

    ``q = -2 + 5 = 3`` for ``q = x + y``.
    """
    node = graph.nodes[name]
    texts = [array_text(values[operand]) for operand in node.inputs]
    result = array_text(values[name])
    if result is None or any(text is None for text in texts):
        return ""
    operation, _ = _operation(graph, node, [text for text in texts if text is not None])
    sides = dict.fromkeys((symbol(name), operation, result[0]))
    return " = ".join(sides)


def in_names(graph: Graph, name: str) -> str:
    """The operation over the names of its operands, numbers that the file gives as numbers."""
    node = graph.nodes[name]
    return _operation(graph, node, [_named(graph.nodes[operand]) for operand in node.inputs])[0]


def _named(node: Node) -> Text:
    return _constant(node) if node.op == "constant" else (symbol(node.name), ATOM)


# -- expressions -------------------------------------------------------------------------------
def rule(graph: Graph, contribution: str, upstream: str) -> str:
    """What a backward node computes of the gradient ``upstream``, over forward values.

    The nodes that the operator's rule has built are written as one expression.
    """
    return _Rule(graph, contribution, upstream, (bar(_value_of(upstream)), ATOM)).text()


def local_derivative(graph: Graph, contribution: str, upstream: str) -> str:
    """The same rule with an upstream gradient of 1."""
    return _Rule(graph, contribution, upstream, ("1", ATOM)).text()


def _value_of(gradient: str) -> str:
    return gradient.removesuffix(".grad")


class _Rule:
    """The nodes that differentiate one forward node, written as an expression."""

    def __init__(self, graph: Graph, contribution: str, upstream: str, seed: Text) -> None:
        self.graph, self.upstream, self.seed = graph, upstream, seed
        self.contribution, self.left = contribution, NESTED
        self.twin = graph.origin(contribution).twin or ""

    def text(self) -> str:
        """The whole expression."""
        return self.expression(self.contribution)[0]

    def expression(self, name: str) -> Text:
        """A value: the seed, a name, a number, or an operation on expressions."""
        if name == self.upstream:
            return self.seed
        node = self.graph.nodes[name]
        if node.op == "constant" or (node.op == "full" and node.tensor.shape == ()):
            return _constant(node)
        own = own_steps(self.graph, self.twin, self.upstream, name)
        if not own or not self.left or not node.inputs:
            return symbol(name), ATOM
        self.left -= 1
        return _simple(node, [self.expression(n) for n in node.inputs], self.graph)


def _constant(node: Node) -> Text:
    value = node.attr("value")
    if isinstance(value, ArrayLiteral | tuple):
        return array_text(np.asarray(getattr(value, "array", value))) or (symbol(node.name), ATOM)
    assert isinstance(value, int | float)
    text = number(value)
    return text, NEGATIVE if text.startswith("-") else ATOM


def _simple(node: Node, texts: list[Text], graph: Graph) -> Text:
    """An operation without factors of 1."""
    if node.op == "mul":
        left = [text for text in texts if text[0] != "1"]
        if len(left) < 2:
            return left[0] if left else ("1", ATOM)
    if node.op == "div" and texts[1][0] == "1":
        return texts[0]
    return _operation(graph, node, texts)


def _operation(graph: Graph, node: Node, texts: list[Text]) -> Text:
    """An operator's template filled in, operands in brackets where they need them."""
    latex = OPS[node.op].latex
    if node.op == "full" and node.tensor.shape == ():
        return _constant(node)
    if latex == "{x}" and node.op != "broadcast_to":
        return texts[0]
    needs = [_need(node.op, latex, operand, i) for i, operand in enumerate(_operands(node))]
    filled = [_bracketed(text, need) for text, need in zip(texts, needs, strict=True)]
    return _special(graph, node, filled) or formula(graph, node.name, filled), _holds(
        node.op, latex
    )


def _special(graph: Graph, node: Node, filled: list[str]) -> str:
    """Formulas that say more where shapes are known: which product, which axes."""
    shapes = [graph.nodes[n].type for n in node.inputs]
    whole = all(isinstance(t, TensorType) and t.shape != () for t in shapes)
    if node.op == "mul" and whole:
        return rf"{filled[0]} \odot {filled[1]}"
    if node.op == "matmul":
        return rf"{filled[0]}\,{filled[1]}"
    if node.op == "broadcast_to":
        return applied("broadcast", filled)
    if node.op in _REDUCING and isinstance(axes := node.attr("axis"), tuple):
        rank = len(graph.nodes[node.inputs[0]].tensor.shape)
        which = ", ".join(str(a) for a in axes)
        if len(axes) < rank:
            return rf"{_REDUCING[node.op]}_{{\text{{axis }}{which}}} {filled[0]}"
    return ""


def _operands(node: Node) -> list[str]:
    """The name of each operand in the operator's template."""
    names = list(OPS[node.op].operands)
    if names and names[-1].startswith("*"):
        return [*names[:-1], *["..."] * (len(node.inputs) - len(names) + 1)]
    return names[: len(node.inputs)]


def _need(op: str, latex: str, operand: str, position: int) -> int:
    """How tightly an operand must hold together where it stands."""
    if op in _NEEDS:
        return _NEEDS[op][position]
    if OPS[op].family in _COMPARING:
        return SUM
    if re.search(rf"\{{{operand}\}}[_^]", latex):
        return ATOM
    return POWER if latex.endswith(f" {{{operand}}}") else LOOSE


def _holds(op: str, latex: str) -> int:
    if op in _HOLDS:
        return _HOLDS[op]
    if OPS[op].family in _COMPARING:
        return LOOSE
    return PREFIX if re.search(r" \{\w+\}$", latex) else ATOM


def _bracketed(text: Text, need: int) -> str:
    written, holds = text
    return written if holds >= need else rf"\left({written}\right)"


def shape_text(array: Array) -> str:
    r"""``4 \times 10``, or 1 for a number."""
    return r" \times ".join(map(str, np.shape(array))) or "1"
