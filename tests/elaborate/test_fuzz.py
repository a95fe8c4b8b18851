"""Mutated files: what comes out is a model or a diagnostic, never anything else."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import graphflow as gf

EXAMPLES = Path(__file__).parents[1] / "examples"
TEXTS = [file.read_text("utf-8") for file in sorted(EXAMPLES.glob("*.yaml"))]
SHRINK = {"repeat: depth": "repeat: 1", "depth: 6": "depth: 1", "vocab: 37000": "vocab: 9"}
FRAGMENTS = [
    "", "0", "-1", "none", "true", "'x'", "[1, 2]", "[]", "1e400", "nan", "B", "training", "relu",
    "linear", "x", "y", "loss", "(x)", "x[0]", "x[None]", "x[:, 5]", "sum(x, axis=9)", "9 ** 9",
    "1 / 0", "-x", "not x", "x and y", "x @ x", "dim(x, 7)", "shape(x)", "range(5)", "len(3)",
    "gradient(loss, x)", "normal([2])", "concat([x, x])", "split(x, 3)", "x if x else y",
    "x == 'a'", "reshape(x, [-1, -1])", "einsum('ij', x)", "rearrange(x, 'a b -> b a')",
    "take(x, 1.5)", "scan", "{}", "{from: x, through: []}", "{scan: {steps: 2}, carry: {}}",
    "{is: x, shape: []}", "embedding(x, 3, 4)", "dropout(x, 2)", "conv2d(x, 1, 99)", "max(x, y)",
    "pad(x, 1)", "one_hot(x, 0)", "arange(0)", "full([2], x)", "where(x, x, x)", "adam", "sgd(0)",
]  # fmt: skip


def small(text: str) -> str:
    for old, new in SHRINK.items():
        text = text.replace(old, new)
    return text


@st.composite
def mutated(draw: st.DrawFn) -> str:
    text = small(draw(st.sampled_from(TEXTS)))
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["word", "line", "value", "swap"]))
        lines = text.split("\n")
        at = draw(st.integers(0, len(lines) - 1))
        if kind == "line":
            lines[at : at + 1] = draw(st.sampled_from([[], [lines[at]] * 2]))
        elif kind == "value" and ":" in lines[at]:
            head, _, _ = lines[at].partition(":")
            lines[at] = f"{head}: {draw(st.sampled_from(FRAGMENTS))}"
        elif kind == "swap":
            other = draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
        else:
            words = lines[at].split(" ")
            words[draw(st.integers(0, len(words) - 1))] = draw(st.sampled_from(FRAGMENTS))
            lines[at] = " ".join(words)
        text = "\n".join(lines)
    return text


@given(mutated())
@settings(
    max_examples=250,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_mutated_files_load_or_are_refused(text: str):
    try:
        model = gf.loads(text)
    except gf.GraphflowError as error:
        for diagnostic in error.diagnostics:
            assert diagnostic.code.startswith("GF") and diagnostic.render()
    else:
        assert gf.loads(model.expanded()).elaborated.graph == model.elaborated.graph
