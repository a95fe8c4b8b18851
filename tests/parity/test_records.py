"""graphflow against the numbers that PyTorch gave, without PyTorch."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest

import graphflow as gf
from tests.parity import our_run
from tests.parity.cases import (
    CASES,
    EXAMPLES,
    RECORDS,
    RTOL,
    TRAINED,
    Array,
    Case,
    Outcome,
    Summary,
    summary,
)

cases = pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))


def recorded(case: Case) -> dict:
    return json.loads((RECORDS / f"{case.name}.json").read_text(encoding="utf-8"))


@cache
def outcomes(name: str) -> list[Outcome]:
    return our_run.compare(CASES[name])


def differences(ours: dict[str, Array], theirs: list[Summary]) -> list[str]:
    """Arrays, by position, whose shape, norm or projections differ beyond RTOL of the norm."""
    found = []
    for (name, value), expected in zip(ours.items(), theirs, strict=True):
        got = summary(name, value)
        where = f"{name} against {expected['name']}"
        if got["shape"] != expected["shape"]:
            found.append(f"{where}: shape {got['shape']}, not {expected['shape']}")
            continue
        numbers = [got["norm"], *got["projections"]]
        error = np.abs(np.subtract(numbers, [expected["norm"], *expected["projections"]])).max()
        if not error <= RTOL * expected["norm"]:
            found.append(f"{where}: off by {error:.2g} at a norm of {expected['norm']:.6g}")
    return found


@cases
def test_losses(case):
    for ours, theirs in zip(outcomes(case.name), recorded(case)["batches"], strict=True):
        for loss, expected in theirs["losses"].items():
            assert float(ours.values[loss]) == pytest.approx(expected, rel=RTOL)


@cases
def test_values(case):
    for ours, theirs in zip(outcomes(case.name), recorded(case)["batches"], strict=True):
        chosen = {s["name"]: ours.values[s["name"]] for s in theirs["values"]}
        assert differences(chosen, theirs["values"]) == []


@cases
def test_every_gradient(case):
    for ours, theirs in zip(outcomes(case.name), recorded(case)["batches"], strict=True):
        for loss, expected in theirs["gradients"].items():
            assert differences(ours.gradients[loss], expected) == []


@pytest.mark.parametrize("name", TRAINED)
def test_parameters_after_some_steps_of_training(name):
    case = CASES[name]
    assert differences(our_run.train(case), recorded(case)["trained"]) == []


def test_a_summary_tells_arrays_apart():
    value = np.arange(6.0).reshape(2, 3)
    changed = value.copy()
    changed[1, 1], changed[1, 2] = changed[1, 2], changed[1, 1]  # the norm stays
    expected = [summary("g", value)]
    assert differences({"g": value}, expected) == []
    assert differences({"g": changed}, expected) != []
    assert differences({"g": value.T}, expected) != []
    assert differences({"g": value * np.nan}, expected) != []


@pytest.mark.parametrize(
    ("file", "count", "tensors"),
    [("c_resnet18.yaml", 11_689_512, 62), ("e_transformer.yaml", 63_045_632, 181)],
)
def test_full_size_models_have_the_published_number_of_parameters(file, count, tensors):
    leaves = gf.load(EXAMPLES / file).graph.leaves("parameter")
    assert (sum(leaf.tensor.size for leaf in leaves), len(leaves)) == (count, tensors)
