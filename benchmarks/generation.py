"""How long a token takes to write: with what the model keeps, and by all tokens again.

    python benchmarks/generation.py

A recurrent net carries its state, gpt its keys and values: one token is fed, however many came
before. Without them the whole text is fed again for each token, filled up to a power of two. Both
ways take turns in one run; shown are medians over TIMED tokens behind so many others, and their
ratio.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from statistics import median

import graphflow as gf
from graphflow.generation.decoding import decoder_of
from graphflow.generation.searching import Decoder

LENGTHS = (64, 128, 256, 512, 1024)
TIMED = 15
TOKENS = 20
MODELS: Mapping[str, Mapping[str, int]] = {
    "rnn_concise": {},
    "lstm_concise": {},
    "gpt": {"context": LENGTHS[-1] + TIMED + 2},
}


def started(model: gf.Model, kept: bool, length: int) -> Decoder:
    """A decoder behind so many tokens, warmed up by one more."""
    plan = model.elaborated.generation
    assert plan is not None
    plan = plan if kept else replace(plan, carry=())
    decoder = decoder_of(model, plan, {}, 1, None, 0)
    decoder.start([i % TOKENS for i in range(length)])
    decoder.follow([0], [0])
    return decoder


def milliseconds(model: gf.Model, length: int) -> tuple[float, float]:
    """The time of a token, with what is kept and by all tokens again."""
    decoders = [started(model, kept, length) for kept in (True, False)]
    times: tuple[list[float], list[float]] = ([], [])
    for token in range(TIMED):
        for decoder, found in zip(decoders, times, strict=True):
            begun = time.perf_counter()
            decoder.follow([0], [token % TOKENS])
            found.append(1000 * (time.perf_counter() - begun))
    return median(times[0]), median(times[1])


def main() -> None:
    print(f"{'graph':14} {'tokens':>7} {'kept, ms':>9} {'again, ms':>10} {'ratio':>7}")
    for name, sizes in MODELS.items():
        model = gf.load(name, dict(sizes))
        for length in LENGTHS:
            kept, again = milliseconds(model, length)
            print(f"{name:14} {length:7} {kept:9.2f} {again:10.2f} {again / kept:7.1f}", flush=True)


if __name__ == "__main__":
    main()
