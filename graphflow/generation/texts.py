"""Texts to numbers for each input of a model, by the tokenizers of its data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from graphflow.data.tokenizers import BEGIN, END, PAD, UNKNOWN, Tokenizer
from graphflow.diagnostics import did_you_mean, fail
from graphflow.ir.dims import Dim
from graphflow.ir.graph import Graph
from graphflow.model import Model
from graphflow.ops.op import Array
from graphflow.runtime.store import as_array
from graphflow.spec.elaborate import GenerationPlan

Given = str | npt.ArrayLike
_LENGTH = re.compile(r"length\((\w+)\)")


def prompt_of(tokenizer: Tokenizer | None, prompt: str | Sequence[int]) -> list[int]:
    """The tokens that a text begins with: ``<bos>`` first where the vocabulary has it."""
    if not isinstance(prompt, str):
        listed = isinstance(prompt, Sequence | np.ndarray)
        if not listed or not all(isinstance(token, int | np.integer) for token in prompt):
            fail("GF033", f"a prompt is a text or a list of whole numbers, not {prompt!r}")
        if not len(prompt):
            fail("GF033", "there is no prompt to continue", help="give one token at least")
        return [int(token) for token in prompt]
    if tokenizer is None:
        return _numbers(prompt)
    begin = tokenizer.numbers.get(BEGIN)
    tokens = tokenizer.encode(prompt)
    if begin is not None and tokens[:1] != [begin]:
        tokens = [begin, *tokens]
    if not tokens:
        fail("GF033", "there is no prompt to continue",
             help=f"the vocabulary has no {BEGIN} to begin with: give --prompt TEXT")  # fmt: skip
    return tokens


def _numbers(prompt: str) -> list[int]:
    """Tokens written as numbers with spaces between them: without a tokenizer they stand for
    themselves.
    """
    words = prompt.split()
    if not all(word.isdecimal() for word in words):
        fail("GF121", f"the prompt {prompt!r} is text, but nothing says which numbers it is",
             help="data: names a source of texts; or write numbers, such as '0 4 2'")  # fmt: skip
    if not words:
        fail("GF033", "there is no prompt to continue", help="give its tokens: '0 4 2'")
    return [int(word) for word in words]


def unknown_in(tokenizer: Tokenizer | None, prompt: str | Sequence[int]) -> tuple[str, ...]:
    """The pieces of a text that the vocabulary lacks, which become ``<unk>``."""
    if tokenizer is None or not isinstance(prompt, str) or UNKNOWN not in tokenizer.numbers:
        return ()
    return tuple(tokenizer.unknown(tokenizer.split(prompt)))


def stop_of(tokenizer: Tokenizer | None, stop: str | None) -> int | None:
    """The number of the token that ends a text; None where nothing does."""
    if not isinstance(stop, str | None):
        fail("GF033", f"stop is a token as it is written, such as '<eos>', not {stop!r}")
    if tokenizer is None:
        if stop is not None:
            fail("GF121", f"'{stop}' is a token of text, but nothing says which number it is")
        return None
    if stop is None:
        return tokenizer.numbers.get(END)
    if stop not in tokenizer.numbers:
        fail("GF020", f"'{stop}' is no token of the vocabulary",
             help=did_you_mean(stop, tokenizer.tokens))  # fmt: skip
    return tokenizer.numbers[stop]


def arrays(
    model: Model, plan: GenerationPlan, given: Mapping[str, Given], rows: int
) -> dict[str, Array]:
    """What is given as arrays of so many rows."""
    graph = model.graph
    for name in given:
        known(graph, name)
    tokens = {n: _encoded(model, n, v) for n, v in given.items() if _is_text(v)}
    found = {}
    for name, value in given.items():
        if isinstance(value, str) and (asked := _LENGTH.fullmatch(value.strip())):
            array = np.array(_count(asked[1], tokens))
        elif isinstance(value, str):
            array = _filled(model, name, tokens[name])
        else:
            array = as_array(name, value)
        found[name] = _in_rows(model, plan, name, array, rows)
    return found


def known(graph: Graph, name: str) -> None:
    """GF065 for the name of no node."""
    if name not in graph:
        fail("GF065", f"there is no node '{name}' to feed",
             help=did_you_mean(name, [*graph.nodes, *graph.aliases]))  # fmt: skip


def unknown_given(model: Model, given: Mapping[str, Given]) -> list[str]:
    """The pieces of given texts that the vocabularies of their inputs lack."""
    texts = {name: value for name, value in given.items() if _is_text(value)}
    return [
        piece
        for name, text in texts.items()
        if isinstance(text, str)
        for piece in unknown_in(model.tokenizer_of(name), text)
    ]


def _is_text(value: Given) -> bool:
    return isinstance(value, str) and not _LENGTH.fullmatch(value.strip())


def _encoded(model: Model, name: str, text: Given) -> list[int]:
    """The tokens of a text, with ``<eos>`` at the end where the vocabulary has it."""
    tokenizer = model.tokenizer_of(name)
    if tokenizer is None:
        fail("GF121", f"'{name}' is given {text!r}, but nothing says which numbers that is",
             help="give numbers, or name a source of texts in data:")  # fmt: skip
    assert isinstance(text, str)
    tokens, end = tokenizer.encode(text), tokenizer.numbers.get(END)
    if not tokens:
        fail("GF033", f"the text for '{name}' is empty", help="give one word at least")
    return tokens if end is None or tokens[-1:] == [end] else [*tokens, end]


def _count(name: str, tokens: Mapping[str, Sequence[int]]) -> int:
    if name not in tokens:
        fail("GF020", f"length({name}) counts the tokens of no text that is given",
             help=did_you_mean(name, tokens) or f"give a text for '{name}'")  # fmt: skip
    return len(tokens[name])


def _filled(model: Model, name: str, tokens: Sequence[int]) -> Array:
    """The tokens of a text, filled with ``<pad>`` where the input has a fixed length."""
    tokenizer = model.tokenizer_of(name)
    sizes = [size for size in model.graph[name].tensor.shape if isinstance(size, int)]
    pad = None if tokenizer is None else tokenizer.numbers.get(PAD)
    if len(sizes) != 1 or sizes[0] == len(tokens):
        return np.array(tokens, dtype=np.int64)
    if len(tokens) > sizes[0] or pad is None:
        fail("GF061", f"the text for '{name}' has {len(tokens)} tokens, the input {sizes[0]}")
    return np.array([*tokens, *[pad] * (sizes[0] - len(tokens))], dtype=np.int64)


def _in_rows(model: Model, plan: GenerationPlan, name: str, array: Array, rows: int) -> Array:
    """One value for every row; an axis for the rows is put in where it is missing."""
    shape = model.graph[name].tensor.shape
    axis = _batch_axis(model, plan, shape)
    if axis is None:
        return array
    if array.ndim == len(shape) - 1:
        array = np.expand_dims(array, axis)
    if array.ndim == len(shape) and array.shape[axis] == 1:
        return array.repeat(rows, axis)
    fail("GF061", f"'{name}' {list(shape)} is given an array of shape {list(array.shape)}",
         help="one text is generated: give one row")  # fmt: skip


def _batch_axis(model: Model, plan: GenerationPlan, shape: Sequence[Dim]) -> int | None:
    if plan.fed.batch is None:
        return None
    size = model.graph[plan.token].tensor.shape[plan.fed.batch]
    return shape.index(size) if size in shape else None
