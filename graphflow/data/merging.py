"""Byte-pair encoding as Dive into Deep Learning 15.6 teaches it, on words written as symbols.

What trains on texts is :func:`graphflow.data.tokenizers.learn` with ``level="bpe"``; this shows
the one idea in it, with ties decided as in the book.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise

Pair = tuple[str, str]


def most_frequent_pair(words: Mapping[tuple[str, ...], int]) -> Pair | None:
    """The pair of symbols that stand side by side most often in words that occur so many times;
    of equally frequent ones the first met. None where every word is one symbol.

    >>> most_frequent_pair({("t", "a", "l", "l"): 9, ("e", "r"): 7})
    ('t', 'a')
    """
    counts: Counter[Pair] = Counter()
    for symbols, frequency in words.items():
        for pair in pairwise(symbols):
            counts[pair] += frequency
    return max(counts, key=counts.__getitem__, default=None)


def merged(symbols: Sequence[str], pair: Pair) -> tuple[str, ...]:
    """The symbols with every such pair as one symbol, from left to right.

    >>> merged(["t", "a", "t", "a", "l"], ("t", "a"))
    ('ta', 'ta', 'l')
    """
    found: list[str] = []
    rest = list(symbols)
    while rest:
        taken = 2 if tuple(rest[:2]) == pair else 1
        found.append("".join(rest[:taken]))
        del rest[:taken]
    return tuple(found)


def merges(words: Mapping[str, int], count: int) -> list[Pair]:
    """The first ``count`` merges learned from words and how often each occurs; fewer where
    nothing is left to merge.

    >>> merges({"fast_": 4, "faster_": 3, "tall_": 5, "taller_": 4}, 4)
    [('t', 'a'), ('ta', 'l'), ('tal', 'l'), ('f', 'a')]
    """
    split = {tuple(word): frequency for word, frequency in words.items()}
    found: list[Pair] = []
    while len(found) < count and (pair := most_frequent_pair(split)) is not None:
        split = {merged(symbols, pair): frequency for symbols, frequency in split.items()}
        found.append(pair)
    return found


def segmented(word: str, symbols: Collection[str], unknown: str = "[UNK]") -> list[str]:
    """A word cut from the left into the longest symbols; where none fits, ``unknown`` ends it.

    >>> segmented("fatter_", ["f", "t", "fa", "er_"]), segmented("faxer_", ["fa", "er_"])
    (['fa', 't', 't', 'er_'], ['fa', '[UNK]'])
    """
    found: list[str] = []
    while word:
        fitting = (word[:end] for end in range(len(word), 0, -1) if word[:end] in symbols)
        longest = next(fitting, None)
        if longest is None:
            return [*found, unknown]
        found.append(longest)
        word = word[len(longest) :]
    return found
