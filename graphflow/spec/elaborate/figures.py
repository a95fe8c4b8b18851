"""``figures:`` against the graph: what each figure names is there, and can be shown that way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial, singledispatch
from typing import NoReturn

from graphflow.diagnostics import Mark, did_you_mean, fail
from graphflow.ir.dims import Dim
from graphflow.ir.graph import Graph
from graphflow.ir.types import TupleType
from graphflow.spec.document import Document, RunDecl, TrainDecl
from graphflow.spec.elaborate.bound import Parts, Poison, Poisoned, describe
from graphflow.spec.elaborate.elaborator import Elaborator
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.figure_keys import Ref
from graphflow.spec.figures import (
    COUNTS,
    BarDecl,
    BoxesDecl,
    ConfusionDecl,
    EmbeddingDecl,
    FigureDecl,
    FiltersDecl,
    GridDecl,
    HeatmapDecl,
    HistogramDecl,
    ImagesDecl,
    LineDecl,
    SampledDecl,
    ScatterDecl,
    SegmentationDecl,
    TextDecl,
    TreeDecl,
)
from graphflow.spec.syntax import Call
from graphflow.spec.training import TRAINED

GRADIENT = ".grad"
Shape = tuple[Dim, ...]


@dataclass(frozen=True)
class Shown:
    """What a file's figures may name."""

    document: Document
    graph: Graph
    scope: Scope

    def shape(self, ref: Ref) -> Shape:
        """The shape of what a name stands for; GF020 where there is nothing of that name."""
        if ref.name in self.graph:
            return self._entry(ref, self._node(ref, ref.name))
        base = ref.name.removesuffix(GRADIENT)
        self._one_value(ref)
        if base != ref.name and base in self.graph:
            if self.document.train is None:
                help = "add 'train:' with 'minimize:', or a node with gradient(y, x)"
                fail("GF020", f"'{ref}' has no loss to differentiate", ref.mark, help=help)
            return self._entry(ref, self._node(ref, base))
        if ref.metric:
            fail("GF020", f"'{ref}' is a metric, which only lines and bars show", ref.mark)
        fail("GF020", f"no node is called '{ref.name}'", ref.mark,
             help=did_you_mean(ref.name, self.names()))  # fmt: skip

    def _one_value(self, ref: Ref) -> None:
        """What could not be read further up is not complained of again."""
        known, bound = self.scope.get(ref.name)
        if known and isinstance(bound, Poison):
            raise Poisoned(ref.name)
        if known and isinstance(bound, Parts | tuple):
            fail("GF022", f"'{ref}' is {describe(bound)}, not one value", ref.mark)

    def names(self) -> Iterator[str]:
        """All that can be meant by a name."""
        yield from (*self.graph.nodes, *self.graph.aliases, *self.metrics())

    def _node(self, ref: Ref, name: str) -> Shape:
        node = self.graph[name]
        if isinstance(node.type, TupleType):
            fail("GF022", f"'{ref}' has several results", ref.mark, help="name one of them")
        return node.tensor.shape

    def _entry(self, ref: Ref, shape: Shape) -> Shape:
        """The shape of an entry; whole numbers that leave a known axis are refused."""
        if len(ref.entries) > len(shape):
            fail("GF030", f"'{ref.name}' has {len(shape)} axes, not {len(ref.entries)}", ref.mark)
        kept = []
        for place, size in zip(ref.entries, shape, strict=False):
            if place is None:
                kept.append(size)
            elif isinstance(size, int) and not -size <= place < size:
                fail("GF030", f"'{ref}': the axis has {size} entries", ref.mark)
        return (*kept, *shape[len(ref.entries) :])

    def rank(self, ref: Ref, *ranks: int, what: str) -> Shape:
        """The shape, with one of these numbers of axes. GF030."""
        shape = self.shape(ref)
        if len(shape) not in ranks:
            sizes = ", ".join(map(str, shape))
            fail("GF030", f"{what}, but '{ref}' is ({sizes})", ref.mark)
        return shape

    # -- metrics -----------------------------------------------------------------------------
    def metrics(self) -> list[str]:
        """The metrics that a run of the file is known to report."""
        section = self._measuring
        found = [] if section is None else [(part, section.measured(part)) for part in self.parts()]
        return [f"{part}/{name}" for part, names in found for name in names]

    @property
    def _measuring(self) -> TrainDecl | RunDecl | None:
        """What measures parts of the data: training, or a run over data."""
        document = self.document
        return document.train or (None if document.data is None else document.run)

    def parts(self) -> list[str]:
        """The parts of the data that the file declares."""
        return list(dict.fromkeys(["train", *self._split]))

    @property
    def _split(self) -> list[str]:
        return [] if self.document.data is None else list(self.document.data.split)

    def metric(self, ref: Ref) -> None:
        """GF020 for a metric that no run of this file reports.

        Which parts a source comes in is known when it is read: without ``split`` any may be named.
        """
        part, _, name = ref.name.partition("/")
        section = self._measuring
        if section is None:
            fail("GF020", f"'{ref}' is a metric, but the file has no 'train:' section", ref.mark,
                 help="a 'run:' has metrics where there are 'data:'")  # fmt: skip
        measured = section.measured(part)
        if name not in measured:
            what, where = ("training", "train") if self.document.train else ("the run", "run")
            help = did_you_mean(name, measured) or f"add it to 'report:' under '{where}:'"
            fail("GF020", f"{what} reports no '{ref}'", ref.mark, help=help)
        if self._split and part not in self.parts():
            self._no_part(part, ref.mark)

    def part(self, decl: SampledDecl) -> None:
        """GF020 for a part that the file does not make of its data."""
        if decl.part is not None and self._split and decl.part not in self._split:
            self._no_part(decl.part, decl.mark)

    def _no_part(self, part: str, mark: Mark) -> NoReturn:
        help = did_you_mean(part, self.parts()) or f"parts are {', '.join(self.parts())}"
        fail("GF020", f"the data have no part '{part}'", mark, help=help)

    def followed(self, ref: Ref, *ranks: int, what: str = "a path needs numbers") -> None:
        """GF020 for what has no history; its entry has one of these numbers of axes, or none."""
        document = self.document
        kept = [section.history for section in (document.train, document.run) if section]
        if not any(ref.name in history.nodes for history in kept if history):
            where = "run" if document.run else "train"
            fail("GF020", f"no history of '{ref.name}' is kept", ref.mark,
                 help=f"add 'history: [{ref.name}]' under '{where}'")  # fmt: skip
        self.rank(ref, *(ranks or (0,)), what=what)


