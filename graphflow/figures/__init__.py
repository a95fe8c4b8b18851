"""Figures: plain descriptions, the plotly figures drawn of them, and reports that hold them.

``descriptions`` are frozen data that know no model and no plotly; :func:`draw` makes a plotly
figure of one; ``gather`` fills descriptions from a model in memory or a run's folder, as a file's
``figures:`` section says; ``report`` writes one HTML file; ``png`` writes images.
"""

from __future__ import annotations

from graphflow.figures.descriptions import (
    Axis,
    Band,
    Bars,
    Box,
    Branch,
    Chart,
    Cloud,
    Contour,
    Description,
    Heatmap,
    Histogram,
    Labels,
    Moment,
    Panel,
    Parallel,
    Picture,
    Pictures,
    Series,
    Span,
    Timeline,
    Trajectory,
    Tree,
    Words,
)
from graphflow.figures.drawing import draw
from graphflow.figures.png import write_png
from graphflow.figures.report import Report, Table, report_html, write_report
from graphflow.figures.run_report import compared_report, figures_of, run_report

__all__ = [
    "Axis",
    "Band",
    "Bars",
    "Box",
    "Branch",
    "Chart",
    "Cloud",
    "Contour",
    "Description",
    "Heatmap",
    "Histogram",
    "Labels",
    "Moment",
    "Panel",
    "Parallel",
    "Picture",
    "Pictures",
    "Report",
    "Series",
    "Span",
    "Table",
    "Timeline",
    "Trajectory",
    "Tree",
    "Words",
    "compared_report",
    "draw",
    "figures_of",
    "report_html",
    "run_report",
    "write_png",
    "write_report",
]
