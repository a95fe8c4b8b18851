"""What is compared with PyTorch, and how weights, feeds and summaries are made without it.

A case names a graph file and how its inputs are drawn. Weights are drawn by position and shape, so
that graphflow and PyTorch get the same numbers wherever their parameters stand in the same order
with the same shapes, which is what the records check first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypedDict

import numpy as np

Array = np.ndarray
Feed = dict[str, Array]

EXAMPLES = Path(__file__).parent.parent / "examples"
RECORDS = Path(__file__).parent / "records"
SEED = 20_240_611
PROJECTIONS = 2
RTOL = 1e-9


class Summary(TypedDict):
    """An array in a few numbers: equal summaries mean equal arrays, but for bad luck."""

    name: str
    shape: list[int]
    norm: float
    projections: list[float]


@dataclass(frozen=True)
class Case:
    """One comparison. ``losses`` maps a loss to the prefix of the parameters it is for.

    ``edits`` are replacements in the text of the file, where an override does not reach.
    ``batches`` feeds are drawn: the first one or more are compared, all are trained on.
    """

    name: str
    file: str
    draw: Callable[[np.random.Generator], Feed]
    overrides: Mapping[str, int | float] = field(default_factory=dict)
    losses: Mapping[str, str] = field(default_factory=lambda: {"loss": ""})
    outputs: tuple[str, ...] = ("logits",)
    carries: Mapping[str, str] = field(default_factory=dict)
    mode: Literal["train", "eval"] = "train"
    edits: tuple[tuple[str, str], ...] = ()
    compared: int = 1
    trained: int = 0

    def text(self) -> str:
        """The graph file, edited."""
        text = (EXAMPLES / self.file).read_text(encoding="utf-8")
        for old, new in self.edits:
            assert old in text, f"{self.file} does not hold {old!r}"
            text = text.replace(old, new)
        return text

    def feeds(self) -> list[Feed]:
        """The batches, in order."""
        count = max(self.compared, self.trained)
        return [self.draw(np.random.default_rng([SEED, 1, i])) for i in range(count)]


@dataclass(frozen=True)
class Outcome:
    """What one batch gives: values by name, gradients by loss, then by parameter in order."""

    values: dict[str, Array]
    gradients: dict[str, dict[str, Array]]


def weights(shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    """One array a shape: N(0, 1/fan) for matrices and kernels, U(0.5, 1.5) for vectors."""
    return [_weight(np.random.default_rng([SEED, 2, i]), s) for i, s in enumerate(shapes)]


def buffers(shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    """Running statistics, in order: U(0.5, 1.5)."""
    return [np.random.default_rng([SEED, 3, i]).uniform(0.5, 1.5, s) for i, s in enumerate(shapes)]


def summary(name: str, value: Array) -> Summary:
    """Shape, norm, and the inner products with fixed random directions."""
    flat = np.asarray(value, dtype=np.float64).ravel()
    rng = np.random.default_rng([SEED, 4, flat.size])
    return {
        "name": name,
        "shape": list(np.shape(value)),
        "norm": float(np.linalg.norm(flat)),
        "projections": [float(flat @ rng.standard_normal(flat.size)) for _ in range(PROJECTIONS)],
    }


def _weight(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    if len(shape) < 2:
        return rng.uniform(0.5, 1.5, shape)
    return rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))


# -- feeds ---------------------------------------------------------------------------------------
def _pictures(size: int, batch: int, classes: int) -> Callable[[np.random.Generator], Feed]:
    def draw(rng: np.random.Generator) -> Feed:
        return {
            "image": rng.standard_normal((batch, 3, size, size)),
            "label": rng.integers(0, classes, batch),
        }

    return draw


def _vectors(rng: np.random.Generator) -> Feed:
    return {"x": rng.uniform(0, 1, (8, 64)), "y": rng.integers(0, 10, 8)}


def _tokens(rng: np.random.Generator) -> Feed:
    text = rng.integers(0, 40, (36, 4))
    return {"tokens": text[:-1], "targets": text[1:]}


def _translation(rng: np.random.Generator) -> Feed:
    lengths = np.array([7, 4, 5])
    target = rng.integers(0, 50, (3, 7))
    return {
        "src": rng.integers(0, 50, (3, 7)),
        "tgt": target[:, :-1],
        "next_tgt": target[:, 1:],
        "src_mask": (np.arange(7) < lengths[:, None])[:, None, None, :],
    }


def _images_and_noise(rng: np.random.Generator) -> Feed:
    return {"real": rng.uniform(-1, 1, (6, 20)), "z": rng.standard_normal((6, 5))}


def _resnet18(name: str, size: int, batch: int, mode: Literal["train", "eval"]) -> Case:
    return Case(
        name, "c_resnet18.yaml", _pictures(size, batch, 1000), mode=mode,
        edits=(("224, 224", f"{size}, {size}"),),
    )  # fmt: skip


_TRANSFORMER = {"vocab": 50, "d": 32, "heads": 4, "ffn": 64, "depth": 2, "p_drop": 0}
_CARRIES = {"h0": "lstm.final.h", "c0": "lstm.final.c"}
_PLAYERS = {"d_loss": "D.", "g_loss": "G."}

CASES = {
    case.name: case
    for case in [
        _resnet18("resnet18", 64, 4, "train"),
        _resnet18("resnet18_eval", 32, 2, "eval"),
        Case("mlp", "b_mlp.yaml", _vectors, {"p_drop": 0}, trained=3),
        Case("mlp_math", "b2_mlp_math.yaml", _vectors, {"p_drop": 0}, trained=3),
        Case(
            "lstm", "d_lstm.yaml", _tokens, {"vocab": 40, "width": 12, "hidden": 16},
            carries=_CARRIES, compared=2, trained=3,
        ),
        Case("transformer", "e_transformer.yaml", _translation, _TRANSFORMER, trained=3),
        Case(
            "gan", "f_gan.yaml", _images_and_noise, {"latent": 5, "pixels": 20},
            losses=_PLAYERS, outputs=("fake",), trained=3,
        ),
    ]
}  # fmt: skip

TRAINED = [case.name for case in CASES.values() if case.trained]
