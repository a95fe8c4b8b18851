"""Every single-node case with float inputs: our vjp agrees with differences of ONNX's evaluator,
or the case stands in gradient_cases.yaml with its reason.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.conformance.cases import node_cases
from tests.conformance.gradients import NothingToDifferentiate, check_gradients
from tests.conformance.lists import excluded

CHUNKS = 60
FLOOR = 790
"""How many cases pass at the least; may only be raised."""
REFUSED, EXCLUDED = excluded("node_cases.yaml"), excluded("gradient_cases.yaml")
NOTHING = "no float output depends on a float input that is fed, or the case has several nodes"


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_gradients_agree_or_are_listed(chunk: int) -> None:
    wrong = []
    for name in list(node_cases())[chunk::CHUNKS]:
        if name in REFUSED or name in EXCLUDED:
            continue
        try:
            with np.errstate(all="ignore"):
                check_gradients(node_cases()[name])
        except NothingToDifferentiate as error:
            wrong.append(f"{name} belongs under '{NOTHING}': {error}")
        except AssertionError as error:
            wrong.append(f"{name} differs: {error}")
    assert not wrong, "\n".join(wrong)


def test_listed_cases_have_nothing_to_differentiate() -> None:
    """A case under that reason that could be checked must be taken from the list."""
    listed = [n for n, reason in EXCLUDED.items() if reason == NOTHING]
    for name in listed[:: max(1, len(listed) // 40)]:
        with pytest.raises(NothingToDifferentiate), np.errstate(all="ignore"):
            check_gradients(node_cases()[name])


def test_the_lists_name_cases_that_exist_and_do_not_overlap() -> None:
    assert not EXCLUDED.keys() - node_cases().keys()
    assert not EXCLUDED.keys() & REFUSED.keys()


def test_the_floor_holds() -> None:
    assert len(node_cases()) - len(REFUSED) - len(EXCLUDED) >= FLOOR
