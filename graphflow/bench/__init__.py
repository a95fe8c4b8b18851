"""Benchmarks: a training step of known models, beside the same step in PyTorch and JAX.

``rows`` is the table: what is measured, on how much, and the ratio that is aimed at. Each
measurement is a process of its own (``child``), started by ``timing`` in turns; ``report`` makes
ratios of them.
"""
