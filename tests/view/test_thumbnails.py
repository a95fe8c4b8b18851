from __future__ import annotations

from xml.etree import ElementTree

import pytest

from graphflow.api import load
from graphflow.view.thumbnails import parameters, thumbnail

MLP = 64 * 256 + 256 + 256 * 10 + 10


@pytest.mark.parametrize(("name", "count"), [("mlp_math", MLP), ("xyz", 0)])
def test_parameters_are_counted_as_numbers(name, count):
    assert parameters(load(name)) == count


def test_a_thumbnail_has_a_picture_for_light_and_dark_and_says_what_it_shows():
    made = thumbnail("xyz")
    for picture in (made.light, made.dark):
        words = set(ElementTree.fromstring(picture).itertext())
        assert {"x", "y", "z", "q", "f"} <= words
    assert made.nodes == 5 and "x, y" in made.text


def test_a_large_graph_is_drawn_without_words_that_nobody_could_read():
    assert "relu" not in thumbnail("transformer").light.replace("<desc>", "").split("</desc>")[1]
