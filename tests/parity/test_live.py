"""graphflow against PyTorch, entry by entry. Runs where the ``parity`` extra is installed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.parity import our_run, torch_run
from tests.parity.cases import CASES, RECORDS, RTOL, TRAINED, Array
from tests.parity.make_records import record

pytestmark = pytest.mark.parity


def error(ours: Array, theirs: Array) -> float:
    """The largest difference of two arrays, in units of the largest entry of the second."""
    assert ours.shape == theirs.shape
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def differing(ours: dict[str, Array], theirs: dict[str, Array]) -> dict[str, float]:
    """By our name, the errors beyond RTOL of arrays that stand at the same place."""
    pairs = zip(ours.items(), theirs.values(), strict=True)
    errors = {name: error(value, expected) for (name, value), expected in pairs}
    return {name: e for name, e in errors.items() if not e <= RTOL}


@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients(name):
    case = CASES[name]
    for ours, theirs in zip(our_run.compare(case), torch_run.compare(case), strict=True):
        assert differing(ours.values, {key: theirs.values[key] for key in ours.values}) == {}
        for loss, gradients in ours.gradients.items():
            assert differing(gradients, theirs.gradients[loss]) == {}


@pytest.mark.parametrize("name", TRAINED)
def test_training(name):
    assert differing(our_run.train(CASES[name]), torch_run.train(CASES[name])) == {}


@pytest.mark.parametrize("name", CASES)
def test_records_are_what_pytorch_gives(name):
    def numbers(value: object) -> list[float]:
        if isinstance(value, dict):
            return [n for key, v in value.items() if key != "torch" for n in numbers(v)]
        if isinstance(value, list):
            return [n for v in value for n in numbers(v)]
        return [value] if isinstance(value, float) else []

    kept = json.loads((RECORDS / f"{name}.json").read_text(encoding="utf-8"))
    np.testing.assert_allclose(numbers(record(CASES[name])), numbers(kept), rtol=1e-7, atol=1e-12)
