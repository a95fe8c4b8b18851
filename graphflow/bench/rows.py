"""The table of what is measured: models, batches, and the ratios that are aimed at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from graphflow.diagnostics import did_you_mean, fail
from graphflow.ir.precision import Precision

Kind = Literal["normal", "bits", "classes", "words"]
MODELS = Path(__file__).parent / "models"
BATCH = -1
"""Stands in a shape where the batch does."""
BELOW = {"classes": 10, "words": 10_000}
"""Integers of a kind are drawn below this."""


@dataclass(frozen=True, slots=True)
class Input:
    """What is fed under one name; ``shape`` says ``BATCH`` where the size of the batch stands."""

    shape: tuple[int, ...]
    kind: Kind = "normal"


@dataclass(frozen=True, slots=True)
class Row:
    """One training step: forward, backward and update, plain gradient descent.

    ``target`` is the ratio of our time to PyTorch's that is aimed at. ``fixed`` says that the file
    declares the batch itself (``let: {batch: 32}``), since something in it has that size.
    ``target`` is None where nothing is aimed at.
    """

    name: str
    model: str
    batch: int
    target: float | None
    inputs: Mapping[str, Input]
    rate: float = 0.01
    fixed: bool = False
    precision: Precision = "fp32"

    @property
    def path(self) -> Path:
        """The model as a graph file."""
        return MODELS / f"{self.model}.yaml"

    def feed(self, batch: int | None = None, seed: int = 0) -> dict[str, np.ndarray]:
        """One batch, the same for every implementation.

        >>> {name: x.shape for name, x in find("mlp-32").feed(batch=3).items()}
        {'x': (3, 784), 'label': (3,)}
        """
        rng, size = np.random.default_rng(seed), batch or self.batch
        return {
            name: _drawn(rng, tuple(size if n == BATCH else n for n in given.shape), given.kind)
            for name, given in self.inputs.items()
        }


def _drawn(rng: np.random.Generator, shape: tuple[int, ...], kind: Kind) -> np.ndarray:
    if kind in BELOW:
        return rng.integers(0, BELOW[kind], shape)
    if kind == "bits":
        return rng.integers(0, 2, shape).astype(np.float32)
    return rng.standard_normal(shape, dtype=np.float32)


def _labelled(name: str, *shape: int) -> dict[str, Input]:
    return {name: Input((BATCH, *shape)), "label": Input((BATCH,), "classes")}


def _middle(*shape: int) -> dict[str, Input]:
    return {"by_y": Input(shape)}


_PIXELS, _WORDS = _labelled("x", 784), (BATCH, 60)
_SMALL, _LARGE, _COLOURED = (
    _labelled("image", *shape) for shape in ((1, 28, 28), (1, 64, 64), (3, 32, 32))
)
_SKIP_GRAM = {
    "center": Input((BATCH, 1), "words"), "context": Input(_WORDS, "words"),
    "label": Input(_WORDS, "bits"), "mask": Input(_WORDS, "bits"),
}  # fmt: skip

ROWS: tuple[Row, ...] = (
    Row("softmax-regression", "softmax_regression", 256, 0.30, _PIXELS),
    Row("mlp-256", "mlp", 256, 0.65, _PIXELS),
    Row("mlp-32", "mlp", 32, 0.30, _PIXELS),
    Row("xyz", "xyz", 1, 0.02, {}, rate=1e-6),
    Row("lenet-sigmoid", "lenet_sigmoid", 256, 0.55, _SMALL),
    Row("lenet-relu", "lenet_relu", 256, 0.55, _SMALL),
    Row("conv3x3", "conv3x3", 32, 0.45, _middle(BATCH, 64, 32, 32), 1e-5, fixed=True),
    Row("resnet18", "resnet18", 32, 0.60, _COLOURED),
    Row("resnet18-wide", "resnet18_wide", 32, 0.60, _COLOURED),
    Row("vgg11", "vgg11", 16, 0.80, _LARGE),
    Row("nin", "nin", 16, 0.80, _labelled("image", 1, 96, 96)),
    Row("googlenet", "googlenet", 16, 0.80, _LARGE),
    Row("densenet", "densenet", 16, 0.80, _LARGE),
    Row("lstm", "lstm", 32, 0.95, _middle(35, BATCH, 256), 1e-5, fixed=True),
    Row("transformer", "transformer_block", 32, 0.80, _middle(BATCH, 64, 256), 1e-5, fixed=True),
    Row("word2vec", "word2vec", 512, 0.50, _SKIP_GRAM),
)

_WRITTEN = {name: Input((BATCH, 512), "words") for name in ("words_read", "label")}

FOR_GPUS: tuple[Row, ...] = (
    Row("resnet50", "resnet50", 64, None, _labelled("image", 3, 224, 224), precision="bf16"),
    Row("transformer-12", "transformer_12", 16, None, _WRITTEN, precision="bf16"),
)
"""Those that are too large for a processor, and are measured there only by name."""
EVERY = (*ROWS, *FOR_GPUS)


def find(name: str) -> Row:
    """The row of this name; GF006 with the closest ones where there is none."""
    for row in EVERY:
        if row.name == name:
            return row
    names = [row.name for row in EVERY]
    fail("GF006", f"there is no row '{name}' in the table of benchmarks",
         help=did_you_mean(name, names) or f"one of {', '.join(names)}")  # fmt: skip


def chosen(names: Sequence[str], otherwise: tuple[Row, ...] = ROWS) -> tuple[Row, ...]:
    """The rows of these names, those that there are ``otherwise`` where none is named."""
    return tuple(map(find, names)) or otherwise
