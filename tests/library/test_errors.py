"""What the library refuses, and how it says so."""

from __future__ import annotations

import pytest

import graphflow as gf
from graphflow.diagnostics import GraphflowError

FILE = """graphflow: 1
name: a call
inputs:
  x: {{shape: [4, 6, 8]}}
  m: {{shape: [4, 6]}}
  one: {{shape: [4, 1]}}
  y: {{shape: [4]}}
  c: {{shape: [4], dtype: int}}
  t: {{shape: [4, 8], dtype: int}}
  w: {{shape: [3]}}
nodes:
  out: {call}
outputs: [out]
"""
CALLS = {
    "mse_loss(one, y)": "input is float[4, 1] but target is float[4]",
    "binary_cross_entropy_with_logits(one, y)": "input is float[4, 1] but target is float[4]",
    "cross_entropy(x, t)": "the classes stand on axis 1 here, not on axis -1: write axis=1",
    "cross_entropy(m, c, axis=0)": "the classes stand on axis 1 here, not on axis 0",
    "cross_entropy(x, c)": "scores are float[4, 6, 8] and target is int64[4]",
    "cross_entropy(m, y)": "a target of probabilities has the logits' shape",
    "cross_entropy(m, c, reduction='avg')": "reduction is 'mean', 'sum' or 'none', not 'avg'",
    "nll_loss(m, y)": "the target holds class numbers",
    "linear(m)": "linear needs the number of outputs",
    "conv2d(x, 4, 3)": "conv2d slides over two axes of (N, C, H, W), but x is float[4, 6, 8]",
    "conv1d(x, 4)": "conv1d needs the number of channels and the size of the window",
    "conv1d(x, 4, 3, groups=4)": "the channels of x must fall into 4 groups",
    "max_pool2d(x, 2)": "max_pool2d pools (N, C, H, W)",
    "embedding(m, 10, 2)": "embedding looks up integers",
    "dropout(m, 1.5)": "p is a probability, not 1.5",
    "flatten(y)": "start_axis 1 is not an axis of x",
    "batch_norm(y)": "batch_norm needs (N, C, ...)",
    "layer_norm(m, 3)": "layer_norm normalises the last 3 axes",
    "group_norm(m, 4)": "4 groups must divide the channels",
    "glu(w, axis=0)": "glu halves axis 0",
    "gelu(m, approximate='erf')": "approximate is 'none' or 'tanh'",
    "rnn(m, 3)": "rnn runs over (T, N, F)",
    "multi_head_attention(x, x, x, 3)": "3 heads must divide the query's features",
    "sinusoid(4, 5)": "the columns come in pairs, but d is 5",
    "linear(m, 3, weight_init=gap)": "mode is 'fan_in' or 'fan_out', not 'fan'",
}
BLOCK = "blocks:\n  gap: {nodes: {v: \"kaiming_normal(mode='fan')\"}, outputs: [v]}\n"


@pytest.mark.parametrize("call", CALLS)
def test_a_wrong_call_is_refused_in_the_librarys_words(call):
    text = FILE.format(call=call).replace("nodes:\n  out", BLOCK + "nodes:\n  out")
    with pytest.raises(GraphflowError) as caught:
        gf.loads(text)
    (found,) = caught.value.diagnostics
    assert CALLS[call] in found.message
    assert found.mark is not None


@pytest.mark.parametrize("call", ["mse_loss(one, y, broadcast=true)", "l1_loss(y, y)"])
def test_a_stretched_loss_can_be_asked_for(call):
    assert gf.loads(FILE.format(call=call)).compile()


TRAIN = "train: {{minimize: loss, steps: 1, optimizer: '{optimizer}'}}\n"
OPTIMIZERS = {
    "sgd(0.1, nesterov=true)": "nesterov needs a momentum",
    "sgd(0.1, momentum=0.9, nesterov=true, dampening=0.1)": "nesterov takes no dampening",
    "sgd(lr=cosine_lr(1, 5, warmup=5))": "warmup must be shorter than total",
    "sgd(lr=one_cycle(1, 3))": "must take more than one step",
    "sgd(lr=one_cycle(1, 30, anneal_strategy=3))": "the strategy is",
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_wrong_optimizer_is_refused(optimizer):
    text = "graphflow: 1\nname: a fit\nparams: {w: {shape: [2], init: ones}}\n"
    text += "nodes: {loss: sum(w)}\n" + TRAIN.format(optimizer=optimizer)
    with pytest.raises(GraphflowError) as caught:
        gf.loads(text).trainer()
    assert OPTIMIZERS[optimizer] in caught.value.diagnostics[0].message
