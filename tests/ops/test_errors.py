"""Wrong calls are answered with a diagnostic that shows what does not fit."""

from __future__ import annotations

import numpy as np
import pytest

from graphflow.codes import CODES
from graphflow.diagnostics import GraphflowError
from graphflow.ir.types import DType, TensorType
from graphflow.ops import Builder
from tests.ops.sampling import call

F, N = DType.FLOAT, DType.INT64
IMAGE = (F, (2, 3, 8, 8))

WRONG = [
    ("matmul", [(F, (2, 3)), (F, (4, 5))], {}, "GF030", "[2, 3] @ [4, 5]: the inner sizes 3 and 4"),
    ("matmul", [(F, ()), (F, (4, 5))], {}, "GF030", "multiply with *"),
    ("matmul", [(F, (2, 3, 4)), (F, (5, 4, 3))], {}, "GF030", "do not broadcast"),
    ("sum", [(F, (2, 3))], {"axis": 2}, "GF033", "axis 2 is out of range: the array has 2 axes"),
    ("sum", [(F, (2, 3))], {"axis": (0, -2)}, "GF033", "twice"),
    ("sum", [(F, (2, 3))], {"keepdims": 1}, "GF033", "true or false"),
    ("max", [(F, (2, 0))], {"axis": 1}, "GF030", "max of no elements"),
    ("var", [(F, (0,))], {}, "GF033", "divides by 0"),
    ("var", [(F, (1,))], {"correction": 1}, "GF033", "divides by 0"),
    ("argmax", [(F, (0,))], {}, "GF030", "no elements"),
    ("cumsum", [(F, (2, 3))], {}, "GF033", "needs to know which"),
    ("topk", [(F, (3,))], {"k": 4}, "GF033", "the 4 largest of 3"),
    ("reshape", [(F, (2, 3))], {"shape": (4, 2)}, "GF030", "[2, 3] (6 elements) to [4, 2]"),
    ("reshape", [(F, (2, 3))], {"shape": (4, -1)}, "GF030", "to [4, -1]"),
    ("reshape", [(F, (2, 3))], {"shape": (-1, -1)}, "GF033", "only one size"),
    ("reshape", [(F, (2, 3))], {"shape": (-2, 3)}, "GF033", "non-negative integer, not -2"),
    ("transpose", [(F, (2, 3))], {"axes": (0, 0)}, "GF033", "each of the 2 axes"),
    ("broadcast_to", [(F, (2, 3))], {"shape": (3, 2)}, "GF030", "[2, 3] to [3, 2]"),
    ("squeeze", [(F, (2, 3))], {"axis": 0}, "GF030", "its size is not 1"),
    ("rearrange", [(F, (2, 6))], {"pattern": "a (b c) -> a b c"}, "GF033", "the size of b or c"),
    ("rearrange", [(F, (2, 6))], {"pattern": "a (b c) -> a b c", "sizes": (("b", 4),)}, "GF030",
     "does not fill an axis of size 6"),
    ("rearrange", [(F, (2, 6))], {"pattern": "a b -> a"}, "GF033", "b on one side only"),
    ("rearrange", [(F, (2, 6))], {"pattern": "a b"}, "GF033", "axes -> axes"),
    ("rearrange", [(F, (2, 6))], {"pattern": "a b c -> c b a"}, "GF030", "names 3 axes"),
    ("rearrange", [(F, (2, 6))], {"pattern": "a (b -> a b"}, "GF033", "not closed"),
    ("concat", [(F, (2, 3)), (F, (2, 4))], {"axis": 0}, "GF030", "[2, 3] and [2, 4]"),
    ("stack", [(F, (2, 3)), (F, (2, 4))], {}, "GF030", "[2, 3] and [2, 4]"),
    ("split", [(F, (7,))], {"sections": 2}, "GF030", "into 2 equal sections"),
    ("split", [(F, (7,))], {"sections": (5, 3)}, "GF033", "do not rise"),
    ("slice", [(F, (3,))], {"index": (("index", 3),)}, "GF033", "index 3 is out of range"),
    ("slice", [(F, (3,))], {"index": (("index", 0),) * 2}, "GF033", "2 indices for 1 axis"),
    ("slice", [(F, (3,))], {"index": (("slice", 0, 3, 0),)}, "GF033", "step"),
    ("slice", [(F, (3,))], {"index": (("ellipsis",), ("ellipsis",))}, "GF033", "once"),
    ("pad", [(F, (3,))], {"pad_width": ((1, 1), (0, 0))}, "GF033", "2 entries for 1 axis"),
    ("pad", [(F, (3,))], {"pad_width": -1}, "GF033", "non-negative"),
    ("pad", [(F, (3,))], {"pad_width": 1, "mode": "mirror"}, "GF033", "constant, edge, reflect"),
    ("take", [(F, (3,)), (F, (2,))], {}, "GF031", "are integers, not float"),
    ("take_along_axis", [(F, (3, 2)), (N, (4, 2))], {"axis": 1}, "GF030", "[4, 2] do not fit"),
    ("one_hot", [(F, (3,))], {"classes": 2}, "GF031", "integers"),
    ("einsum", [(F, (2, 3)), (F, (4, 5))], {"subscripts": "ij,jk"}, "GF030", "index j is 3 and 4"),
    ("einsum", [(F, (1, 3))], {"subscripts": "ii->i"}, "GF030", "index i is 3 and 1"),
    ("einsum", [(F, (2, 3))], {"subscripts": "ij,jk"}, "GF033", "2 operands, not 1"),
    ("einsum", [(F, (2, 3))], {"subscripts": "ijk->i"}, "GF030", "'ijk' does not fit"),
    ("einsum", [(F, (2, 3))], {"subscripts": "ij->ik"}, "GF033", "'k' on the right"),
    ("einsum", [(F, (2, 3))], {"subscripts": "i1->i"}, "GF033", "an index is a letter"),
    ("arange", [], {"start": 3, "step": 0}, "GF033", "step of arange is 0"),
    ("arange", [], {"start": float("inf")}, "GF033", "a first and a last number, and inf is"),
    ("full", [], {"shape": (2,), "value": "a"}, "GF033", "is a number"),
    ("conv", [(F, (8, 8)), (F, (4, 3, 3, 3))], {}, "GF030", "(batch, channels"),
    ("conv", [IMAGE, (F, (4, 2, 3, 3))], {}, "GF030", "3 channels but the weight takes 2"),
    ("conv", [IMAGE, (F, (4, 3, 9, 9))], {}, "GF030", "a window of 9 elements does not fit"),
    ("conv", [IMAGE, (F, (4, 3, 3, 3))], {"stride": 0}, "GF033", "at least 1"),
    ("conv", [IMAGE, (F, (4, 3, 3, 3))], {"padding": "full"}, "GF033", "'same' or 'valid'"),
    ("conv", [IMAGE, (F, (4, 3, 3, 3))], {"padding": "same", "stride": 2}, "GF033", "stride 1"),
    ("conv", [IMAGE, (F, (4, 1, 3, 3))], {"groups": 3}, "GF033", "3 equal groups"),
    ("conv_transpose", [IMAGE, (F, (3, 4, 3, 3))], {"output_padding": 1}, "GF033", "smaller than"),
    ("max_pool", [IMAGE], {"kernel_size": 2, "padding": 2}, "GF033", "more than half"),
    ("avg_pool", [IMAGE], {"kernel_size": (2, 2, 2)}, "GF033", "3 values for 2 axes"),
    ("inv", [(F, (2, 3))], {}, "GF030", "square matrix"),
    ("solve", [(F, (3, 3)), (F, (2,))], {}, "GF030", "[3, 3] with [2]"),
    ("triangular_solve", [(F, (3, 3)), (F, (3,))], {"unitriangular": 1}, "GF033", "true or false"),
    ("svd", [(F, (3,))], {}, "GF030", "svd wants a matrix, but the shape is [3]"),
    ("pinv", [(F, (3,))], {}, "GF030", "pinv wants a matrix"),
    ("pinv", [(F, (3, 2))], {"rcond": "no"}, "GF033", "rcond is a number"),
    ("adjugate", [(F, (2, 3))], {}, "GF030", "square matrix"),
    ("eigvals", [(F, (2, 3))], {}, "GF030", "square matrix"),
    ("tril", [(F, (3,))], {}, "GF030", "matrix"),
]  # fmt: skip


