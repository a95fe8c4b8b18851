"""Ways of choosing what follows: values that ``generate: strategy:`` names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import TypeAlias

from graphflow.diagnostics import fail


@dataclass(frozen=True)
class Greedy:
    """The most probable token every time."""


@dataclass(frozen=True)
class Sample:
    """A token by chance, with probability softmax(logits / temperature), among the ``top_k`` most
    probable ones (those that tie with the last included), and among these the fewest most probable
    whose probabilities add up to ``top_p`` (nucleus sampling, Holtzman et al. 2020).
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None

    def __post_init__(self) -> None:
        if not (_number(self.temperature) and self.temperature > 0):
            fail("GF033", f"temperature is a number above 0, not {self.temperature!r}")
        if self.top_k is not None and not (_whole(self.top_k) and self.top_k > 0):
            fail("GF033", f"top_k is a whole number above 0, not {self.top_k!r}")
        if self.top_p is not None and not (_number(self.top_p) and 0 < self.top_p <= 1):
            fail("GF033", f"top_p is a number above 0 and at most 1, not {self.top_p!r}")


@dataclass(frozen=True)
class Beam:
    """The best of ``width`` texts that grow side by side, by log P / L^length_penalty for texts
    of L tokens and probability P (Dive into Deep Learning 10.8.4).
    """

    width: int
    length_penalty: float = 0.75

    def __post_init__(self) -> None:
        if not (_whole(self.width) and 0 < self.width <= 1000):
            fail("GF033", f"width is a whole number from 1 to 1000, not {self.width!r}")
        if not (_number(self.length_penalty) and self.length_penalty >= 0):
            fail("GF033", f"length_penalty is a number from 0 on, not {self.length_penalty!r}")


Strategy: TypeAlias = Greedy | Sample | Beam
STRATEGIES: Mapping[str, type[Strategy]] = {"greedy": Greedy, "sample": Sample, "beam": Beam}


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