def check_figures(elaborator: Elaborator) -> None:
    """Find figures that cannot be drawn: each complaint has its place and joins the file's."""
    document = elaborator.document
    shown = Shown(document, elaborator.root.builder.graph(), elaborator.scope)
    for decl in document.figures.values():
        checks: Checks = [*_checks(decl, shown), partial(_part, decl, shown)]
        for check in checks:
            elaborator.attempt(check)


def _part(decl: FigureDecl, shown: Shown) -> None:
    if isinstance(decl, SampledDecl):
        shown.part(decl)


Checks = list[Callable[[], Shape | None]]


@singledispatch
def _checks(decl: FigureDecl, shown: Shown) -> Checks:
    """What must hold of a figure of this kind, each on its own."""
    raise TypeError(type(decl).__name__)


@_checks.register(LineDecl)
def _line(decl: LineDecl, shown: Shown) -> Checks:
    counted = decl.x is None or decl.x.name in COUNTS
    found: Checks = [] if counted or decl.x is None else [partial(shown.shape, decl.x)]
    beside = (*decl.band, *decl.points)
    if counted and beside:
        found.append(partial(_needs_a_node, decl))
    found += [partial(shown.shape, ref) for ref in beside]
    for ref in decl.y:
        if not ref.metric:
            found.append(partial(shown.shape, ref))
        elif counted:
            found.append(partial(shown.metric, ref))
        else:
            found.append(partial(_not_over, ref, decl))
    return found


