"""What charts of Vega-Lite share."""

from __future__ import annotations


def named(rows: object) -> dict[str, object]:
    """The numbers of a chart as a part of its specification.

    Streamlit draws a chart first and puts nameless data in after, so that Vega warns of scales
    without numbers; a data set with a name is there from the first. New numbers do not make a new
    chart.
    """
    return {"data": {"name": "points"}, "datasets": {"points": rows}}
