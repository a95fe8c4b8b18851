"""PyTorch's default float type, which is one for the whole process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def torch_floats(kind: torch.dtype | None = None) -> Iterator[None]:
    """What is made here has this type, if one is named; afterwards the type is as before."""
    kept = torch.get_default_dtype()
    if kind is not None:
        torch.set_default_dtype(kind)
    try:
        yield
    finally:
        torch.set_default_dtype(kept)
