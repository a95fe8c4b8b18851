"""The small world: stories to pretrain on, and labelled texts in the same words."""

from __future__ import annotations

import numpy as np
import pytest

from graphflow.data import load
from graphflow.data.dataset import generator
from graphflow.data.small_world import KINDS, MOODS, VOCABULARY, Writer

FEW = {"n_train": 60, "n_test": 40}
WORDS = np.array(VOCABULARY.tokens)


def texts(name: str, column: str, length: str) -> list[list[str]]:
    """The words of each row."""
    columns = load(name, **FEW).columns
    rows = zip(columns[column][:], columns[length][:], strict=True)
    return [WORDS[row[:n]].tolist() for row, n in rows]


def test_a_story_has_one_kind_and_one_mood() -> None:
    writer = Writer(generator(31, 5))
    for _ in range(50):
        said = {word for sentence in writer.story(5) for word, _ in sentence}
        assert sum(bool(said.intersection(mood)) for mood in MOODS) <= 1
        places = [kind for kind in KINDS if said.intersection(kind.places)]
        assert len(places) <= 1


def test_stories_are_pairs_of_which_a_share_is_masked() -> None:
    data = load("stories", n=40, share=0.3)
    c, number = data.columns, data.tokenizers["tokens"].numbers
    assert c["positions"][:].shape[1] == round(28 * 0.3)
    counts = [max(1, round(int(n) * 0.3)) for n in c["valid_len"][:]]
    assert c["weights"][:].sum(axis=1).tolist() == counts
    assert (c["tokens"][:, 0] == number["<cls>"]).all()
    assert 0.3 < c["is_next"][:].mean() < 0.7


def test_moods_are_those_of_the_adjectives() -> None:
    label = load("story_moods", **FEW).columns["label"][:]
    for words, mood in zip(texts("story_moods", "tokens", "length"), label, strict=True):
        assert set(words).intersection(MOODS[mood])
        assert not set(words).intersection(MOODS[1 - mood])


def test_a_crane_is_what_the_words_around_it_are_about() -> None:
    c = load("story_senses", **FEW).columns
    rows = texts("story_senses", "tokens", "length")
    for words, place, label in zip(rows, c["place"][:], c["label"][:], strict=True):
        kind = KINDS[label]
        assert words[place] == "crane"
        assert words[place + 1] in kind.does + kind.acts


def test_every_word_has_its_tag_and_some_have_two() -> None:
    data = load("story_tags", n_train=500, n_test=1)
    names = data.tokenizers["tags"].tokens
    found = {}
    columns = data.columns
    for row, tags, n in zip(*(columns[k][:] for k in ("tokens", "tags", "length")), strict=True):
        for word, tag in zip(WORDS[row[:n]], tags[:n], strict=True):
            found.setdefault(word, set()).add(names[tag])
    assert found["the"] == {"det"} and found["."] == {"mark"}
    assert found["flies"] == found["plays"] == {"noun", "verb"}


def test_an_entailed_sentence_says_nothing_new_and_a_neutral_one_does() -> None:
    label = load("story_pairs", **FEW).columns["label"][:]
    premises = texts("story_pairs", "premise", "premise_length")
    hypotheses = texts("story_pairs", "hypothesis", "hypothesis_length")
    general = {kind.name for kind in KINDS} | {"a", "an"}
    for first, second, relation in zip(premises, hypotheses, label, strict=True):
        new = set(second) - set(first) - general
        assert bool(new) == (relation == 2) or relation == 1


@pytest.mark.parametrize("asked", ["who", "where"])
def test_the_answer_is_the_part_of_the_passage_that_is_asked_for(asked: str) -> None:
    c = load("story_questions", **FEW).columns
    questions = texts("story_questions", "question", "question_length")
    passages = texts("story_questions", "passage", "passage_length")
    places = {place for kind in KINDS for place in kind.places}
    rows = zip(questions, passages, c["start"][:], c["end"][:], strict=True)
    answers = [(q, p, p[s : e + 1]) for q, p, s, e in rows if q[0] == asked]
    assert answers
    for question, passage, answer in answers:
        assert answer[0] == "the" and (answer[-1] in places) == (asked == "where")
        if asked == "who":
            after = " ".join([*answer, *question[1:-1]])
            assert after in " ".join(passage)


def test_parts_are_as_many_as_asked_for_and_depend_on_the_seed() -> None:
    one, two = (load("story_moods", **FEW, seed=seed) for seed in (0, 1))
    assert one.splits is not None
    assert {part: len(rows) for part, rows in one.splits.items()} == {"train": 60, "test": 40}
    assert not np.array_equal(one.columns["tokens"][:], two.columns["tokens"][:])
