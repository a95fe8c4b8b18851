"""What every compared model is in PyTorch: a module from a feed to values."""

from __future__ import annotations

import torch
from torch import Tensor, nn

Values = dict[str, Tensor]


class Model(nn.Module):
    """A module from feeds to values, with what is needed to train it."""

    clip_norm: float | None = None

    def players(self) -> dict[str, torch.optim.Optimizer]:
        """Loss to optimizer, in the order of their turns."""
        raise NotImplementedError

    def rate(self, step: int) -> float | None:
        """The learning rate of a step (from 1) where it is not constant."""
        return None
