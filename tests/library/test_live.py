"""The library against PyTorch, entry by entry. Runs where the ``parity`` extra is installed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.library import our_run, torch_cases, torch_training
from tests.library.cases import CASES, RECORDS
from tests.library.make_records import records
from tests.library.training_cases import OPTIMIZERS, SCHEDULES

pytestmark = pytest.mark.parity


@pytest.mark.parametrize("name", CASES)
def test_a_call(name):
    for ours, theirs in zip(our_run.compare(CASES[name]), torch_cases.compare(CASES[name]),
                            strict=True):  # fmt: skip
        assert ours.keys() == theirs.keys()
        for key, expected in theirs.items():
            scale = max(float(np.abs(expected).max(initial=0)), 1e-9)
            np.testing.assert_allclose(ours[key], expected, rtol=0, atol=1e-9 * scale)


@pytest.mark.parametrize("call", OPTIMIZERS)
def test_an_optimizer(call):
    np.testing.assert_allclose(our_run.trained(call), torch_training.trained(call), rtol=1e-9)


@pytest.mark.parametrize("call", SCHEDULES)
def test_a_schedule(call):
    expected = torch_training.rates(call)
    np.testing.assert_allclose(our_run.rates(call), expected, rtol=1e-9, atol=1e-15)


def test_every_call_has_a_twin():
    assert set(CASES) == set(torch_cases.TORCH)
    assert {call.partition("(")[0] for call in OPTIMIZERS} == set(torch_training.CLASSES)
    assert set(SCHEDULES) == set(torch_training.SCHEDULES)


def test_records_are_what_pytorch_gives():
    def numbers(value: object) -> list[float]:
        if isinstance(value, dict):
            return [n for key, v in value.items() if key != "torch" for n in numbers(v)]
        if isinstance(value, list):
            return [n for v in value for n in numbers(v)]
        return [value] if isinstance(value, float) else []

    for name, content in records().items():
        kept = json.loads((RECORDS / f"{name}.json").read_text(encoding="utf-8"))
        np.testing.assert_allclose(numbers(content), numbers(kept), rtol=1e-7, atol=1e-12)
