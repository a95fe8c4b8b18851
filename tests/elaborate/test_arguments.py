"""Wrong arguments: each is refused at its own place, with what to write instead."""

from __future__ import annotations

import pytest

import graphflow as gf
from graphflow.diagnostics import Diagnostic

HEAD = "graphflow: 1\nname: t\n"
LINE = """inputs:
  v: {shape: [B, 5]}
  t: {shape: [B], dtype: int}
  s: scalar
nodes:
  y: %s
outputs: [y]
"""


def refused(call: str, head: str = LINE) -> Diagnostic:
    """The one thing that is wrong with a file of one line."""
    with pytest.raises(gf.GraphflowError) as caught:
        gf.loads(HEAD + head % call)
    (found,) = caught.value.diagnostics
    return found


def type_of(call: str) -> str:
    graph = gf.loads(HEAD + LINE % call).graph
    return str(graph.nodes[graph.outputs[0]].type)


# What is said, the help, and the text at the place.
KINDS = {
    "zeros(3, 4)": ("'dtype' of zeros", "the shape is a list: zeros([3, 4])", "4"),
    "ones(B, 4)": ("'dtype' of ones", "the shape is a list: ones([B, 4])", "4"),
    "zeros(3, 4, 5)": ("zeros takes 2 arguments", "zeros([3, 4, 5])", "5"),
    "full([2], 1, 3)": ("'dtype' of full is a number type", "", "3"),
    "arange(0, 5, 1, 2)": ("'dtype' of arange is a number type", "", "2"),
    "one_hot(t, 5, 3)": ("'dtype' of one_hot is a number type", "", "3"),
    "eye(2, 2, 0, 7)": ("'dtype' of eye is a number type such as int64, not 7", "", "7"),
    "linspace(0, 1, 5, true, 3)": ("'dtype' of linspace is a number type", "", "3"),
    "zeros([3], dtype='float32')": ("not 'float32'", "write float32 without quotes", "dtype"),
    "linspace(0, 1, 5, 3)": ("'endpoint' of linspace is true or false, not 3", "", "3"),
    "sum(v, 0, 1)": ("'keepdims' of sum", "several axes are a list: sum(v, [0, 1])", "1"),
    "uniform(0, 1, [3], 2)": ("'high' of uniform is a number, not [3]", "", "[3]"),
    "topk(v, 2.5)": ("'k' of topk is an integer, not 2.5", "", "2.5"),
    "reshape(v, 5, B)": ("reshape takes 2 arguments", "reshape(v, [5, B])", "B"),
    "transpose(v, 1, 0)": ("transpose takes 2", "the axes are a list: transpose(v, [1, 0])", "0"),
    "stack(v, v, 1)": ("stack joins tensors", "write axis=1: stack(v, v, axis=1)", "1"),
    "concat(v, v, 1)": ("and 1 is a number", "write axis=1: concat(v, v, axis=1)", "1"),
}


@pytest.mark.parametrize("call", KINDS)
def test_an_attribute_of_the_wrong_kind_is_refused_at_its_place(call: str) -> None:
    message, help, place = KINDS[call]
    found = refused(call)
    assert message in found.message
    assert help in (found.help or "")
    assert found.mark is not None and found.mark.line == 8
    assert (HEAD + LINE % call).splitlines()[7][found.mark.column - 1 :].startswith(place)


def test_a_list_of_tensors_may_be_followed_by_the_axis() -> None:
    assert type_of("concat([v, v], 1)") == "float[B, 10]"
    assert type_of("stack([v, v], 1)") == "float[B, 2, 5]"
    assert type_of("concat([1, 2], [3])") == "int64[3]"
    assert type_of("stack(s, 1)") == "float[2]"


NAMED = """blocks:
  conv:
    args: [out_channels, kernel=3, '*', stride=1, padding]
    inputs: [x]
    nodes:
      y: conv1d(x, out_channels, kernel, stride=stride, padding=padding)
    outputs: [y]
"""
CONV = NAMED + "inputs: {x: {shape: [2, 3, 9]}}\nnodes: {y: '%s'}\noutputs: [y]\n"


