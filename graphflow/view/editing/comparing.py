"""What differs between two versions of a file: line by line, and node by node."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from graphflow.ir.graph import Graph, Node

ChangeKind = Literal["added", "removed", "retyped", "reshaped", "rewired"]
COMPARED = 2_000
"""Lines, from the first that differs on, that are compared: more take minutes."""
SHOWN = 1_000
"""Lines of a difference that are shown."""


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


@dataclass(frozen=True)
class TextChanges:
    """A difference of two texts: its first ``rows``, all of them if ``complete``.

    ``added`` and ``removed`` count lines. They are ``exact`` where all lines were compared; else
    they count what only one of the texts has, so that lines that moved are in neither.
    """

    rows: tuple[TextChange, ...]
    added: int
    removed: int
    exact: bool = True
    complete: bool = True


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


def text_changes(before: str, after: str, around: int = 3) -> TextChanges:
    r"""The difference of two texts, with ``around`` lines left standing on either side.

    >>> [(c.sign, c.text) for c in text_changes("a\nb", "a\nc").rows]
    [('@', '-1,2 +1,2'), (' ', 'a'), ('-', 'b'), ('+', 'c')]
    """
    old, new = before.splitlines(), after.splitlines()
    first = max(_alike(old, new) - around, 0)
    last = max(_alike(old[first:][::-1], new[first:][::-1]) - around, 0)
    old, new = old[first : len(old) - last], new[first : len(new) - last]
    whole = max(len(old), len(new)) <= COMPARED
    groups = list(SequenceMatcher(None, old[:COMPARED], new[:COMPARED]).get_grouped_opcodes(around))
    if not whole and len(groups) > 1:
        groups.pop()  # what follows may stand beyond the lines that were compared
    rows = [row for group in groups for row in _rows(group, old, new, first)]
    if whole:
        added, removed = (sum(row.sign == sign for row in rows) for sign in "+-")
    else:
        had, has = Counter(old), Counter(new)
        added, removed = (has - had).total(), (had - has).total()
    return TextChanges(tuple(rows[:SHOWN]), added, removed, whole, len(rows) <= SHOWN and whole)


def _alike(old: Sequence[str], new: Sequence[str]) -> int:
    """How many lines are the same before the first that is not."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(old), len(new)))


def _rows(
    group: Sequence[tuple[str, int, int, int, int]],
    old: Sequence[str],
    new: Sequence[str],
    skipped: int,
) -> Iterator[TextChange]:
    """The lines of one part of a difference, below its heading."""
    (_, a, _, c, _), (_, _, b, _, d) = group[0], group[-1]
    yield TextChange("@", f"-{skipped + a + 1},{b - a} +{skipped + c + 1},{d - c}")
    for tag, i, j, k, n in group:
        if tag != "equal":
            yield from (TextChange("-", old[x], skipped + x + 1) for x in range(i, j))
        sign = " " if tag == "equal" else "+"
        yield from (TextChange(sign, new[x], skipped + x + 1) for x in range(k, n))
