"""The printed results of Dive into Deep Learning 15.6.2."""

from __future__ import annotations

from string import ascii_lowercase

from graphflow.data.merging import merged, merges, segmented

WORDS = {"fast_": 4, "faster_": 3, "tall_": 5, "taller_": 4}
MERGES = [
    ("t", "a"), ("ta", "l"), ("tal", "l"), ("f", "a"), ("fa", "s"), ("fas", "t"), ("e", "r"),
    ("er", "_"), ("tall", "_"), ("fast", "_"),
]  # fmt: skip


def test_the_books_merges() -> None:
    assert merges(WORDS, 10) == MERGES


def test_the_books_words_in_symbols() -> None:
    found = []
    for word in WORDS:
        symbols = tuple(word)
        for pair in MERGES:
            symbols = merged(symbols, pair)
        found.append(" ".join(symbols))
    assert found == ["fast_", "fast er_", "tall_", "tall er_"]


def test_the_books_segmentation_of_other_words() -> None:
    symbols = {*ascii_lowercase, "_", "[UNK]", *("".join(pair) for pair in MERGES)}
    shown = [" ".join(segmented(word, symbols)) for word in ("tallest_", "fatter_", "fat!")]
    assert shown == ["tall e s t _", "fa t t er_", "fa t [UNK]"]


def test_merging_ends_when_words_are_whole() -> None:
    assert merges({"ab": 2, "c": 1}, 10) == [("a", "b")]
    assert merges({}, 3) == []
