"""Published texts on small files of their formats: translation, word2vec, BERT, IMDb, SNLI."""

from __future__ import annotations

import numpy as np
import pytest

from graphflow.data import load, split, word_pairs
from graphflow.data.english_french import FRA_ENG
from graphflow.data.pretraining import WIKITEXT2, paragraphs
from graphflow.data.sentiment import IMDB, SNLI
from graphflow.data.word_pairs import PTB, beside, contexts, subsampled

FORMS = ("archive", "folder")


def words(data, column: str, row: int) -> list[str]:
    tokens = data.tokenizers[column].tokens
    return [tokens[n] for n in data.columns[column][row]]


# -- English and French (Dive into Deep Learning 10.5) ------------------------------------------
FRENCH = (
    "Go.\tVa !\nHi.\tSalut !\nRun!\tCours\u202f!\nRun!\tCourez\u202f!\nWho?\tQui ?\n"
    "Wow!\tÇa alors\u202f!\n"
)


@pytest.mark.parametrize("form", FORMS)
def test_sentences_become_the_tokens_that_the_book_prints(place, form) -> None:
    place(FRA_ENG, {"fra.txt": FRENCH.encode()}, form)
    data = load("english_french", n_train=4, n_val=2, min_freq=1, steps=4)
    printed = [["go", ".", "<eos>"], ["hi", ".", "<eos>"], ["run", "!", "<eos>"],
               ["run", "!", "<eos>"], ["who", "?", "<eos>"], ["wow", "!", "<eos>"]]  # fmt: skip
    assert [words(data, "source", i)[:3] for i in range(6)] == printed
    assert words(data, "target", 5) == ["ça", "alors", "!", "<eos>"]
    assert words(data, "target_input", 5) == ["<bos>", "ça", "alors", "!"]
    assert data.columns["source_length"].tolist() == [3] * 6
    assert {n: len(p) for n, p in split(data, None, 0).items()} == {"train": 4, "val": 2}


def test_marks_and_reserved_tokens_have_the_numbers_of_the_book(place) -> None:
    # The book's ids: source '!' 0, '.' 2, <eos> 3, <pad> 4; target <bos> 3, <eos> 4, <pad> 5,
    # where ',' is 1 in both.
    lines = "Oh, go.\tAh, va.\nOh, go!\tAh, va !\n" * 2
    place(FRA_ENG, {"fra.txt": lines.encode()})
    data = load("english_french", n_train=3, n_val=1)
    source, target = data.tokenizers["source"].numbers, data.tokenizers["target"].numbers
    assert [source[t] for t in ("!", ",", ".", "<eos>", "<pad>")] == [0, 1, 2, 3, 4]
    assert [target[t] for t in ("!", ",", ".", "<bos>", "<eos>", "<pad>")] == [0, 1, 2, 3, 4, 5]
    assert "<bos>" not in source


def test_rare_words_of_all_used_pairs_are_unknown_and_long_ones_are_cut(place) -> None:
    place(FRA_ENG, {"fra.txt": ("One two.\tUn deux.\n" * 2 + "Three one.\tTrois un.\n").encode()})
    data = load("english_french", n_train=1, n_val=2, steps=3)
    assert words(data, "source", 0) == ["one", "two", "."]
    assert words(data, "source", 2) == ["<unk>", "one", "."]
    assert data.columns["source_length"].tolist() == [3, 3, 3]


def test_too_few_pairs_are_refused(place, refused) -> None:
    place(FRA_ENG, {"fra.txt": FRENCH.encode()})
    found = refused(load, "english_french")
    assert found.code == "GF071" and "6 pairs, not 641" in found.message


# -- Penn Tree Bank and word2vec (15.3) ---------------------------------------------------------
def test_the_windows_that_the_book_prints() -> None:
    sentences = [np.arange(7), np.arange(7, 10)]
    reach = np.array([1, 1, 2, 2, 2, 2, 1, 2, 2, 2])
    found, here = contexts(sentences, reach, 2)
    around = [row[ok].tolist() for row, ok in zip(found, here, strict=True)]
    assert around == [[1], [0, 2], [0, 1, 3, 4], [1, 2, 4, 5], [2, 3, 5, 6], [3, 4, 6], [5],
                      [8, 9], [7, 9], [7, 8]]  # fmt: skip


