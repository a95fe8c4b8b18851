"""Element by element, along an axis, at random."""

from __future__ import annotations

import math

import numpy as np

Array = np.ndarray


def solved(size: int, factor: int, offset: int) -> int:
    """S, where factor * S + offset is the size of an axis."""
    quotient, rest = divmod(size - offset, factor)
    if rest or quotient < 0:
        raise ValueError(f"an axis of size {size} should have {factor} * S + {offset} elements")
    return quotient


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow."""
    y: Array = 0.5 * np.tanh(0.5 * x) + 0.5
    return y


def softplus(x: Array, beta: float = 1, threshold: float = np.inf) -> Array:
    """log(1 + exp(beta x)) / beta, without overflow; x itself where beta x is above threshold."""
    scaled = beta * x
    y = (np.maximum(scaled, 0) + np.log1p(np.exp(-np.abs(scaled)))) / beta
    return np.where(scaled > threshold, x, y)


def erf(x: Array) -> Array:
    """The error function, number by number."""
    values = [math.erf(value) for value in np.ravel(x)]
    return np.array(values, x.dtype).reshape(np.shape(x))


def lgamma(x: Array) -> Array:
    """Log |gamma(x)|, number by number; infinite at 0, -1, -2, ..."""
    values = [np.inf if v <= 0 and v == round(v) else math.lgamma(v) for v in np.ravel(x)]
    return np.array(values, x.dtype).reshape(np.shape(x))


def logsumexp(x: Array, axis: tuple[int, ...], keepdims: bool = False) -> Array:
    """log(sum(exp(x))), without overflow."""
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0)
    with np.errstate(divide="ignore"):
        out: Array = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return out if keepdims else np.squeeze(out, axis)


def running(x: Array, step: np.ufunc, axis: int, exclusive: bool, reverse: bool) -> Array:
    """Sums or products of all elements so far: without the own one, from the other end."""
    y = step.accumulate(np.flip(x, axis) if reverse else x, axis)
    if exclusive:
        y = np.moveaxis(y, axis, 0)
        y = np.concatenate([np.full_like(y[:1], step.identity), y[:-1]])
        y = np.moveaxis(y, 0, axis)
    return np.flip(y, axis) if reverse else y


def categorical(rng: np.random.Generator, p: Array, shape: tuple[int, ...]) -> Array:
    """Draws of classes whose weights stand on the last axis of p."""
    upto = np.cumsum(p.astype(np.float64), axis=-1)
    drawn = rng.random((*shape, *p.shape[:-1])) * upto[..., -1]
    classes: Array = np.minimum(np.sum(drawn[..., None] >= upto, axis=-1), p.shape[-1] - 1)
    return classes


def truncated_normal(
    rng: np.random.Generator, mean: float, std: float, low: float, high: float,
    shape: tuple[int, ...],
) -> Array:  # fmt: skip
    """Normal numbers, drawn again until they lie between low and high."""
    drawn = np.asarray(rng.normal(mean, std, shape))
    while np.any(outside := (drawn < low) | (drawn > high)):
        drawn[outside] = rng.normal(mean, std, np.count_nonzero(outside))
    return drawn
