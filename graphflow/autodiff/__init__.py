"""Derivatives: reverse mode, forward mode, derivatives as expressions, and their check."""

from graphflow.autodiff.check import (
    GradientCheck,
    Slopes,
    along,
    check_gradients,
    difference,
    probe,
)
from graphflow.autodiff.cuts import Cut, cuts
from graphflow.autodiff.expand import expand_derivatives
from graphflow.autodiff.forward import push_forward
from graphflow.autodiff.reverse import pull_back, reverse

__all__ = [
    "Cut",
    "GradientCheck",
    "Slopes",
    "along",
    "check_gradients",
    "cuts",
    "difference",
    "expand_derivatives",
    "probe",
    "pull_back",
    "push_forward",
    "reverse",
]
