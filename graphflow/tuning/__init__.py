"""Searching hyperparameters: many runs of one file, compared while they train."""

from __future__ import annotations

from graphflow.tuning.asked import Limits
from graphflow.tuning.begin import begun, resumed, tune
from graphflow.tuning.search import Listener, Search, Tuned
from graphflow.tuning.trials import Trial

__all__ = ["Limits", "Listener", "Search", "Trial", "Tuned", "begun", "resumed", "tune"]
