"""Training: players, steps, the loop, run folders."""

from graphflow.training.trainer import Trainer

__all__ = ["Trainer"]
