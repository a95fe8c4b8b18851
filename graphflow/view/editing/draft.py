"""A text that may be wrong: everything that is wrong with it, and the graph of the rest.

Elaboration goes on after an error and leaves out the lines that need what is missing. What it made
is drawn, and for every line that is missing a stand-in, so that a drawing shows where the fault is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from graphflow.diagnostics import Diagnostic, GraphflowError, Mark
from graphflow.ir.graph import Graph, Node, Origin
from graphflow.ir.types import DType, TensorType
from graphflow.ops.builder import Value
from graphflow.spec.document import Document, read_document
from graphflow.spec.elaborate import elaborate, library_module
from graphflow.spec.elaborate.bound import Bound, Parts
from graphflow.spec.elaborate.calltree import CallTree
from graphflow.spec.elaborate.elaborator import Elaborator
from graphflow.spec.elaborate.modules import module_of
from graphflow.spec.elaborate.session import NODE_LIMIT
from graphflow.spec.load import load_document
from graphflow.spec.values import Map
from graphflow.view.editing.entries import DRAWN, Entry, entries, readable, without

MISSING = "identity"
"""The operator that a stand-in bears: it has an operand, as most lines have."""


@dataclass(frozen=True)
class Draft:
    """What a text amounts to. ``failing`` are the lines that are wrong, ``waiting`` those that need
    one of them: both stand in ``graph`` as stand-ins. ``graph`` is None where nothing can be read.
    """

    findings: tuple[Diagnostic, ...]
    graph: Graph | None
    calls: CallTree | None
    failing: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether the text is a graph file without errors."""
        return not self.findings


def drafted(
    text: str, file: str = "<text>", folder: Path | None = None, max_nodes: int = NODE_LIMIT
) -> Draft:
    """What a text amounts to; never an error.

    >>> text = "{graphflow: 1, name: f, inputs: {x: scalar}, nodes: {y: 2 * x, z: y + w, v: z + y}}"
    >>> draft = drafted(text)
    >>> draft.failing, draft.waiting, [found.message for found in draft.findings]
    (('z',), ('v',), ["unknown name 'w'"])
    """
    try:
        made = elaborate(load_document(text, file), folder, max_nodes)
    except GraphflowError as error:
        return _partial(text, file, folder, max_nodes, error.diagnostics)
    return Draft((), made.graph, made.calls)


def _partial(
    text: str, file: str, folder: Path | None, max_nodes: int, found: Sequence[Diagnostic]
) -> Draft:
    """The graph of the lines that are right."""
    nothing = Draft(tuple(found), None, None)
    tree, broken = readable(text, file)
    if tree is None:
        return nothing
    all_entries = (*entries(tree, text), *broken)
    document = _document(tree, text)
    if document is None:
        return nothing
    try:
        elaborator = Elaborator(document, module_of(document, folder), library_module())
        elaborator.max_nodes = max_nodes
        graph, calls = elaborator.result(elaborator.compute())
    except GraphflowError:
        return nothing
    marks = [d.mark for d in found if d.mark is not None]
    known = {name: node for name, bound in elaborator.scope.names.items() if (node := _node(bound))}
    return _completed(nothing, graph, calls, _missing(all_entries, known, marks), known)


def _document(tree: Map, text: str) -> Document | None:
    """The document without what cannot be read; None where that is not enough."""
    last = (text.count("\n") + 2, 1)
    while tree.items:
        try:
            return read_document(tree, blocks_only=True)
        except GraphflowError as error:
            wrong = [d.mark for d in error.diagnostics if d.mark is not None]
            smaller = without(tree, wrong, last)
        if smaller == tree:
            return None
        tree = smaller
    return None


def _node(bound: Bound) -> str:
    """The node that a name stands for, the first one of a structure; empty for other things."""
    if isinstance(bound, Value):
        return bound.name
    parts = bound.parts.values() if isinstance(bound, Parts) else bound
    if not isinstance(parts, Iterable) or isinstance(parts, str):
        return ""
    return next((node for part in parts if (node := _node(part))), "")


def _missing(
    found: Iterable[Entry], known: Mapping[str, str], wrong: Sequence[Mark]
) -> dict[str, tuple[Entry, bool]]:
    """The lines that made no node though they should have, and whether each is wrong itself or only
    needs one that is.
    """
    missing: dict[str, tuple[Entry, bool]] = {}
    for entry in found:
        if entry.section not in DRAWN:
            continue
        itself = any(entry.holds(mark) for mark in wrong)
        needs = any(word in missing for word in entry.words())
        for name in entry.names:
            if name not in known and (itself or (needs and entry.section == "nodes")):
                missing[name] = entry, itself
    return missing


def _completed(
    draft: Draft, graph: Graph, calls: CallTree, missing: Mapping[str, tuple[Entry, bool]],
    known: Mapping[str, str],
) -> Draft:  # fmt: skip
    """The draft with a stand-in for every line that is missing."""
    file = draft.findings[0].mark.file if draft.findings[0].mark else ""
    nodes: dict[str, Node] = {}
    origins: dict[str, Origin] = {}
    for name, (entry, _) in missing.items():
        reads = [known.get(word, word) for word in entry.words() if word in known or word in nodes]
        inputs = tuple(dict.fromkeys(reads))
        nodes[name] = Node(MISSING, inputs, (), TensorType(DType.FLOAT, ()), name)
        origins[name] = Origin(Mark(file, *entry.start), name)
    whole = replace(
        graph, nodes={**graph.nodes, **nodes}, origins={**graph.origins, **origins},
        aliases={alias: node for alias, node in graph.aliases.items() if alias not in nodes},
    )  # fmt: skip
    return replace(
        draft,
        graph=whole,
        calls=replace(
            calls,
            graph=whole,
            steps=(*calls.steps, *nodes.values()),
            lines={**calls.lines, **{name: (name,) for name in nodes}},
        ),
        failing=tuple(name for name, (_, itself) in missing.items() if itself),
        waiting=tuple(name for name, (_, itself) in missing.items() if not itself),
    )
