"""Against NumPy and against algebra, on shapes and attributes drawn by hypothesis."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from graphflow.autodiff import reverse
from graphflow.ir.types import DType, TensorType
from graphflow.ops import Builder
from graphflow.ops.evaluate import evaluate
from tests.ops.sampling import call

fast = settings(max_examples=60, deadline=None)
shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
full_shapes = hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4)


def numbers(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def pulled(op: str, g: np.ndarray, *operands: np.ndarray, **attrs: object) -> list[np.ndarray]:
    """The vector-Jacobian products of one operator."""
    builder = Builder()
    names = [f"x{i}" for i in range(len(operands))]
    values = [
        builder.input(n, TensorType(DType.FLOAT64, x.shape))
        for n, x in zip(names, operands, strict=True)
    ]
    out = builder.add(op, *values, name="out", **attrs)
    builder.input("g", out.tensor)
    graph = reverse(builder.graph(), "out", names, "g")
    found = evaluate(graph, {**dict(zip(names, operands, strict=True)), "g": g})
    return [found[graph.gradients["out", n]] for n in names]


def assert_adjoint(op: str, *operands: np.ndarray, **attrs: object) -> None:
    """<g, f(x)> = <J^T g, x> for f linear in each operand."""
    y = call(op, *operands, **attrs)
    g = numbers(y.shape, 9)
    for x, back in zip(operands, pulled(op, g, *operands, **attrs), strict=True):
        assert back.shape == x.shape
        np.testing.assert_allclose(np.sum(g * y), np.sum(back * x), rtol=1e-9, atol=1e-9)


@fast
@given(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=4, min_side=0))
def test_broadcasting_is_numpys(given_shapes: hnp.BroadcastableShapes) -> None:
    x, y = (numbers(s, i) for i, s in enumerate(given_shapes.input_shapes))
    result = call("add", x, y)
    assert result.shape == given_shapes.result_shape
    np.testing.assert_array_equal(result, x + y)
    g = numbers(result.shape, 5)
    by_x, by_y = pulled("add", g, x, y)
    assert by_x.shape == x.shape and by_y.shape == y.shape
    np.testing.assert_allclose([by_x.sum(), by_y.sum()], [g.sum()] * 2, atol=1e-9)


def entries(index: object) -> tuple[tuple[object, ...], ...]:
    """A NumPy basic index in graphflow's form."""
    found: list[tuple[object, ...]] = []
    for part in index if isinstance(index, tuple) else (index,):
        if part is None:
            found.append(("newaxis",))
        elif part is Ellipsis:
            found.append(("ellipsis",))
        elif isinstance(part, slice):
            found.append(("slice", part.start, part.stop, part.step))
        else:
            found.append(("index", part))
    return tuple(found)


@settings(max_examples=200, deadline=None)
@given(st.data(), shapes)
def test_slicing_is_numpys(data: st.DataObject, shape: tuple[int, ...]) -> None:
    index = data.draw(hnp.basic_indices(shape, allow_newaxis=True, max_dims=6))
    x = numbers(shape)
    np.testing.assert_array_equal(call("slice", x, index=entries(index)), x[index])
    assert_adjoint("slice", x, index=entries(index))


@fast
@given(st.data(), full_shapes, st.sampled_from(["constant", "edge", "reflect", "wrap"]))
def test_padding_is_numpys(data: st.DataObject, shape: tuple[int, ...], mode: str) -> None:
    width = st.integers(0, 5)
    widths = data.draw(st.tuples(*[st.tuples(width, width)] * len(shape)))
    x = numbers(shape)
    result = call("pad", x, pad_width=widths, mode=mode)
    np.testing.assert_array_equal(result, np.pad(x, widths, mode=mode))
    assert_adjoint("pad", x, pad_width=widths, mode=mode)


@fast
@given(st.data(), full_shapes)
def test_reshape_fills_in_the_rest(data: st.DataObject, shape: tuple[int, ...]) -> None:
    x = numbers(shape)
    wanted = list(data.draw(st.permutations(shape)))
    wanted[data.draw(st.integers(0, len(shape) - 1))] = -1
    np.testing.assert_array_equal(call("reshape", x, shape=wanted), x.reshape(wanted))
    assert_adjoint("reshape", x, shape=wanted)


@fast
@given(st.data(), shapes, st.booleans())
@pytest.mark.parametrize("name", ["sum", "prod"])
def test_reductions_are_numpys(
    name: str, data: st.DataObject, shape: tuple[int, ...], keepdims: bool
) -> None:
    x = numbers(shape)
    axes = st.none()
    if shape:
        axis = st.integers(-len(shape), len(shape) - 1)
        several = st.sets(st.integers(0, len(shape) - 1)).map(tuple)
        axes = st.one_of(st.none(), axis, several)
    axis = data.draw(axes)
    result = call(name, x, axis=axis, keepdims=keepdims)
    expected = getattr(np, name)(x, axis=axis, keepdims=keepdims)
    np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-12)