def _needs_a_node(decl: LineDecl) -> None:
    fail("GF012", "a band and points stand over a node: this line needs the key 'x'", decl.mark)


def _not_over(ref: Ref, decl: LineDecl) -> None:
    fail("GF020", f"'{ref}' is a metric: its x is epoch or step, not {decl.x}", ref.mark)


@_checks.register(ScatterDecl)
def _scatter(decl: ScatterDecl, shown: Shown) -> Checks:
    color = [decl.color] if decl.color is not None else []
    found: Checks = [partial(shown.shape, r) for r in (decl.x, *decl.y, *decl.line, *color)]
    return [*found, partial(_grouped, decl)]


def _grouped(decl: ScatterDecl) -> None:
    """GF012 where groups have names, but no node says who is in which."""
    if decl.names and decl.color is None:
        fail("GF012", "'names' stand for the numbers of 'color': these points need that key",
             decl.mark)  # fmt: skip


@_checks.register(BarDecl)
def _bar(decl: BarDecl, shown: Shown) -> Checks:
    vector = partial(shown.rank, what="bars need numbers or vectors")
    return [partial(shown.metric, r) if r.metric else partial(vector, r, 0, 1) for r in decl.of]


@_checks.register(HistogramDecl)
def _histogram(decl: HistogramDecl, shown: Shown) -> Checks:
    return [partial(shown.shape, ref) for ref in decl.of]


@_checks.register(HeatmapDecl)
def _heatmap(decl: HeatmapDecl, shown: Shown) -> Checks:
    refs = [*decl.of, *([] if decl.cells is None else [decl.cells])]
    words = [r for r in (decl.row_labels, decl.column_labels) if isinstance(r, Ref)]
    labels = partial(shown.rank, what="labels need one axis, or one after the samples")
    found: Checks
    if decl.steps is None:
        found = [partial(shown.rank, r, 2, 3, 4, what="a heatmap needs two to four axes")
                 for r in refs]  # fmt: skip
    else:
        found = [partial(shown.followed, r, 2, what="a step has one matrix") for r in refs]
    labelled = (partial(labels, ref, 1, 2) for ref in words)
    return [*found, *labelled, partial(_named, decl), partial(_of_steps, decl, bool(words))]


def _of_steps(decl: HeatmapDecl, labelled: bool) -> None:
    """GF012 where samples are chosen and nothing shown comes from data."""
    if decl.steps is not None and not labelled and (decl.part or decl.count):
        fail("GF012", "'steps' shows what a run keeps: 'part' and 'count' choose samples of data",
             decl.mark)  # fmt: skip


def _named(decl: HeatmapDecl) -> None:
    if decl.words and decl.cells is None:
        fail("GF012", "'words' stand for the numbers of 'cells': this heatmap needs that key",
             decl.mark)  # fmt: skip
    if decl.names and len(decl.names) != len(decl.of):
        fail("GF030", f"{len(decl.names)} 'names' for {len(decl.of)} values", decl.mark)


@_checks.register(GridDecl)
def _grid(decl: GridDecl, shown: Shown) -> Checks:
    number = partial(shown.rank, what="a function over a grid needs numbers")
    found: Checks = [partial(number, ref, 0) for ref in (decl.of, decl.x, decl.y)]
    if decl.trajectory:
        found += [partial(shown.followed, ref) for ref in (decl.x, decl.y)]
    return [*found, partial(_depends, decl, shown)]


def _depends(decl: GridDecl, shown: Shown) -> None:
    """GF053 where the function does not depend on what varies."""
    names = [ref.name for ref in (decl.x, decl.y) if ref.name in shown.graph]
    if decl.of.name not in shown.graph:
        return
    needed = shown.graph.needed_for([decl.of.name])
    for ref in (decl.x, decl.y):
        if ref.name in names and shown.graph.resolve(ref.name) not in needed:
            fail("GF053", f"'{decl.of}' does not depend on '{ref}'", ref.mark)


