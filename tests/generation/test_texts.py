"""Texts in and out of a translator of dates; nothing is trained here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import graphflow as gf
from graphflow.diagnostics import GraphflowError
from graphflow.generation.texts import arrays, prompt_of, stop_of

pytest.importorskip("babel")


@pytest.fixture(scope="module")
def translator() -> gf.Model:
    small = {"hidden": 8, "embed": 4, "data.n_train": 300, "data.n_val": 0}
    return gf.load("translator", small)


def test_each_input_has_the_tokenizer_of_its_column(translator: gf.Model) -> None:
    source, heard = (translator.tokenizer_of(n) for n in ("source", "heard"))
    assert source is translator.tokenizers["source"]
    assert heard is translator.tokenizers["target_input"]
    assert translator.tokenizer_of("source_length") is None


def test_a_text_ends_as_texts_of_the_data_do(translator: gf.Model) -> None:
    plan, source = translator.elaborated.generation, translator.tokenizers["source"]
    assert plan is not None
    text = {"source": "january 5, 2012", "source_length": "length(source)"}
    given = arrays(translator, plan, text, 2)
    tokens = [source.token(number) for number in given["source"][1]]
    assert tokens == ["january", "5", ",", "2012", "<eos>"]
    assert given["source_length"].tolist() == [5, 5]
    ended = arrays(translator, plan, {"source": "january 5, 2012 <eos>"}, 2)
    assert np.array_equal(ended["source"], given["source"])


def test_a_fixed_length_is_filled_up() -> None:
    small = {"data.n_train": 300, "data.n_val": 0, "inputs.source.shape": "[B, 9]"}
    model = gf.load("translator", small)
    plan = model.elaborated.generation
    assert plan is not None
    tokens = arrays(model, plan, {"source": "january 5, 2012"}, 1)["source"]
    pad = model.tokenizers["source"].numbers["<pad>"]
    assert tokens.shape == (1, 9) and tokens[0, 5:].tolist() == [pad] * 4
    with pytest.raises(GraphflowError, match="12 tokens, the input 9"):
        arrays(model, plan, {"source": "january " * 11}, 1)


def test_a_translation_begins_and_ends_with_its_tokens(translator: gf.Model) -> None:
    heard = translator.tokenizers["target_input"]
    assert prompt_of(heard, "") == [heard.numbers["<bos>"]]
    assert prompt_of(heard, "5") == [heard.numbers["<bos>"], heard.numbers["5"]]
    assert prompt_of(heard, "<bos> 5") == prompt_of(heard, "5")
    assert stop_of(heard, None) == heard.numbers["<eos>"]
    assert stop_of(heard, "mars") == heard.numbers["mars"]


def test_the_encoder_runs_once_whatever_the_strategy(translator: gf.Model) -> None:
    for strategy in ("greedy()", "beam(3)", "sample(top_k=5)"):
        found = gf.generate(translator, strategy=strategy, length=4)
        assert "<" not in found.text or "<unk>" in found.text
        assert len(found.tokens) <= 4
    wide = gf.generate(translator, strategy="beam(3)", length=4)
    assert wide.log_probability >= gf.generate(translator, length=4).log_probability - 1e-5


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"sorce": "x"}, "did you mean 'source'"),
        ({"source_length": "five"}, "nothing says which numbers"),
        ({"source": "a", "source_length": "length(heard)"}, "no text that is given"),
        ({"source": np.zeros((2, 3), dtype=int)}, "one row"),
    ],
)
def test_what_is_given_and_does_not_fit(translator: gf.Model, given, word: str) -> None:
    with pytest.raises(GraphflowError, match="GF") as caught:
        gf.generate(translator, given=given)
    assert word in str(caught.value)


def test_numbers_stand_for_themselves_without_a_tokenizer() -> None:
    assert prompt_of(None, "0 4 12") == [0, 4, 12]
    assert stop_of(None, None) is None
    for prompt, word in (("a", "GF121"), ("", "no prompt"), ([], "no prompt")):
        with pytest.raises(GraphflowError, match=word):
            prompt_of(None, prompt)
    with pytest.raises(GraphflowError, match="GF121"):
        stop_of(None, "<eos>")


def test_texts_come_piece_by_piece(translator: gf.Model) -> None:
    pieces: list[str] = []
    found = gf.generate(translator, "5 mars", length=3, seed=3, strategy="sample()",
                        on_text=pieces.append)  # fmt: skip
    assert pieces[0] == "5 mars" and "".join(pieces) == found.text


def test_letters_of_several_bytes_come_whole(tmp_path: Path) -> None:
    """A byte of a letter alone is no letter yet: it is held back until the other comes."""
    pytest.importorskip("tokenizers")
    (tmp_path / "text.txt").write_text("é" * 50, encoding="utf-8")
    file = tmp_path / "t.yaml"
    file.write_text(
        "graphflow: 1\nname: t\n"
        "inputs: {tokens: {shape: [T, B], dtype: int}}\n"
        "nodes: {logits: 'one_hot(where(tokens == 128, 103, 128), 256) * 9.0'}\n"
        "data: {source: text, path: text.txt, level: bpe, vocab: 256}\n"
        "generate: {logits: logits, token: tokens, prompt: a, length: 4}\n"
    )
    model = gf.load(file)
    first, second = model.tokenizers["tokens"].encode("é")
    file.write_text(file.read_text().replace("128", str(first)).replace("103", str(second)))
    pieces: list[str] = []
    found = gf.generate(gf.load(file), on_text=pieces.append)
    assert found.text == "aéé" and pieces == ["a", "é", "é"]


def test_unknown_words_of_a_given_text_are_told(translator: gf.Model) -> None:
    found = gf.generate(translator, given={"source": "hello 5, 2012"}, length=1)
    assert found.unknown == ("hello",)
    with pytest.raises(GraphflowError, match="the text for 'source' is empty"):
        gf.generate(translator, given={"source": ""}, length=1)
