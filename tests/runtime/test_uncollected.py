"""Plans are made while Python looks for no cycles of garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

import graphflow as gf
from graphflow.runtime import compile as compiling
from graphflow.runtime.uncollected import uncollected


@pytest.fixture(autouse=True)
def looking() -> Iterator[None]:
    gc.enable()
    yield
    gc.enable()


def test_it_looks_again_after_an_error():
    with pytest.raises(ValueError), uncollected():
        raise ValueError
    assert gc.isenabled()


def test_a_block_inside_another_leaves_the_end_to_that():
    with uncollected():
        with uncollected():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_who_has_turned_it_off_finds_it_off():
    gc.disable()
    with uncollected():
        pass
    assert not gc.isenabled()


def test_a_plan_is_made_inside_and_runs_outside(monkeypatch: pytest.MonkeyPatch):
    seen, make = [], compiling.laid_out

    def noted(*given: object, **how: object) -> object:
        seen.append(gc.isenabled())
        return make(*given, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(compiling, "laid_out", noted)
    program = gf.loads("{graphflow: 1, name: f, inputs: {x: [B]}, nodes: {y: 2 * x}}").compile("y")
    program({"x": [1.0]})
    assert seen == [False]
    assert gc.isenabled()
