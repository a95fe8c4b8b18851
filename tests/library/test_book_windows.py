"""Numbers printed in Dive into Deep Learning for windows, norms and matrices."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from tests.library.calling import evaluated, file

Array = np.ndarray


def counting(*shape: int, start: int = 0) -> Array:
    """start, start + 1, ... in a shape."""
    return np.arange(start, start + int(np.prod(shape)), dtype=float).reshape(shape)


SMALL = {"x": counting(1, 1, 3, 3), "k": counting(1, 1, 2, 2)}
TWO = np.concatenate([counting(1, 1, 3, 3), counting(1, 1, 3, 3, start=1)], axis=1)
PAIR = np.concatenate([counting(1, 1, 2, 2), counting(1, 1, 2, 2, start=1)], axis=1)
STACK = {"x": TWO, "k": np.concatenate([PAIR, PAIR + 1, PAIR + 2])}
PLANES = np.concatenate([counting(1, 1, 4, 4), counting(1, 1, 4, 4, start=1)], axis=1)
POOL = {"x": counting(1, 1, 4, 4)}
PAINT = {"x": counting(1, 1, 2, 2), "k": counting(1, 1, 2, 2)}
ROWS = np.stack([np.arange(7.0), np.arange(1.0, 8), np.arange(2.0, 9)])[None]
THREE = np.array([[[1.0, 2], [3, 4], [-1, -3]]])
TABLE = np.array([[1.0, 2], [2, 3]])
CUBE = counting(2, 2, 3, start=1)

BOOK = {
    "7.2 cross-correlation": ("conv2d(x, weight=k)", SMALL, [[19, 25], [37, 43]]),
    "7.3 stride and padding": (
        "conv2d(x, weight=k, padding=1, stride=[3, 2])", SMALL, [[0, 8], [6, 8]],
    ),
    "7.4 channels": (
        "conv2d(x, weight=k)", STACK,
        [[[56, 72], [104, 120]], [[76, 100], [148, 172]], [[96, 128], [192, 224]]],
    ),
    "7.5 largest of windows": ("max_pool2d(x, 2, stride=1)", {"x": SMALL["x"]}, [[4, 5], [7, 8]]),
    "7.5 means of windows": ("avg_pool2d(x, 2, stride=1)", {"x": SMALL["x"]}, [[2, 3], [5, 6]]),
    "7.5 windows side by side": ("max_pool2d(x, 3)", POOL, [[10]]),
    "7.5 padding and stride": (
        "max_pool2d(x, 3, padding=1, stride=2)", {"x": PLANES},
        [[[5, 7], [13, 15]], [[6, 8], [14, 16]]],
    ),
    "7.5 oblong windows": (
        "max_pool2d(x, [2, 3], stride=[2, 3], padding=[0, 1])", POOL, [[5, 7], [13, 15]],
    ),
    "11.7 layer norm": ("layer_norm(x, affine=false)", {"x": TABLE}, [[-1, 1], [-1, 1]]),
    "11.7 batch norm": ("batch_norm(x, affine=false)", {"x": TABLE}, [[-1, -1], [1, 1]]),
    "14.10 transposed": (
        "conv_transpose2d(x, weight=k)", PAINT, [[0, 0, 1], [0, 4, 6], [4, 12, 9]],
    ),
    "14.10 with padding": ("conv_transpose2d(x, weight=k, padding=1)", PAINT, [[4]]),
    "14.10 with stride": (
        "conv_transpose2d(x, weight=k, stride=2)", PAINT,
        [[0, 0, 0, 1], [0, 0, 2, 3], [0, 2, 0, 3], [4, 6, 6, 9]],
    ),
    "14.10 by a matrix": (
        "conv2d(x, weight=k)", {"x": SMALL["x"], "k": SMALL["k"] + 1}, [[27, 37], [57, 67]],
    ),
    "16.3 one axis": (
        "conv1d(x, weight=k)", {"x": ROWS[:, :1], "k": THREE[:, :1]}, [2, 5, 8, 11, 14, 17],
    ),
    "16.3 three channels": (
        "conv1d(x, weight=k)", {"x": ROWS, "k": THREE}, [2, 8, 14, 20, 26, 32],
    ),
    "22.1 inverse": ("inv(x)", {"x": np.array([[1.0, 2], [1, 4]])}, [[2, -1], [-0.5, 0.5]]),
    "22.1 determinant": ("det(x)", {"x": np.array([[1.0, -1], [2, 3]])}, 5),
    "22.1 einsum": (
        "einsum('ij,j->i', a, v)", {"a": counting(2, 2, start=1), "v": np.array([1.0, 2])}, [5, 11],
    ),
    "22.1 einsum of three": (
        "einsum('ijk,il,j->kl', b, a, v)",
        {"b": CUBE, "a": counting(2, 2, start=1), "v": np.array([1.0, 2])},
        [[90, 126], [102, 144], [114, 162]],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BOOK)
def test_the_book_prints(name: str) -> None:
    call, feed, expected = BOOK[name]
    training = "batch_norm" in call
    found = evaluated(call, **feed) if not training else in_training(call, feed)
    np.testing.assert_allclose(np.squeeze(found), np.squeeze(expected), atol=5e-5)


def in_training(call: str, feed: dict[str, Array]) -> Array:
    """What the call gives while training."""
    return gf.loads(file(call, feed)).compile(dtype="float64", mode="train")(feed).values["out"]


def test_a_transposed_convolution_is_the_transposed_matrix() -> None:
    """14.10: what a convolution makes of x is W x, what its transpose makes of y is W^T y."""
    kernel = SMALL["k"] + 1
    columns = [evaluated("conv2d(x, weight=k)", x=e.reshape(1, 1, 3, 3), k=kernel).reshape(4)
               for e in np.eye(9)]  # fmt: skip
    matrix = np.stack(columns, axis=1)
    np.testing.assert_array_equal(matrix[0], [1, 2, 0, 3, 4, 0, 0, 0, 0])
    y = np.array([[[[27.0, 37], [57, 67]]]])
    painted = evaluated("conv_transpose2d(y, weight=k)", y=y, k=kernel)
    np.testing.assert_allclose(painted.reshape(9), matrix.T @ y.reshape(4))
    np.testing.assert_array_equal(painted[0, 0, 0], [27, 91, 74])


def test_a_transposed_convolution_restores_the_shape() -> None:
    call = "conv_transpose2d(conv2d(x, 20, 5, padding=2, stride=3), 10, 5, padding=2, stride=3)"
    assert evaluated(call, x=np.zeros((1, 10, 16, 16))).shape == (1, 10, 16, 16)


def test_eigenvalues_of_gershgorins_example() -> None:
    """22.2."""
    a = np.diag([1.0, 3, 5, 9])
    a[np.triu_indices(4, 1)] = [0.1, 0.1, 0.1, 0.2, 0.3, 0.5]
    a = np.triu(a) + np.triu(a, 1).T
    text = (
        "graphflow: 1\nname: discs\ninputs: {a: {shape: [4, 4]}}\nnodes:\n  w, v: eigh(a)\n"
        "  real, imaginary: eigvals(a)\noutputs: [w, real, imaginary]\n"
    )
    values = gf.loads(text).compile(dtype="float64")({"a": a}).values
    np.testing.assert_allclose(values["w"], [0.99, 2.97, 4.95, 9.08], atol=5e-3)
    np.testing.assert_allclose(values["real"], values["w"], rtol=1e-12)
    assert not values["imaginary"].any()
