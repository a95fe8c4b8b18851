from __future__ import annotations

from graphflow.data.pairs import Side, translation
from graphflow.data.tokenizers import BEGIN, END, PAD

PAIRS = [("go away .", "va t'en !"), ("hi .", "salut !"), ("i lost .", "j'ai perdu .")]


def test_columns_as_in_the_book() -> None:
    """D2L 10.5: <eos> ends both; the decoder reads <bos> and then what it should have said."""
    data = translation("tiny", "", PAIRS, 3, Side(splits="spaces"), Side(splits="spaces", steps=5))
    source, target = data.tokenizers["source"], data.tokenizers["target"]
    told = {n: [[t.tokens[i] for i in row] for row in data.columns[n].tolist()]
            for n, t in data.tokenizers.items()}  # fmt: skip
    assert told["source"] == [
        ["go", "away", ".", END], ["hi", ".", END, PAD], ["i", "lost", ".", END]
    ]  # fmt: skip
    assert told["target"][0] == ["va", "t'en", "!", END, PAD]
    assert told["target_input"][0] == [BEGIN, "va", "t'en", "!", END]
    assert told["target"][2] == ["j'ai", "perdu", ".", END, PAD]
    assert data.columns["source_length"].tolist() == [4, 3, 4]
    assert data.columns["target_length"].tolist() == [4, 3, 4]
    assert data.tokenizers["target_input"] is target
    assert source.decode(data.columns["source"][1].tolist()) == "hi ."


def test_long_texts_lose_their_end() -> None:
    data = translation("tiny", "", PAIRS, 3, Side(steps=2, splits="spaces"), Side(splits="spaces"))
    source = data.tokenizers["source"]
    assert [source.tokens[i] for i in data.columns["source"][0]] == ["go", "away"]
    assert data.columns["source_length"].tolist() == [2, 2, 2]


def test_vocabularies_are_learned_from_the_training_part() -> None:
    data = translation("tiny", "", PAIRS, 2, Side(splits="spaces"), Side(splits="spaces"))
    source = data.tokenizers["source"]
    assert "lost" not in source.tokens
    assert [source.tokens[i] for i in data.columns["source"][2]] == ["<unk>", "<unk>", ".", END]
    assert data.splits is not None
    assert {n: p.tolist() for n, p in data.splits.items()} == {"train": [0, 1], "val": [2]}
    rare = translation("tiny", "", PAIRS, 3, Side(min_freq=2, splits="spaces"), Side())
    assert set(rare.tokenizers["source"].tokens) == {"<unk>", PAD, BEGIN, END, "."}
