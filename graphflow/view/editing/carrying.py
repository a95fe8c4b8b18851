"""Which values outlive a change of a file: those of leaves whose name and shape stay."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from graphflow.ir.graph import Graph
from graphflow.ir.types import TensorType
from graphflow.view.overview import LeafKind
from graphflow.view.workspace import Workspace

LEARNED = ("parameter", "state")


@dataclass(frozen=True)
class Carried:
    """``kept`` leaves go on with the values that they have; ``lost`` ones cannot, each with why;
    ``fresh`` ones are new and take their first values.
    """

    kept: tuple[str, ...] = ()
    lost: tuple[tuple[str, str], ...] = ()
    fresh: tuple[str, ...] = ()


def carried(before: Graph, after: Graph, names: Iterable[str] | None = None) -> Carried:
    """What becomes of the values of ``names``; of all parameters and states if they are left out.
    Edits may be of inputs, too.
    """
    old, new = _leaves(before), _leaves(after)
    wanted = [n for n in (_learned(before) if names is None else names) if n in old]
    lost = [(name, why) for name in wanted if (why := _why_lost(name, old, new))]
    gone = {name for name, _ in lost}
    fresh = [name for name in _learned(after) if name not in old]
    return Carried(tuple(n for n in wanted if n not in gone), tuple(lost), tuple(fresh))


def _leaves(graph: Graph) -> dict[str, TensorType]:
    return {node.name: node.tensor for kind in get_args(LeafKind) for node in graph.leaves(kind)}


def _learned(graph: Graph) -> list[str]:
    return [node.name for kind in LEARNED for node in graph.leaves(kind)]


def _why_lost(name: str, old: dict[str, TensorType], new: dict[str, TensorType]) -> str:
    if name not in new:
        return "it is gone"
    if old[name].shape != new[name].shape:
        return f"its shape was {_sizes(old[name])} and is {_sizes(new[name])}"
    return ""


def _sizes(type: TensorType) -> str:
    return f"[{', '.join(map(str, type.shape))}]"


def folder_of(origin: Workspace) -> str:
    """Where the files are that the text of a workspace names: beside the file that it is from.

    >>> folder_of(Workspace(graph="models/net.yaml")), folder_of(Workspace(graph="mlp"))
    ('models', '')
    """
    file = Path(origin.graph)
    return str(file.parent) if file.suffix else origin.folder


def with_text(origin: Workspace, text: str, kept: Iterable[str]) -> Workspace:
    """The workspace that shows a text in place of what ``origin`` does, its edits kept as far as
    they are of ``kept`` leaves. A run's values go along where name and shape match.

    >>> from graphflow.view.workspace import Edit
    >>> before = Workspace(graph="xyz", edits=(Edit("x", (), 1.0), Edit("y", (), 2.0)), iteration=3)
    >>> with_text(before, "graphflow: 1", ["y"]).edits
    (Edit(name='y', index=(), value=2.0),)
    """
    stays = frozenset(kept)
    return replace(
        origin,
        graph="",
        text=text,
        folder=folder_of(origin),
        of="",
        iteration=0,
        unrolled=(),
        edits=tuple(edit for edit in origin.edits if edit.name in stays),
    )