@pytest.mark.parametrize(("op", "operands", "attrs", "code", "words"), WRONG)
def test_diagnostic(
    op: str,
    operands: list[tuple[DType, tuple[int, ...]]],
    attrs: dict[str, object],
    code: str,
    words: str,
) -> None:
    builder = Builder()
    values = [builder.input(f"x{i}", TensorType(*t)) for i, t in enumerate(operands)]
    with pytest.raises(GraphflowError) as caught:
        builder.add(op, *values, **attrs)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == code and code in CODES
    assert words in diagnostic.message + (diagnostic.help or "")


RANDOM = [
    ("uniform", {"low": 2, "high": 1}, "low must not exceed high"),
    ("normal", {"std": -1}, "not negative"),
    ("truncated_normal", {"low": 7, "high": 8}, "hardly any draw"),
    ("bernoulli", {"p": 1.5}, "between 0 and 1"),
    ("randint", {"low": 3, "high": 3}, "no integer to draw"),
]


@pytest.mark.parametrize(("op", "attrs", "words"), RANDOM)
def test_distributions_that_do_not_exist(op: str, attrs: dict[str, object], words: str) -> None:
    builder = Builder()
    with pytest.raises(GraphflowError, match=words):
        builder.add(op, builder.rng(), shape=(2,), **attrs)


