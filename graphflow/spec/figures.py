"""``figures:``: the pictures that a report shows, each of one kind (rule 13).

What is computed for a figure alone is a line under ``nodes:`` like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from graphflow.diagnostics import Mark
from graphflow.spec.figure_keys import (
    COUNT,
    DIMENSIONS,
    LOG,
    PAIR,
    REF,
    REFS,
    SIZES,
    TWO_REFS,
    WORDS,
    Ref,
)
from graphflow.spec.generate import GIVEN
from graphflow.spec.kinds import MapOf, Record, Tagged, key
from graphflow.spec.leaves import BOOLEAN, NUMBER, TEXT, TEXTS, Numbers, choice
from graphflow.spec.names import declared

COUNTS = ("epoch", "step")  # what metrics are drawn over


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureDecl:
    """What every kind of figure has."""

    mark: Mark = field(compare=False, repr=False)
    title: str = field(default="", metadata=key("title", TEXT, "the words above it"))
    about: str = field(default="", metadata=key("about", TEXT, "a sentence below the title"))


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledDecl(FigureDecl):
    """What a figure of values has that come from data."""

    part: str | None = field(
        default=None, metadata=key("part", TEXT, "the part of the data; 'test' if there is one")
    )
    count: int | None = field(
        default=None, metadata=key("count", COUNT, "how many samples of it, from its start")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AxesDecl(SampledDecl):
    """What a figure with two axes has."""

    log: str = field(default="", metadata=key("log", LOG, "the logarithmic axes: x, y or xy"))
    x_label: str | None = field(default=None, metadata=key("x_label", TEXT, "words at the x axis"))
    y_label: str | None = field(default=None, metadata=key("y_label", TEXT, "words at the y axis"))
    x_range: tuple[float, float] | None = field(
        default=None, metadata=key("x_range", PAIR, "the ends of the x axis")
    )
    y_range: tuple[float, float] | None = field(
        default=None, metadata=key("y_range", PAIR, "the ends of the y axis")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneDecl(AxesDecl):
    """What a figure of points in a plane has."""

    equal: bool = field(
        default=False, metadata=key("equal", BOOLEAN, "a unit is as long on both axes: geometry")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LineDecl(PlaneDecl):
    """Curves: metrics over epochs or steps, the history of nodes, one node over another."""

    y: tuple[Ref, ...] = field(
        metadata=key("y", REFS, "metrics (train/loss), nodes with a history, or nodes")
    )
    x: Ref | None = field(
        default=None, metadata=key("x", REF, "epoch, step or a node; what fits y if absent")
    )
    band: tuple[Ref, ...] = field(
        default=(), metadata=key("band", TWO_REFS, "two nodes over x; what lies between is shaded")
    )
    points: tuple[Ref, ...] = field(
        default=(), metadata=key("points", TWO_REFS, "x and y of points beside the curves: nodes")
    )
    names: tuple[str, ...] = field(
        default=(), metadata=key("names", TEXTS, "what the curves, then the points, are called")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScatterDecl(PlaneDecl):
    """Points, and lines through them."""

    x: Ref = field(metadata=key("x", REF, "a node"))
    y: tuple[Ref, ...] = field(metadata=key("y", REFS, "nodes, drawn as points"))
    line: tuple[Ref, ...] = field(
        default=(), metadata=key("line", REFS, "nodes over the same x, drawn as lines")
    )
    color: Ref | None = field(
        default=None, metadata=key("color", REF, "a node: whole numbers are groups, others a scale")
    )
    names: tuple[str, ...] = field(
        default=(), metadata=key("names", TEXTS, "what the groups are called, from 0 on")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BarDecl(SampledDecl):
    """Bars: the entries of vectors, or metrics at the end of a run."""

    of: tuple[Ref, ...] = field(metadata=key("of", REFS, "vectors, or metrics"))
    labels: tuple[str, ...] = field(
        default=(), metadata=key("labels", TEXTS, "what the bars are called")
    )
    log: str = field(default="", metadata=key("log", choice("y"), "y: a logarithmic axis"))
    x_label: str | None = field(default=None, metadata=key("x_label", TEXT, "words at the x axis"))
    y_label: str | None = field(default=None, metadata=key("y_label", TEXT, "words at the y axis"))


@dataclass(frozen=True, slots=True, kw_only=True)
class HistogramDecl(AxesDecl):
    """How often values occur: of parameters, gradients, nodes."""

    of: tuple[Ref, ...] = field(metadata=key("of", REFS, "nodes, parameters, gradients"))
    bins: int = field(default=50, metadata=key("bins", COUNT, "intervals"))


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatmapDecl(SampledDecl):
    """Matrices in colours; axes before the last two (samples, heads) are panels."""

    of: tuple[Ref, ...] = field(metadata=key("of", REFS, "values of two axes or more: weights"))
    names: tuple[str, ...] = field(default=(), metadata=key("names", TEXTS, "what each is called"))
    row_labels: Ref | tuple[str, ...] | None = field(
        default=None, metadata=key("row_labels", WORDS, "words, or a node of tokens or numbers")
    )
    column_labels: Ref | tuple[str, ...] | None = field(
        default=None, metadata=key("column_labels", WORDS, "words, or a node of tokens or numbers")
    )
    cells: Ref | None = field(
        default=None, metadata=key("cells", REF, "whole numbers of that shape, one a cell")
    )
    words: tuple[str, ...] = field(
        default=(), metadata=key("words", TEXTS, "what the numbers of 'cells' stand for, from 0 on")
    )
    steps: int | None = field(
        default=None,
        metadata=key("steps", COUNT, "a panel for each of so many steps of the kept history"),
    )
    columns: int = field(default=4, metadata=key("columns", COUNT, "panels in a row"))
    range: tuple[float, float] | None = field(
        default=None, metadata=key("range", PAIR, "the ends of the colour scale")
    )
    diverging: bool = field(default=False, metadata=key("diverging", BOOLEAN, "0 in the middle"))
    x_label: str | None = field(default=None, metadata=key("x_label", TEXT, "words at the columns"))
    y_label: str | None = field(default=None, metadata=key("y_label", TEXT, "words at the rows"))


@dataclass(frozen=True, slots=True, kw_only=True)
class GridDecl(FigureDecl):
    """A function of two variables over a grid, and the way that a run took over it."""

    of: Ref = field(metadata=key("of", REF, "a number that depends on x and y"))
    x: Ref = field(metadata=key("x", REF, "what varies along x: w, or an entry x[0]"))
    y: Ref = field(metadata=key("y", REF, "what varies along y"))
    x_range: tuple[float, float] = field(metadata=key("x_range", PAIR, "from where to where"))
    y_range: tuple[float, float] = field(metadata=key("y_range", PAIR, "from where to where"))
    points: int = field(default=61, metadata=key("points", COUNT, "points along each axis"))
    log: bool = field(
        default=False, metadata=key("log", BOOLEAN, "colours in powers of ten above the lowest")
    )
    trajectory: bool = field(
        default=False, metadata=key("trajectory", BOOLEAN, "the history of x and y on top")
    )
    part: str | None = field(
        default=None, metadata=key("part", TEXT, "the data that 'of' needs; 'train' if absent")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ContourDecl(GridDecl):
    """Level lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceDecl(GridDecl):
    """The same as a surface in space."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PicturesDecl(SampledDecl):
    """What all figures of images have."""

    columns: int = field(default=8, metadata=key("columns", COUNT, "images in a row"))
    shape: tuple[int, ...] | None = field(
        default=None, metadata=key("shape", SIZES, "of one image whose pixels stand in a row")
    )
    range: tuple[float, float] | None = field(
        default=None, metadata=key("range", PAIR, "the values that are black and white")
    )
    names: tuple[str, ...] = field(
        default=(), metadata=key("names", TEXTS, "what the classes are called, from 0 on")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagesDecl(PicturesDecl):
    """Images: (N, C, H, W) with 1 or 3 channels, (N, H, W), or rows of pixels."""

    of: Ref = field(metadata=key("of", REF, "images"))
    labels: tuple[Ref, ...] = field(
        default=(), metadata=key("labels", REFS, "nodes shown above each image; scores: the best")
    )
    mode: str = field(
        default="eval",
        metadata=key("mode", choice("train", "eval"), "train: changed at random, as training is"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FiltersDecl(FigureDecl):
    """The weights of a layer as small images, red above zero and blue below."""

    of: Ref = field(metadata=key("of", REF, "(out, in, H, W), or (out, pixels)"))
    columns: int = field(default=8, metadata=key("columns", COUNT, "filters in a row"))
    count: int = field(default=64, metadata=key("count", COUNT, "how many of them"))
    shape: tuple[int, ...] | None = field(
        default=None, metadata=key("shape", SIZES, "of the image that a row of weights looks at")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusionDecl(SampledDecl):
    """How often each class was taken for each."""

    target: Ref = field(metadata=key("target", REF, "the classes as whole numbers"))
    predicted: Ref = field(
        metadata=key("predicted", REF, "classes, or scores of which the largest counts")
    )
    names: tuple[str, ...] = field(
        default=(), metadata=key("names", TEXTS, "what the classes are called, from 0 on")
    )
    share: bool = field(
        default=False, metadata=key("share", BOOLEAN, "shares of each row in place of counts")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDecl(SampledDecl):
    """Texts: rows of tokens written out, or prompts continued as ``generate:`` says."""

    of: tuple[Ref, ...] = field(
        default=(), metadata=key("of", REFS, "tokens (N, T), or scores (N, T, V)")
    )
    prompts: tuple[str, ...] = field(
        default=(), metadata=key("prompts", TEXTS, "texts that are continued, 'count' times each")
    )
    tokens: str | None = field(
        default=None,
        metadata=key("tokens", TEXT, "the column whose vocabulary it is, where none feeds it"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeDecl(FigureDecl):
    """What a beam search keeps and drops, step by step, as ``generate:`` says."""

    width: int | None = field(
        default=None, metadata=key("width", COUNT, "texts side by side; those of 'generate:'")
    )
    prompt: str | None = field(
        default=None, metadata=key("prompt", TEXT, "what is continued; that of 'generate:'")
    )
    given: Mapping[str, str | Numbers] = field(
        default_factory=dict,
        metadata=key("given", GIVEN, "other inputs, before those of 'generate:'"),
    )
    count: int | None = field(
        default=None,
        metadata=key("count", COUNT, "texts of each step, kept or dropped; twice the width"),
    )
    names: tuple[str, ...] = field(
        default=(), metadata=key("names", TEXTS, "what tokens are called, where no text feeds them")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxesDecl(PicturesDecl):
    """Images with boxes over them."""

    image: Ref = field(metadata=key("image", REF, "images"))
    boxes: Ref = field(metadata=key("boxes", REF, "(N, K, 4)"))
    labels: Ref | None = field(default=None, metadata=key("labels", REF, "classes (N, K)"))
    scores: Ref | None = field(default=None, metadata=key("scores", REF, "(N, K)"))
    threshold: float = field(
        default=0.5, metadata=key("threshold", NUMBER, "the lowest score that is shown")
    )
    format: str = field(
        default="xyxy",
        metadata=key("format", choice("xyxy", "xywh", "cxcywh"), "what the four numbers are"),
    )
    unit: str = field(
        default="pixel",
        metadata=key("unit", choice("pixel", "share"), "pixels, or shares of the image's size"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentationDecl(PicturesDecl):
    """Images with the class of each pixel over them."""

    image: Ref = field(metadata=key("image", REF, "images"))
    mask: Ref = field(metadata=key("mask", REF, "classes (N, H, W), or scores (N, C, H, W)"))
    target: Ref | None = field(
        default=None, metadata=key("target", REF, "the true classes (N, H, W), shown beside")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingDecl(SampledDecl):
    """Vectors seen from the side that shows most of their spread: principal components."""

    of: Ref = field(metadata=key("of", REF, "vectors (N, D): a table of weights, or a node"))
    method: str = field(
        default="pca", metadata=key("method", choice("pca"), "how they are laid flat")
    )
    dimensions: int = field(
        default=2, metadata=key("dimensions", DIMENSIONS, "2, or 3 for points in space")
    )
    labels: Ref | tuple[str, ...] | None = field(
        default=None, metadata=key("labels", WORDS, "words, or a node whose values are the groups")
    )
    tokens: str | None = field(
        default=None, metadata=key("tokens", TEXT, "the column whose vocabulary the rows are")
    )


KINDS: Mapping[str, Record[FigureDecl]] = {
    "line": Record(LineDecl, "a line figure"),
    "scatter": Record(ScatterDecl, "a scatter figure"),
    "bar": Record(BarDecl, "a bar figure"),
    "histogram": Record(HistogramDecl, "a histogram"),
    "heatmap": Record(HeatmapDecl, "a heatmap"),
    "contour": Record(ContourDecl, "a contour figure"),
    "surface": Record(SurfaceDecl, "a surface"),
    "images": Record(ImagesDecl, "a figure of images"),
    "filters": Record(FiltersDecl, "a figure of filters"),
    "boxes": Record(BoxesDecl, "a figure of boxes"),
    "segmentation": Record(SegmentationDecl, "a segmentation figure"),
    "confusion_matrix": Record(ConfusionDecl, "a confusion matrix"),
    "embedding": Record(EmbeddingDecl, "an embedding figure"),
    "text": Record(TextDecl, "a figure of texts", one_of=("of", "prompts")),
    "tree": Record(TreeDecl, "a tree"),
}
"""Every kind of figure."""

FIGURES = MapOf(Tagged("kind", KINDS, "a figure"), declared, "figures")
