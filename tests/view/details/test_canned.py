"""Steps of all canned graphs can be told, and their formulas can be set."""

from __future__ import annotations

import re

import numpy as np
import pytest

import graphflow as gf
from graphflow.view.study import Study
from graphflow.view.workspace import Workspace
from tests.canned import graphs
from tests.view.details.plain import as_json

COMMANDS = set(
    re.findall(
        r"\S+",
        r"""frac partial overline text cdot odot sum max min ln sigma operatorname mathbf begin end
        left right times to infty Big sqrt ne tfrac leftarrow mathcal dots arg lfloor rfloor bmod
        land lor lnot exists forall le ge prod star cos sin arcsin tanh cosh arccos det Gamma pi
        _ \ , { } # % &""",
    )
)
"""KaTeX has them."""


@pytest.mark.parametrize("name", graphs())
def test_every_step_of_a_canned_graph_can_be_told(name):
    try:
        made = Study(Workspace(graph=name))
    except gf.GraphflowError as error:
        pytest.skip(str(error))
    for index in sampled(len(made.steps)):
        detail = made.detail(index)
        as_json(detail)
        assert detail.sentence.endswith(".") and detail.about and detail.value
        for latex in (detail.formula, detail.numbers, *of_chain(detail.chain)):
            assert_balanced(latex)


def sampled(count: int, at_most: int = 60) -> list[int]:
    return sorted({round(i) for i in np.linspace(0, count - 1, min(count, at_most))})


def of_chain(chain):
    return (chain.equation, chain.numbers, chain.local_formula, chain.shapes) if chain else ()


def assert_balanced(latex: str) -> None:
    """Brackets close, and every command is one that KaTeX has (all of COMMANDS were rendered)."""
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", latex):
        depth += 1 if brace == "{" else -1
        assert depth >= 0, latex
    assert depth == 0, latex
    assert latex.count(r"\left") - latex.count(r"\leftarrow") == latex.count(r"\right"), latex
    assert set(re.findall(r"\\([A-Za-z]+|.)", latex)) <= COMMANDS, latex
    assert "$" not in latex.replace(r"\$", "")
