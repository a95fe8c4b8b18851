"""Routes as SVG paths."""

from __future__ import annotations

import re

from graphflow.view.layout import curve


def numbers(path: str) -> list[float]:
    return [float(text) for text in re.findall(r"-?[\d.]+", path)]


def test_a_straight_way_is_a_line():
    assert curve([(5, 0), (5, 20), (5, 40)]) == "M5 0L5 20L5 40"


def test_a_curve_leaves_and_arrives_in_the_direction_of_reading():
    assert curve([(0, 0), (30, 20)]) == "M0 0C0 10 30 10 30 20"
    assert curve([(0, 0), (30, 20)], "LR") == "M0 0C15 0 15 20 30 20"


def test_the_corners_of_a_way_back_are_round():
    path = curve([(0, 0), (0, 10), (50, 10), (50, -40)], back=True)
    assert path.count("Q") == 2
    assert numbers(path)[:2] == [0, 0]
    assert numbers(path)[-2:] == [50, -40]


def test_a_corner_is_rounded_within_half_of_a_short_line():
    path = curve([(0, 0), (0, 4), (50, 4)], back=True)
    assert path == "M0 0L0 2Q0 4 6 4L50 4"


def test_large_places_keep_their_digits():
    assert curve([(0, 0), (0, 1_234_567.8)]) == "M0 0L0 1234567.8"
