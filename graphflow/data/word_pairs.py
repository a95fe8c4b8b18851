"""Words and the words around them, for word2vec: the skip-gram model with negative sampling."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import numpy as np
import numpy.typing as npt

from graphflow.data.archive import opened
from graphflow.data.dataset import Array, Dataset, generator
from graphflow.data.files import Remote, decode
from graphflow.data.options import Between, concerning
from graphflow.data.padding import Numbers
from graphflow.data.registry import register
from graphflow.data.text import COLUMNS, Frequency, Steps
from graphflow.data.tokenizers import UNKNOWN, Tokenizer, learn
from graphflow.diagnostics import fail

PTB = Remote(
    "ptb.zip",
    "https://d2l-data.s3-accelerate.amazonaws.com/ptb.zip",
    "sha1:319d85e578af0cdc590547f26231e4e31cdf1e42",
    size=2_000_000,
    instead="source: python_docs or sentences, for word2vec skipgrams",
    top="ptb",
)
PARTS = {"train": "ptb.train.txt", "val": "ptb.valid.txt", "test": "ptb.test.txt"}
ROWS = 4096
"""Centre words whose noise words are drawn at a time."""
Probabilities = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
WINDOWS = {
    "center": "int64 (N, 1)",
    "contexts_negatives": "int64 (N, M): the words around it, then noise words, then 0",
    "mask": "float32 (N, M): 1 for a word, 0 for what fills up",
    "label": "float32 (N, M): 1 for the words around it, else 0",
}


@register("ptb", columns=COLUMNS, files=[PTB])
def ptb(steps: Steps = 35, min_freq: Frequency = 1) -> Dataset:
    """Articles of the Wall Street Journal, word by word (Penn Tree Bank), for language models.

    Words stand between spaces, lines end in <eos>; the vocabulary is that of the training part.
    Parts train, val and test as published (Mikolov et al. 2010), or those that are there. For
    word2vec see ``ptb_skipgram``.
    """
    with opened(PTB) as members:
        parts = {part: name for part, name in PARTS.items() if part == "train" or name in members}
        texts = [decode(members.read(name), name) for name in parts.values()]
    ended = [text.rstrip("\n").replace("\n", " <eos> ") + " <eos>" for text in texts]
    tokenizer = learn(ended[:1], "word", min_freq=min_freq, splits="spaces",
                      reserved=(UNKNOWN, "<eos>"))  # fmt: skip
    coded = [np.array(tokenizer.encode(text), dtype=np.int64) for text in ended]
    stream = np.concatenate(coded)
    ends = np.cumsum([len(part) for part in coded])
    rows = np.split(np.arange(len(stream)), ends[:-1])
    return Dataset(
        "ptb",
        {"tokens": stream[:-1], "targets": stream[1:]},
        f"Penn Tree Bank: {len(stream):,} tokens, {len(tokenizer):,} of them distinct",
        splits={name: part[:-1] for name, part in zip(parts, rows, strict=True)},
        steps=steps,
        tokenizers={"tokens": tokenizer, "targets": tokenizer},
    )


@register("ptb_skipgram", columns=WINDOWS, files=[PTB])
def ptb_skipgram(
    max_window: Annotated[int, Between(1, 100)] = 5,
    noise: Annotated[int, Between(0, 100)] = 5,
    min_freq: Annotated[int, Between(1)] = 10,
    subsample: Annotated[float, Between(0, 1)] = 1e-4,
    seed: Annotated[int, Between(0)] = 0,
) -> Dataset:
    """Words, the words around them and noise words, for word2vec (Penn Tree Bank).

    As in Dive into Deep Learning 15.3: words rarer than ``min_freq`` are left out, a word of
    frequency f stays with probability sqrt(subsample / f), windows reach 1 to ``max_window`` words
    to both sides, ``noise`` words a context word are drawn in proportion to count^0.75, none of
    which is a context word. M = 2 max_window (1 + noise). What is drawn depends on ``seed`` only.
    """
    with opened(PTB) as members:
        content = decode(members.read(PARTS["train"]), PARTS["train"])
    lines = content.split("\n")
    tokenizer = learn(lines, "word", min_freq=min_freq, splits="spaces")
    return negative_sampling(
        "ptb_skipgram", "Penn Tree Bank", lines, tokenizer, max_window, noise, subsample,
        generator(21, seed),
    )  # fmt: skip


def negative_sampling(
    name: str,
    about: str,
    lines: Sequence[str],
    tokenizer: Tokenizer,
    max_window: int,
    noise: int,
    subsample: float,
    random: np.random.Generator,
) -> Dataset:
    """The sentences as words, words around them and noise words, as ``ptb_skipgram`` says."""
    unknown = tokenizer.numbers[UNKNOWN]
    sentences = [[n for n in tokenizer.encode(line) if n != unknown] for line in lines]
    counts = _counts(sentences, len(tokenizer))
    kept = subsampled(sentences, counts, subsample, random)
    with concerning("max_window"):
        columns = skipgrams(kept, counts, max_window, noise, random)
    pairs = int(columns["label"].sum())
    about = (f"{about}: {len(lines):,} sentences, {len(columns['center']):,} centre words, "
             f"{pairs:,} context words, {len(tokenizer):,} tokens")  # fmt: skip
    return Dataset(name, columns, about, tokenizers=_named(tokenizer))


def _named(tokenizer: Tokenizer) -> dict[str, Tokenizer]:
    return {"center": tokenizer, "contexts_negatives": tokenizer}


def _counts(sentences: Sequence[Sequence[int]], size: int) -> Numbers:
    """How often each token occurs (size,)."""
    found = Counter(number for sentence in sentences for number in sentence)
    return np.array([found[number] for number in range(size)], dtype=np.int64)


def subsampled(
    sentences: Sequence[Sequence[int]],
    counts: Numbers,
    share: float,
    random: np.random.Generator,
) -> list[Numbers]:
    """The sentences without some of their frequent words: one of frequency f is kept with
    probability sqrt(share / f), always where that is 1 or more (Mikolov et al. 2013).
    """
    frequency = np.maximum(counts, 1) / max(1, counts.sum())
    keep = np.sqrt(share / frequency)
    arrays = [np.array(sentence, dtype=np.int64) for sentence in sentences]
    return [array[random.random(len(array)) < keep[array]] for array in arrays]


def skipgrams(
    sentences: Sequence[Numbers],
    counts: Numbers,
    window: int,
    noise: int,
    random: np.random.Generator,
) -> dict[str, Array]:
    """Centre words, and beside each its context words, noise words, and what fills up."""
    sentences = [sentence for sentence in sentences if len(sentence) > 1]
    if not sentences:
        fail("GF075", "no sentence has two words that are left")
    center = np.concatenate(sentences)
    around, here = contexts(sentences, random.integers(1, window + 1, len(center)), window)
    many = 2 * window * noise
    weights = counts**0.75
    drawn = [
        _noise(around[at], here[at], many, weights / weights.sum(), random)
        for at in (slice(k, k + ROWS) for k in range(0, len(center), ROWS))
    ]
    taken = np.arange(many) < here.sum(axis=1)[:, None] * noise
    return {"center": center[:, None], **beside(around, here, np.concatenate(drawn), taken)}


def beside(contexts: Numbers, here: Mask, noise: Numbers, taken: Mask) -> dict[str, Array]:
    """Context words (N, W) that are ``here``, noise words (N, M) that are ``taken``, then 0."""
    words = np.concatenate([contexts, noise], axis=1)
    mask = np.concatenate([here, taken], axis=1)
    order = np.argsort(~mask, axis=1, kind="stable")
    mask = np.take_along_axis(mask, order, axis=1)
    words = np.take_along_axis(words, order, axis=1)
    label = np.arange(words.shape[1]) < here.sum(axis=1)[:, None]
    return {
        "contexts_negatives": np.where(mask, words, 0),
        "mask": mask.astype(np.float32),
        "label": label.astype(np.float32),
    }


def contexts(sentences: Sequence[Numbers], reach: Numbers, window: int) -> tuple[Numbers, Mask]:
    """The words up to ``window`` places before and behind each, (N, 2 window), and which of them
    lie within that word's own ``reach`` and in its sentence.
    """
    lengths = np.array([len(sentence) for sentence in sentences])
    words = np.concatenate(sentences)
    first = np.repeat(np.cumsum(lengths) - lengths, lengths)
    last = first + np.repeat(lengths, lengths) - 1
    offsets = np.array([d for d in range(-window, window + 1) if d])
    places = np.arange(len(words))[:, None] + offsets
    here = (places >= first[:, None]) & (places <= last[:, None])
    here &= np.abs(offsets) <= reach[:, None]
    return words[places.clip(0, len(words) - 1)], here


def _noise(
    contexts: Numbers, here: Mask, many: int, chances: Probabilities, random: np.random.Generator
) -> Numbers:
    """``many`` noise words for each row, none of which is one of its context words."""
    drawn = random.choice(len(chances), (len(contexts), many), p=chances)
    used = np.where(here, contexts, -1)
    rows, places = np.nonzero((drawn[:, :, None] == used[:, None, :]).any(axis=2))
    if len(rows) and ((chances > 0).sum() <= here.sum(axis=1)).any():
        _check_enough(used, chances)
    while len(rows):
        drawn[rows, places] = random.choice(len(chances), len(rows), p=chances)
        again = (drawn[rows, places][:, None] == used[rows]).any(axis=1)
        rows, places = rows[again], places[again]
    return drawn


def _check_enough(used: Numbers, chances: Probabilities) -> None:
    """GF075 where every word there is stands in one window, so that no noise word is left."""
    words = set(np.flatnonzero(chances).tolist())
    if any(words <= set(row.tolist()) for row in used):
        fail("GF075", "a window holds every word of the vocabulary: no noise word is left",
             help="use more text, or a smaller window")  # fmt: skip
