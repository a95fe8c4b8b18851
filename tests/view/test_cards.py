from __future__ import annotations

from graphflow import gallery
from graphflow.view.cards import Card, cards, matching, sourced


def card(name: str, *sources: str) -> Card:
    return Card(name, name, "topic", "about", sources)


def test_there_is_a_card_for_every_canned_graph_and_the_smallest_begins():
    entries = gallery.list_graphs()
    assert {c.name for c in cards()} == {entry.name for entry in entries}
    assert [c.topic for c in cards()] == [entry.topic for entry in entries]
    assert [c.name for c in cards() if c.topic == "backprop"] == ["xyz", "sigmoid_neuron"]
    assert all(c.title and c.about and c.sources for c in cards())


def test_a_title_is_the_file_s_own():
    titles = {c.name: c.title for c in cards()}
    assert titles["xyz"] == "f = (x + y) * z"


def test_every_word_must_be_found_in_whatever_part_and_case():
    assert "resnet18" in {c.name for c in matching(cards(), "RESNET")}
    assert {c.name for c in matching(cards(), "12.6 momentum")} == {
        "gd_2d", "momentum_2d", "optimizers_2d",
    }
    assert matching(cards(), "no such word anywhere") == ()
    assert len(matching(cards(), "  ")) == len(cards())


def test_sections_are_ordered_as_numbers_and_articles_come_last():
    found = [card("a", "Author 2014", "Book 12.3"), card("b", "Book 7.6"), card("c", "Book 12.10")]
    assert [(s, c.name) for s, c in sourced(found)] == [
        ("Book 7.6", "b"), ("Book 12.3", "a"), ("Book 12.10", "c"), ("Author 2014", "a"),
    ]  # fmt: skip
