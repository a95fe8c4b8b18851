"""The language models of chapters 9 and 10 of the book at small sizes, which PyTorch computes with
equal weights.
"""

from __future__ import annotations

import numpy as np

from tests.parity.cases import Case, Feed

GRAPHS = "../../graphs/rnn"
SIZES = {"vocab": 11, "hidden": 6}


def _windows(rng: np.random.Generator) -> Feed:
    text = rng.integers(0, 11, (3, 8))
    return {"tokens": text[:, :-1], "targets": text[:, 1:]}


def _words(rng: np.random.Generator) -> Feed:
    return {"tokens": rng.integers(0, 11, (3, 7))}


def _language_model(name: str, **carries: str) -> Case:
    return Case(name, f"{GRAPHS}/{name}.yaml", _windows, SIZES, carries=carries)


RECURRENT_CASES = [
    _language_model("rnn_scratch", h0="rnn.final.h"),
    _language_model("rnn_concise", h0="net.hidden"),
    _language_model("lstm_scratch", H0="lstm.final.H", C0="lstm.final.C"),
    _language_model("lstm_concise", h0="net.hidden", c0="net.cell"),
    _language_model("gru_scratch", H0="gru.final.H"),
    _language_model("gru_concise", h0="net.hidden"),
    _language_model("deep_rnn_scratch", h0="last"),
    _language_model("deep_gru", h0="net.hidden"),
    Case("birnn_scratch", f"{GRAPHS}/birnn_scratch.yaml", _words, SIZES),
    Case("bigru", f"{GRAPHS}/bigru.yaml", _words, {**SIZES, "width": 4, "gap": 3}),
]
