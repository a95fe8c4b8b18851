"""What generated CUDA C++ says, and how it is shared out among threads."""

from __future__ import annotations

import numpy as np
import pytest

from graphflow.backends.cuda import Module, module
from graphflow.backends.cuda.arrays import row_by_row
from graphflow.backends.cuda.instructions import expression, literal
from graphflow.ir.types import DType, TensorType
from graphflow.ops import Builder, F, Value
from graphflow.runtime.device_plan import device_module
from graphflow.schedule.plan import make_plan
from tests.backends.cuda.samples import columns, drawn, fused, inputs, operands, rows


def written(values: list[Value]) -> Module:
    """The kernels of values whose inputs lie row by row."""
    return device_module(make_plan(fused(values)))


def of_shape(*shape: int) -> Value:
    """An input without its memory."""
    return Builder().input("x", TensorType(DType.FLOAT32, shape))


def launches(whole: Module) -> list[str]:
    return [launch.how for fusion in whole.fusions for launch in fusion.launches]


def test_equal_nodes_are_written_once_and_names_follow_from_the_text():
    b = Builder()
    x, y = (b.input(name, TensorType(DType.FLOAT32, (64, 64))) for name in "xy")
    apart = F.matmul(F.exp(x) * 2, F.exp(y) * 2)  # a product stands between: two groups
    whole = written([apart])
    assert len(whole.fusions) == 2 and whole.text.count("__global__") == 1
    again = written([F.exp(of_shape(64, 64)) * 2])
    assert again.text == whole.text and again.digest == whole.digest


def test_another_size_is_another_text():
    one, other = (written([F.exp(of_shape(64, n)) * 2]) for n in (64, 65))
    assert one.digest != other.digest


@pytest.mark.parametrize("shape, how", [
    ((100, 10), "100 rows of 10, 8 threads each"),
    ((100, 64), "100 rows of 64, 16 threads each"),
    ((100, 1024), "100 rows of 1,024, 32 threads each"),
    ((100, 4096), "100 rows of 4,096, 256 threads each"),
    ((100, 50257), "100 rows of 50,257, 512 threads each"),
])  # fmt: skip
def test_a_row_has_threads_by_its_length(shape, how):
    x = of_shape(*shape)
    e = F.exp(x - F.max(x, axis=1, keepdims=True))
    assert launches(written([e / F.sum(e, axis=1, keepdims=True)])) == [how]


def test_sums_over_many_rows_are_made_in_shares_and_joined_in_order():
    x = of_shape(4096, 300)
    whole = written([F.sum(F.exp(x), axis=0)])
    assert launches(whole) == ["300 sums of 4,096 in 64 shares", "300 sums of 64"]
    assert "atomic" not in whole.text


def test_four_neighbours_are_read_at_once_where_what_lies_side_by_side_is_made_of_fours():
    packs, single = (written([F.exp(of_shape(n, 7)) * 2]) for n in (300, 301))
    wide = Builder().input("x", TensorType(DType.FLOAT64, (300, 7)))
    assert "Pack<float, 4> q" in packs.text and packs.fusions[0].operands[0].packed
    assert "Pack<double, 2> q" in written([F.exp(wide) * 2]).text
    assert "Pack<float" not in single.text.split('extern "C"', 1)[1]
    assert not single.fusions[0].operands[0].packed


def test_a_transposed_operand_is_read_where_it_lies():
    x = of_shape(200, 100)
    y = F.transpose(x, axes=(1, 0))
    (fusion,) = written([F.exp(y) + 1]).fusions
    assert fusion.operands[0].strides == (1, 100)


def test_large_arrays_have_places_of_64_bits():
    small, large = (written([F.exp(of_shape(n, 1 << 15)) * 2]) for n in (1 << 10, 1 << 16))
    assert "const int i =" in small.text and "const long long i =" in large.text


def test_nodes_of_nothing_are_left_to_the_forwards():
    x = of_shape(0, 7)
    assert written([F.exp(x) * 2, F.sum(F.exp(x), axis=0)]).fusions == ()


def test_rows_give_sums_what_waits_for_them():
    values, arrays = rows((300, 128), "float32")
    ((node, given),) = operands(fused(values), arrays)
    (fusion,) = module([(node, [row_by_row(x.shape) for x in given])]).fusions
    assert fusion.launches[0].how.startswith("300 rows")
    assert (300,) in [room.shape for room in fusion.rooms]


def test_reductions_over_the_same_axes_share_a_kernel():
    values, arrays = columns((300, 128), "float32")
    ((node, given),) = operands(fused(values), arrays)
    (fusion,) = module([(node, [row_by_row(x.shape) for x in given])]).fusions
    assert sum(launch.kernel.startswith("sums") for launch in fusion.launches) == 5
    (x,) = inputs(drawn(300, 128))
    (alone,) = written([F.sum(F.exp(x), axis=0), F.max(F.exp(x), axis=0)]).fusions
    assert len([la for la in alone.launches if la.how.startswith("128 sums of 300")]) == 1


@pytest.mark.parametrize("value, dtype, text", [
    (np.inf, "float32", "__int_as_float(0x7f800000)"),
    (-np.inf, "float64", "__longlong_as_double(0xfff0000000000000)"),
    (1e-45, "float32", "1e-45f"), (-0.0, "float32", "-0.0f"), (1 / 3, "float64", str(1 / 3)),
    (-(2**63), "int64", "(long long)(-9223372036854775807LL - 1)"), (0, "bool", "false"),
])  # fmt: skip
def test_numbers_are_written_as_the_compiler_reads_them(value, dtype, text):
    assert literal(value, np.dtype(dtype)) == text


def test_integers_wrap_around_as_in_numpy():
    small = np.dtype("int8")
    assert expression("add", small, small, ("a", "b")) == "(signed char)((unsigned)a + (unsigned)b)"