@_checks.register(ImagesDecl)
def _images(decl: ImagesDecl, shown: Shown) -> Checks:
    images = partial(shown.rank, decl.of, 2, 3, 4, what="images have two to four axes")
    labels = partial(shown.rank, what="labels have one number an image, or scores")
    return [images, *(partial(labels, ref, 1, 2) for ref in decl.labels), partial(_mode, decl)]


def _mode(decl: ImagesDecl) -> None:
    """GF012 where training is to show what is not trained on."""
    if decl.mode == "train" and decl.part not in (None, TRAINED):
        fail("GF012", f"'mode: train' shows what is trained on, not the part '{decl.part}'",
             decl.mark, help="leave out one of 'mode' and 'part'")  # fmt: skip


@_checks.register(FiltersDecl)
def _filters(decl: FiltersDecl, shown: Shown) -> Checks:
    return [partial(shown.rank, decl.of, 2, 4, what="filters have two or four axes")]


@_checks.register(ConfusionDecl)
def _confusion(decl: ConfusionDecl, shown: Shown) -> Checks:
    target = partial(shown.rank, decl.target, 1, 2, 3, what="targets are classes")
    return [target, partial(shown.rank, decl.predicted, 1, 2, 3, 4, what="predictions are classes")]


@_checks.register(TextDecl)
def _text(decl: TextDecl, shown: Shown) -> Checks:
    if decl.prompts and shown.document.generate is None:
        return [partial(_no_generation, decl)]
    tokens = partial(shown.rank, what="texts are tokens (N, T) or scores (N, T, V)")
    return [partial(tokens, ref, 1, 2, 3) for ref in decl.of]


def _no_generation(decl: TextDecl | TreeDecl) -> None:
    what = "'prompts' are continued" if isinstance(decl, TextDecl) else "a tree grows"
    fail("GF012", f"{what} as the section 'generate' says, and there is none",
         decl.mark, help="add generate: {logits: ..., token: ...}")  # fmt: skip


@_checks.register(TreeDecl)
def _tree(decl: TreeDecl, shown: Shown) -> Checks:
    generation = shown.document.generate
    if generation is None:
        return [partial(_no_generation, decl)]
    strategy = generation.strategy
    beam = isinstance(strategy, Call) and strategy.function == "beam"
    return [] if beam or decl.width is not None else [partial(_no_beam, decl)]


def _no_beam(decl: TreeDecl) -> None:
    fail("GF012", "a tree needs the key 'width': 'generate' names no beam", decl.mark,
         help="width: 3, or generate: {strategy: beam(3)}")  # fmt: skip


@_checks.register(BoxesDecl)
def _boxes(decl: BoxesDecl, shown: Shown) -> Checks:
    found: Checks = [
        partial(shown.rank, decl.image, 2, 3, 4, what="images have two to four axes"),
        partial(shown.rank, decl.boxes, 2, 3, what="boxes are (N, K, 4)"),
    ]
    given = [ref for ref in (decl.labels, decl.scores) if ref is not None]
    return found + [partial(shown.rank, r, 1, 2, what="boxes have numbers (N, K)") for r in given]


@_checks.register(SegmentationDecl)
def _segmentation(decl: SegmentationDecl, shown: Shown) -> Checks:
    masks = [ref for ref in (decl.mask, decl.target) if ref is not None]
    mask = partial(shown.rank, what="masks are classes (N, H, W) or scores (N, C, H, W)")
    image = partial(shown.rank, decl.image, 3, 4, what="images have three or four axes")
    return [image, *(partial(mask, ref, 3, 4) for ref in masks)]


@_checks.register(EmbeddingDecl)
def _embedding(decl: EmbeddingDecl, shown: Shown) -> Checks:
    found: Checks = [partial(shown.rank, decl.of, 2, what="an embedding needs vectors (N, D)")]
    if isinstance(decl.labels, Ref):
        found.append(partial(shown.rank, decl.labels, 1, 2, what="labels have one number a row"))
    return found
