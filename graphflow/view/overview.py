"""What a walk is about, in a few facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from graphflow.ir.graph import Phase
from graphflow.view.workspace import Walk

LeafKind = Literal["input", "parameter", "state"]


@dataclass(frozen=True)
class Leaf:
    """A value that can be written over."""

    name: str
    kind: LeafKind
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Loop:
    """A loop over time: its name, as ``Workspace.unrolled`` takes it, and its time steps."""

    name: str
    length: int


@dataclass(frozen=True)
class Overview:
    """A study at a glance.

    ``of`` is what is differentiated, ``by`` what by; ``turns`` are the titles of the turns,
    ``counts`` the steps by phase, ``fed`` says where the values of the inputs are from. ``walks``
    are the walks that the file has, ``targets`` the values that can be differentiated. The nodes
    took ``seconds`` together, their values take ``bytes``. ``sizes`` are the open ones of inputs
    that random numbers are fed to. ``trained`` says of which run, and of which moment of it, the
    values are.
    """

    name: str
    about: str
    walk: Walk
    walks: tuple[Walk, ...]
    of: str
    by: tuple[str, ...]
    targets: tuple[str, ...]
    turns: tuple[str, ...]
    steps: int
    counts: tuple[tuple[Phase, int], ...]
    nodes: int
    parameters: int
    fed: str
    iteration: int
    editable: tuple[Leaf, ...]
    loops: tuple[Loop, ...]
    seconds: float
    bytes: int
    warnings: tuple[str, ...] = ()
    sizes: tuple[tuple[str, int], ...] = ()
    trained: str = ""
