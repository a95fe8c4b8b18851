"""Matrices: the last two axes, over any axes before them."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def pinv(x: Array) -> Array:
    """The pseudo-inverse, without singular values that are 0 but for rounding."""
    y: Array = np.linalg.pinv(x, max(x.shape[-2:]) * np.finfo(x.dtype).eps)
    return y


def adjugate(x: Array) -> Array:
    """det(x) inv(x), also where x is singular."""
    u, s, vh = np.linalg.svd(x)
    others = np.where(np.eye(s.shape[-1], dtype=bool), 1, s[..., None, :]).prod(axis=-1)
    sign = np.sign(np.linalg.det(u) * np.linalg.det(vh))[..., None, None]
    y = np.swapaxes(vh, -1, -2) * others[..., None, :] @ np.swapaxes(u, -1, -2)
    return np.asarray(sign * y, x.dtype)


def eigvals(x: Array) -> tuple[Array, Array]:
    """The eigenvalues in order: real and imaginary parts."""
    values = np.sort(np.linalg.eigvals(x), axis=-1)
    return np.real(values), np.imag(values)


def triangle(x: Array, lower: bool, ones: bool) -> Array:
    """The lower or upper triangle; with ones on its diagonal."""
    part: Array = np.tril(x, -int(ones)) if lower else np.triu(x, int(ones))
    return part + np.eye(x.shape[-1], dtype=x.dtype) if ones else part
