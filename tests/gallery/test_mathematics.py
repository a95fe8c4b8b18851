"""What the graphs of mathematics claim: slopes, approximations, eigenvalues, areas."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from tests.gallery.training import values_of


def history(name: str, **overrides: object) -> dict[str, np.ndarray]:
    """The values that a run keeps, by name."""
    outcome = gf.run(gf.load(name, overrides))
    return {node: outcome.history[node].values for node in outcome.history}


def test_the_quotients_of_the_book_and_what_two_sides_gain():
    kept = history("finite_difference", **{"run.steps": 14})
    assert [f"{kept['to_the_right'][k]:.5f}" for k in (0, 2, 3, 4)] == [
        "25.11000", "8.00270", "8.00012", "8.00001"
    ]  # fmt: skip
    right, both = kept["error_right"], kept["error_both"]
    assert right.min() > 1e-8 and both.argmin() == 5 and both.min() < 2e-9
    assert right[13] > 1e-3 and both[13] > 1e-3


def test_halved_strips_halve_one_error_and_quarter_the_other():
    kept = history("riemann_sum")
    assert f"{kept['left'][0]:.10f}" == "0.7944855702"
    ratios = [error[:-1] / error[1:] for error in (kept["left_error"], kept["middle_error"])]
    np.testing.assert_allclose(ratios[0], 2, rtol=0.02)
    np.testing.assert_allclose(ratios[1], 4, rtol=0.02)


def test_a_map_grows_by_its_largest_eigenvalue_unless_that_is_a_pair():
    kept = history("iterated_map")
    assert kept["growth"][-1] == pytest.approx(kept["growth"][-2], abs=1e-12)
    assert kept["growth_rescaled"][-1] == pytest.approx(1, abs=1e-12)
    assert kept["length"][-1] > 1e30 and 0.1 < kept["length_rescaled"][-1] < 10
    swings = history("iterated_map", **{"run.seed": 0})["growth"][-10:]
    assert swings.max() - swings.min() > 1


def test_a_matrix_of_rank_two_has_two_factors_and_one_column_leaves_a_singular_value():
    X = np.array([[1, 2, 3], [2, 3, 4], [3, 4, 5], [4, 5, 6.0]])
    second = np.linalg.svd(X)[1][1]
    assert history("matrix_calculus")["loss"][-1] < 1e-6
    assert history("matrix_calculus", rank=1)["loss"][-1] == pytest.approx(second**2, rel=1e-4)


def test_descents_end_on_their_side_of_the_hill():
    ends = history("critical_points")["x"][-1]
    np.testing.assert_allclose(ends, [-1] * 4 + [0] + [2] * 6, atol=1e-6)


@pytest.mark.parametrize("at", [(-2, 1, 0.5, 3), (0.3, -1, 2, 0.1)])
def test_the_chain_of_squares_by_hand_is_what_backpropagation_finds(at):
    model = gf.load("backprop_chain")
    feed = dict(zip("wxyz", map(float, at), strict=True))
    nodes = ("forward", "backward", "by_hand")
    forward, backward, by_hand = values_of(model, *nodes, dtype="float64", **feed)
    np.testing.assert_allclose(by_hand, backward, rtol=1e-12)
    assert forward == pytest.approx(backward[0], rel=1e-12)


def test_the_parabola_of_the_surface_is_the_text_s_and_not_the_code_s():
    x, y = -0.9, 0.1
    (quadratic,) = values_of("hessian_quadratic", "quadratic", dtype="float64")
    text = np.exp(-1) * (-1 - (x + 1) + (x + 1) ** 2 + y**2)
    code = np.exp(-1) * (-1 - (x + 1) + 2 * (x + 1) ** 2 + 2 * y**2)
    assert quadratic == pytest.approx(text, rel=1e-6) and abs(quadratic - code) > 0.005


def test_a_parabola_is_closer_to_the_sine_than_a_tangent_except_at_zero():
    line, parabola = values_of("sine_approximations", "line_off", "parabola_off", dtype="float64")
    assert np.all(parabola[[0, 2]] < line[[0, 2]] / 10) and parabola[1] == line[1]


def test_the_bend_of_the_zoomed_curve():
    (bend,) = values_of("zoom_sin_xx", "bend", dtype="float64")
    np.testing.assert_allclose(bend, [6.14, 1.78, 0.00136], rtol=0.01)


def test_eigenvalues_stay_in_their_discs():
    low, high, found = values_of("gershgorin", "low", "high", "eigenvalues", dtype="float64")
    assert np.all(low < found) and np.all(found < high)
    assert [f"{value:.2f}" for value in found] == ["0.99", "2.97", "4.95", "9.08"]
    (grown,) = values_of("gershgorin", "grown")
    assert grown[-1, 0] < grown[0, 0] - 0.1 and grown[-1, 3] > grown[0, 3] + 1