def test_the_batch_that_the_book_prints() -> None:
    there = np.array([[1, 1, 0], [1, 1, 1]], bool), np.array([[1, 1, 1, 1], [1, 1, 0, 0]], bool)
    found = beside(np.full((2, 3), 2), there[0], np.full((2, 4), 3), there[1])
    found = {name: column[:, :6].tolist() for name, column in found.items()}
    assert found == {
        "contexts_negatives": [[2, 2, 3, 3, 3, 3], [2, 2, 2, 3, 3, 0]],
        "mask": [[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 0]],
        "label": [[1, 1, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0]],
    }


def test_frequent_words_are_dropped_with_the_formulas_probability() -> None:
    sentences = [np.zeros(40_000, np.int64), np.ones(10_000, np.int64)]
    kept = subsampled(sentences, np.array([40_000, 10_000]), 1e-2, np.random.default_rng(0))
    # sqrt(t / f): f = 0.8 and 0.2; four standard deviations of a binomial count
    for part, n, f in zip(kept, (40_000, 10_000), (0.8, 0.2), strict=True):
        p = (1e-2 / f) ** 0.5
        assert abs(len(part) - n * p) < 4 * (n * p * (1 - p)) ** 0.5
    rare = subsampled([np.array([2])], np.array([9_999, 0, 1]), 1e-3, np.random.default_rng(0))
    assert rare[0].tolist() == [2]


TREE = " the cat sat on the mat \n the dog sat on the log \n a cat and a dog \n" * 5


@pytest.mark.parametrize("form", FORMS)
def test_skip_grams_keep_noise_and_context_apart(place, form) -> None:
    place(PTB, {"ptb.train.txt": TREE.encode()}, form)
    data = load("ptb_skipgram", max_window=2, noise=3, min_freq=5, subsample=1.0, seed=1)
    columns = data.columns
    assert columns["contexts_negatives"].shape == (85, 2 * 2 * 4)
    assert columns["center"].shape == (85, 1)
    for words_, mask, label in zip(
        columns["contexts_negatives"], columns["mask"], columns["label"], strict=True
    ):
        n = int(label.sum())
        assert mask.tolist() == [1.0] * 4 * n + [0.0] * (16 - 4 * n) and 1 <= n <= 4
        assert label.tolist() == [1.0] * n + [0.0] * (16 - n)
        assert set(words_[:n]).isdisjoint(words_[n : 4 * n])
        assert (words_[4 * n :] == 0).all()
    unknown = data.tokenizers["center"].numbers["<unk>"]
    assert not (columns["contexts_negatives"][columns["mask"] > 0] == unknown).any()
    again = load("ptb_skipgram", max_window=2, noise=3, min_freq=5, subsample=1.0, seed=1)
    assert np.array_equal(again.columns["contexts_negatives"], columns["contexts_negatives"])


def test_noise_follows_counts_to_the_power_of_three_quarters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Word 3 is never a context word: of counts 1, 16 and 81 noise has shares 1, 8 and 27.
    counts = np.array([1, 16, 81, 1, 1])
    monkeypatch.setattr(word_pairs, "ROWS", 100)
    found = word_pairs.skipgrams([np.array([3, 4])] * 400, counts, 1, 20, np.random.default_rng(0))
    noise = found["contexts_negatives"][:, 1:]
    assert noise.shape == (800, 41)
    drawn = np.bincount(noise[found["mask"][:, 1:] > 0], minlength=5)
    shares = drawn[:3] / drawn[:3].sum()
    assert np.allclose(shares, np.array([1, 8, 27]) / 36, atol=0.015)


def test_a_window_of_all_words_leaves_no_noise(place, refused) -> None:
    place(PTB, {"ptb.train.txt": b"a b c a b c\n"})
    found = refused(load, "ptb_skipgram", min_freq=1, subsample=1.0)
    assert found.code == "GF075" and "no noise word is left" in found.message
    assert refused(load, "ptb_skipgram").code == "GF075"  # every word is rarer than ten


