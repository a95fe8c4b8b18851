"""Mutated valid files are read or refused with diagnostics: nothing else ever happens."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphflow.diagnostics import GraphflowError
from graphflow.spec.document import read_document
from graphflow.spec.yaml12 import read

EXAMPLES = Path(__file__).parent.parent / "examples"
TEXTS = [path.read_text(encoding="utf-8") for path in sorted(EXAMPLES.rglob("*.yaml"))]
PIECES = st.sampled_from([
    ": ", "- ", "\n", "  ", "\t", "'", '"', "[", "]", "{", "}", "(", ")", ",", "#", "&", "*", "!",
    ">", "|", "\\", "%", "@", "~", "_", "0", "1e9", "**", "lambda ", "\x00", "é", "\u2028", "---\n",
    "<<", "null", "true", ".inf", "for ", "if ", "else ", "nodes:\n", "repeat: ", "scan: ", "x: ",
    "  - ", "? ", "9007199254740993",
])  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """An example after a few cuts, insertions, replacements and moves of lines."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        kind = draw(st.sampled_from(["insert", "delete", "replace", "line"]))
        if kind == "line":
            lines = text.split("\n")
            line = draw(st.integers(0, len(lines) - 1))
            moved = draw(st.integers(0, len(lines)))
            text = "\n".join([*lines[:moved], draw(PIECES) + lines[line], *lines[moved:]])
            continue
        piece = "" if kind == "delete" else draw(PIECES)
        end = start if kind == "insert" else start + draw(st.integers(1, 30))
        text = text[:start] + piece + text[end:]
    return text


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(mutated())
def test_a_mutated_file_is_read_or_refused(text: str):
    try:
        read_document(read(text, "t.yaml"))
    except GraphflowError as error:
        assert error.diagnostics
        for found in error.diagnostics:
            assert found.mark is not None
            assert found.mark.line <= text.count("\n") + 1 + text.count("\r")
            assert found.render().startswith(f"t.yaml:{found.mark.line}:{found.mark.column}: error")
