"""Arrays and operations as they are described to a library of a device."""

from __future__ import annotations

from dataclasses import dataclass

Sizes = tuple[int, ...]


@dataclass(frozen=True)
class Tensor:
    """An array that a library sees: its number type, its shape, and how many elements apart
    neighbours lie along each axis.
    """

    dtype: str
    shape: Sizes
    strides: Sizes


@dataclass(frozen=True)
class Refused:
    """Why a library does not compute something: what is said of it behind the library's name."""

    why: str
