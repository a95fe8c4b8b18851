"""What is said about steps: sentences, formulas, chain rule, values."""

from __future__ import annotations

import pytest

from graphflow.ops import OPS
from graphflow.view.details.sentences import VERBS
from graphflow.view.study import Study
from graphflow.view.workspace import Workspace

HEAD = "graphflow: 1\nname: t\n"


def study(text: str, of: str = "") -> Study:
    return Study(Workspace(text=HEAD + text, of=of))


def details(made: Study) -> dict:
    return {step.node: made.detail(step.index) for step in made.steps}


@pytest.fixture(scope="module")
def xyz():
    return details(Study(Workspace(graph="xyz")))


def test_the_smallest_graph_reads_as_one_would_write_it(xyz):
    q, f = xyz["q"], xyz["f"]
    assert (q.formula, q.numbers) == ("q = x + y", "q = -2 + 5 = 3")
    assert f.numbers == r"f = 3 \cdot \left(-4\right) = -12"
    assert q.sentence == "Adds the input y to the input x."
    assert (f.source, f.flops, f.bytes) == ("f: q * z", 1, 8)
    assert [s.text for s in f.operands] == ["3", "-4"] and f.value[0].text == "-12"


def test_a_contribution_is_upstream_times_local(xyz):
    chain = xyz["z.grad"].chain
    assert chain.numbers == r"1 \cdot 3 = 3"
    assert chain.local_formula == r"\frac{\partial f}{\partial z} = q"
    assert chain.equation == (
        r"\frac{\partial f}{\partial z} = \frac{\partial f}{\partial f} \cdot "
        r"\frac{\partial f}{\partial z}"
    )
    assert (chain.upstream.text, chain.local.text, chain.contribution.text) == ("1", "3", "3")
    assert (chain.kind, chain.twin, chain.operand, chain.total) == ("product", "f", "z", None)


def test_a_fan_out_lists_all_parts_and_adds_them_up():
    # y = x^2 + 3 x at x = 2: 2 from each factor, 3 from the product; 7 together
    made = details(study("inputs: {x: scalar}\nnodes: {y: x * x + 3 * x}\n"
                         "check: [{about: a, feed: {x: 2}, expect: {y: 10}}]\n"))  # fmt: skip
    chains = [d.chain for d in made.values() if d.chain and d.chain.operand == "x"]
    products = [c for c in chains if c.kind == "product"]
    assert [c.contribution.text for c in products] == ["3", "2", "2"]
    assert [c.total.text for c in products] == ["3", "5", "7"]
    assert all(len(c.parts) == 3 for c in chains) and [c.part for c in products] == [0, 1, 2]
    sums = [c for c in chains if c.kind == "sum"]
    assert [c.numbers for c in sums] == ["3 + 2 = 5", "5 + 2 = 7"]
    assert sums[-1].equation.startswith(r"\frac{\partial y}{\partial x} = ")


def test_a_matrix_product_shows_its_rule_and_shapes():
    made = details(study(
        "inputs: {x: {shape: [2, 3]}}\nparams: {W: {shape: [3, 2], init: 'full(1)'}}\n"
        "nodes: {z: x @ W, f: sum(z)}\n"
        "check: [{about: a, feed: {x: [[1, 2, 3], [4, 5, 6]]}, expect: {f: 42}}]\n"
    ))  # fmt: skip
    chain = made["W.grad"].chain
    assert chain.kind == "rule" and chain.local is None
    assert chain.local_formula == r"\overline{W} = x^T\,\overline{z}"
    assert chain.shapes == r"2 \times 2 \to 3 \times 2"
    assert made["z"].numbers == (
        r"z = \begin{pmatrix} 1 & 2 & 3 \\ 4 & 5 & 6 \end{pmatrix}\,"
        r"\begin{pmatrix} 1 & 1 \\ 1 & 1 \\ 1 & 1 \end{pmatrix} = "
        r"\begin{pmatrix} 6 & 6 \\ 15 & 15 \end{pmatrix}"
    )
    assert made["z"].sentence == (
        "Multiplies the input x (2x3) and the parameter W (3x2) as matrices; the result is 2x2."
    )


@pytest.mark.parametrize(
    ("shape", "meets"), [("[3]", "every row of"), ("[2, 1]", "every column of"),
                         ("[]", "every number of")],
)  # fmt: skip
def test_a_sentence_says_what_broadcasting_repeats(shape, meets):
    made = details(study("inputs: {x: {shape: [2, 3]}}\n"
                         f"params: {{b: {{shape: {shape}, init: zeros}}}}\n"
                         "nodes: {z: x + b, f: sum(z)}\ncheck: [{about: a, feed: {x: "
                         "[[1, 2, 3], [4, 5, 6]]}, expect: {f: 21}}]\n"))  # fmt: skip
    assert f"to {meets} the input x (2x3)" in made["z"].sentence


def test_brackets_stand_only_where_they_are_needed():
    text = ("inputs: {x: scalar}\nnodes: {a: x - 1, b: -a, d: b ** 2}\n"
            "check: [{about: a, feed: {x: 3}, expect: {d: 4}}]\n")  # fmt: skip
    made = details(study(text, of="d"))
    assert made["d"].numbers == r"d = \left(-2\right)^{2} = 4"
    assert made["b"].numbers == "b = -2"


def test_names_lose_the_path_they_share():
    made = details(Study(Workspace(graph="softmax_regression")))
    detail = made["scores.z"] if "scores.z" in made else made["scores"]
    assert "scores." not in detail.formula.replace(r"\text{scores.", "", 0) or not detail.path


def test_sentences_are_about_operators_that_exist():
    assert VERBS.keys() <= OPS.keys()
