"""Rows of tokens written out."""

from __future__ import annotations

import numpy as np

from graphflow.data.tokenizers import Tokenizer
from graphflow.diagnostics import placed
from graphflow.figures.descriptions import Array, Labels, Words
from graphflow.figures.gather.material import Material
from graphflow.figures.gather.matrices import classes_of
from graphflow.generation import generate
from graphflow.spec.figure_keys import Ref
from graphflow.spec.figures import TextDecl

SHOWN = 8


def text(decl: TextDecl, material: Material, name: str) -> Words:
    """Each row of tokens as a text; several nodes (source, answer) under each other."""
    if decl.prompts:
        return generated(decl, material, name)
    count = decl.count or SHOWN
    found = material.values(decl.of, decl.part, count)
    beside = len(decl.of) > 1
    values = [_rows(ref, value, beside) for ref, value in zip(decl.of, found, strict=True)]
    rows = []
    for index in range(min(count, *map(len, values))):
        for ref, value in zip(decl.of, values, strict=True):
            title = f"{index} {ref}" if len(decl.of) > 1 else str(index)
            with placed(ref.mark):
                rows.append((title, written(value[index], vocabulary(decl, ref, material))))
    return Words(rows, Labels(decl.title or name, note=decl.about))


def _rows(ref: Ref, values: Array, beside: bool) -> Array:
    """Tokens (N, T). A vector is one text; ``beside`` others, a token a sample."""
    with placed(ref.mark):
        tokens = classes_of(values, 2 if values.ndim == 3 else values.ndim)
    return tokens.reshape(-1, 1) if beside and tokens.ndim == 1 else np.atleast_2d(tokens)


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
