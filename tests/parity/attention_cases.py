"""Transformers at small sizes, which PyTorch computes with equal weights."""

from __future__ import annotations

import numpy as np

from tests.parity.cases import Case, Feed

GRAPHS = "../../graphs/attention"
WORDS, WIDTH, STEPS = 20, 8, 5
LENGTHS = np.array([5, 3])


def _tokens(rng: np.random.Generator) -> Feed:
    return {"tokens": rng.integers(0, WORDS, (2, STEPS)), "lengths": LENGTHS}


def _tokens_with_memory(rng: np.random.Generator) -> Feed:
    return {
        **_tokens(rng),
        "targets": rng.integers(0, WORDS, (2, STEPS)),
        "memory": rng.standard_normal((2, 4, WIDTH)),
        "lengths": LENGTHS - 1,
    }


def _dates(rng: np.random.Generator) -> Feed:
    return {
        "source": rng.integers(0, WORDS, (2, STEPS)),
        "source_length": LENGTHS,
        "heard": rng.integers(0, WORDS, (2, 4)),
        "target": rng.integers(0, WORDS, (2, 4)),
        "target_length": np.array([2, 4]),
    }


def _numbers(rng: np.random.Generator) -> Feed:
    return {"src": rng.integers(1, WORDS, (3, STEPS))}


_SIZES = {"width": WIDTH, "hidden": 12, "heads": 4, "p_drop": 0}
_STACK = {"words": WORDS, "depth": 2, **_SIZES}
ATTENTION_CASES = [
    Case("transformer_encoder", f"{GRAPHS}/transformer_encoder.yaml", _tokens, _STACK,
         outputs=("encoded",)),
    Case("transformer_decoder", f"{GRAPHS}/transformer_decoder.yaml", _tokens_with_memory, _STACK),
    Case("transformer_mt", f"{GRAPHS}/transformer_mt.yaml", _dates, _STACK),
    Case("transformer_backwards", f"{GRAPHS}/transformer.yaml", _numbers,
         {"vocab": WORDS, "length": STEPS, "batch": 3, "d": WIDTH, "heads": 4, "ffn": 12}),
]  # fmt: skip
