"""Texts from models: decoding by greedy choice, by chance, or with a beam."""

from __future__ import annotations

from graphflow.generation.generate import Generated, generate
from graphflow.generation.searching import Branch, Candidate
from graphflow.spec.strategies import Beam, Greedy, Sample, Strategy

__all__ = ["Beam", "Branch", "Candidate", "Generated", "Greedy", "Sample", "Strategy", "generate"]
