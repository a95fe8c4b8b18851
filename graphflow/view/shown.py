"""Values, derivatives and costs as a page shows them: short texts, small tables, small pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from graphflow.diagnostics import Mark
from graphflow.ir.graph import Phase
from graphflow.runtime.guard import Summary

Cells = tuple[tuple[str, ...], ...]
Colours = tuple[tuple[str, str], ...]
"""A legend: colours (``#rrggbb``) and what they stand for."""


@dataclass(frozen=True)
class Shown:
    """One value. ``text`` is all of it where it is small, else its shape and range; ``cells`` a
    table of the numbers where it has one or two dimensions and is not large (``editable``: they
    may be written over); ``picture`` a PNG of a larger one, ``slices`` how many there are of it.
    """

    name: str
    summary: Summary
    text: str
    cells: Cells = ()
    picture: bytes = b""
    slice: int = 0
    slices: int = 1
    editable: bool = False
    change: str = ""
    """By how much it differs from before the last edit; empty where it does not."""
    caption: str = ""
    """What the picture shows and which part the table is: ``[2, 0, :, :]``."""
    colours: Colours = ()
    """The legend of the picture."""
    id: str = ""
    """The drawn id that it is asked for by; empty for what is no value of its own."""


@dataclass(frozen=True)
class ChainView:
    """Upstream gradient times local derivative is a contribution; at a fan-out they add up."""

    equation: str
    """LaTeX, in names."""
    numbers: str
    """LaTeX, in numbers; empty where the tensors are too large to be written out."""
    local_formula: str
    """The local derivative as LaTeX."""
    upstream: Shown
    local: Shown | None
    contribution: Shown
    total: Shown | None
    parts: tuple[str, ...]
    """All contributions to this gradient, in the order of adding; those still to come, too."""
    part: int
    """The place of this one among them."""
    kind: Literal["product", "rule", "sum"] = "product"
    """Element by element; by the operator's own rule, where the local derivative is a matrix; or
    the sum of contributions at a fan-out."""
    shapes: str = ""
    """The shapes of the upstream gradient and of the contribution, as LaTeX."""
    twin: str = ""
    """The forward node that is differentiated."""
    operand: str = ""
    """The value whose gradient this is, or is a part of."""
    path: str = ""
    """Names in the formulas are shortened: they stand in the blocks of this path."""


@dataclass(frozen=True)
class Detail:
    """What one step did. ``formula`` and ``numbers`` are LaTeX; ``sentence`` says it in words."""

    index: int
    node: str
    op: str
    phase: Phase
    about: str
    """What the operator does: the first paragraph of its reference."""
    sentence: str
    formula: str
    numbers: str
    value: tuple[Shown, ...]
    operands: tuple[Shown, ...]
    flops: int
    bytes: int
    seconds: float
    mark: Mark | None
    source: str
    """The line of the file that it comes from."""
    chain: ChainView | None
    path: str = ""
    """Names in all formulas are shortened: they stand in the blocks of this path."""


@dataclass(frozen=True)
class OverTime:
    """The gradients of what a loop carries: for each value by its drawn id, the time steps and the
    norms of the gradients of what enters them.
    """

    loop: str
    norms: Mapping[str, tuple[tuple[int, float], ...]]


@dataclass(frozen=True)
class EpsilonRow:
    """One step size of a gradient check."""

    epsilon: float
    numeric: float
    error: float


@dataclass(frozen=True)
class EntryRow:
    """The partial derivative by one entry of an array."""

    index: tuple[int, ...]
    analytic: float
    numeric: float
    error: float


@dataclass(frozen=True)
class GradientReport:
    """A gradient against differences. The error falls with epsilon until rounding takes over."""

    of: str
    by: str
    analytic: float
    rows: tuple[EpsilonRow, ...]
    best: EpsilonRow
    good: bool
    note: str = ""
    """What the comparison comes to, in words."""
    kink: bool = False
    """Whether the point is a corner, so that no difference decides; ``good`` then tells whether
    both agree beside it."""
    element: tuple[int, ...] | None = None
    """The element that was moved; None for a random direction, or a single number."""
    seed: int | None = None
    """What the random direction was drawn with; None where there was none."""
    size: int = 1
    """How many entries the value has."""
    entries: tuple[EntryRow, ...] = ()
    """A small value entry by entry, as far as there was time."""
    held: str = ""
    """What ``stop_gradient`` held still in the differences, in words."""
    freed: float | None = None
    """The difference with every ``stop_gradient`` let go, where there is one."""
    hidden: bool = False
    """Whether that is another number: then the gradient is what ``stop_gradient`` made of it."""


MemoryKind = Literal["value", "gradient", "parameter", "state", "input"]


@dataclass(frozen=True)
class Reading:
    """A step that reads a value; ``twin`` is the forward node that it differentiates, if any."""

    name: str
    step: int
    twin: str = ""


@dataclass(frozen=True)
class Lifetime:
    """A value in memory, from the step that makes it to the last one that reads it.

    ``why`` says what keeps it alive at first: ``"read by pool1"``, ``"for the backward of relu1"``;
    ``reads`` are all steps that read it, itself or through views, and ``kept`` says why it stays to
    the end, if it does.
    """

    name: str
    bytes: int
    start: int
    end: int
    why: str
    kind: MemoryKind
    reads: tuple[Reading, ...] = ()
    kept: str = ""


@dataclass(frozen=True)
class MemoryView:
    """What lives at each step: the lifetimes, and the bytes in use after every step."""

    lifetimes: tuple[Lifetime, ...]
    in_use: tuple[int, ...]
    peak: int
    peak_step: int
    planned: int
    """Bytes that the fast plan takes for the same work."""
    planned_in: str = "float32"
    """The float type of the fast plan."""
