"""Training: players, steps, the loop, run folders."""

from graphflow.train.trainer import Trainer

__all__ = ["Trainer"]
