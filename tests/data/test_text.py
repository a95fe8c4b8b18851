from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from graphflow.data import Batches, Dataset, load, split
from graphflow.data.text import tokenize, vocabulary_of

POEM = "The cat sat.\nThe cat ran!\n"


@pytest.fixture
def poem(tmp_path: Path) -> Path:
    (tmp_path / "poem.txt").write_text(POEM * 20, encoding="utf-8")
    return tmp_path


def spelled(data: Dataset, column: str = "tokens") -> list[str]:
    assert data.vocabulary is not None
    return [data.vocabulary[i] for i in data.columns[column]]


def test_characters_of_a_file(poem: Path) -> None:
    data = load("text", path="poem.txt", folder=poem)
    assert data.name == "poem"
    assert data.columns["tokens"].dtype == data.columns["targets"].dtype == np.int64
    assert "".join(spelled(data)) == (POEM * 20)[:-1]
    assert "".join(spelled(data, "targets")) == (POEM * 20)[1:]
    assert data.vocabulary == tuple(sorted({*POEM, "<unk>"}))
    assert (data.axis, data.steps) == (1, 32)


def test_words_of_a_file(poem: Path) -> None:
    data = load("text", path="poem.txt", folder=poem, level="word", lower=True)
    assert spelled(data)[:8] == ["the", "cat", "sat", ".", "the", "cat", "ran", "!"]


def test_letters_only_is_the_books_preparation() -> None:
    assert tokenize("Ab,\n c1d!", "char", lower=True, letters_only=True) == "ab c d "
    assert tokenize("Ab,\n c1d!", "word", lower=False, letters_only=True) == ["Ab", "c", "d"]


def test_rare_tokens_become_unknown(poem: Path) -> None:
    options = {"path": "poem.txt", "folder": poem, "level": "word"}
    small = load("text", vocab=3, **options)
    assert small.vocabulary == ("<unk>", "The", "cat")
    assert spelled(small)[:8] == ["The", "cat", "<unk>", "<unk>"] * 2
    frequent = load("text", min_freq=40, **options)
    assert frequent.vocabulary == ("<unk>", "The", "cat")
    assert vocabulary_of("aabbbc", None, 2) == ("<unk>", "a", "b")
    assert vocabulary_of("aabbbc", 2, 1) == ("<unk>", "b")


def test_batches_of_a_text_continue(poem: Path) -> None:
    data = load("text", path="poem.txt", folder=poem, steps=6)
    parts = split(data, {"train": 0.75, "test": 0.25}, seed=0)
    for indices in parts.values():
        assert np.array_equal(np.diff(indices), np.ones(len(indices) - 1))
        batches = list(Batches(data, indices, 3, shuffle=False, seed=0))
        assert len(batches) > 1
        for before, after in pairwise(batches):
            assert before["tokens"].shape == before["targets"].shape == (6, 3)
            assert np.array_equal(before["targets"][:-1], before["tokens"][1:])
            assert np.array_equal(after["tokens"][0], before["targets"][-1])


def test_line_ends_of_every_system_read_alike(tmp_path: Path) -> None:
    (tmp_path / "unix.txt").write_bytes(b"a\nb\n")
    (tmp_path / "dos.txt").write_bytes(b"\xef\xbb\xbfa\r\nb\r\n")
    unix, dos = (load("text", path=f"{name}.txt", folder=tmp_path) for name in ("unix", "dos"))
    assert unix.vocabulary == dos.vocabulary
    assert np.array_equal(unix.columns["tokens"], dos.columns["tokens"])


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"path": "nothing.txt"}, "GF072"),
        ({"path": "../poem.txt"}, "GF074"),
        ({"path": "binary.txt"}, "GF073"),
        ({"path": "one.txt"}, "GF073"),
        ({"path": "poem.txt", "level": "chr"}, "GF071"),
        ({"path": "poem.txt", "steps": 0}, "GF071"),
        ({"path": "poem.txt", "vocab": 1}, "GF071"),
        ({"path": "poem.txt", "min_freq": 0}, "GF071"),
        ({"path": 3}, "GF071"),
    ],
)
def test_texts_that_cannot_be_read(
    poem: Path, refused, options: dict[str, object], code: str
) -> None:
    (poem / "binary.txt").write_bytes(bytes(range(256)))
    (poem / "one.txt").write_bytes(b"a")
    assert refused(load, "text", folder=poem, **options).code == code


def test_the_time_machine_is_the_books(real_data: Path) -> None:
    data = load("timemachine")
    assert data.vocabulary is not None
    assert len(data) == 173_428 - 1
    assert data.vocabulary == (" ", "<unk>", *"abcdefghijklmnopqrstuvwxyz")
    assert data.columns["tokens"][:10].tolist() == [21, 9, 6, 0, 21, 10, 14, 6, 0, 14]
    start = "the time machine by h g wells i the time traveller for so it"
    assert "".join(spelled(data))[:60] == start


def test_the_words_of_the_time_machine_are_the_books(real_data: Path) -> None:
    counts = Counter(spelled(load("timemachine", level="word")))
    assert counts.most_common(5) == [
        ("the", 2261), ("i", 1267), ("and", 1245), ("of", 1155), ("a", 816)
    ]  # fmt: skip


def test_the_time_machine_without_files_or_network(no_data: Path, refused) -> None:
    found = refused(load, "timemachine")
    assert found.code == "GF072"
    assert "timemachine.txt" in found.help
