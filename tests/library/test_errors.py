"""What the library refuses, and how it says so."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from graphflow.diagnostics import GraphflowError
from graphflow.library import files
from graphflow.ops.op import OPS
from graphflow.spec.elaborate.vocabulary import ELSEWHERE
from graphflow.spec.load import load_document

FILE = """graphflow: 1
name: a call
inputs:
  x: {{shape: [4, 6, 8]}}
  m: {{shape: [4, 6]}}
  one: {{shape: [4, 1]}}
  y: {{shape: [4]}}
  c: {{shape: [4], dtype: int}}
  t: {{shape: [4, 8], dtype: int}}
  img: {{shape: [4, 6, 8, 8]}}
  w: {{shape: [3]}}
nodes:
  out: {call}
outputs: [out]
"""
BLOCKS = {
    name: block
    for file in files()
    for name, block in load_document(
        file.read_text("utf-8"), file.name, blocks_only=True
    ).blocks.items()
}
CALLS = {
    "mse_loss(one, y)": "input is float[4, 1] but target is float[4]",
    "binary_cross_entropy_with_logits(one, y)": "input is float[4, 1] but target is float[4]",
    "cross_entropy(x, t)": "the classes stand on axis 1 here, not on axis -1: write axis=1",
    "cross_entropy(m, c, axis=0)": "the classes stand on axis 1 here, not on axis 0",
    "cross_entropy(x, c)": "scores are float[4, 6, 8] and target is int64[4]",
    "cross_entropy(m, y)": "or declare dtype: int for class labels",
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
# What PyTorch's modules take and these functions do not: input sizes, and more than they need.
HABITS = {
    "multi_head_attention(x, x, x, 2, mask=m > 0)": "write mask[:, None, None, :]",
    "transformer_encoder_layer(x, 2, 8, mask=m > 0)": "or count them: valid_lens",
    "linear(m, 3, activation='relu')": "'activation' is 'relu', not a function",
    "rnn(x, 3, nonlinearity='relu')": "'nonlinearity' is 'relu', not a function",
    "interpolate(img, scale_factor=0)": "scale_factor is a positive number",
    "interpolate(img, scale_factor=0.01)": "scale_factor 0.01 leaves nothing of axis 2",
    "linear(m, 64, 32)": "the input size is inferred: linear(x, 32)",
    "linear(64, 32)": "linear maps a tensor, whose size is inferred",
    "linear(m, 3, bias=[1, 2, 3])": "bias is true, false, none or a tensor, not [1, 2, 3]",
    "linear(m, 3, weight=2)": "weight is a tensor, if given, not 2",
    "linear(m, 0)": "the number of outputs is a positive whole number, not 0",
    "linear(m, [3])": "the number of outputs is a positive whole number, not [3]",
    "linear(m, 6.5)": "the number of outputs is a positive whole number, not 6.5",
    "conv1d(x, 4, 3, 1, 1, 1, 1, 32)": "'stride' of conv1d is given by name",
    "conv2d(img, 4, 3, bias=32)": "the input channels are inferred: conv2d(x, 64, 3)",
    "conv2d(img, 4, 0)": "channels and windows have positive whole sizes, not 4 and 0",
    "conv2d(img, 4, [3, 3, 3])": "positive whole sizes, not 4 and [3, 3, 3]",
    "conv2d(img, 4, 3, groups=0)": "groups is a positive whole number, not 0",
    "conv_transpose2d(img, 4, 3, bias=4)": "bias is true, false, none or a tensor, not 4",
    "conv_transpose1d(x, 4, 3, weight=4)": "weight is a tensor, if given, not 4",
    "batch_norm(x, 32)": "the input size is inferred: batch_norm(x)",
    "batch_norm(x, 1e-5, 3)": "the share of the batch, from 0 to 1, or none, not 3",
    "batch_norm(x, affine=3)": "affine is true or false, not 3",
    "layer_norm(x, [8])": "their sizes are inferred: layer_norm(x)",
    "layer_norm(x, 1, 8)": "the input size is inferred: layer_norm(x)",
    "layer_norm(x, bias=4)": "bias is true or false, not 4",
    "rms_norm(x, 8)": "their sizes are inferred: rms_norm(x)",
    "group_norm(x, 3, 6)": "eps keeps from dividing by zero",
    "group_norm(x, 0)": "groups is a positive whole number, not 0",
    "instance_norm(x, 6)": "the input size is inferred: instance_norm(x)",
    "embedding(t, 10, 2, weight=3)": "weight is a tensor, if given, not 3",
    "embedding(t, -10, 2)": "sizes of a table are positive whole numbers, not -10 and 2",
    "embedding(t, 10, 2, padding_idx=10)": "a table of 10 rows has no row 10",
    "embedding(t, 10, 2, padding_idx=-1)": "padding_idx is the number of a row, counted from 0",
    "dropout(m, -1)": "p is a probability, not -1",
    "flatten(x, 1.5)": "start_axis is a whole number, not 1.5",
    "max_pool2d(img, 0)": "kernel_size is an integer of at least 1, not 0",
    "avg_pool2d(img, 2, 2, 0, 3)": "ceil_mode' of avg_pool is true or false, not 3",
    "adaptive_avg_pool2d(img, 0)": "output_size is a positive whole number for each axis, not 0",
    "rnn(x, 10, 20)": "h0 is none or a tensor (layers, N, H), not 20; the input size is inferred",
    "lstm(x, 10, 20)": "h0 and c0 are none or tensors (layers, N, H), not 20 and none",
    "lstm(x, 10, num_layers=0)": "num_layers is a positive whole number, not 0",
    "lstm(x, 10, proj_size=10)": "proj_size is a whole number from 0 to below hidden_size, not 10",
    "lstm(x, 8, c0=x)": "c0 holds a state for each of 1 layers, (layers, N, H), or two with",
    "gru(x, 6, m)": "h0 holds a state for each of 1 layers",
    "gru(x, 6, bidirectional=2)": "batch_first and bidirectional are true or false, not false and",
    "gru(x, 6, reset_after=0)": "reset_after is true or false, not 0",
    "rnn(x, 6, lengths=m)": "lengths is none or the number of steps of each sequence, (N,)",
    "rnn(x, 6, num_layers=2, dropout=2)": "dropout is a probability, not 2",
    "masked_softmax(x, m)": "valid_lens counts keys in whole numbers, (N,) or (N, T), but is float",
    "masked_softmax(x, 3)": "valid_lens counts keys in whole numbers, (N,) or (N, T), but is 3",
    "masked_softmax(m, t)": "scores of 2 axes have no queries for valid_lens int64[4, 8]",
    "additive_attention(x, x, m, 4)": "queries, keys and values are (N, T, E), not",
    "additive_attention(x, x, x, [4])": "num_hiddens is a positive whole number, not [4]",
    "dot_product_attention(x, one, x)": "queries and keys need vectors of one length",
    "grouped_query_attention(x, x, x, 8, 3)": "3 heads must divide num_hiddens evenly, but it is 8",
    "grouped_query_attention(x, x, x, 8, 0)": "are positive whole numbers, not 8 and 0",
    "grouped_query_attention(x, x, x, 8, 4, num_kv_heads=3)": "3 heads of keys and values cannot",
    "grouped_query_attention(x, x, x, 8, 4, mask=3)": "mask is none or a tensor, true where",
    "nadaraya_watson(m, y, y)": "queries and keys are numbers, (T,) and (S,), not float[4, 6]",
    "rotary(w)": "rotary turns pairs of the last axis of (..., T, E), but x is float[3]",
    "learned_positions(x, 0)": "max_len is a positive whole number, not 0",
    "positional_encoding(m)": "positional_encoding adds to (N, T, E), but x is float[4, 6]",
    "alibi(0, 3)": "heads is a positive whole number, not 0",
    "transformer_encoder_layer(x, 512, 8)": "512 heads must divide the features evenly",
    "transformer_encoder_layer(m, 2)": "an encoder layer reads (N, T, E), but src is float[4, 6]",
    "transformer_encoder_layer(x, 2, norm_first=2)": "norm_first and bias are true or false, not 2",
    "transformer_decoder_layer(x, m, 2)": "a decoder layer reads (N, T, E) and (N, S, E), but is",
    "transformer_decoder_layer(x, x, 2, -4)": "are positive whole numbers, not 2 and -4",
    "transformer_encoder_block(x, 6, 8, 2)": "adds what it computes to x (N, T, 6), but x is",
    "add_norm(x, m)": "add_norm adds tensors of one shape, not float[4, 6, 8] and float[4, 6]",
    "inception(img, 2, 3, [4, 5], 6)": "c2 and c3 are two numbers of channels each",
    "residual(img, 8)": "it must have 8 channels and strides must be 1, but x is float[4, 6, 8, 8]",
    "residual(img, 6, strides=2)": "use_1x1conv=true makes it fit",
    "resnext_block(img, 6, 4, 1)": "groups of 4 channels must divide 6 * 1 channels evenly",
    "resnext_block(img, 8, 4, 1)": "x goes past the block as it is",
    "anynet_stage(img, 0, 6, 2, 1)": "depth is a positive whole number, not 0",
    "vgg_block(x, 1, 4)": "conv2d slides over two axes of (N, C, H, W)",
    "seq2seq_encoder(c, 10, 8, 16, 2)": "an encoder reads tokens (N, T), not int64[4]",
    "seq2seq_decoder(t, x, x, 10, 8, 16, 2)": "a context (N, C), the encoder's last output, not",
    "bahdanau_decoder(t, m, x, 10, 8, 16, 2)": "a decoder reads tokens (N, T) and an encoder's",
    "gru(x, 8, lengths=t)": "the number of steps of each sequence, (N,), not int64[4, 8]",
    "gru(x, 6, x)": "h0 holds a state for each of 1 layers",
    "gru(x, 6, weight_ih=m)": "given weights are lists, of one for each layer and direction",
    "gru(x, 6, dropout=2)": "dropout is a probability, not 2",
    "masked_lm(x, m, 10, 4)": "masked_lm reads x (N, T, E) and whole positions (N, P), not float",
    "next_sentence(m, 4)": "next_sentence reads (N, T, E), but x is float[4, 6]",
    "rnn_sweep(x, m, m, m, bias_hh=y)": "rnn_sweep has bias_ih, or both biases, but bias_ih is",
    "gru(x, 10, bias=2)": "bias is true or false, not 2",
    "gru(x, -8)": "hidden_size is a positive whole number, not -8",
    "rnn_cell(m, m, 32)": "the input size is inferred: rnn_cell(x, h)",
    "lstm_cell(m, m, m, 3)": "the input size is inferred: lstm_cell(x, h, c)",
    "gru_cell(m, m, 3)": "the input size is inferred: gru_cell(x, h)",
    "multi_head_attention(x, x, x, 512, 8)": "the features are inferred",
    "multi_head_attention(x, x, x, 2.0)": "heads is a positive whole number, not 2.0",
    "multi_head_attention(x, x, x, 2, bias=3)": "bias is true or false, not 3",
    "multi_head_attention(x, x, x, 2, dropout_p=3)": "p is a probability, not 3",
    "scaled_dot_product_attention(x, x, x, 3)": "mask is none or a tensor",
    "softmax(x, 1.5)": "an axis is an integer, not 1.5",
    "prelu(x, 1, 0.25, 3)": "weight is a tensor, if given, not 3",
}
CALLS |= HABITS
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


SPELLINGS = {
    "view(m, [24])": "reshape",
    "torch.cat([m, m])": "concat",
    "bce_loss(m, m)": "binary_cross_entropy",
    "mse(m, m)": "mse_loss",
    "nn.Linear(m, 3)": "linear",
    "ReLU(m)": "relu",
    "MaxPool2d(img, 2)": "max_pool2d",
    "BatchNorm2d(img)": "batch_norm",
    "SGD(m)": "sgd",
    "softmax(m, dim=1)": "axis",
    "sum(m, dim=1)": "axis",
    "sum(m, axis=1, keepdim=true)": "keepdims",
    "conv2d(img, 4, kernel_size=3)": "kernel",
    "mse_los(m, m)": "mse_loss",
}


def helped(call: str) -> str | None:
    with pytest.raises(GraphflowError) as caught:
        gf.loads(FILE.format(call=call))
    return caught.value.diagnostics[0].help


@pytest.mark.parametrize("call", SPELLINGS)
def test_what_another_library_calls_it_is_translated(call):
    assert f"did you mean '{SPELLINGS[call]}'" in helped(call)


def test_every_translation_leads_to_something():
    arguments = {a.name for block in BLOCKS.values() for a in block.args}
    known = {*OPS, *BLOCKS, *arguments, "gradient"}
    assert set(ELSEWHERE.values()) <= known
    assert not ELSEWHERE.keys() & known


def test_an_input_size_is_left_out():
    assert "leave it out" in helped("linear(m, 3, in_features=6)")


LABELS = """graphflow: 1
name: labels
inputs: {{s: {{shape: [3, 4]}}, y: {{shape: [3], dtype: int}}, v: {{shape: [4]}}}}
nodes:
  out: {call}
