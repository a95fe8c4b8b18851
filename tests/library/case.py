"""One compared call: what it is fed, what it owns.

A case is one call. Feeds and parameters are drawn by name, so that graphflow and PyTorch get the
same numbers; the names and shapes of the parameters are part of what is compared.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

Array = np.ndarray
Shape = tuple[int, ...]
RECORDS = Path(__file__).parent / "records"


@dataclass(frozen=True)
class Draw:
    """How an input is drawn: ``normal``, ``unit`` (0 to 1), ``fixed`` (the same, but no derivative
    is taken by it), ``signs`` (-1 or 1), ``below`` n, ``shares`` (positive, adding up to 1 along
    the last axis) or ``mask`` (half of them true).
    """

    shape: Shape
    kind: Literal["normal", "unit", "fixed", "signs", "below", "shares", "mask"] = "normal"
    n: int = 0

    @property
    def dtype(self) -> str:
        return {"below": "int", "mask": "bool"}.get(self.kind, "float")

    def array(self, name: str) -> Array:
        rng = np.random.default_rng(zlib.crc32(f"{name} {self.shape}".encode()))
        if self.kind == "below":
            return rng.integers(0, self.n, self.shape)
        if self.kind == "mask":
            return rng.permuted(np.arange(np.prod(self.shape)) % 2 == 0).reshape(self.shape)
        drawn = rng.uniform(0.05, 0.95, self.shape)
        if self.kind == "normal":
            return rng.standard_normal(self.shape)
        if self.kind == "signs":
            return np.sign(drawn - 0.5)
        return drawn / drawn.sum(-1, keepdims=True) if self.kind == "shares" else drawn


def normal(*shape: int) -> Draw:
    return Draw(shape)


def below(n: int, *shape: int) -> Draw:
    return Draw(shape, "below", n)


@dataclass(frozen=True)
class Case:
    """One call, ``out: call``; ``results`` are the parts of several results."""

    name: str
    call: str
    inputs: Mapping[str, Draw]
    params: Mapping[str, Shape] = field(default_factory=dict)
    results: tuple[str, ...] = ()
    mode: Literal["train", "eval"] = "train"

    def text(self) -> str:
        """A file with the call, and a scalar that every result has a part in."""
        inputs = "".join(
            f"  {name}: {{shape: {list(d.shape)}, dtype: {d.dtype}}}\n"
            for name, d in self.inputs.items()
        )
        total = " + ".join(f"sum(sin({name}))" for name in self.outputs)
        return (
            f"graphflow: 1\nname: {self.name}\ninputs:\n{inputs}nodes:\n  out: {self.call}\n"
            f"  total: {total}\noutputs: [{', '.join(self.outputs)}, total]\n"
        )

    @property
    def outputs(self) -> tuple[str, ...]:
        return tuple(f"out.{part}" for part in self.results) or ("out",)

    @property
    def wrt(self) -> tuple[str, ...]:
        """What the derivatives are taken by."""
        varied = (n for n, d in self.inputs.items() if d.dtype == "float" and d.kind != "fixed")
        return (*varied, *self.params)

    def feed(self) -> dict[str, Array]:
        return {name: draw.array(f"{self.name}.{name}") for name, draw in self.inputs.items()}

    def weights(self) -> dict[str, Array]:
        return {n: Draw(s).array(f"{self.name}.{n}") / 2 for n, s in self.params.items()}
