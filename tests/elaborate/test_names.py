"""Names: each layer has its own parameters, and a name that is unknown is shown where it stands."""

from __future__ import annotations

import pytest

import graphflow as gf


def model(body: str) -> gf.Model:
    return gf.loads(f"graphflow: 1\nname: test\n{body}")


def test_layers_nested_at_one_place_own_their_parameters():
    text = """
graphflow: 1
name: nested
inputs: {x: {shape: [2, 5]}}
blocks:
  twice:
    args: [width]
    inputs: [x]
    params: {weight: {shape: [5], init: ones}}
    nodes:
      out: linear(tanh(linear(x * weight, width)), width)
    outputs: [out]
nodes:
  b: twice(linear(x, 5), 5)
"""
    names = [n for n in gf.loads(text).parameters if not n.endswith("bias")]
    assert names == ["b.linear.weight", "b.weight", "b.linear2.weight", "b.linear3.weight"]


def test_an_open_size_in_small_letters_is_answered_with_capitals():
    with pytest.raises(gf.GraphflowError) as caught:
        model("inputs: {x: {shape: [batch, 8]}}\nnodes: {y: x}\n")
    (found,) = caught.value.diagnostics
    assert found.message == "unknown name 'batch'" and found.help.endswith("a capital: 'Batch'")
    with pytest.raises(gf.GraphflowError, match="did you mean 'hidden'"):
        model("let: {hidden: 3}\ninputs: {x: {shape: [hiden, 8]}}\nnodes: {y: x}\n")


@pytest.mark.parametrize(
    ("sections", "place"),
    [
        ("nodes: {y: x}\noutputs: [y, hh]\n", (5, 14)),
        ("nodes: {y: x}\noutputs:\n  - y\n  - hh\n", (7, 5)),
        (
            "nodes: {y: x}\ntrain: {minimize: y, optimizer: sgd(lr=1), report: [hh]}\n",
            (5, 53),
        ),
    ],
)
def test_an_unknown_name_in_a_list_is_placed_at_its_word(sections: str, place: tuple[int, int]):
    with pytest.raises(gf.GraphflowError) as caught:
        model(f"params: {{x: {{shape: scalar, init: ones}}}}\n{sections}")
    (found,) = caught.value.diagnostics
    assert (found.mark.line, found.mark.column) == place and "'hh'" in found.message


@pytest.mark.parametrize(
    ("lines", "help"),
    [
        ("h: 'gru(x, 4)', y: relu(h)", "write h.output or h.hidden"),
        ("y: 'relu(gru(x, 4))'", "give the call a line of its own, h: ..., and write h.output"),
    ],
)
def test_several_values_where_one_is_needed_are_named(lines: str, help: str):
    with pytest.raises(gf.GraphflowError, match="not several values") as caught:
        model(f"inputs: {{x: {{shape: [5, B, 8]}}}}\nnodes: {{{lines}}}\n")
    assert help in (caught.value.diagnostics[0].help or "")


@pytest.mark.parametrize("given", ["None", "'half'", "[0.5]"])
def test_a_requirement_does_not_hold_of_what_has_no_size(given: str):
    with pytest.raises(gf.GraphflowError, match="GF030: p is a probability, not"):
        model(f"inputs: {{x: {{shape: [3]}}}}\nnodes:\n  y: dropout(x, {given})\n")


def test_a_declaration_named_like_a_function_is_refused_at_its_place():
    text = "graphflow: 1\nname: t\ninputs: {max: {shape: [2]}}\nnodes: {y: max * 2}\n"
    with pytest.raises(gf.GraphflowError) as caught:
        gf.loads(text)
    (found,) = caught.value.diagnostics
    assert found.code == "GF024" and found.mark is not None and found.mark.line == 3


def test_a_line_that_refers_to_itself_is_told_of_the_state():
    body = (
        "state: {v: {shape: scalar, init: zeros}}\n"
        "nodes: {v_next: 0.9 * v_next + 1}\nupdates: {v: v_next}\n"
    )
    with pytest.raises(gf.GraphflowError, match=r"refers to itself.*it is the state 'v'"):
        model(body)
    with pytest.raises(gf.GraphflowError, match=r"refers to itself.*under state:"):
        model("nodes: {a: a + 1}\n")


@pytest.mark.parametrize(
    "body",
    [
        "state: {s: {shape: scalar, init: 0}}\nnodes: {y: s + x}\nupdates: {s: s + x}\n",
        "nodes:\n  y: {scan: {steps: 2}, carry: {h: 0.0}, nodes: {g: h + x}, next: {h: g}}\n",
    ],
)
def test_what_no_line_names_has_a_name_that_the_long_form_can_hold(body: str):
    once = model("inputs: {x: {shape: scalar, dtype: float64, default: 1}}\n" + body)
    assert gf.loads(once.expanded()).expanded() == once.expanded()