outputs: [out]
"""
BY_LABEL = [
    "cross_entropy(s, y)",
    "cross_entropy(s, y, weight=v)",
    "cross_entropy(s, y, label_smoothing=0.1)",
    "cross_entropy(s, y, ignore_index=-2)",
    "multi_margin_loss(s, y)",
    "sum(embedding(y, 4, 2))",
    "sum(embedding(y, weight=s))",
    "top_k_accuracy(s, y, k=2)",
]
SCORES = np.arange(12, dtype=np.float32).reshape(3, 4)


def answer(call: str, labels: list[int], wrt: tuple[str, ...] = ()) -> gf.Result:
    program = gf.loads(LABELS.format(call=call)).compile(of="out", wrt=list(wrt))
    return program({"s": SCORES, "y": np.array(labels), "v": np.ones(4, np.float32)})


@pytest.mark.parametrize("call", BY_LABEL)
def test_a_negative_label_or_token_is_refused_not_counted_from_the_end(call):
    assert answer(call, [0, 2, 1])
    with pytest.raises(GraphflowError) as caught:
        answer(call, [0, 2, -1])
    (found,) = caught.value.diagnostics
    assert found.code == "GF080" and "position -1 is out of range" in found.message


def test_gradients_refuse_negative_labels_too():
    with pytest.raises(GraphflowError, match="position -1"):
        answer("cross_entropy(s, y)", [0, -1, 2], wrt=("s",))


def test_an_ignored_label_may_be_negative():
    kept = answer("cross_entropy(s, y, ignore_index=-1)", [0, 2, -1], wrt=("s",))
    log_p = SCORES[0] - np.log(np.exp(SCORES[0]).sum())  # every row has the same differences
    assert kept.values["out"] == pytest.approx(-(log_p[0] + log_p[2]) / 2, rel=1e-5)
    assert not kept.gradients["s"][2].any()


def test_an_index_may_still_count_from_the_end():
    assert answer("sum(take(v, y))", [0, -1, 2]).values["out"] == 3
    assert answer("sum(v[y])", [0, -1, 2]).values["out"] == 3
