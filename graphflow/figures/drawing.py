"""From a description to a plotly figure."""

from __future__ import annotations

from functools import singledispatch

import plotly.graph_objects as go

from graphflow.figures.charts import (
    draw_bars,
    draw_chart,
    draw_cloud,
    draw_histogram,
    draw_parallel,
    draw_timeline,
)
from graphflow.figures.descriptions import (
    Bars,
    Chart,
    Cloud,
    Contour,
    Heatmap,
    Histogram,
    Parallel,
    Pictures,
    Timeline,
    Tree,
    Words,
)
from graphflow.figures.fields import draw_contour, draw_heatmap
from graphflow.figures.pictures import draw_pictures
from graphflow.figures.trees import draw_tree
from graphflow.figures.words import draw_words


@singledispatch
def draw(description: object) -> go.Figure:
    """The plotly figure of a description, in the light template.

    >>> import numpy as np
    >>> from graphflow.figures import Chart, Series
    >>> drawn = draw(Chart([Series("loss", np.array([3.0, 1.0, np.nan]))]))
    >>> drawn.data[0].name, drawn.data[0].y.tolist()
    ('loss', [3.0, 1.0, nan])

    Further classes register their own function: ``@draw.register``.
    """
    raise TypeError(f"{type(description).__name__} cannot be drawn")


draw.register(Chart, draw_chart)
draw.register(Bars, draw_bars)
draw.register(Histogram, draw_histogram)
draw.register(Heatmap, draw_heatmap)
draw.register(Contour, draw_contour)
draw.register(Pictures, draw_pictures)
draw.register(Cloud, draw_cloud)
draw.register(Timeline, draw_timeline)
draw.register(Parallel, draw_parallel)
draw.register(Words, draw_words)
draw.register(Tree, draw_tree)