def test_a_language_model_reads_the_parts_as_published(place) -> None:
    place(PTB, {"ptb.train.txt": b" a b \n c \n", "ptb.valid.txt": b" a z \n",
                "ptb.test.txt": b" c c \n"})  # fmt: skip
    data = load("ptb", steps=2)
    assert words_of(data, "tokens") == ["a", "b", "<eos>", "c", "<eos>", "a", "<unk>", "<eos>",
                                        "c", "c"]  # fmt: skip
    assert {name: rows.tolist() for name, rows in (data.splits or {}).items()} == {
        "train": [0, 1, 2, 3], "val": [5, 6], "test": [8, 9]
    }  # fmt: skip
    place(PTB, {"ptb.train.txt": b" a b \n c \n"}, "folder")
    assert list(load("ptb").splits or {}) == ["train"]


def words_of(data, column: str) -> list[str]:
    tokens = data.tokenizers[column].tokens
    return [tokens[n] for n in data.columns[column]]


# -- WikiText-2 for BERT (15.9) -----------------------------------------------------------------
WIKI = "".join(
    f" \n = Title {i} = \n Rain falls on hill {i} . The wind blows over it . We stay here . \n"
    for i in range(40)
)


@pytest.mark.parametrize("form", FORMS)
def test_pairs_for_bert_are_masked_as_published(place, form) -> None:
    place(WIKITEXT2, {"wiki.train.tokens": WIKI.encode()}, form)
    data = load("wikitext2", max_len=20, seed=3)
    c, tokens = data.columns, data.tokenizers["tokens"].tokens
    number = data.tokenizers["tokens"].numbers
    assert {name: column.shape for name, column in c.items()} == {
        "tokens": (80, 20), "segments": (80, 20), "valid_len": (80,), "positions": (80, 3),
        "weights": (80, 3), "labels": (80, 3), "is_next": (80,),
    }  # fmt: skip
    assert {"<pad>", "<mask>", "<cls>", "<sep>", "<unk>"} <= set(tokens) and "wind" in tokens
    assert "title" not in tokens  # its line has no full stop inside
    for i in range(80):
        n, row = c["valid_len"][i], c["tokens"][i]
        assert row[0] == number["<cls>"] and row[n - 1] == number["<sep>"]
        assert (row[n:] == number["<pad>"]).all() and not c["segments"][i, n:].any()
        assert c["weights"][i].sum() == max(1, round(int(n) * 0.15))
        used = c["positions"][i][c["weights"][i] > 0]
        assert sorted(set(used)) == list(used) and 0 not in used and n - 1 not in used
    share = c["is_next"].mean()
    assert 0.3 < share < 0.7
    masked = c["tokens"][np.arange(80)[:, None], c["positions"]] == number["<mask>"]
    assert 0.65 < masked[c["weights"] > 0].mean() < 0.95


def test_what_is_masked_is_the_label_and_the_rest_is_untouched(place) -> None:
    place(WIKITEXT2, {"wiki.train.tokens": WIKI.encode()})
    data = load("wikitext2", max_len=20, min_freq=1, seed=3)
    c, tokens = data.columns, np.array(data.tokenizers["tokens"].tokens)
    known = " ".join(WIKI.lower().split())
    for i in np.flatnonzero(c["is_next"]):
        row, used = c["tokens"][i].copy(), c["weights"][i] > 0
        row[c["positions"][i][used]] = c["labels"][i][used]
        text = " ".join(tokens[row[: c["valid_len"][i]]])
        first, second, end = text.removeprefix("<cls> ").split("<sep>")
        assert f"{first}.{second}".strip() in known and end == ""
        parts = [len(part.split()) for part in (first, second)]
        assert c["segments"][i].sum() == parts[1] + 1
        assert c["valid_len"][i] == sum(parts) + 3


def test_a_line_that_ends_in_a_full_stop_is_a_paragraph_of_one_sentence() -> None:
    # The book counts sentences before it strips the line.
    assert paragraphs(" One sentence . \n no stop \n") == [[["one", "sentence", "."]]]


