"""Made ratings: what came before, what was never rated, what is held back."""

from __future__ import annotations

import numpy as np
import pytest

from graphflow.data import load
from graphflow.diagnostics import GraphflowError


def test_everyone_sees_each_film_at_most_once_in_the_order_of_time():
    data = load("made_ratings", users=20, items=30, each=10)
    user, item = data.columns["user"], data.columns["item"]
    assert len(np.unique(user * 30 + item)) == 200
    assert set(np.unique(data.columns["rating"])) <= {1, 2, 3, 4, 5}
    np.testing.assert_array_equal(data.columns["time"][:10], np.arange(10))


def test_what_came_before_and_what_was_never_rated():
    plain = load("made_ratings", users=20, items=30, each=10).columns
    data = load("made_ratings", users=20, items=30, each=10, history=3, others=5, test="last")
    first = data.columns["user"] == 0
    mine = plain["item"][plain["user"] == 0]
    np.testing.assert_array_equal(data.columns["item"][first], mine[3:])
    np.testing.assert_array_equal(data.columns["history"][first][0], mine[:3])
    np.testing.assert_array_equal(data.columns["history"][first][-1], mine[6:9])
    others = data.columns["others"][first]
    assert not np.isin(others, mine).any() and all(len(set(row)) == 5 for row in others)
    assert len(data.splits["test"]) == 20 and len(data.splits["train"]) == 120
    assert data.columns["item"][data.splits["test"]][0] == mine[-1]


def test_a_matrix_holds_all_ratings_once():
    rows = load("made_ratings", users=20, items=30, each=10).columns
    grids = load("made_ratings", users=20, items=30, each=10, matrix=True, test="last").columns
    whole = np.zeros((30, 20))
    whole[rows["item"], rows["user"]] = rows["rating"]
    np.testing.assert_array_equal(grids["known"] + grids["held_out"], whole)
    assert ((grids["held_out"] > 0).sum(axis=0) == 1).all()


def test_who_leaves_too_little_is_told():
    with pytest.raises(GraphflowError, match="unrated, not 25"):
        load("made_ratings", users=20, items=30, each=10, others=25)
    with pytest.raises(GraphflowError, match="leave some out"):
        load("made_ratings", users=2, items=5, each=5)


@pytest.mark.parametrize("option", ["history", "others"])
def test_a_matrix_has_no_rows_to_add_to(option):
    with pytest.raises(GraphflowError, match="no rows for 'history' and 'others'"):
        load("made_ratings", users=20, items=30, each=10, matrix=True, **{option: 3})
