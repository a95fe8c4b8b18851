"""Where functions of arrays have corners: ties, zeros, nothing, infinity, what is not a number.

What comes out is said on each operator's page; most of it is what NumPy and PyTorch do.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import graphflow as gf
from graphflow.diagnostics import GraphflowError

INF, NAN = np.inf, np.nan


def run(expression: str, gradient: bool = True, **feeds: object) -> list[np.ndarray]:
    """The value of an expression and, by default, the derivative of its sum by every real feed."""
    arrays = {name: np.asarray(value) for name, value in feeds.items()}
    kinds = {n: "float" if a.dtype.kind == "f" else a.dtype.name for n, a in arrays.items()}
    inputs = "".join(
        f"  {n}: {{shape: {list(a.shape)}, dtype: {kinds[n]}}}\n" for n, a in arrays.items()
    )
    text = f"graphflow: 1\nname: corner\ninputs:\n{inputs}nodes:\n  y: {expression}\n  s: sum(y)\n"
    wrt = [n for n, kind in kinds.items() if kind == "float" and gradient]
    program = gf.loads(text).compile(of="s", wrt=wrt, keep=["y"], dtype="float64")
    result = program(arrays)
    return [result.values["y"], *(result.gradients[n] for n in wrt)]


ZEROS = [0.0, 0.0]
CORNERS = [
    # powers: 0**0 is 1, and no power of 0 enters the derivative of x**0 and x**1
    ("x ** 0", [0.0, 2.0], [1, 1], [0, 0]),
    ("x ** 1", [0.0, 2.0], [0, 2], [1, 1]),
    ("x ** 2", [0.0, -3.0], [0, 9], [0, -6]),
    ("x ** x", [1.0, 2.0], [1, 4], [1, 4 * (np.log(2) + 1)]),
    ("x ** x", [0.0], [1], [0]),
    ("(-x) ** 3", [2.0], [-8], [-12]),
    ("sqrt(x)", [0.0], [0], [INF]),
    # ties are shared, as PyTorch's amax and maximum do
    ("max(x)", [1.0, 1.0, 0.0], 1, [0.5, 0.5, 0]),
    ("min(x)", [1.0, 1.0, 3.0], 1, [0.5, 0.5, 0]),
    ("maximum(x, 1)", [0.0, 1.0, 2.0], [1, 1, 2], [0, 0.5, 1]),
    ("abs(x)", [-1.0, 0.0, 1.0], [1, 0, 1], [-1, 0, 1]),
    ("relu(x)", [-1.0, 0.0, 1.0], [0, 0, 1], [0, 0, 1]),
    ("cummax(x)", [1.0, 1.0, 0.0], [1, 1, 1], [1, 2, 0]),
    # clip keeps the gradient on its ends; a lower end above the upper one gives way
    ("clip(x, -1, 1)", [-2.0, -1.0, 0.5, 1.0], [-1, -1, 0.5, 1], [0, 1, 1, 1]),
    ("clip(x, 2, 1)", [0.0, 1.5, 3.0], [1, 1, 1], [0, 0, 0]),
    ("clip(x, max=1)", [-9.0, 3.0], [-9, 1], [1, 0]),
    # products with zeros
    ("prod(x)", [2.0, 0.0, 3.0], 0, [0, 6, 0]),
    ("prod(x)", [0.0, 0.0, 3.0], 0, [0, 0, 0]),
    ("cumprod(x)", [0.0, 2.0], [0, 0], [3, 0]),
    # lengths and spreads of nothing
    ("norm(x)", ZEROS, 0, [0, 0]),
    ("norm(x, 3)", ZEROS, 0, [0, 0]),
    ("norm(x, 1)", ZEROS, 0, [0, 0]),
    ("norm(x, 0)", [0.0, 3.0], 1, None),
    ("std(x)", [2.0, 2.0], 0, [0, 0]),
    ("std(x)", [1.0, 3.0], 1, [-0.5, 0.5]),
    ("cdist(x[:, None], x[:, None])", [1.0, 1.0], [[0, 0], [0, 0]], [0, 0]),
    # the limit 0 log 0
    ("-sum(xlogy(x, x))", [0.0, 1.0], 0, [0, -1]),
    # what was not chosen is not looked at
    ("where(isnan(x), 0, x)", [NAN, 2.0], [0, 2], [0, 1]),
    ("nansum(x * x)", [NAN, 2.0], 4, None),
    ("nanmean(x)", [NAN, 2.0, 4.0], 3, [0, 0.5, 0.5]),
    ("where(x > 0, log(where(x > 0, x, 1)), 0)", [0.0, 2.0], [0, np.log(2)], [0, 0.5]),
    # infinity
    ("logsumexp(x)", [-INF, 0.0], 0, [0, 1]),
    ("logcumsumexp(x)", [-INF, 0.0], [-INF, 0], [0, 1]),
    ("softmax(x)", [-INF, 0.0], [0, 1], [0, 0]),
    ("logaddexp(x, 0)", [-INF, 0.0], [0, np.log(2)], [0, 0.5]),
    ("softplus(x)", [-1000.0, 1000.0], [0, 1000], [0, 1]),
    ("log_sigmoid(x)", [-1000.0, 1000.0], [-1000, 0], [1, 0]),
    ("median(x)", [5.0, 1.0, 3.0, 2.0], 2.5, [0, 0, 0.5, 0.5]),
    ("sort(x, descending=true) * [1, 2, 3]", [1.0, 3.0, 2.0], [3, 4, 3], [3, 1, 2]),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "x", "value", "slope"), CORNERS, ids=lambda c: str(c)[:40])
def test_corner(expression: str, x: object, value: object, slope: object) -> None:
    found, *gradient = run(expression, slope is not None, x=x)
    np.testing.assert_allclose(found, value, rtol=1e-12, atol=1e-12)
    for got in gradient:
        np.testing.assert_allclose(got, slope, rtol=1e-12, atol=1e-12)


NOTHING = [
    ("mean(x)", (0,), NAN),
    ("mean(x, axis=0)", (0, 2), [NAN, NAN]),
    ("sum(x, axis=0)", (0, 2), [0, 0]),
    ("prod(x)", (0,), 1),
    ("logsumexp(x)", (0,), -INF),
    ("softmax(x)", (0, 2), np.zeros((0, 2))),
    ("norm(x)", (0,), 0),
    ("cumsum(x, exclusive=true)", (0,), []),
    ("sort(x)", (0,), []),
    ("flip(x)", (0,), []),
    ("x[:, 1:]", (0, 3), np.zeros((0, 2))),
]


@pytest.mark.parametrize(("expression", "shape", "value"), NOTHING)
def test_of_nothing(expression: str, shape: tuple[int, ...], value: object) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, slope = run(expression, x=np.zeros(shape))
    np.testing.assert_array_equal(found, value)
    assert slope.shape == shape


def test_a_row_of_nothing_but_masked_scores_has_no_softmax() -> None:
    """As in PyTorch; masks of attention answer for such rows themselves."""
    value, _ = run("softmax(x)", x=np.array([[-INF, -INF], [0.0, 0.0]]))
    np.testing.assert_array_equal(value, [[NAN, NAN], [0.5, 0.5]])


ORDERS = [
    ("argmax(x)", [1.0, 3.0, 3.0], 1),
    ("argmin(x)", [1.0, 0.0, 0.0], 1),
    ("argmax(x)", [1.0, NAN, 3.0], 1),
    ("sort(x)", [NAN, 2.0, 1.0], [1, 2, NAN]),
    ("sort(x, descending=true)", [1.0, NAN, 2.0], [NAN, 2, 1]),
    ("argsort(x)", [2.0, 1.0, 2.0], [1, 0, 2]),
    ("argsort(x, descending=true)", [2.0, 1.0, 2.0], [0, 2, 1]),
    ("round(x)", [0.5, 1.5, -2.5], [0, 2, -2]),
    ("x // 2", [-3.0, 3.0], [-2, 1]),
    ("x % 2", [-3.0, 3.0], [1, 1]),
    ("x % -2", [-3.0, 3.0], [-1, -1]),
    ("fmod(x, 2)", [-3.0, 3.0], [-1, 1]),
    ("trunc(x)", [-1.7, 1.7], [-1, 1]),
]


@pytest.mark.parametrize(("expression", "x", "value"), ORDERS)
def test_order_and_rounding(expression: str, x: list[float], value: object) -> None:
    np.testing.assert_array_equal(run(expression, gradient=False, x=x)[0], value)


WHOLE = [
    ("cumsum(i)", [200, 100], "uint8", [200, 300]),
    ("sum(i)", [200, 100], "uint8", 300),
    ("i // 2", [-3, 3], "int8", [-2, 1]),
    ("i % 3", [-1, 4], "int16", [2, 1]),
    ("i ** 2", [3, -4], "int32", [9, 16]),
    ("mean(i)", [1, 2], "uint64", 1.5),
    ("i + cast(i, uint8)", [-1, 5], "int8", [254, 10]),
    ("left_shift(i, 2) + right_shift(i, 1)", [5, 8], "int64", [22, 36]),
    ("take([10, 20, 30], i)", [2, 0], "uint64", [30, 10]),
    ("scatter_add(i, i, size=4)", [3, 3], "uint64", [0, 0, 0, 6]),
]


@pytest.mark.parametrize(("expression", "i", "dtype", "value"), WHOLE)
def test_whole_numbers(expression: str, i: list[int], dtype: str, value: object) -> None:
    np.testing.assert_array_equal(run(expression, i=np.array(i, dtype))[0], value)


REFUSED = [
    ("i ** -1", np.array([1, 2]), "GF083", "a fraction"),
    ("i ** i", np.array([1, -2]), "GF083", "to the power -2"),
    ("i + 300", np.array([1], np.uint8), "GF033", "300 does not fit into uint8"),
    ("i - i", np.array([True]), "GF031", "has no meaning"),
    ("-i", np.array([True]), "GF031", "has no meaning"),
    ("sign(i)", np.array([True]), "GF031", "has no meaning"),
    ("bitwise_and(i, 1)", np.array([1.0]), "GF031", "bits of integers"),
    ("left_shift(i, i)", np.array([True]), "GF031", "bits of integers"),
    ("cast(i, 'int')", np.array([1]), "GF033", "is a number type such as int64"),
    ("cumsum(i, reverse=1)", np.array([1]), "GF033", "true or false"),
    ("sort(i, descending='no')", np.array([1]), "GF033", "true or false"),
    ("polygamma(i, 0)", np.array([1.0]), "GF033", "at least 1"),
    ("softplus(i, beta=0)", np.array([1.0]), "GF033", "not 0"),
    ("pad(i, -1)", np.array([1.0]), "GF033", "non-negative"),
    ("searchsorted(stack([i, i]), i)", np.array([1.0]), "GF030", "one sorted vector"),
    ("sum(unique(i, size=1)[0])", np.array([1.0, 2.0]), "GF022", ""),
    ("gather_nd(i, [[2]])", np.array([1.0, 2.0]), "GF080", "position 2"),
    ("gather_nd(i, [[0, 0]])", np.array([1.0, 2.0]), "GF030", "do not fit"),
    ("scatter(i, [5], [1.0])", np.array([1.0, 2.0]), "GF080", "position 5"),
    ("scatter(i, [0, 1, 0], [1.0, 2.0])", np.array([1.0, 2.0]), "GF030", "do not fit"),
    ("scatter(i, [0], [1.0], reduce='mean')", np.array([1.0, 2.0]), "GF033", "none, add"),
    ("scatter_nd(i, [[0]], [[1.0]])", np.array([1.0, 2.0]), "GF030", "updates are [1]"),
    ("bincount(i, 2)", np.array([0, 2]), "GF080", "position 2"),
    ("bincount(i, 3)", np.array([0, -2]), "GF080", "position -2"),
    ("categorical(i)", np.array(1.0), "GF030", "last axis"),
    ("dot(i, i)", np.eye(2), "GF", "two vectors"),
    ("quantile(i, 1.5)", np.array([1.0]), "GF", "between 0 and 1"),
]


@pytest.mark.parametrize(("expression", "i", "code", "words"), REFUSED)
def test_refused(expression: str, i: np.ndarray, code: str, words: str) -> None:
    with pytest.raises(GraphflowError) as caught:
        run(expression, gradient=False, i=i)
    shown = str(caught.value)
    assert code in shown and words in shown


def test_unique_refuses_more_than_it_holds() -> None:
    model = gf.loads(
        "graphflow: 1\nname: u\ninputs: {x: {shape: [3]}}\n"
        "nodes: {'v, at, which, n': 'unique(x, size=2)'}\noutputs: [v, n]"
    )
    assert model.compile()({"x": [2, 1, 2]})["n"].tolist() == [1, 2]
    with pytest.raises(GraphflowError, match="3 distinct elements, but size=2"):
        model.compile()({"x": [2, 1, 3]})


def test_half_precision_leaves_no_range() -> None:
    x = np.array([-5.0, -0.3, 0.0, 1.0, 5.0], np.float16)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = gf.loads(
            "graphflow: 1\nname: e\ninputs: {x: {shape: [5]}}\nnodes: {y: erf(x)}\noutputs: [y]"
        ).compile(dtype="float16")({"x": x})["y"]
    exact = [-1.0, -0.3286267594591274, 0.0, 0.8427007929497149, 1.0]
    np.testing.assert_allclose(got, exact, atol=1e-3)


def test_a_derivative_by_whole_numbers_is_refused() -> None:
    model = gf.loads(
        "graphflow: 1\nname: i\ninputs: {i: {shape: [2], dtype: int}}\n"
        "nodes: {y: sum(i * 2.0)}\noutputs: [y]"
    )
    with pytest.raises(GraphflowError, match=r"GF051.*'i' holds int64 values"):
        model.compile(of="y", wrt="i")


def test_a_feed_must_fit_its_type() -> None:
    model = gf.loads(
        "graphflow: 1\nname: i\ninputs: {i: {shape: [1], dtype: int8}}\nnodes: {y: i}\noutputs: [y]"
    )
    assert model.compile()({"i": np.array([127])})["y"] == 127
    with pytest.raises(GraphflowError, match="holds -128 to 127, but the fed array has 200"):
        model.compile()({"i": np.array([200])})
