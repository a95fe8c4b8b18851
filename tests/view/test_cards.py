from __future__ import annotations

from graphflow import gallery
from graphflow.view.cards import cards, matching, sourced

CARDS = cards()


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


def test_sections_stand_in_the_order_of_the_book_and_articles_come_last():
    order = list(dict.fromkeys(section for section, _ in sourced(CARDS)))
    book = [section for section in order if section.startswith("Dive into Deep Learning ")]
    assert order[: len(book)] == book
    assert book.index("Dive into Deep Learning 7.6") < book.index("Dive into Deep Learning 12.10")


def test_a_card_stands_once_under_each_section():
    under = [section for section, found in sourced(CARDS) if found.name == "sgd_2d"]
    assert under == ["Dive into Deep Learning 12.4"]
