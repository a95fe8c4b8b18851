from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from graphflow.figures import (
    Axis,
    Bars,
    Box,
    Chart,
    Cloud,
    Contour,
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
    Words,
    draw,
)

BAD = np.array([1.0, np.nan, np.inf, -np.inf, 2.0])


def pixels(figure):
    """The large image of a figure of pictures."""
    data = figure.data[0].source.partition(",")[2]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def test_lines_show_their_values_and_leave_gaps_where_there_is_no_number():
    (trace,) = draw(Chart([Series("loss", BAD)], Labels("Loss", "epoch", "nats"))).data
    np.testing.assert_array_equal(trace.x, [0, 1, 2, 3, 4])
    np.testing.assert_array_equal(trace.y, [1, np.nan, np.nan, np.nan, 2])


def test_a_logarithmic_axis_leaves_out_what_is_not_positive():
    made = draw(Chart([Series("f", np.array([-1.0, 0.0, 10.0]))], log="y"))
    np.testing.assert_array_equal(made.data[0].y, [np.nan, np.nan, 10])
    assert made.layout.yaxis.type == "log" and made.layout.xaxis.type is None


def test_a_range_on_a_logarithmic_axis_is_given_in_its_own_numbers():
    labels = Labels(y_range=(0.01, 100))
    made = draw(Chart([Series("f", np.array([1.0, 2.0]))], labels, log="y"))
    assert made.layout.yaxis.range == (-2, 2)


def test_a_long_line_keeps_its_peaks():
    values = np.zeros(100_000)
    values[77_777], values[123] = 5, -3
    (trace,) = draw(Chart([Series("spike", values)])).data
    assert len(trace.y) <= 4_000
    assert (trace.y.max(), trace.x[trace.y.argmax()]) == (5, 77_777)
    assert (trace.y.min(), trace.x[trace.y.argmin()]) == (-3, 123)


def test_series_of_one_group_share_a_colour_and_differ_in_dash():
    series = [Series(n, np.arange(50.0), group=g) for n, g in (("a", "1"), ("b", "1"), ("c", "2"))]
    first, second, other = (t.line for t in draw(Chart(series)).data)
    assert first.color == second.color != other.color
    assert first.dash != second.dash


def test_histograms_count_over_common_intervals():
    random = np.random.default_rng(0)
    one, two = random.normal(size=500), random.normal(3, 2, 300)
    made = draw(Histogram([("one", np.append(one, BAD[1:4])), ("two", two)], bins=20))
    edges = np.histogram_bin_edges(np.concatenate([one, two]), 20)
    for trace, values in zip(made.data, (one, two), strict=True):
        np.testing.assert_array_equal(trace.y, np.histogram(values, edges)[0])
        np.testing.assert_allclose(trace.x, (edges[1:] + edges[:-1]) / 2)


def test_a_small_matrix_has_no_ticks_between_its_rows():
    layout = draw(Heatmap([Panel(np.eye(2, 30))])).layout
    assert (layout.yaxis.dtick, layout.xaxis.dtick) == (1, None)


def test_words_at_the_rows_of_a_panel_have_room_beside_the_panel_before():
    panels = [Panel(np.eye(2), row_ticks=["février", "mars"])] * 2
    first, second = (draw(Heatmap(panels)).layout[axis].domain for axis in ("xaxis", "xaxis2"))
    assert 640 * (second[0] - first[1]) > 8 * len("février")


def test_the_first_row_of_a_heatmap_is_at_the_top_and_words_may_come_twice():
    values = np.array([[1.0, 2], [3, np.inf]])
    made = draw(Heatmap([Panel(values, "head 0", ["le", "le"], ["the", "cat"])]))
    np.testing.assert_array_equal(made.data[0].z, [[1, 2], [3, np.nan]])
    assert made.layout.yaxis.autorange == "reversed"
    assert made.layout.yaxis.ticktext == ("le", "le")
    assert (made.layout.coloraxis.cmin, made.layout.coloraxis.cmax) == (1, 3)


def test_diverging_colours_have_zero_in_their_middle():
    made = draw(Heatmap([Panel(np.array([[-1.0, 3.0]]))], diverging=True))
    assert (made.layout.coloraxis.cmin, made.layout.coloraxis.cmax) == (-3, 3)


