from __future__ import annotations

from graphflow import gallery
from graphflow.view.cards import Card, cards, matching, sourced

CARDS = cards()


def card(name: str, *sources: str) -> Card:
    return Card(name, name, "topic", "about", sources, sources)


def test_there_is_a_card_for_every_canned_graph_and_the_smallest_begins():
    entries = gallery.list_graphs()
    assert {c.name for c in CARDS} == {entry.name for entry in entries}
    assert [c.topic for c in CARDS] == [entry.topic for entry in entries]
    backprop = [c.name for c in CARDS if c.topic == "backprop"]
    assert backprop[0] == "xyz" and "sigmoid_neuron" in backprop
    assert all(c.title and c.about and c.sources for c in CARDS)


def test_a_title_is_the_file_s_own():
    titles = {c.name: c.title for c in CARDS}
    assert titles["xyz"] == "f = (x + y) * z"


def test_every_word_must_be_found_in_whatever_part_and_case():
    assert "resnet18" in {c.name for c in matching(CARDS, "RESNET")}
    found = {c.name for c in matching(CARDS, "12.6 momentum")}
    assert {"gd_2d", "momentum_2d", "optimizers_2d"} <= found and "gd_1d" not in found
    assert matching(CARDS, "no such word anywhere") == ()
    assert len(matching(CARDS, "  ")) == len(CARDS)


def test_sections_are_ordered_as_numbers_and_articles_come_last():
    found = [card("a", "Author 2014", "Book 12.3"), card("b", "Book 7.6"), card("c", "Book 12.10"),
             card("d", "Book A.2")]  # fmt: skip
    assert [(s, c.name) for s, c in sourced(found)] == [
        ("Book 7.6", "b"), ("Book 12.3", "a"), ("Book 12.10", "c"), ("Book A.2", "d"),
        ("Author 2014", "a"),
    ]  # fmt: skip


def test_a_card_stands_once_under_each_section():
    under = [section for section, found in sourced(CARDS) if found.name == "sgd_2d"]
    assert under == ["Dive into Deep Learning 12.4"]
