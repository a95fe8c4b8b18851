"""Training: players, steps, iteration, the loop, run folders."""

from graphflow.training.iteration import Iteration
from graphflow.training.trainer import Trainer

__all__ = ["Iteration", "Trainer"]
