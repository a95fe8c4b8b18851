"""English that is always at hand: what Python's help() says about the language."""

from __future__ import annotations

import platform

from graphflow.data.dataset import Dataset
from graphflow.data.registry import register
from graphflow.data.text import COLUMNS, Frequency, Steps, VocabularySize, learned, sequence
from graphflow.data.tokenizers import Level
from graphflow.diagnostics import fail


@register("python_docs", columns=COLUMNS)
def python_docs(
    level: Level = "char",
    steps: Steps = 32,
    vocab: VocabularySize | None = None,
    min_freq: Frequency = 1,
    lower: bool = True,
    letters_only: bool = True,
) -> Dataset:
    """The language reference of Python, as it ships with Python: some 70,000 words of English.

    It differs a little from one version of Python to the next; ``about`` names the version.
    """
    content = "\n".join(text for _, text in sorted(topics().items()))
    about = f"what the documentation of Python {platform.python_version()} says of the language"
    tokenizer = learned(content, level, vocab, min_freq, lower, letters_only)
    return sequence("python_docs", about, content, tokenizer, steps)


def topics() -> dict[str, str]:
    """What Python says of each topic; GF076 where it comes without its documentation."""
    try:
        from pydoc_data.topics import topics as found
    except ImportError:
        fail("GF076", "this installation of Python comes without its documentation (pydoc_data)",
             help="install Python's full standard library, or use source: sentences")  # fmt: skip
    return found
