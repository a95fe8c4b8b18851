from __future__ import annotations

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphflow.data.tokenizers import RESERVED, Tokenizer, learn
from graphflow.diagnostics import GraphflowError

TEXT = "The cat sat.\nThe cat ran! Çà va?"
LEVELS = ("char", "word", "bpe")


def saved(tokenizer: Tokenizer) -> Tokenizer:
    return Tokenizer.from_json(json.loads(json.dumps(tokenizer.to_json())))


@pytest.mark.parametrize("level", LEVELS)
def test_a_saved_tokenizer_is_the_same(level: str) -> None:
    tokenizer = learn([TEXT] * 9, level, 270, reserved=RESERVED, lower=True)
    assert saved(tokenizer) == tokenizer
    assert saved(tokenizer).encode("<bos> the hat") == tokenizer.encode("<bos> the hat")


def test_letters_only_is_the_books_preparation() -> None:
    letters = learn([], "char", lower=True, letters_only=True)
    assert "".join(letters.split("Ab,\n c1d!")) == "ab c d "
    assert learn([], "word", letters_only=True).split("Ab,\n c1d!") == ["Ab", "c", "d"]


def test_rare_tokens_are_left_out() -> None:
    assert learn(["aabbbc"], "char", None, 2).tokens == ("<unk>", "a", "b")
    assert learn(["aabbbc"], "char", 2, 1).tokens == ("<unk>", "b")
    assert learn(["aab", "bbc"], "char", 5, 2, reserved=RESERVED).tokens == (
        "<bos>", "<eos>", "<pad>", "<unk>", "b",
    )  # fmt: skip


def test_reserved_tokens_of_a_text_are_themselves() -> None:
    words = learn(["<bos> va ! <eos>"], "word", reserved=RESERVED)
    assert words.tokens == ("!", "<bos>", "<eos>", "<pad>", "<unk>", "va")
    assert words.encode("<bos> va ? <eos> <pad>") == [1, 5, 4, 2, 3]
    assert words.decode([1, 5, 4, 0, 2, 3, 3]) == "va <unk> !"
    assert learn(["ab"], "char").split("<eos>") == list("<eos>")


def test_the_books_sentences_are_split_at_spaces() -> None:
    french = learn(["je suis chez moi .", "j'ai perdu ."], "word", splits="spaces")
    assert french.split("j'ai perdu .") == ["j'ai", "perdu", "."]
    assert learn([], "word").split("j'ai perdu.") == ["j", "'", "ai", "perdu", "."]


@given(st.text())
def test_bytes_hold_every_text(text: str) -> None:
    assert PAIRS.decode(PAIRS.encode(text)) == text


PAIRS = learn([TEXT] * 3, "bpe", 280)


@given(st.text(alphabet=TEXT))
def test_characters_come_back(text: str) -> None:
    letters = learn([TEXT], "char", reserved=())
    assert letters.decode(letters.encode(text)) == text


def test_pairs_are_merged_by_how_often_they_stand_together() -> None:
    """'low' stands 7 times, 'er' 2 times: by hand, l+o (or o+w) and then low come first."""
    merged = learn(["low low low low low lower lower"], "bpe", 256 + 3)
    assert merged.tokens[256:258] in (("lo", "low"), ("ow", "low"))
    assert merged.split("low") == ["low"]
    assert merged.tokens[258] == "Ġlow"


def test_what_the_vocabulary_lacks(refused) -> None:
    letters = learn(["ab"], "char", reserved=())
    assert letters.unknown(letters.split("acdc")) == ["c", "d"]
    assert refused(letters.encode, "abc").code == "GF075"
    assert refused(letters.decode, [0, 2]).code == "GF080"
    assert refused(letters.decode, [-1]).code == "GF080"
    assert refused(learn, ["ab"], "bpe", 255).code == "GF071"


@pytest.mark.parametrize("data", [{}, {"level": "chars"}, {"level": "char", "tokens": "ab"},
                                  {"level": "char", "tokens": [], "splits": "words"}])  # fmt: skip
def test_what_is_no_tokenizer(refused, data: dict[str, object]) -> None:
    assert refused(Tokenizer.from_json, data).code == "GF073"


def test_byte_pairs_without_their_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(GraphflowError, match=r"graphflow\[text\]"):
        learn(["ab"], "bpe")
