from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from graphflow.data import Batches, Dataset, load, split
from graphflow.data.ngrams import ngram_counts

POEM = "The cat sat.\nThe cat ran!\n"


@pytest.fixture
def poem(tmp_path: Path) -> Path:
    (tmp_path / "poem.txt").write_text(POEM * 20, encoding="utf-8")
    return tmp_path


def vocabulary(data: Dataset) -> tuple[str, ...]:
    return data.tokenizers["tokens"].tokens


def spelled(data: Dataset, column: str = "tokens") -> list[str]:
    tokens = data.tokenizers[column].tokens
    return [tokens[i] for i in data.columns[column]]


def test_characters_of_a_file(poem: Path) -> None:
    data = load("text", path="poem.txt", folder=poem)
    assert data.name == "poem"
    assert data.columns["tokens"].dtype == data.columns["targets"].dtype == np.int64
    assert "".join(spelled(data)) == (POEM * 20)[:-1]
    assert "".join(spelled(data, "targets")) == (POEM * 20)[1:]
    assert vocabulary(data) == tuple(sorted({*POEM, "<unk>"}))
    assert (data.axis, data.steps) == (1, 32)


def test_words_of_a_file(poem: Path) -> None:
    data = load("text", path="poem.txt", folder=poem, level="word", lower=True)
    assert spelled(data)[:8] == ["the", "cat", "sat", ".", "the", "cat", "ran", "!"]


def test_pieces_of_words_of_a_file(poem: Path) -> None:
    data = load("text", path="poem.txt", folder=poem, level="bpe", vocab=300)
    tokenizer = data.tokenizers["targets"]
    numbers = [*data.columns["tokens"], data.columns["targets"][-1]]
    assert tokenizer.decode(numbers) == POEM * 20
    assert len(numbers) == 20 * 10  # The, cat with its space, sat, the mark, the line end; twice


def test_rare_tokens_become_unknown(poem: Path) -> None:
    options = {"path": "poem.txt", "folder": poem, "level": "word"}
    small = load("text", vocab=3, **options)
    assert vocabulary(small) == ("<unk>", "The", "cat")
    assert spelled(small)[:8] == ["The", "cat", "<unk>", "<unk>"] * 2
    frequent = load("text", min_freq=40, **options)
    assert vocabulary(frequent) == ("<unk>", "The", "cat")


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
    assert vocabulary(unix) == vocabulary(dos)
    assert np.array_equal(unix.columns["tokens"], dos.columns["tokens"])


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"path": "nothing.txt"}, "GF072"),
        ({"path": "../poem.txt"}, "GF074"),
        ({"path": "binary.txt"}, "GF073"),
        ({"path": "one.txt"}, "GF073"),
        ({"path": "poem.txt", "level": "chr"}, "GF071"),
        ({"path": "poem.txt", "level": "bpe", "vocab": 100}, "GF071"),
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
    assert len(data) == 173_428 - 1
    assert vocabulary(data) == (" ", "<unk>", *"abcdefghijklmnopqrstuvwxyz")
    assert data.columns["tokens"][:10].tolist() == [21, 9, 6, 0, 21, 10, 14, 6, 0, 14]
    start = "the time machine by h g wells i the time traveller for so it"
    assert "".join(spelled(data))[:60] == start


TOP = {
    1: "the 2261, i 1267, and 1245, of 1155, a 816, to 695, was 552, in 541, that 443, my 440",
    2: "of the 309, in the 169, i had 130, i was 112, and the 109, the time 102, it was 99, "
    "to the 85, as i 78, of a 73",
    3: "the time traveller 59, the time machine 30, the medical man 24, it seemed to 16, "
    "it was a 15, here and there 15, seemed to me 14, i did not 14, i saw the 13, i began to 13",
}
"""The ten most frequent n-grams that Dive into Deep Learning 9.2.4 prints."""


@pytest.mark.parametrize("n", TOP)
def test_the_ngrams_of_the_time_machine_are_the_books(real_data: Path, n: int) -> None:
    data = load("timemachine", level="word")
    words = [*spelled(data), *spelled(data, "targets")[-1:]]
    found = ngram_counts(words, n).most_common(10)
    assert ", ".join(f"{' '.join(gram)} {count}" for gram, count in found) == TOP[n]


def test_the_time_machine_without_files_or_network(no_data: Path, refused) -> None:
    found = refused(load, "timemachine")
    assert found.code == "GF072"
    assert "timemachine.txt" in found.help
