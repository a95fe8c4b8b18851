"""Random numbers: a draw depends on (seed, stream, step) and on nothing else.

The first operand is the key, int64 (seed, step). The ``stream`` is the node's path, so a draw does
not depend on the order of nodes, on passes, or on resuming. Numbers are drawn in float64 and
rounded: a float32 program sees the same draws. Source: Salmon et al. 2011, counter-based Philox.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.dims import Shape
from graphflow.ir.graph import Attr
from graphflow.ir.types import DType, TensorType, ValueType
from graphflow.ops.arguments import number, shape_of
from graphflow.ops.builder import Value
from graphflow.ops.help import helper
from graphflow.ops.op import Array, Attrs, Namespace, Op, Sample, register

WORD = 2**64


@cache
def stream_number(stream: str) -> int:
    """A 64-bit number for a stream's name, the same on every machine and in every run."""
    return int.from_bytes(hashlib.blake2b(stream.encode(), digest_size=8).digest(), "little")


def generator(key: Array, stream: str) -> np.random.Generator:
    """The generator of one draw. Philox: key (seed, stream), counter (0, 0, step, 0).

    It draws on the host, whatever the array namespace, so that all backends see the same numbers.
    """
    return drawn_by(key, stream_number(stream))


def drawn_by(key: Array, stream: int) -> np.random.Generator:
    """The generator of a key and a stream's number."""
    seed, step = (v % WORD for v in key.tolist())
    words = np.array([seed, stream], np.uint64)
    counter = np.array([0, 0, step, 0], np.uint64)
    return np.random.Generator(np.random.Philox(key=words, counter=counter))


def unit(xp: Namespace, key: Array, stream: str, shape: tuple[int, ...]) -> Array:
    """Numbers in 0 <= u < 1, in float64. A device that helps draws the same ones itself."""
    help = helper()
    if help is not None:
        return help.random(key, stream_number(stream), shape)
    drawn: Array = xp.asarray(generator(key, stream).random(shape))
    return drawn


def real(dtype: Attr, op: str) -> None:
    """Refuse to round draws of real numbers to whole ones."""
    if not (isinstance(dtype, DType) and dtype.is_float):
        fail("GF033", f"{op} draws real numbers, not {dtype}", help="randint draws whole ones")


class Random(Op):
    """Base of the operators that draw. Their results do not depend on any tensor."""

    family, random, waits = "random", True, True

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        return {**attrs, "shape": shape_of(attrs["shape"])}

    def vjp(self, g: Value, out: Value, rng: Value, **attrs: Attr) -> Sequence[Value | None]:
        return (None,)

    def jvp(
        self, out: Value, inputs: Sequence[Value], tangents: Sequence[Value | None], **attrs: Attr
    ) -> Value | None:
        return None


def sample_key() -> Array:
    """The key that samples draw with."""
    return np.array([3, 1])


@register
class Uniform(Random):
    """Numbers equally likely anywhere in low <= y < high."""

    latex, waits = r"\mathcal{{U}}({low}, {high})", False

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        real(attrs["dtype"], self.name)
        low, high = number(attrs["low"], "low"), number(attrs["high"], "high")
        if isinstance(low, int | float) and isinstance(high, int | float) and not low <= high:
            fail("GF033", f"uniform from {low} to {high}: low must not exceed high")
        return super().canonical(types, attrs)

    def infer(
        self,
        rng: TensorType,
        *,
        shape: Shape = (),
        low: float = 0,
        high: float = 1,
        dtype: DType = DType.FLOAT,
        stream: str = "",
    ) -> TensorType:
        return TensorType(dtype, shape)

    def forward(
        self,
        xp: Namespace,
        rng: Array,
        *,
        shape: tuple[int, ...],
        low: float,
        high: float,
        dtype: DType,
        stream: str,
    ) -> Array:
        drawn = low + (high - low) * unit(xp, rng, stream, shape)
        rounded = drawn.astype(dtype.value)
        ends = np.array([low, high], rounded.dtype)  # rounding may reach high: step back from it
        last = np.nextafter(ends[1], ends[0])
        return xp.where(rounded < high, rounded, last)

    def samples(self) -> Iterator[Sample]:
        yield Sample([sample_key()], {"shape": (2, 3)}, differentiable=False)
        attrs: Attrs = {"shape": 4, "low": -2, "high": -1.5, "stream": "a.b"}
        yield Sample([sample_key()], attrs, differentiable=False)


