from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graphflow.data import load
from graphflow.data.word_contexts import subwords


@pytest.fixture
def place(tmp_path: Path) -> str:
    (tmp_path / "cats.txt").write_text("A cat sat. The cat sat on A mat!\n\nmats", encoding="utf-8")
    return str(tmp_path / "cats.txt")


def test_counts_by_hand(place: str) -> None:
    data = load("cooccurrences", path=place, window=2)
    words = data.tokenizers["word"].tokens
    assert words == ("a", "cat", "sat", "mat", "mats", "on", "the")  # by frequency, then alphabet
    near = {(words[i], words[j]): n for (i, j), n in np.ndenumerate(data.columns["counts"]) if n}
    sentences = [["a", "cat", "sat"], ["the", "cat", "sat", "on", "a", "mat"]]
    expected: dict[tuple[str, str], float] = {}
    for line in sentences:
        for i, word in enumerate(line):
            for j, other in enumerate(line):
                if 0 < abs(i - j) <= 2:
                    expected[word, other] = expected.get((word, other), 0) + 1
    assert near == expected
    halved = load("cooccurrences", path=place, window=2, by_distance=True)
    assert halved.columns["counts"][0].tolist() == [0, 1, 1, 1, 0, 1, 0]  # 1/2 + 1/2 of sat


def test_rare_words_are_a_part_of_their_own(place: str) -> None:
    data = load("cooccurrences", path=place, window=2, vocab=3, rare=2)
    assert data.columns["counts"].shape == (5, 3)
    assert {name: rows.tolist() for name, rows in data.splits.items()} == {
        "train": [0, 1, 2], "rare": [3, 4]
    }  # fmt: skip
    # words that are none of the five are left out before windows are laid: the cat sat on a mat
    assert data.columns["counts"][3].tolist() == [1, 0, 1]


def test_more_words_than_there_are(place: str, refused) -> None:
    assert refused(load, "cooccurrences", path=place, vocab=6, rare=2).code == "GF075"


def test_windows_without_noise_may_hold_all_words(tmp_path: Path, refused) -> None:
    (tmp_path / "ab.txt").write_text("a b a b a", encoding="utf-8")
    options = {"path": str(tmp_path / "ab.txt"), "subsample": 1.0}
    columns = load("skipgrams", **options, noise=0).columns
    assert columns["contexts_negatives"].shape == (5, 4)
    assert np.array_equal(columns["label"], columns["mask"]) and columns["label"].any(axis=1).all()
    assert refused(load, "skipgrams", **options, noise=1).code == "GF075"


def test_subwords_of_the_book() -> None:
    assert subwords("where", 3, 3) == ["<wh", "whe", "her", "ere", "re>", "<where>"]
    assert len(subwords("where")) == 15
    assert subwords("a") == ["<a>"]


def test_words_share_the_numbers_of_their_pieces(place: str) -> None:
    data = load("cooccurrences", path=place)
    words, rows = data.tokenizers["word"].numbers, data.columns["subwords"]
    mat, mats = (set(rows[words[w]][rows[words[w]] > 0]) for w in ("mat", "mats"))
    assert len(mat) == len(subwords("mat")) and len(mat & mats) == 3  # <ma mat <mat
    few = load("cooccurrences", path=place, buckets=5).columns["subwords"]
    assert few.max() == 5 and few.shape == rows.shape


def test_skipgrams_of_a_file(place: str) -> None:
    data = load("skipgrams", path=place, max_window=1, noise=2, subsample=1.0, min_freq=2)
    words = data.tokenizers["center"]
    assert words.tokens == ("<unk>", "a", "cat", "sat")
    assert words.decode(data.columns["center"].ravel()) == "a cat sat cat sat a"
    assert data.columns["contexts_negatives"].shape == (6, 6)


def test_the_vocabulary_has_the_size_that_is_asked_for() -> None:
    pytest.importorskip("pydoc_data.topics")
    data = load("skipgrams", text="python_docs", vocab=300)
    assert len(data.tokenizers["center"]) == 300 > data.columns["contexts_negatives"].max()
    words = load("cooccurrences", text="python_docs", vocab=300, rare=50, buckets=100)
    assert words.tokenizers["word"].tokens[0] == "the" and len(words) == 350
    assert words.columns["subwords"].max() <= 100


def test_words_of_the_grammar() -> None:
    data = load("skipgrams")
    assert len(data.tokenizers["center"]) == 43 and len(load("cooccurrences")) == 42
