"""Patterns of names: ``net``, ``net.*.bias``, ``decoder.[0-3].*``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase


def matches(name: str, pattern: str) -> bool:
    """Whether a pattern means a name: itself, what a ``*`` matches, or everything below these.

    >>> matches("net.fc.weight", "net"), matches("net.fc.weight", "*.weight"), matches("net", "ne")
    (True, True, False)
    >>> matches("net.head.weight", "*head")
    True
    """
    below = name.startswith(f"{pattern}.") or fnmatchcase(name, f"{pattern}.*")
    return name == pattern or below or fnmatchcase(name, pattern)


def matching(names: Iterable[str], pattern: str) -> list[str]:
    """The names that a pattern means."""
    return [name for name in names if matches(name, pattern)]


def chosen(names: Iterable[str], only: Sequence[str], exclude: Sequence[str]) -> list[str]:
    """The names that one of ``only`` means, all of them without any, and none of ``exclude``.

    >>> chosen(["conv.weight", "fc.weight", "fc.bias"], ["*.weight"], ["fc"])
    ['conv.weight']
    """
    return [
        name
        for name in names
        if (not only or any(matches(name, p) for p in only))
        and not any(matches(name, p) for p in exclude)
    ]


def brief(names: Iterable[str], count: int = 5) -> str:
    """A few names, for a message.

    >>> brief(["a", "b", "c"], 2)
    'a, b, ...'
    """
    listed = list(names)
    return ", ".join([*listed[:count], *(["..."] if len(listed) > count else [])])
