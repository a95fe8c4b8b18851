"""What BERT is pretrained on: masked tokens, and whether a sentence is the next one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import numpy as np

from graphflow.data.archive import opened
from graphflow.data.dataset import Array, Dataset, generator
from graphflow.data.files import Remote, decode
from graphflow.data.options import Between, concerning
from graphflow.data.padding import padded
from graphflow.data.registry import register
from graphflow.data.tokenizers import PAD, UNKNOWN, Tokenizer, Words, learn
from graphflow.diagnostics import fail

WIKITEXT2 = Remote(
    "wikitext-2-v1.zip",
    "https://s3.amazonaws.com/research.metamind.io/wikitext/wikitext-2-v1.zip",
    "sha1:3c914d17d80b1459be871a5039ac23e752a53cbe",
    size=4_475_746,
    instead="source: sentences or python_docs, for language models",
    top="wikitext-2",
)
MASK, FIRST, BETWEEN = "<mask>", "<cls>", "<sep>"
Share = Annotated[float, Between(0.01, 0.9)]
Sentence = list[str]
Paragraphs = list[list[Sentence]]


@dataclass(frozen=True, slots=True)
class Example:
    """Two sentences as one sequence of tokens with its segments, 0 and 1."""

    tokens: Sentence
    segments: list[int]
    is_next: bool


COLUMNS = {
    "tokens": "int64 (N, max_len): <cls>, a sentence, <sep>, another, <sep>; some are <mask>",
    "segments": "int64 (N, max_len): 0 for the first sentence, 1 for the second",
    "valid_len": "int64 (N,): how many tokens are no <pad>",
    "positions": "int64 (N, P): where a token is to be predicted, then 0",
    "weights": "float32 (N, P): 1 for such a position, 0 for what fills up",
    "labels": "int64 (N, P): the tokens that stood there",
    "is_next": "int64 (N,): 1 if the second sentence follows the first, else 0",
}


@register("wikitext2", columns=COLUMNS, files=[WIKITEXT2])
def wikitext2(
    max_len: Annotated[int, Between(8, 65_536)] = 64,
    min_freq: Annotated[int, Between(1)] = 5,
    share: Share = 0.15,
    seed: Annotated[int, Between(0)] = 0,
) -> Dataset:
    """Pairs of sentences with masked tokens, to pretrain BERT (WikiText-2, Merity et al. 2016).

    As in Dive into Deep Learning 15.9: half of the second sentences are drawn at random, pairs that
    are longer than ``max_len`` are left out, a ``share`` of the tokens is to be predicted; of these
    80 % are masked, 10 % another token, 10 % as they were. P is that share of ``max_len``. What is
    drawn depends on ``seed`` only.
    """
    with opened(WIKITEXT2) as members:
        found = paragraphs(decode(members.read("wiki.train.tokens"), "wiki.train.tokens"))
    random = generator(22, seed)
    found = [found[i] for i in random.permutation(len(found))]
    sentences = (" ".join(sentence) for paragraph in found for sentence in paragraph)
    tokenizer = learn(sentences, "word", min_freq=min_freq, splits="spaces",
                      reserved=(UNKNOWN, PAD, MASK, FIRST, BETWEEN))  # fmt: skip
    return masked_pairs("wikitext2", "WikiText-2", found, tokenizer, max_len, share, random)


def masked_pairs(
    name: str,
    what: str,
    found: Paragraphs,
    tokenizer: Tokenizer,
    max_len: int,
    share: float,
    random: np.random.Generator,
) -> Dataset:
    """Paragraphs as a dataset to pretrain BERT on."""
    examples = [e for paragraph in found for e in pairs(paragraph, found, max_len, random)]
    if not examples:
        with concerning("max_len"):
            fail("GF075", f"no two sentences that follow each other fit into {max_len} tokens")
    about = f"{what}: {len(examples):,} pairs of sentences, {len(tokenizer):,} tokens"
    columns = masked(examples, tokenizer, max_len, share, random)
    labels = {"tokens": tokenizer, "labels": tokenizer, "is_next": Words(("random", "next"))}
    return Dataset(name, columns, about, tokenizers=labels)


def paragraphs(content: str) -> Paragraphs:
    r"""The lines with a full stop inside, in lower case: sentences of words between spaces.

    >>> paragraphs(" = A Title = \n It rains . We stay . \n")
    [[['it', 'rains'], ['we', 'stay', '.']]]
    """
    return [
        [sentence.split() for sentence in line.strip().lower().split(" . ")]
        for line in content.split("\n")
        if " . " in line
    ]


def pairs(
    paragraph: Sequence[Sentence], everything: Paragraphs, longest: int, random: np.random.Generator
) -> list[Example]:
    """Each sentence with the next one of its paragraph, or (half of them) with a random one."""
    found = []
    for first, second in pairwise(paragraph):
        is_next = bool(random.random() < 0.5)
        if not is_next:
            other = everything[random.integers(len(everything))]
            second = other[random.integers(len(other))]
        if len(first) + len(second) + 3 <= longest:
            tokens = [FIRST, *first, BETWEEN, *second, BETWEEN]
            segments = [0] * (len(first) + 2) + [1] * (len(second) + 1)
            found.append(Example(tokens, segments, is_next))
    return found


def masked(
    examples: Sequence[Example],
    tokenizer: Tokenizer,
    longest: int,
    share: float,
    random: np.random.Generator,
) -> dict[str, Array]:
    """The examples as columns, with that share of the tokens of each masked."""
    numbers, unknown = tokenizer.numbers, tokenizer.numbers[UNKNOWN]
    rows, positions, labels = [], [], []
    for example in examples:
        ids = [numbers.get(token, unknown) for token in example.tokens]
        free = [i for i, token in enumerate(example.tokens) if token not in (FIRST, BETWEEN)]
        many = max(1, round(len(ids) * share))
        places = sorted(int(place) for place in random.permutation(free)[:many])
        positions.append(places)
        labels.append([ids[place] for place in places])
        for place in places:
            drawn = random.random()
            if drawn < 0.8:
                ids[place] = numbers[MASK]
            elif drawn < 0.9:
                ids[place] = int(random.integers(len(tokenizer)))
        rows.append(ids)
    most = round(longest * share)
    tokens, valid = padded(rows, longest, numbers[PAD])
    where, counts = padded(positions, most, 0)
    return {
        "tokens": tokens,
        "segments": padded([example.segments for example in examples], longest, 0)[0],
        "valid_len": valid,
        "positions": where,
        "weights": (np.arange(most) < counts[:, None]).astype(np.float32),
        "labels": padded(labels, most, 0)[0],
        "is_next": np.array([example.is_next for example in examples], dtype=np.int64),
    }