@fast
@given(st.data())
def test_einsum_is_numpys(data: st.DataObject) -> None:
    letters = data.draw(st.lists(st.sampled_from("ijkl"), min_size=1, max_size=6))
    cut = data.draw(st.integers(0, len(letters)))
    terms = ["".join(letters[:cut]), "".join(letters[cut:])]
    result = data.draw(st.permutations(sorted(set(letters))))
    kept = "".join(result[: data.draw(st.integers(0, len(result)))])
    sizes = {"i": 2, "j": 3, "k": 1, "l": 4}
    x, y = (numbers(tuple(sizes[c] for c in t), i) for i, t in enumerate(terms))
    subscripts = f"{terms[0]},{terms[1]}->{kept}"
    expected = np.einsum(subscripts, x, y)
    np.testing.assert_allclose(
        call("einsum", x, y, subscripts=subscripts), expected, rtol=1e-10, atol=1e-12
    )
    assert_adjoint("einsum", x, y, subscripts=subscripts)


@fast
@given(st.data())
def test_matmul_is_numpys(data: st.DataObject) -> None:
    shapes = data.draw(hnp.mutually_broadcastable_shapes(signature="(m?,n),(n,p?)->(m?,p?)",
                                                         max_dims=2, max_side=3))  # fmt: skip
    x, y = (numbers(s, i) for i, s in enumerate(shapes.input_shapes))
    np.testing.assert_allclose(call("matmul", x, y), x @ y, rtol=1e-12, atol=1e-12)
    assert_adjoint("matmul", x, y)


@fast
@given(st.permutations("abcd"))
def test_rearrange_and_back(order: list[str]) -> None:
    x = numbers((2, 3, 1, 4))
    pattern = f"a b c d -> {order[0]} ({order[1]} {order[2]}) {order[3]}"
    back = f"{order[0]} ({order[1]} {order[2]}) {order[3]} -> a b c d"
    sizes = dict(zip("abcd", x.shape, strict=True))
    y = call("rearrange", x, pattern=pattern)
    np.testing.assert_array_equal(
        call("rearrange", y, pattern=back, sizes=tuple(sizes.items())), x
    )
    assert_adjoint("rearrange", x, pattern=pattern)


@fast
@given(st.data(), st.integers(1, 3))
def test_convolutions_are_each_others_adjoints(data: st.DataObject, rank: int) -> None:
    small = st.integers(1, 2)
    groups, more = data.draw(small), data.draw(small)
    kernel = data.draw(st.tuples(*[st.integers(1, 3)] * rank))
    attrs = {
        "stride": data.draw(st.tuples(*[st.integers(1, 3)] * rank)),
        "dilation": data.draw(st.tuples(*[small] * rank)),
        "padding": data.draw(st.tuples(*[st.tuples(st.integers(0, 2), st.integers(0, 2))] * rank)),
        "groups": groups,
    }
    spatial = data.draw(st.tuples(*[st.integers(3, 6)] * rank))
    extents = [d * (k - 1) + 1 for d, k in zip(attrs["dilation"], kernel, strict=True)]
    assume(all(e <= n + sum(p) for e, n, p in zip(extents, spatial, attrs["padding"], strict=True)))
    x = numbers((2, groups * more, *spatial))
    weight = numbers((2 * groups, more, *kernel), 1)
    assert_adjoint("conv", x, weight, **attrs)
    g = numbers(call("conv", x, weight, **attrs).shape, 2)
    assert_adjoint("conv_weight_grad", x, g, kernel=kernel, **attrs)


@fast
@given(st.data(), st.booleans(), st.booleans())
def test_average_pooling_keeps_a_constant(
    data: st.DataObject, ceil_mode: bool, in_pad: bool
) -> None:
    kernel = data.draw(st.integers(1, 4))
    attrs = {
        "kernel_size": kernel,
        "stride": data.draw(st.integers(1, 4)),
        "padding": data.draw(st.integers(0, kernel // 2)),
        "ceil_mode": ceil_mode,
    }
    x = np.ones((1, 2, data.draw(st.integers(4, 9)), 5))
    averaged = call("avg_pool", x, count_include_pad=False, **attrs)
    np.testing.assert_allclose(averaged, 1)
    np.testing.assert_array_equal(call("max_pool", x, **attrs), averaged)
    assert_adjoint("avg_pool", numbers(x.shape), count_include_pad=in_pad, **attrs)


@fast
@given(st.integers(1, 9), st.integers(1, 9))
def test_adaptive_pooling_covers_every_element(n: int, bins: int) -> None:
    x = np.arange(float(n)).reshape(1, 1, n)
    largest = call("adaptive_max_pool", x, output_size=bins)
    assert largest[0, 0, -1] == n - 1 and (np.diff(largest) >= 0).all()
    assert_adjoint("adaptive_avg_pool", numbers((2, 1, n, 3)), output_size=(bins, 2))


@fast
@given(st.lists(st.integers(-3, 2), min_size=0, max_size=6), st.integers(0, 2))
def test_scatter_add_is_the_adjoint_of_take(positions: list[int], axis: int) -> None:
    x, indices = numbers((3, 3, 3)), np.array(positions, np.int64)
    taken = call("take", x, indices, axis=axis)
    g = numbers(taken.shape, 1)
    back = call("scatter_add", g, indices, size=3, axis=axis)
    np.testing.assert_allclose(np.sum(back * x), np.sum(g * taken), atol=1e-9)
    expected = np.zeros_like(x)
    np.add.at(expected, (*(slice(None),) * axis, indices), g)
    np.testing.assert_allclose(back, expected, atol=1e-12)
