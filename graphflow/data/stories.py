"""Sources of the small world: stories to pretrain on, and a few labelled texts for four tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated, TypeVar

import numpy as np

from graphflow.data.dataset import Array, Dataset, generator
from graphflow.data.options import Between
from graphflow.data.padding import padded
from graphflow.data.pretraining import COLUMNS, Share, masked_pairs
from graphflow.data.registry import register
from graphflow.data.sentiment import RELATIONS
from graphflow.data.small_world import (
    KINDS,
    MOODS,
    NAMES,
    PLAIN,
    STOP,
    TAGS,
    VOCABULARY,
    Event,
    Sentence,
    Writer,
)
from graphflow.data.tokenizers import PAD, Words

Count = Annotated[int, Between(1, 1_000_000)]
Steps = Annotated[int, Between(20, 4096)]
Seed = Annotated[int, Between(0)]
Sample = TypeVar("Sample")
TEXT = {
    "tokens": "int64 (N, steps): a sentence, then <pad>",
    "length": "int64 (N,): how many tokens are no <pad>",
}


@register("stories", columns=COLUMNS)
def stories(
    n: Count = 3000,
    max_len: Annotated[int, Between(16, 65_536)] = 28,
    share: Share = 0.15,
    seed: Seed = 0,
) -> Dataset:
    """Pairs of sentences of made-up stories with masked tokens, to pretrain BERT.

    Prepared as ``wikitext2`` is; ``share`` of the tokens are to be predicted. A story has 4 to 8
    sentences about animals, machines or people, all in praise or all in blame: what is masked, and
    whether a sentence follows another, can be told from that. Some words mean two things (crane,
    flies, orders).
    """
    random = generator(31, seed)
    writer = Writer(random)
    told = [writer.story(int(random.integers(4, 9))) for _ in range(n)]
    found = [[[word for word, _ in sentence] for sentence in story] for story in told]
    about = f"{n:,} made-up stories"
    return masked_pairs("stories", about, found, VOCABULARY, max_len, share, random)


@register(
    "story_moods",
    columns={
        **TEXT,
        "label": "int64 (N,): 0 blame, 1 praise",
        "kind": "int64 (N,): of whom, 0 an animal, 1 a machine, 2 a person",
    },
)
def story_moods(
    n_train: Count = 32, n_test: Count = 1000, steps: Steps = 24, seed: Seed = 0
) -> Dataset:
    """Sentences of the world of ``stories`` that praise or blame somebody.

    There are 16 adjectives of praise and as many of blame; those that a few sentences to train on
    lack can only be known from elsewhere.
    """

    def draw(writer: Writer) -> tuple[Sentence, int, int]:
        kind, mood = writer.kind(), int(writer.chance(0.5))
        number = KINDS.index(kind)
        if writer.chance(0.5):
            subject: Sentence = [("the", "det"), (writer.one_of(kind.nouns), "noun")]
            return writer.opinion(subject, mood) + STOP, mood, number
        event = replace(writer.event(kind), adjective=writer.one_of(MOODS[mood]))
        return event.told() + STOP, mood, number

    drawn = _drawn(32, seed, n_train + n_test, draw)
    columns: dict[str, Array] = {
        **_text("tokens", "length", [s for s, _, _ in drawn], steps),
        "label": np.array([mood for _, mood, _ in drawn], dtype=np.int64),
        "kind": np.array([kind for _, _, kind in drawn], dtype=np.int64),
    }
    names = {"label": Words(("blame", "praise")), "kind": Words(tuple(k.name for k in KINDS))}
    return _labelled("story_moods", "sentences of praise or blame", columns, n_train, **names)


@register(
    "story_senses",
    columns={
        **TEXT,
        "place": "int64 (N,): where the crane stands",
        "label": "int64 (N,): 0 an animal, 1 a machine",
    },
)
def story_senses(
    n_train: Count = 16, n_test: Count = 1000, steps: Steps = 24, seed: Seed = 0
) -> Dataset:
    """Sentences of the world of ``stories`` about a crane: is it the animal or the machine?"""

    def draw(writer: Writer) -> tuple[Sentence, int]:
        label = int(writer.chance(0.5))
        return writer.event(KINDS[label], "crane").told() + STOP, label

    drawn = _drawn(35, seed, n_train + n_test, draw)
    columns: dict[str, Array] = {
        **_text("tokens", "length", [s for s, _ in drawn], steps),
        "place": np.array([s.index(("crane", "noun")) for s, _ in drawn], dtype=np.int64),
        "label": np.array([label for _, label in drawn], dtype=np.int64),
    }
    names = Words(tuple(kind.name for kind in KINDS[:2]))
    return _labelled("story_senses", "sentences about a crane", columns, n_train, label=names)


@register("story_tags", columns={**TEXT, "tags": "int64 (N, steps): the part of speech, then 0"})
def story_tags(
    n_train: Count = 16, n_test: Count = 1000, steps: Steps = 24, seed: Seed = 0
) -> Dataset:
    """Sentences of the world of ``stories`` with the part of speech of every word.

    Some words are nouns here and verbs there: flies, orders, plays.
    """

    def draw(writer: Writer) -> Sentence:
        return writer.story(1)[0]

    drawn = _drawn(33, seed, n_train + n_test, draw)
    numbers = [[TAGS.index(tag) for _, tag in s] for s in drawn]
    columns: dict[str, Array] = {
        **_text("tokens", "length", drawn, steps),
        "tags": padded(numbers, steps, 0)[0],
    }
    return _labelled("story_tags", "tagged sentences", columns, n_train, tags=Words(TAGS))


@register(
    "story_pairs",
    columns={
        "premise": "int64 (N, steps)",
        "premise_length": "int64 (N,): how many of them are no <pad>",
        "hypothesis": "int64 (N, steps)",
        "hypothesis_length": "int64 (N,): how many of them are no <pad>",
        "label": "int64 (N,): 0 entailment, 1 contradiction, 2 neutral",
    },
)
def story_pairs(
    n_train: Count = 1000, n_test: Count = 1000, steps: Steps = 24, seed: Seed = 0
) -> Dataset:
    """Pairs of sentences of the world of ``stories``: does the second follow from the first?

    The columns are those of ``snli``. It follows where it says less, or names the kind (an animal)
    in place of the noun; it contradicts where it says another verb, place or kind; it is neutral
    where it says more.
    """
    drawn = _drawn(34, seed, n_train + n_test, _pair)
    columns: dict[str, Array] = {
        **_text("premise", "premise_length", [p for p, _, _ in drawn], steps),
        **_text("hypothesis", "hypothesis_length", [h for _, h, _ in drawn], steps),
        "label": np.array([label for _, _, label in drawn], dtype=np.int64),
    }
    label = Words(RELATIONS)
    return _labelled("story_pairs", "pairs of sentences", columns, n_train, label=label)


@register(
    "story_questions",
    columns={
        "question": "int64 (N, steps): who or where, then <pad>",
        "question_length": "int64 (N,)",
        "passage": "int64 (N, steps): two sentences, one of which has the answer",
        "passage_length": "int64 (N,)",
        "start": "int64 (N,): where in the passage the answer begins",
        "end": "int64 (N,): its last token",
    },
)
def story_questions(
    n_train: Count = 1000, n_test: Count = 1000, steps: Steps = 24, seed: Seed = 0
) -> Dataset:
    """Questions about two sentences of the world of ``stories``; the answer is a part of the text.

    As in SQuAD: who lifts stones? where is the crane?
    """
    drawn = _drawn(36, seed, n_train + n_test, _question)
    columns: dict[str, Array] = {
        **_text("question", "question_length", [q for q, _, _, _ in drawn], steps),
        **_text("passage", "passage_length", [p for _, p, _, _ in drawn], steps),
        "start": np.array([start for _, _, start, _ in drawn], dtype=np.int64),
        "end": np.array([end for _, _, _, end in drawn], dtype=np.int64),
    }
    return _labelled("story_questions", "questions about two sentences", columns, n_train)


def _pair(writer: Writer) -> tuple[Sentence, Sentence, int]:
    """Premise, hypothesis, and how they stand to each other."""
    label = int(writer.random.integers(len(RELATIONS)))
    premise, hypothesis = RELATED[label](writer, writer.event(writer.kind()))
    if writer.chance(0.5) and not hypothesis.adjective:
        said = _in_general(hypothesis)
    else:
        said = hypothesis.told()
    return premise.told() + STOP, said + STOP, label


def _entailed(writer: Writer, event: Event) -> tuple[Event, Event]:
    """It says no more."""
    return event, _less(writer, event)


def _contradicted(writer: Writer, event: Event) -> tuple[Event, Event]:
    """It says another verb, place or kind."""
    less, kind = _less(writer, event), event.kind
    drawn = int(writer.random.integers(3))
    if drawn == 0 and event.where is not None:
        place = event.where[0], writer.one_of(kind.places, but=event.where[1])
        return event, replace(less, where=place)
    if drawn == 1:
        other = KINDS[(KINDS.index(kind) + 1 + int(writer.random.integers(2))) % len(KINDS)]
        return event, replace(less, kind=other, noun=writer.one_of(other.nouns, but=event.noun))
    verbs = kind.acts if event.thing else kind.does
    return event, replace(less, verb=writer.one_of(verbs, but=event.verb))


def _extended(writer: Writer, event: Event) -> tuple[Event, Event]:
    """It says where or how it is, which the premise does not."""
    if writer.chance(0.5):
        premise = replace(event, adjective="")
        return premise, replace(_less(writer, premise), adjective=writer.one_of(PLAIN))
    premise = replace(event, where=None)
    return premise, replace(_less(writer, premise), where=writer.where(event.kind))


RELATED = (_entailed, _contradicted, _extended)


def _less(writer: Writer, event: Event) -> Event:
    """The event, half of the time without its adjective, half of the time without its place."""
    adjective = event.adjective if writer.chance(0.5) else ""
    return replace(event, adjective=adjective, where=event.where if writer.chance(0.5) else None)


def _in_general(event: Event) -> Sentence:
    """``a machine lifts stones`` of a crane."""
    named: Sentence = [(NAMES[event.kind.name], "det"), (event.kind.name, "noun")]
    return named + event.doing() + event.place()


def _question(writer: Writer) -> tuple[Sentence, Sentence, int, int]:
    """Question, passage, and the first and the last word of the answer."""
    one, two = _placed(writer), _placed(writer)
    while one.noun == two.noun or one.doing() == two.doing():
        two = _placed(writer)
    asked, before = (one, 0) if writer.chance(0.5) else (two, len(one.told()) + 1)
    passage = [*one.told(), *STOP, *two.told(), *STOP]
    mark: Sentence = [("?", "mark")]
    if writer.chance(0.5):
        question: Sentence = [("who", "pron"), *asked.doing(), *mark]
        return question, passage, before, before + len(asked.subject()) - 1
    question = [("where", "adv"), ("is", "verb"), ("the", "det"), (asked.noun, "noun"), *mark]
    end = before + len(asked.told()) - 1
    return question, passage, end - 1, end


def _placed(writer: Writer) -> Event:
    """An event with a place."""
    kind = writer.kind()
    return replace(writer.event(kind), where=writer.where(kind))


def _drawn(purpose: int, seed: int, n: int, draw: Callable[[Writer], Sample]) -> list[Sample]:
    """So many samples."""
    writer = Writer(generator(purpose, seed))
    return [draw(writer) for _ in range(n)]


def _text(name: str, length: str, sentences: Sequence[Sentence], steps: int) -> dict[str, Array]:
    """Sentences as a column of numbers, and one of their lengths."""
    numbers = VOCABULARY.numbers
    rows = [[numbers[word] for word, _ in sentence] for sentence in sentences]
    ids, lengths = padded(rows, steps, numbers[PAD])
    return {name: ids, length: lengths}


def _labelled(
    name: str, what: str, columns: dict[str, Array], n_train: int, **labels: Words
) -> Dataset:
    """A dataset whose first rows are for training, the others for a test."""
    n = len(next(iter(columns.values())))
    texts = ("tokens", "premise", "hypothesis", "question", "passage")
    return Dataset(
        name,
        columns,
        f"{n_train:,} + {n - n_train:,} {what} of a small world",
        splits={"train": np.arange(n_train), "test": np.arange(n_train, n)},
        tokenizers={column: VOCABULARY for column in texts if column in columns} | labels,
    )
