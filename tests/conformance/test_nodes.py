"""Every node case of ONNX's own suite: it passes, or stands in node_cases.yaml with its reason."""

from __future__ import annotations

import pytest

from graphflow.diagnostics import GraphflowError
from tests.conformance.cases import check, node_cases
from tests.conformance.lists import excluded

CHUNKS = 80
FLOOR = 1_480
"""How many cases pass at the least; may only be raised."""
EXCLUDED = excluded("node_cases.yaml")
RUN = ("random numbers are other ones here", "the expected value is the rounding error")
"""Beginnings of the reasons for which a case runs and gives other numbers; others are refused."""


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_cases_pass_or_are_listed(chunk: int) -> None:
    """What is refused is refused by a diagnostic, never by another exception."""
    wrong = []
    for name in list(node_cases())[chunk::CHUNKS]:
        try:
            check(node_cases()[name])
        except GraphflowError as error:
            if name not in EXCLUDED:
                wrong.append(f"{name} is refused: {error}")
        except AssertionError as error:
            if not EXCLUDED.get(name, "").startswith(RUN):
                wrong.append(f"{name} gives something else: {error}")
        else:
            if name in EXCLUDED:
                wrong.append(f"{name} passes now: take it from the list")
    assert not wrong, "\n".join(wrong)


def test_the_list_names_cases_that_exist() -> None:
    assert not EXCLUDED.keys() - node_cases().keys()


def test_the_floor_holds() -> None:
    assert len(node_cases()) - len(EXCLUDED) >= FLOOR
