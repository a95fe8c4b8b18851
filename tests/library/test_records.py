"""The library against the numbers that PyTorch gave, without PyTorch."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest

from tests.library import our_run
from tests.library.cases import FAMILIES, RECORDS, Array
from tests.library.joint_cases import CASES, FITS
from tests.library.joint_cases import kept as kept_joint
from tests.library.small_training import path
from tests.library.training_cases import OPTIMIZERS, SCHEDULES, kept
from tests.parity.cases import Summary, summary

RTOL = 1e-9
CALLS = [pytest.param(f, c, id=c.name) for f, cases in FAMILIES.items() for c in cases]


@cache
def recorded(family: str) -> dict:
    return json.loads((RECORDS / f"{family}.json").read_text(encoding="utf-8"))


def differences(ours: dict[str, Array], theirs: list[Summary]) -> list[str]:
    """Names whose shape, norm or projections differ by more than RTOL of the norm."""
    found = []
    for (name, value), expected in zip(ours.items(), theirs, strict=True):
        got = summary(name, value)
        if got["name"] != expected["name"] or got["shape"] != expected["shape"]:
            found.append(f"{name} {got['shape']}: {expected['name']} {expected['shape']}")
            continue
        numbers = np.array([got["norm"], *got["projections"]])
        error = np.abs(numbers - [expected["norm"], *expected["projections"]]).max()
        if not error <= RTOL * max(expected["norm"], 1e-9):
            found.append(f"{name}: off by {error:.2g} at a norm of {expected['norm']:.6g}")
    return found


@pytest.mark.parametrize(("family", "case"), CALLS)
def test_a_call(family, case):
    values, gradients = our_run.compare(case)
    expected = recorded(family)[case.name]
    assert differences(values, expected["values"]) == []
    assert differences(gradients, expected["gradients"]) == []


@pytest.mark.parametrize("call", OPTIMIZERS)
def test_an_optimizer(call):
    for ours, theirs in zip(kept(our_run.trained(call)), recorded("optimizers")[call], strict=True):
        assert differences({"w": ours}, [theirs]) == []


@pytest.mark.parametrize(("call", "name"), CASES)
def test_an_optimizer_over_one_vector(call, name):
    fit = FITS[name]
    ours = kept_joint(path(fit.loss, call, fit.steps, fit.start, fit.feed))
    assert differences(ours, recorded("joint")[f"{call} {name}"]) == []


@pytest.mark.parametrize("call", SCHEDULES)
def test_a_schedule(call):
    assert our_run.rates(call) == pytest.approx(recorded("schedules")[call], rel=RTOL, abs=1e-15)


def test_a_difference_is_seen():
    value = np.arange(6.0).reshape(2, 3)
    changed = value.copy()
    changed[1, 1], changed[1, 2] = changed[1, 2], changed[1, 1]  # the norm stays
    assert differences({"g": value}, [summary("g", value)]) == []
    assert differences({"g": changed}, [summary("g", value)]) != []