@register
class Normal(Random):
    """Numbers from the normal distribution of a mean and a standard deviation."""

    latex = r"\mathcal{{N}}({mean}, {std}^2)"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        real(attrs["dtype"], self.name)
        number(attrs["mean"], "mean")
        _deviation(attrs["std"])
        return super().canonical(types, attrs)

    def infer(
        self,
        rng: TensorType,
        *,
        shape: Shape = (),
        mean: float = 0,
        std: float = 1,
        dtype: DType = DType.FLOAT,
        stream: str = "",
    ) -> TensorType:
        return TensorType(dtype, shape)

    def forward(
        self,
        xp: Namespace,
        rng: Array,
        *,
        shape: tuple[int, ...],
        mean: float,
        std: float,
        dtype: DType,
        stream: str,
    ) -> Array:
        drawn = mean + std * generator(rng, stream).standard_normal(shape)
        return xp.asarray(drawn).astype(dtype.value)

    def samples(self) -> Iterator[Sample]:
        yield Sample([sample_key()], {"shape": (2, 3)}, differentiable=False)
        attrs: Attrs = {"shape": (), "mean": 5.0, "std": 0}
        yield Sample([sample_key()], attrs, np.array(5.0), differentiable=False)


def _deviation(value: Attr) -> None:
    deviation = number(value, "a standard deviation")
    if isinstance(deviation, int | float) and deviation < 0:
        fail("GF033", f"a standard deviation is not negative: {deviation}")


@register
class TruncatedNormal(Random):
    """Normal numbers that fall into low <= y <= high; others are drawn again.

    The bounds are values, not multiples of ``std`` (PyTorch's trunc_normal).
    """

    latex = r"\mathcal{{N}}_{{[{low}, {high}]}}({mean}, {std}^2)"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        real(attrs["dtype"], self.name)
        mean, std, low, high = (attrs[k] for k in ("mean", "std", "low", "high"))
        for name in ("mean", "low", "high"):
            number(attrs[name], name)
        _deviation(std)
        known = all(isinstance(v, int | float) for v in (mean, std, low, high))
        if known and _probability(mean, std, low, high) < 0.01:  # type: ignore[arg-type]
            fail("GF033", f"hardly any draw of mean {mean}, std {std} lies in [{low}, {high}]")
        return super().canonical(types, attrs)

    def infer(
        self,
        rng: TensorType,
        *,
        shape: Shape = (),
        mean: float = 0,
        std: float = 1,
        low: float = -2,
        high: float = 2,
        dtype: DType = DType.FLOAT,
        stream: str = "",
    ) -> TensorType:
        return TensorType(dtype, shape)

    def forward(
        self,
        xp: Namespace,
        rng: Array,
        *,
        shape: tuple[int, ...],
        mean: float,
        std: float,
        low: float,
        high: float,
        dtype: DType,
        stream: str,
    ) -> Array:
        source = generator(rng, stream)
        drawn = np.asarray(mean + std * source.standard_normal(shape))
        outside = (drawn < low) | (drawn > high)
        while outside.any():
            drawn[outside] = mean + std * source.standard_normal(int(outside.sum()))
            outside = (drawn < low) | (drawn > high)
        return xp.asarray(drawn, dtype.value)

    def samples(self) -> Iterator[Sample]:
        yield Sample([sample_key()], {"shape": (2, 3)}, differentiable=False)
        attrs: Attrs = {"shape": (50,), "std": 0.02, "low": -0.01, "high": 0.04}
        yield Sample([sample_key()], attrs, differentiable=False)


def _probability(mean: float, std: float, low: float, high: float) -> float:
    """How likely a normal number falls between two bounds."""
    if std == 0:
        return float(low <= mean <= high)
    below = [0.5 * (1 + math.erf((b - mean) / (std * math.sqrt(2)))) for b in (low, high)]
    return below[1] - below[0]
