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
from graphflow.ir.dims import Dim, Shape
from graphflow.ir.graph import Attr
from graphflow.ir.types import DType, TensorType, ValueType
from graphflow.ops.arguments import number, shape_of, size, whole
from graphflow.ops.builder import Value
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
    seed, step = (int(v) % WORD for v in key)
    words = np.array([seed, stream_number(stream)], np.uint64)
    counter = np.array([0, 0, step, 0], np.uint64)
    return np.random.Generator(np.random.Philox(key=words, counter=counter))


class Random(Op):
    """Base of the operators that draw. Their results do not depend on any tensor."""

    random = True

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

    latex = r"\mathcal{{U}}({low}, {high})"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
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
        drawn = low + (high - low) * generator(rng, stream).random(shape)
        rounded = xp.asarray(drawn).astype(dtype.value)
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
        drawn = xp.asarray(mean + std * source.standard_normal(shape))
        outside = (drawn < low) | (drawn > high)
        while outside.any():
            drawn[outside] = mean + std * source.standard_normal(int(outside.sum()))
            outside = (drawn < low) | (drawn > high)
        return drawn.astype(dtype.value)

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


@register
class Bernoulli(Random):
    """1 with probability p, 0 otherwise."""

    latex = r"\operatorname{{Bernoulli}}({p})"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        p = number(attrs["p"], "a probability")
        if isinstance(p, int | float) and not 0 <= p <= 1:
            fail("GF033", f"a probability lies between 0 and 1: {p}")
        return super().canonical(types, attrs)

    def infer(
        self,
        rng: TensorType,
        *,
        p: float = 0.5,
        shape: Shape = (),
        dtype: DType = DType.FLOAT,
        stream: str = "",
    ) -> TensorType:
        return TensorType(dtype, shape)

    def forward(
        self,
        xp: Namespace,
        rng: Array,
        *,
        p: float,
        shape: tuple[int, ...],
        dtype: DType,
        stream: str,
    ) -> Array:
        drawn = xp.asarray(generator(rng, stream).random(shape))
        return (drawn < p).astype(dtype.value)

    def samples(self) -> Iterator[Sample]:
        yield Sample([sample_key()], {"shape": (2, 3)}, differentiable=False)
        for p in (0.0, 1.0):
            attrs: Attrs = {"p": p, "shape": (5,)}
            yield Sample([sample_key()], attrs, np.full(5, p), differentiable=False)


@register
class Randint(Random):
    """Integers equally likely in low <= y < high."""

    latex = r"\mathcal{{U}}\{{{low}, \dots, {high} - 1\}}"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        low, high = whole(attrs["low"], "low"), whole(attrs["high"], "high")
        if isinstance(low, int) and isinstance(high, int) and low >= high:
            fail("GF033", f"randint from {low} to {high}: there is no integer to draw")
        return super().canonical(types, attrs)

    def infer(
        self, rng: TensorType, *, low: Dim, high: Dim, shape: Shape = (), stream: str = ""
    ) -> TensorType:
        return TensorType(DType.INT64, shape)

    def forward(
        self,
        xp: Namespace,
        rng: Array,
        *,
        low: int,
        high: int,
        shape: tuple[int, ...],
        stream: str,
    ) -> Array:
        return xp.asarray(generator(rng, stream).integers(low, high, shape))

    def samples(self) -> Iterator[Sample]:
        attrs: Attrs = {"low": -1, "high": 3, "shape": (4, 2)}
        yield Sample([sample_key()], attrs, differentiable=False)
        one: Attrs = {"low": 5, "high": 6, "shape": ()}
        yield Sample([sample_key()], one, np.array(5), differentiable=False)


@register
class Categorical(Random):
    """Positions drawn with the probabilities (or weights) along the last axis of p.

    One draw for each row of p, and for each place of ``shape`` in front of them: with p (3, 5) and
    shape [10] the result is (10, 3). Draws are with replacement.
    """

    latex = r"\operatorname{{Categorical}}({p})"

    def infer(
        self, rng: TensorType, p: TensorType, *, shape: Shape = (), stream: str = ""
    ) -> TensorType:
        if p.ndim == 0 or p.shape[-1] == 0:
            fail("GF030", f"categorical draws along the last axis, and p is {list(p.shape)}")
        return TensorType(DType.INT64, (*shape, *p.shape[:-1]))

    def forward(
        self, xp: Namespace, rng: Array, p: Array, *, shape: tuple[int, ...], stream: str
    ) -> Array:
        upto = xp.cumsum(p.astype(np.float64), axis=-1)
        total = upto[..., -1]
        if not ((p >= 0).all() and (total > 0).all() and xp.isfinite(total).all()):
            fail(
                "GF083",
                "a probability is negative or not finite, or all of a row are 0",
                help="draw from softmax(logits), not from logits",
            )
        drawn = xp.asarray(generator(rng, stream).random((*shape, *total.shape))) * total
        drawn = xp.minimum(drawn, xp.nextafter(total, xp.zeros_like(total)))  # rounding up
        return (drawn[..., None] >= upto).sum(-1)

    def vjp(self, g: Value, out: Value, rng: Value, p: Value, **attrs: Attr) -> Sequence[None]:
        return None, None

    def samples(self) -> Iterator[Sample]:
        sure = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 2.5]])
        attrs: Attrs = {"shape": (2,)}
        yield Sample([sample_key(), sure], attrs, np.array([[1, 2], [1, 2]]), False)
        yield Sample([sample_key(), np.array([0.5, 0.5])], {}, differentiable=False)


@register
class Permutation(Random):
    """The numbers 0 ... n - 1 in random order."""

    latex = r"\pi_{{{n}}}"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        return {**attrs, "n": size(attrs["n"], "n")}

    def infer(self, rng: TensorType, *, n: Dim, stream: str = "") -> TensorType:
        return TensorType(DType.INT64, (n,))

    def forward(self, xp: Namespace, rng: Array, *, n: int, stream: str) -> Array:
        return xp.asarray(generator(rng, stream).permutation(n))

    def samples(self) -> Iterator[Sample]:
        yield Sample([sample_key()], {"n": 5}, differentiable=False)
        yield Sample([sample_key()], {"n": 0}, np.zeros(0, np.int64), differentiable=False)


@register
class RngSplit(Random):
    """n further keys, one for each turn of a scan: rows (seed, step) with fresh seeds."""

    latex = r"\operatorname{{split}}({rng})"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        return {**attrs, "n": size(attrs["n"], "the number of keys")}

    def infer(self, rng: TensorType, *, n: Dim, stream: str = "") -> TensorType:
        return TensorType(DType.INT64, (n, 2))

    def forward(self, xp: Namespace, rng: Array, *, n: int, stream: str) -> Array:
        seeds = generator(rng, stream).integers(0, 2**63 - 1, n)
        return xp.stack([xp.asarray(seeds), xp.full(n, rng[1])], axis=1)

    def samples(self) -> Iterator[Sample]:
        yield Sample([sample_key()], {"n": 3}, differentiable=False)
        yield Sample([sample_key()], {"n": 0}, np.zeros((0, 2), np.int64), differentiable=False)