# -- IMDb (16.1) --------------------------------------------------------------------------------
REVIEWS = {
    "train/pos/0_9.txt": b"good good fun , caf\xc3\xa9",
    "train/pos/10_10.txt": b"good fun",
    "train/neg/3_1.txt": b"bad fun\nbad",
    "train/unsup/1_0.txt": b"neither neither",
    "train/labeledBow.feat": b"9 0:1",
    "test/pos/0_8.txt": b"good new",
    "test/neg/0_2.txt": b"",
}


@pytest.mark.parametrize("form", FORMS)
def test_reviews_are_read_with_their_labels(place, form) -> None:
    place(IMDB, REVIEWS, form)
    data = load("imdb", steps=4, min_freq=2)
    assert data.tokenizers["tokens"].tokens == ("<pad>", "<unk>", "fun", "good")
    # Parts in order, negative first: train neg 3_1, pos 0_9, pos 10_10, test neg, test pos.
    assert data.columns["label"].tolist() == [0, 1, 1, 0, 1]
    assert [words(data, "tokens", i) for i in range(5)] == [
        ["<unk>", "<unk>", "<pad>", "<pad>"],
        ["good", "good", "fun", "<unk>"],
        ["good", "fun", "<pad>", "<pad>"],
        ["<pad>"] * 4,
        ["good", "<unk>", "<pad>", "<pad>"],
    ]
    assert data.columns["length"].tolist() == [2, 4, 2, 0, 2]
    assert {n: len(p) for n, p in (data.splits or {}).items()} == {"train": 3, "test": 2}
    assert data.tokenizers["label"].tokens == ("negative", "positive")


def test_reviews_of_one_part_only_are_refused(place, refused) -> None:
    place(IMDB, {name: text for name, text in REVIEWS.items() if name.startswith("train")})
    assert "no reviews in test/pos" in refused(load, "imdb").message


# -- SNLI (16.4): the first pairs that the book prints ------------------------------------------
HEAD = "gold_label\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1\n"
PREMISE = "( ( ( A person ) ( on ( a horse ) ) ) ( ( jumps ( over ( a airplane ) ) ) . ) )"
SNLI_TRAIN = HEAD + "".join(
    f"{label}\t{PREMISE}\t{hypothesis}\tA person\n"
    for label, hypothesis in (
        ("neutral", "( ( A person ) ( trains . ) )"),
        ("contradiction", "( ( A person ) ( ( is ( at ( a diner ) ) ) . ) )"),
        ("-", "( nobody agrees )"),
        ("entailment", "( ( A person ) ( ( ( is outdoors ) , ( on ( a horse ) ) ) . ) )"),
    )
)


@pytest.mark.parametrize("form", FORMS)
def test_pairs_are_read_without_the_brackets_of_their_parse(place, form) -> None:
    test = HEAD + "entailment\t( A dog )\t( A person )\tA dog\n"
    place(SNLI, {"snli_1.0_train.txt": SNLI_TRAIN.encode(), "snli_1.0_test.txt": test.encode(),
                 "README.txt": b"hello"}, form)  # fmt: skip
    data = load("snli", steps=9, min_freq=1)
    assert data.columns["label"].tolist() == [2, 1, 0, 0]
    assert " ".join(words(data, "premise", 0)) == "A person on a horse jumps over a airplane"
    assert " ".join(words(data, "hypothesis", 2)[:8]) == "A person is outdoors , on a horse"
    assert data.columns["hypothesis_length"].tolist() == [4, 7, 9, 2]
    assert data.tokenizers["label"].tokens == ("entailment", "contradiction", "neutral")
    assert words(data, "premise", 3)[:3] == ["A", "<unk>", "<pad>"]
    assert {n: len(p) for n, p in (data.splits or {}).items()} == {"train": 3, "test": 1}


def test_a_table_without_tabs_is_refused(place, refused) -> None:
    place(SNLI, {"snli_1.0_train.txt": b"a\nb\n", "snli_1.0_test.txt": b"a\nb\n"})
    assert "not a table of pairs" in refused(load, "snli").message
