"""Descriptions filled from a model or a run, as the figures of a file say."""

from __future__ import annotations

from collections.abc import Callable

from graphflow.diagnostics import placed
from graphflow.figures.descriptions import Description
from graphflow.figures.gather.curves import (
    bar,
    histogram,
    line,
    measured,
    scatter,
    usual_curves,
)
from graphflow.figures.gather.grids import grid
from graphflow.figures.gather.images import boxes, filters, images, segmentation
from graphflow.figures.gather.material import Material
from graphflow.figures.gather.matrices import confusion, embedding, heatmap
from graphflow.figures.gather.texts import text
from graphflow.figures.gather.trees import tree
from graphflow.spec.figures import (
    BarDecl,
    BoxesDecl,
    ConfusionDecl,
    ContourDecl,
    EmbeddingDecl,
    FigureDecl,
    FiltersDecl,
    HeatmapDecl,
    HistogramDecl,
    ImagesDecl,
    LineDecl,
    ScatterDecl,
    SegmentationDecl,
    SurfaceDecl,
    TextDecl,
    TreeDecl,
)

__all__ = ["Material", "describe", "measured", "usual_curves"]

_MAKERS: dict[type[FigureDecl], Callable[..., Description]] = {
    LineDecl: line,
    ScatterDecl: scatter,
    BarDecl: bar,
    HistogramDecl: histogram,
    HeatmapDecl: heatmap,
    ContourDecl: grid,
    SurfaceDecl: grid,
    ImagesDecl: images,
    FiltersDecl: filters,
    BoxesDecl: boxes,
    SegmentationDecl: segmentation,
    ConfusionDecl: confusion,
    EmbeddingDecl: embedding,
    TextDecl: text,
    TreeDecl: tree,
}


def describe(name: str, decl: FigureDecl, material: Material) -> Description:
    """What a figure of the file shows, with the values it has now.

    Raises GraphflowError where its values cannot be computed, or do not fit each other.
    """
    with placed(decl.mark):
        return _MAKERS[type(decl)](decl, material, name)