def test_logarithmic_levels_count_from_the_lowest_value():
    x, y = np.linspace(-1, 1, 5), np.linspace(0, 1, 4)
    z = 7 + x[None] ** 2 + y[:, None] ** 2
    made = draw(Contour(x, y, z, log=True, labels=Labels(z="f")))
    np.testing.assert_allclose(10 ** made.data[0].z[1:], (z - 7)[1:], rtol=1e-12)
    np.testing.assert_array_equal(made.data[0].customdata, z)
    assert made.data[0].colorbar.title.text == "f - 7"


def test_a_path_is_drawn_where_it_went():
    path = Trajectory("run", np.array([-5.0, -1, 0]), np.array([-2.0, 1, 0]))
    grid = np.linspace(-5, 5, 4)
    made = draw(Contour(grid, grid, np.zeros((4, 4)), [path]))
    (drawn,) = [t for t in made.data if t.name == "run"]
    np.testing.assert_array_equal(drawn.x, path.x)
    np.testing.assert_array_equal(drawn.y, path.y)


def test_images_stand_upright_in_rows_on_one_scale_of_grey():
    up = np.array([[0.0, 0.5], [0.5, 1.0], [0.25, 0.25]])
    made = draw(Pictures([Picture(up), Picture(up[::-1]), Picture(up)], columns=2))
    image = pixels(made)
    np.testing.assert_array_equal(image[:3, :2, 0], np.round(up * 255))
    gap = (image[0, :, 3] == 0).sum()
    np.testing.assert_array_equal(image[:3, 2 + gap :, 0], np.round(up[::-1] * 255))
    assert made.layout.yaxis.range[0] > made.layout.yaxis.range[1]


def test_a_mask_colours_its_class_and_leaves_class_0():
    picture = Picture(np.ones((2, 2, 3)), mask=np.array([[0, 1], [1, 0]]))
    image = pixels(draw(Pictures([picture], range=(0, 1), names=["nothing", "cat"])))
    assert image[0, 0, :3].tolist() == [255, 255, 255]
    blue = np.round(0.55 * 255 + 0.45 * np.array([0, 0x72, 0xB2]))
    assert image[0, 1, :3].tolist() == blue.tolist()


def test_the_classes_of_masks_are_named_beside_the_images():
    mask = np.array([[0, 1], [3, 1]])
    made = draw(Pictures([Picture(np.ones((2, 2)), mask=mask)], names=["nothing", "cat"]))
    assert [trace.name for trace in made.data[1:]] == ["cat", "class 3"]


def test_twenty_classes_have_as_many_colours_and_room_for_their_names():
    classes = np.arange(21)
    made = draw(Pictures([Picture(np.ones((1, 21)), mask=classes[None])]))
    assert len({trace.marker.color for trace in made.data[1:]}) == 20
    margin = made.layout.margin
    assert made.layout.height - margin.t - margin.b >= 20 * 20


def test_ticks_of_a_logarithmic_axis_are_written_out():
    made = draw(Chart([Series("f", np.array([0.3, 2.0]))], log="y"))
    shown = dict(zip(made.layout.yaxis.ticktext, made.layout.yaxis.tickvals, strict=True))
    assert shown["0.5"] == 0.5 and shown["2"] == 2 and "0.3" not in shown
    made = draw(Histogram([("a", np.arange(9.0) ** 2)], 3, log="y"))
    assert "2" in made.layout.yaxis.ticktext


def test_powers_of_ten_that_are_many_are_not_all_labelled():
    def step(decades: int, **labels: object) -> float:
        values = np.array([1.0, 10.0**decades])
        return draw(Chart([Series("f", values)], Labels(**labels), log="y")).layout.yaxis.dtick

    assert [step(n) for n in (4, 10, 11, 26, 40, 90, 300)] == [1, 1, 2, 5, 5, 10, 50]
    assert step(40, y_range=(1, 1e6)) == 1


def test_boxes_stand_where_their_pixels_are_and_stay_inside():
    picture = Picture(np.zeros((10, 20)), boxes=[Box((2, 3, 5, 99), "cat")])
    (shape,) = draw(Pictures([picture])).layout.shapes
    assert (shape.x0, shape.y0, shape.x1, shape.y1) == (1.5, 2.5, 4.5, 9.5)


