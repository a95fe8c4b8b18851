"""Rules of updates that change a few rows of a large table: the others are not touched."""

from __future__ import annotations

from graphflow.ir.dims import Shape, product
from graphflow.ir.graph import Node
from graphflow.passes.rewrite import Make, Outcome, View, make, rule

KEPT = ("parameter", "state")
Part = tuple[str | Make, str]
"""What is added to rows of a table, and the numbers of the rows."""


@rule("sub", "add")
def change_rows(node: Node, view: View) -> Outcome:
    """``w - s * scatter_add(u, i) -> scatter_nd(w, i, -(s * u), add)``, and so for ``+``

    For a parameter or state w, numbers s, and sums of such: the step of gradient descent on a table
    of which a batch reads a few rows. What meets in one row is added in another order, so that the
    last digits may differ.
    """
    pairs = [node.inputs] if node.op == "sub" else [node.inputs, node.inputs[::-1]]
    for table, change in pairs:
        if view.node(table).op in KEPT and view.tensor(table) == node.tensor:
            parts = _parts(change, view)
            if parts:
                updates, indices = _joined(parts, node.tensor.shape[1:], view)
                news = make("neg", updates) if node.op == "sub" else updates
                places = make("expand_dims", indices, axis=-1)
                return make("scatter_nd", table, places, news, reduce="add")
    return None


def _parts(name: str, view: View) -> list[Part]:
    """The changes of rows that a node is the sum of; none where it is no such sum."""
    node = view.node(name)
    if node.op == "scatter_add" and node.attr("axis") == 0:
        return [(node.inputs[0], node.inputs[1])]
    if node.op == "neg":
        return [(make("neg", u), i) for u, i in _parts(node.inputs[0], view)]
    if node.op == "mul":
        for factor, rest in (node.inputs, node.inputs[::-1]):
            if view.tensor(factor).shape == ():
                return [(make("mul", factor, u), i) for u, i in _parts(rest, view)]
    if node.op == "add":
        both = [_parts(operand, view) for operand in node.inputs]
        return [*both[0], *both[1]] if all(both) else []
    return []


def _joined(parts: list[Part], row: Shape, view: View) -> tuple[str | Make, str | Make]:
    """Several changes as one, row after row."""
    if len(parts) == 1:
        return parts[0]
    updates, indices = [], []
    for update, index in parts:
        count = product(view.tensor(index).shape)
        updates.append(make("reshape", update, shape=(count, *row)))
        indices.append(make("reshape", index, shape=(count,)))
    return make("concat", *updates, axis=0), make("concat", *indices, axis=0)


RULES = (change_rows,)
