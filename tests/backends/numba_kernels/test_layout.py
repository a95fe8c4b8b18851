from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from graphflow.backends.numba_kernels.layout import BATCH_LAST, CHANNELS_LAST, image_orders
from graphflow.ir import DType, TensorType
from graphflow.ops import Builder
from graphflow.ops.builder import Value

NET = """
graphflow: 1
name: a net
inputs: {image: {shape: [B, 3, 12, 10]}, label: {shape: [B], dtype: int}}
nodes:
  first: relu(batch_norm(conv2d(image, CHANNELS, 3, padding=1)))
  second: conv2d(first, CHANNELS, 3, padding=1) + first
  joined: concat([max_pool2d(second, 2), avg_pool2d(first, 2)], axis=1)
  third: relu(conv2d(joined, CHANNELS, 3, stride=2, padding=1))
  logits: linear(flatten(third), 4)
  loss: cross_entropy(logits, label)
outputs: [logits]
train: {minimize: loss, optimizer: 'sgd(lr=0.1, momentum=0.9)', epochs: 1, seed: 0}
"""


@pytest.mark.parametrize("channels, batch", [(4, 5), (4, 16), (24, 5)])
def test_a_step_leaves_what_numpy_leaves(channels: int, batch: int) -> None:
    rng = np.random.default_rng(0)
    feed = {"image": rng.standard_normal((batch, 3, 12, 10)), "label": rng.integers(0, 4, batch)}
    found = []
    for kernels in ("numpy", "numba"):
        net = gf.loads(NET.replace("CHANNELS", str(channels)))
        trainer = net.trainer(dtype="float64", kernels=kernels, seed=1)
        for _ in range(2):
            trainer.step(feed)
        found.append({name: net.store.array(name).copy() for name in net.store.names()})
    for name, value in found[0].items():
        np.testing.assert_allclose(found[1][name], value, rtol=1e-9, atol=1e-11, err_msg=name)


def images(b: Builder, name: str, channels: int, batch: int = 2) -> Value:
    return b.input(name, TensorType(DType.FLOAT32, (batch, channels, 8, 8)))


def kernel(b: Builder, outputs: int, inputs: int, name: str = "w") -> Value:
    return b.leaf("parameter", name, TensorType(DType.FLOAT32, (outputs, inputs, 3, 3)))


def convolved(x: Value, w: Value) -> Value:
    return x.builder.add("conv", x, w, stride=1, padding=1, dilation=1, groups=1)


def test_results_of_broad_convolutions_and_what_follows_lie_channels_last() -> None:
    b = Builder()
    x, bias = images(b, "x", 16), b.input("bias", TensorType(DType.FLOAT32, (32, 1, 1)))
    y = convolved(x, kernel(b, 32, 16))
    z = y + bias
    pooled = b.add("max_pool", z, kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)
    joined = b.add("concat", pooled, pooled, axis=1)
    planes = b.add("reshape", joined, shape=(2, 64, 16))
    flat = b.add("reshape", joined, shape=(2, 1024))
    lone = x * x
    graph = b.graph([v.name for v in (planes, flat, lone)])
    found = (v.name for v in (y, z, pooled, joined))
    assert image_orders(graph) == dict.fromkeys(found, CHANNELS_LAST[4])


def test_joined_along_another_axis_or_reduced_they_lie_row_by_row() -> None:
    b = Builder()
    y = convolved(images(b, "x", 16), kernel(b, 16, 16))
    others = [b.add("concat", y, y, axis=2), b.add("sum", y, axis=(2, 3), keepdims=True)]
    assert set(image_orders(b.graph([v.name for v in others]))) == {y.name}


def test_results_of_convolutions_with_few_channels_lie_batch_last_if_that_fills_lanes() -> None:
    for batch, fills in [(32, True), (20, False)]:
        b = Builder()
        y = convolved(images(b, "x", 6, batch), kernel(b, 16, 6))
        z = b.add("relu", y)
        planes = b.add("reshape", z, shape=(batch, 16, 64))
        doubled = planes + planes
        expected = {y.name: BATCH_LAST[4], z.name: BATCH_LAST[4], doubled.name: BATCH_LAST[3]}
        assert image_orders(b.graph([doubled.name])) == (expected if fills else {})


@pytest.mark.parametrize("batch", [20, 32])
def test_results_with_many_channels_of_few_lie_channels_last_their_adjoint_row_by_row(
    batch: int,
) -> None:
    b = Builder()
    w = kernel(b, 32, 3)
    y = convolved(images(b, "x", 3, batch), w)
    z = b.add("relu", y)
    attrs = {"stride": 1, "padding": 1, "dilation": 1, "groups": 1}
    back = b.add("conv_transpose", z, w, output_padding=0, **attrs)
    expected = dict.fromkeys([y.name, z.name], CHANNELS_LAST[4])
    assert image_orders(b.graph([back.name])) == expected


@pytest.mark.parametrize("channels, groups, lies", [(32, 32, True), (64, 16, True), (8, 2, False)])
def test_many_narrow_groups_lie_channels_last(channels: int, groups: int, lies: bool) -> None:
    b = Builder()
    x, w = images(b, "x", channels), kernel(b, channels, channels // groups)
    y = b.add("conv", x, w, stride=1, padding=1, dilation=1, groups=groups)
    assert image_orders(b.graph([y.name])) == ({y.name: CHANNELS_LAST[4]} if lies else {})


def test_results_of_convolutions_of_sequences_lie_channels_last() -> None:
    b = Builder()
    x = b.input("x", TensorType(DType.FLOAT32, (2, 16, 30)))
    w = b.leaf("parameter", "w", TensorType(DType.FLOAT32, (24, 16, 3)))
    y = b.add("conv", x, w, stride=1, padding=1, dilation=1, groups=1)
    z = b.add("relu", y)
    orders = dict.fromkeys([y.name, z.name], CHANNELS_LAST[3])
    assert image_orders(b.graph([z.name])) == orders


def test_nets_of_few_channels_and_images_and_nets_without_convolutions_stay() -> None:
    b = Builder()
    x = images(b, "x", 6)
    assert image_orders(b.graph([convolved(x, kernel(b, 16, 6)).name])) == {}
    assert image_orders(b.graph([(x * x).name])) == {}


def test_the_new_value_of_a_leaf_lies_as_the_leaf_does() -> None:
    b = Builder()
    x = b.leaf("state", "x", TensorType(DType.FLOAT32, (2, 16, 8, 8)))
    y = convolved(x, kernel(b, 16, 16))
    z = y + x
    graph = b.graph([y.name], {"x": z.name})
    assert set(image_orders(graph)) == {y.name}
