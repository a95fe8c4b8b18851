"""Rows of tokens written out."""

from __future__ import annotations

import numpy as np

from graphflow.data.tokenizers import Tokenizer
from graphflow.figures.descriptions import Array, Labels, Words
from graphflow.figures.gather.material import Material
from graphflow.figures.gather.matrices import classes_of
from graphflow.generation import generate
from graphflow.spec.figures import Ref, TextDecl

SHOWN = 8


def text(decl: TextDecl, material: Material, name: str) -> Words:
    """Each row of tokens as a text; several nodes (source, answer) under each other."""
    if decl.prompts:
        return generated(decl, material, name)
    count = decl.count or SHOWN
    values = material.values(decl.of, decl.part, count)
    rows = []
    for index in range(min(count, *(len(np.atleast_2d(v)) for v in values))):
        for ref, value in zip(decl.of, values, strict=True):
            tokens = np.atleast_2d(classes_of(value, 2) if value.ndim == 3 else value)[index]
            title = f"{index} {ref}" if len(decl.of) > 1 else str(index)
            rows.append((title, written(tokens, vocabulary(decl, ref, material))))
    return Words(rows, Labels(decl.title or name, note=decl.about))


def generated(decl: TextDecl, material: Material, name: str) -> Words:
    """Prompts continued; draws depend on the run's seed and on which sample it is."""
    rows = []
    for prompt in decl.prompts:
        for draw in range(decl.count or 1):
            made = generate(material.model, prompt, seed=material.model.seed + draw)
            rows.append((prompt if draw == 0 else "", made.text))
    return Words(rows, Labels(decl.title or name, note=decl.about))


def vocabulary(decl: TextDecl, ref: Ref, material: Material) -> Tokenizer | None:
    """That of the input that is shown; for anything else, of the column that the figure names."""
    own = material.tokenizer_of(ref)
    return material.tokenizer(decl.tokens) if own is None and decl.tokens is not None else own


def written(tokens: Array, tokenizer: Tokenizer | None) -> str:
    """A text, or the numbers themselves where nothing says what they stand for."""
    numbers = [int(token) for token in np.nan_to_num(tokens.astype(np.float64)).tolist()]
    return " ".join(map(str, numbers)) if tokenizer is None else tokenizer.decode(numbers)