RUNNING = [
    ("take", [np.arange(3.0), np.array([0, 3])], {}, "position 3 is out of range"),
    ("take", [np.arange(3.0), np.array([0, -4])], {}, "position -4 is out of range"),
    ("take_along_axis", [np.arange(3.0), np.array([5])], {"axis": 0}, "position 5"),
    ("scatter_add", [np.arange(2.0), np.array([0, 9])], {"size": 3}, "position 9"),
    ("scatter_add_along_axis", [np.arange(2.0), np.array([0, 9])], {"size": 3, "axis": 0}, "9"),
    ("inv", [np.ones((2, 2))], {}, "singular"),
    ("solve", [np.ones((2, 2)), np.ones(2)], {}, "singular"),
    ("cholesky", [-np.eye(2)], {}, "not positive definite"),
    ("inv", [np.eye(2, dtype=np.float16)], {}, "inv does not work in half precision"),
    ("solve", [np.eye(2, dtype=np.float16), np.ones(2)], {}, "solve does not work in half"),
    ("svd", [np.full((2, 2), np.nan)], {}, "the matrix holds nan or infinity"),
    ("pinv", [np.full((2, 2), np.nan)], {}, "the matrix holds nan or infinity"),
    ("adjugate", [np.full((2, 2), np.nan)], {}, "the matrix holds nan or infinity"),
    ("matrix_rank", [np.full((2, 2), np.nan)], {}, "the matrix holds nan or infinity"),
    ("eigvals", [np.full((2, 2), np.nan)], {}, "the matrix holds nan or infinity"),
]


@pytest.mark.parametrize(("op", "operands", "attrs", "words"), RUNNING)
def test_values_that_cannot_be_used(
    op: str, operands: list[np.ndarray], attrs: dict[str, object], words: str
) -> None:
    with pytest.raises(GraphflowError, match=words) as caught:
        call(op, *operands, **attrs)
    assert caught.value.diagnostics[0].code in CODES
