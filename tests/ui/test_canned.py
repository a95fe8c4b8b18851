"""Every canned graph opens in Explore, steps to the end and back."""

import numpy as np
import pytest

from tests.canned import graphs
from tests.ui.explore_page import assert_good, opened, press, session

FEW = 2


@pytest.mark.parametrize("name", graphs())
def test_a_canned_graph_steps_to_its_end_and_back(name):
    page = opened(graph=name)
    assert_good(page)
    press(page, "last")
    assert_good(page)
    end = session(page).cursor
    assert end >= 0
    for _ in range(min(end, FEW)):
        press(page, "back")
        assert_good(page)
    press(page, "first")
    for _ in range(min(end, FEW)):
        press(page, "step")
        assert_good(page)
    assert session(page).cursor == min(end, FEW) - 1


@pytest.mark.slow
@pytest.mark.parametrize("name", graphs())
def test_sixty_steps_evenly_spread_or_all_of_fewer_are_shown_forward_and_back(name):
    page = opened(graph=name)
    press(page, "last")
    end = session(page).cursor
    chosen = np.unique(np.linspace(0, end, 60).round().astype(int)).tolist()
    for cursor in (*chosen, *reversed(chosen)):
        session(page).cursor = cursor
        page.run()
        assert_good(page)
        assert session(page).cursor == cursor
