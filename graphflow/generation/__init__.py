"""Texts from models: decoding by greedy choice, by chance, or with a beam."""

from __future__ import annotations

from graphflow.generation.generate import Generated, generate
from graphflow.generation.searching import Candidate
from graphflow.spec.strategies import Beam, Greedy, Sample, Strategy

__all__ = ["Beam", "Candidate", "Generated", "Greedy", "Sample", "Strategy", "generate"]
