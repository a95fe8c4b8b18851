"""Files as a student would write them, with the numbers that the book prints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import graphflow as gf
from graphflow.training.checks import run_checks

FILES = sorted((Path(__file__).parent.parent / "examples" / "arrays").glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_the_printed_numbers_come_out(path: Path) -> None:
    results = list(run_checks(gf.load(path)))
    assert results
    assert [r.message() for r in results if not r.passed] == []


def evaluated(*lines: str) -> dict[str, np.ndarray]:
    """The values of lines that depend on nothing."""
    names = [line.split(":")[0] for line in lines]
    text = "graphflow: 1\nname: lines\nnodes:\n" + "".join(f"  {line}\n" for line in lines)
    program = gf.loads(f"{text}outputs: [{', '.join(names)}]").compile(dtype="float64")
    return dict(program({}).values)


PRINTED = [
    # Dive into Deep Learning 2.1 to 2.4
    ("exp(arange(12.0))[-1]", 59874.1417151978),
    ("stack([[1.0, 2, 4, 8], [2.0, 2, 2, 2]])[0] ** 2", [1, 4, 16, 64]),
    ("arange(3)[:, None] + arange(2)[None, :]", [[0, 1], [1, 2], [2, 3]]),
    ("cumsum(reshape(arange(6.0), [2, 3]), axis=0)", [[0, 1, 2], [3, 5, 7]]),
    ("mean(reshape(arange(6.0), [2, 3]), axis=0)", [1.5, 2.5, 3.5]),
    ("dot(arange(3.0), ones(3))", 3),
    ("norm(stack([3.0, -4.0]))", 5),
    ("norm(stack([3.0, -4.0]), 1)", 7),
    ("norm(ones([4, 9]), 'fro')", 6),
    # 4.1, 4.4: rows and columns, the picked probabilities, their cross entropy
    ("sum(stack([[1.0, 2, 3], [4.0, 5, 6]]), axis=0, keepdims=true)", [[5, 7, 9]]),
    ("-mean(log(gather(stack([[0.1, 0.3, 0.6], [0.3, 0.2, 0.5]]), [[0], [2]], axis=1)))", 1.4979),
    # 9.5: one-hot
    ("one_hot([0, 2], 5)", [[1, 0, 0, 0, 0], [0, 0, 1, 0, 0]]),
    # 22.1: the angle, det, einsum
    (
        "acos(dot(stack([0.0, 1, 2]), stack([2.0, 3, 4])) / (norm(stack([0.0, 1, 2]))"
        " * norm(stack([2.0, 3, 4]))))",
        0.4190,
    ),
    ("det(stack([[1.0, -1], [2.0, 3]]))", 5),
    ("trace(stack([[1.0, -1], [2.0, 3]]))", 4),
    # 22.11: bits of a card, of 13 hearts, of one in 52, of a shuffled deck
    ("-log2(stack([1.0, 0.25, 1 / 52]))", [0, 2, 5.7]),
    ("lgamma(stack([53.0]))[0] / log(2)", 225.6),
]


@pytest.mark.parametrize(("expression", "value"), PRINTED)
def test_a_printed_number(expression: str, value: object) -> None:
    digits = 5e-5 if "acos" in expression or "gather" in expression else 0.05
    found = evaluated(f"y: {expression}")["y"]
    np.testing.assert_allclose(found, value, rtol=1e-7, atol=digits)
