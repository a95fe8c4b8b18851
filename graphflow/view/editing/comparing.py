"""What differs between two versions of a file: line by line, and node by node."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import unified_diff
from typing import Literal

from graphflow.ir.graph import Graph, Node

ChangeKind = Literal["added", "removed", "retyped", "reshaped", "rewired"]


@dataclass(frozen=True)
class NodeChange:
    """One node that differs: new, gone, of another operator (``retyped``), of another shape or
    number type (``reshaped``), or with other operands or attributes (``rewired``).
    """

    name: str
    kind: ChangeKind
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class TextChange:
    """One line of a difference: its ``sign`` is ``"+"``, ``"-"``, ``" "``, or ``"@"`` for the
    heading of a part. ``line`` is its number in the newer text, or in the older one if it is gone.
    """

    sign: str
    text: str
    line: int = 0


def node_changes(before: Graph, after: Graph) -> tuple[NodeChange, ...]:
    """The nodes that differ, by name, in the order of the newer graph; those that are gone last.

    Constants within an expression do not count by themselves: they change what reads them.
    """
    old, new = _nodes(before), _nodes(after)
    found = [
        NodeChange(name, "added", "", _told(node)) if name not in old
        else _changed(before, after, old[name], node)
        for name, node in new.items()
    ]  # fmt: skip
    gone = [NodeChange(name, "removed", _told(old[name])) for name in old if name not in new]
    return (*(change for change in found if change is not None), *gone)


def _nodes(graph: Graph) -> dict[str, Node]:
    return {node.name: node for node in graph if node.op not in ("constant", "rng")}


def _changed(before: Graph, after: Graph, old: Node, new: Node) -> NodeChange | None:
    if old.op != new.op:
        return NodeChange(new.name, "retyped", _told(old), _told(new))
    if old.type != new.type:
        return NodeChange(new.name, "reshaped", str(old.type), str(new.type))
    reads = _reads(before, old), _reads(after, new)
    if reads[0] != reads[1]:
        return NodeChange(new.name, "rewired", reads[0], reads[1])
    if old.attrs != new.attrs:
        return NodeChange(new.name, "rewired", _attributes(old), _attributes(new))
    return None


def _reads(graph: Graph, node: Node) -> str:
    """The operands as a reader would say them: constants by their number."""
    operands = (graph.nodes[name] for name in node.inputs)
    return ", ".join(
        str(operand.attributes()["value"]) if operand.op == "constant" else operand.name
        for operand in operands
    )


def _attributes(node: Node) -> str:
    shown = ((k, "..." if isinstance(v, Graph) else v) for k, v in node.attrs)
    return ", ".join(f"{key}={value}" for key, value in shown)


def _told(node: Node) -> str:
    return f"{node.op}, {node.type}"


def text_changes(before: str, after: str, around: int = 3) -> tuple[TextChange, ...]:
    r"""The unified difference of two texts, with ``around`` lines left standing on either side.

    >>> [(c.sign, c.text) for c in text_changes("a\nb", "a\nc")]
    [('@', '-1,2 +1,2'), (' ', 'a'), ('-', 'b'), ('+', 'c')]
    """
    old, new = before.splitlines(), after.splitlines()
    found: list[TextChange] = []
    at_old = at_new = 0
    for row in list(unified_diff(old, new, lineterm="", n=around))[2:]:
        sign, text = row[0], row[1:]
        if sign == "@":
            head = row.strip("@ ")
            at_old, at_new = (int(part[1:].split(",")[0]) for part in head.split())
            found.append(TextChange("@", head))
            continue
        found.append(TextChange(sign, text, at_old if sign == "-" else at_new))
        at_old += sign in " -"
        at_new += sign in " +"
    return tuple(found)
