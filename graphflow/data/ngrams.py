"""How often tokens follow each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence


def ngrams(tokens: Sequence[str], n: int) -> Iterable[tuple[str, ...]]:
    """Every run of ``n`` tokens.

    >>> list(ngrams("abcd", 3))
    [('a', 'b', 'c'), ('b', 'c', 'd')]
    """
    return zip(*(tokens[start:] for start in range(n)), strict=False)


def ngram_counts(tokens: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    """How often each run of ``n`` tokens stands in a text; ``most_common`` sorts them (Dive into
    Deep Learning 9.2.4: the count of the i-th falls like i to a power, Zipf's law).

    >>> ngram_counts("to be or not to be".split(), 2).most_common(1)
    [(('to', 'be'), 2)]
    """
    return Counter(ngrams(tokens, n))