def test_arguments_behind_a_star_are_given_by_name() -> None:
    graph = gf.loads(HEAD + CONV % "conv(x, 4, 3, padding=1, stride=2)").graph
    assert str(graph.nodes[graph.outputs[0]].type) == "float[2, 4, 5]"
    found = refused("conv(x, 3, 4, 3, 1)", CONV)
    assert found.message == "'stride' of conv is given by name"
    assert found.help == (
        "write conv(x, 3, 4, stride=3, padding=1); the input's channels are inferred"
    )
    assert found.mark is not None and found.mark.line == 11
    assert refused("conv(x, 3)", CONV).help == (
        "its arguments are conv(x, out_channels, kernel, *, stride, padding)"
    )


def test_an_instance_takes_what_is_behind_a_star_by_name_too() -> None:
    layer = NAMED + "inputs: {x: {shape: [2, 3, 9]}}\nlayers: {c: '%s'}\nnodes: {y: c(x)}\n"
    assert gf.loads(HEAD + layer % "conv(4, 3, padding=1)").graph.nodes
    assert refused("conv(3, 4, 3)", layer).message == "'stride' of conv is given by name"
    assert "takes 3 arguments, 4 were given" in refused("prelu(1, 2, 3, 4)", layer).message


ELSEWHERE = {
    "detach(v)": "did you mean 'stop_gradient'?",
    "randn([2])": "did you mean 'normal'?",
    "rand([2])": "did you mean 'uniform'?",
    "chunk(v, 5)": "did you mean 'split'?",
    "transformer_encoder_layer(ones([1, 2, 4]), 2, 8, src_key_padding_mask=v)": "'valid_lens'",
    "v.T": "write transpose(v)",
    "v.float()": "write cast(v, float32)",
    "v.to(float32)": "write cast(v, float32)",
    "v.detach()": "write stop_gradient(v)",
    "v.foo": "what is done with it is a function, f(v)",
    "linear(v, 3, activation='relu')": "write relu without quotes",
}


@pytest.mark.parametrize("call", ELSEWHERE)
def test_words_of_other_libraries_are_known(call: str) -> None:
    found = refused(call)
    assert ELSEWHERE[call] in (found.help or "")
    assert found.mark is not None and found.mark.line == 8


@pytest.mark.parametrize("call", ["lstm(ones([2, 3, 4]), 8)", "topk(v, 2)", "none"])
def test_an_output_that_is_not_one_value_is_refused_where_it_is_named(call: str) -> None:
    mark = refused(call).mark
    assert mark is not None and (mark.line, mark.column) == (9, 11)


def test_var_and_std_take_their_arguments_in_one_order() -> None:
    assert type_of("var(v, 0, true, 1)") == type_of("std(v, 0, true, 1)") == "float[1, 5]"


def test_an_open_size_that_a_first_value_needs_is_named_once() -> None:
    found = refused("linear(transpose(v), 2)")
    assert found.message.startswith("'low' of uniform is computed from the open size B")
    assert found.help is not None and "a number in place of B under 'inputs'" in found.help
    assert "graphflow data" in found.help
    assert found.mark is not None and found.mark.line == 8
    assert "'y.weight' is float[2, B]" in [note.message for note in found.notes]


def test_what_waits_for_a_size_says_that_a_size_will_do() -> None:
    model = gf.loads(HEAD + LINE % "layer_norm(transpose(v))")
    with pytest.raises(gf.GraphflowError, match="GF066") as caught:
        print(model.parameters["y.weight"])
    assert "write a number in place of B under 'inputs'" in (caught.value.diagnostics[0].help or "")


STARTS = """blocks:
  b:
    args: [h_init]
    inputs: [x]
    nodes: {y: x + h_init}
    outputs: [y]
inputs: {x: {shape: [3]}}
nodes:
  y: %s
outputs: [y]
"""


@pytest.mark.parametrize(
    ("call", "help"),
    [
        ("b(x, h_init=zeros([3]))", "waits for the parameter it fills: rename it"),
        ("linear(x, 3, true, none, true, normal(std=0.1))", "given by name: weight_init="),
    ],
)
def test_what_an_argument_called_init_means_is_said(call: str, help: str) -> None:
    assert help in (refused(call, STARTS).help or "")
