"""Layers over one, two and three axes hand on to one block, and speak for themselves."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from graphflow.diagnostics import Diagnostic, GraphflowError
from graphflow.interop.pytorch.file import source

FILE = """graphflow: 1
name: layers
inputs:
  x: {{shape: [2, 4, 9, 9]}}
blocks:
  twice:
    inputs: [x]
    nodes:
      out: {inner}
    outputs: [out]
nodes:
  b: {call}
outputs: [b]
"""


def loaded(call: str, inner: str = "x") -> gf.Model:
    return gf.loads(FILE.format(call=call, inner=inner))


def refused(call: str, inner: str = "x") -> Diagnostic:
    with pytest.raises(GraphflowError) as caught:
        loaded(call, inner)
    (diagnostic,) = caught.value.diagnostics
    return diagnostic


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("conv1d(x, 3, 3)", "conv1d slides over one axis of (N, C, L), but x is float[2, 4, 9, 9]"),
        ("conv3d(x, 3, 3)", "conv3d slides over three axes of (N, C, D, H, W), but x is "),
        ("conv_transpose2d(x)", "the size of the window: conv_transpose2d(x, 64, 3)"),
        ("conv2d(x, 3, 3, bias=2)", "the input channels are inferred: conv2d(x, 64, 3)"),
        ("lp_pool1d(x, 2, 2)", "lp_pool1d pools (N, C, L), but x is float[2, 4, 9, 9]"),
        ("adaptive_max_pool3d(x, 2)", "adaptive_max_pool3d pools (N, C, D, H, W), but x is "),
        ("max_unpool1d(x, x, 2)", "max_unpool1d undoes the pooling of (N, C, L), but x is "),
        ("dropout3d(x)", "dropout3d drops channels of (N, C, D, H, W), but x is "),
    ],
)
def test_a_layer_refuses_in_its_own_name_at_the_call(call: str, message: str):
    diagnostic = refused(call)
    assert message in diagnostic.message
    assert diagnostic.mark is not None and (diagnostic.mark.line, diagnostic.mark.column) == (12, 6)
    assert diagnostic.notes == ()


def test_inside_a_block_of_the_file_the_call_is_the_one_written_there():
    diagnostic = refused("twice(x)", "conv2d(x, 3)")
    assert diagnostic.message.startswith("conv2d needs the number of channels")
    assert diagnostic.mark is not None and diagnostic.mark.line == 9


def test_a_layer_owns_its_parameters_under_its_own_path():
    model = loaded("conv2d(x, 3, 3, bias=false)")
    assert list(model.parameters) == ["b.weight"]


def test_layers_nested_at_one_place_are_named_after_the_layer():
    inner = "conv2d(conv2d(x, 4, 1, bias=false), 4, 1, bias=false)"
    model = loaded("twice(conv2d(x, 4, 1, bias=false))", inner)
    assert list(model.parameters) == ["b.conv2d.weight", "b.conv2d2.weight", "b.weight"]


@pytest.mark.parametrize("sizes", [[2], [2, 3], [2, 3, 4]])
def test_a_bias_is_one_number_for_each_channel(sizes: list[int]):
    axes = len(sizes)
    model = gf.loads(
        f"graphflow: 1\nname: bias\ninputs: {{b: {{shape: [3]}}}}\nnodes:\n"
        f"  y: conv{axes}d(ones([2, 4, {', '.join(map(str, sizes))}]), "
        f"weight=zeros([3, 4, {', '.join('1' * axes)}]), bias=b)\noutputs: [y]\n"
    )
    bias = np.array([1.0, -2.0, 3.0])
    y = model.compile()({"b": bias}).values["y"]
    expected = np.broadcast_to(bias.reshape(3, *[1] * axes), (2, 3, *sizes))
    np.testing.assert_array_equal(y, expected)


def test_pytorch_source_of_a_layer_without_a_module_is_one_class():
    text = source(loaded("conv2d(x, 3, 3, padding='same')"))
    assert "class Conv2d(nn.Module):" in text
    assert "onvolution(" not in text and "super().forward" not in text


def test_pytorch_source_keeps_a_block_of_the_file_that_only_calls_a_layer():
    text = source(loaded("twice(x)", "conv2d(x, 3, 3)"))
    assert "class Twice(" in text and "nn.Conv2d" in text


def test_a_message_names_the_block_and_tells_words_and_values():
    text = """graphflow: 1
name: words
blocks:
  tall:
    args: [kind]
    inputs: [x]
    require: [{that: ndim(x) == 3, else: "{block} wants {kind!s}, {kind}, {x}, {other}"}]
    nodes: {y: x}
    outputs: [y]
inputs: {x: {shape: [2]}}
nodes:
  b: tall(x, 'a box')
"""
    with pytest.raises(GraphflowError) as caught:
        gf.loads(text)
    assert caught.value.diagnostics[0].message == "tall wants a box, 'a box', float[2], {other}"
