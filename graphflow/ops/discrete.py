"""Random choices: coins, whole numbers, categories, orders, and further keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.dims import Dim, Shape
from graphflow.ir.graph import Attr
from graphflow.ir.types import DType, TensorType, ValueType
from graphflow.ops.arguments import number, size, whole
from graphflow.ops.builder import Value
from graphflow.ops.op import Array, Attrs, Namespace, Sample, register
from graphflow.ops.random import Random, generator, sample_key, unit


@register
class Bernoulli(Random):
    """1 with probability p, 0 otherwise."""

    latex, waits = r"\operatorname{{Bernoulli}}({p})", False

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
        return (unit(xp, rng, stream, shape) < p).astype(dtype.value)

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
