"""Every canned graph opens in Explore, steps to the end and back."""

import pytest

from tests.ui.explore_page import CANNED, SLOW, assert_good, opened, press, session


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in CANNED]
)
def test_a_canned_graph_steps_to_its_end_and_back(name):
    page = opened(graph=name)
    assert_good(page)
    press(page, "last")
    assert_good(page)
    end = session(page).cursor
    assert end >= 0
    for _ in range(min(end, 5)):
        press(page, "back")
        assert_good(page)
    press(page, "first")
    for _ in range(min(end, 5)):
        press(page, "step")
        assert_good(page)
    assert session(page).cursor == min(end, 5) - 1