def test_no_tag_of_a_users_text_reaches_plotly():
    made = draw(Chart([Series("<b>x</b>", np.ones(2))], Labels("a < b", note="<i>")))
    assert made.data[0].name == "&lt;b&gt;x&lt;/b&gt;"
    assert made.layout.title.text == 'a &lt; b<br><span style="font-size: 13px">&lt;i&gt;</span>'


def test_words_stand_along_x_at_their_places():
    made = draw(Chart([Series("a", np.ones(2), np.array([1, 0]), "markers")], x_words=["u", "<v>"]))
    assert list(made.layout.xaxis.tickvals) == [0, 1]
    assert list(made.layout.xaxis.ticktext) == ["u", "&lt;v&gt;"]
    assert list(made.data[0].x) == [1, 0]


def test_a_timeline_has_a_bar_a_span_and_a_mark_a_moment():
    spans = [Span(4, 0.5, 2.0, "a", "<about>", 1), Span(7, 1.0, 1.5, "b")]
    made = draw(Timeline(spans, [Moment(7, 1.25, "now")], Labels("t", "s", "worker")))
    first, second, moments = made.data
    assert (list(first.base), list(first.x), list(first.y)) == ([0.5], [1.5], [4])
    assert (list(second.base), list(second.x), second.text) == ([1.0], [0.5], "b")
    assert first.hovertext == "&lt;about&gt;"
    assert (list(moments.x), list(moments.y)) == ([1.25], [7])
    assert list(made.layout.yaxis.tickvals) == [4, 7]
    assert made.layout.yaxis.autorange == "reversed"


def test_parallel_coordinates_take_logarithms_and_words():
    axes = [Axis("lr", np.array([0.1, 0.01]), log=True),
            Axis("act", np.array([0, 1]), ["relu", "<tanh>"])]  # fmt: skip
    lr, act = draw(Parallel(axes, np.array([0.7, 0.6]))).data[0].dimensions
    np.testing.assert_allclose(lr["values"], [-1, -2])
    assert (lr.ticktext[0], lr.ticktext[-1]) == ("0.01", "0.1")
    assert list(act["values"]) == [0, 1] and list(act.ticktext) == ["relu", "&lt;tanh&gt;"]


def test_a_line_without_a_place_on_some_axis_is_left_out():
    a, b = np.array([1.0, np.nan, 3.0]), np.array([1.0, 2.0, -1.0])
    axes = [Axis("a", a), Axis("b", b, log=True)]
    (drawn,) = draw(Parallel(axes, np.arange(3.0))).data
    assert [list(axis["values"]) for axis in drawn.dimensions] == [[1.0], [0.0]]


@pytest.mark.parametrize(
    "description",
    [
        Chart([Series("a", BAD, BAD, "markers", color=BAD)], log="xy"),
        Chart([Series("a", np.full(5, np.nan))]),
        Chart([Series("a", np.zeros(0))], log="xy"),
        Chart([]),
        Bars(BAD[None], list("abcde"), log="y"),
        Histogram([("a", BAD), ("b", np.full(3, np.inf))]),
        Histogram([]),
        Heatmap([Panel(np.full((2, 2), np.nan))], annotated=True),
        Heatmap([]),
        Contour(BAD[[0, 4]], BAD[[0, 4]], np.full((2, 2), np.inf), log=True),
        Contour(BAD[[0, 4]], BAD[[0, 4]], np.full((2, 2), np.nan), [Trajectory("p", BAD, BAD, BAD)],
                surface=True),
        Pictures([Picture(BAD[None], mask=BAD[None], boxes=[Box((np.nan, 0, 1, 1))])]),
        Pictures([], diverging=True),
        Cloud(np.stack([BAD] * 3, 1), list("aabbb")),
        Timeline([Span(3, np.nan, 1.0, "<t>")], [Moment(3, np.inf)]),
        Timeline([]),
        Parallel([Axis("a", BAD), Axis("b", BAD, log=True)], BAD),
        Parallel([Axis("a", -np.ones(2), log=True)], np.ones(2)),
        Parallel([], np.zeros(0)),
        Words([("", ""), ("<t>", "x" * 500)]),
    ],
    ids=lambda d: type(d).__name__,
)  # fmt: skip
def test_whatever_numbers_there_are_the_figure_is_valid_json(description):
    json.dumps(json.loads(draw(description).to_json()), allow_nan=False)


def test_what_is_no_description_is_refused():
    with pytest.raises(TypeError, match="int cannot be drawn"):
        draw(3)
