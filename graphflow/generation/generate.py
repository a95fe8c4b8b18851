"""``generate``: a text from a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy.typing as npt

from graphflow.data.tokenizers import Tokenizer
from graphflow.diagnostics import Mark, fail, placed
from graphflow.generation.choosing import chooser
from graphflow.generation.decoding import decoder_of
from graphflow.generation.searching import Branch, Candidate, beam_search, follow_one
from graphflow.generation.texts import (
    arrays,
    prompt_of,
    stop_of,
    unknown_given,
    unknown_in,
)
from graphflow.model import Model
from graphflow.spec.elaborate import GenerationPlan
from graphflow.spec.parser import parse
from graphflow.spec.strategies import Beam, Strategy

Told = Callable[[str], None]
HALF = "\ufffd"
"""What stands at the end of a text whose last character is not complete yet."""


@dataclass(frozen=True)
class Generated:
    """What was made: the ``text``, prompt included; the tokens of the ``prompt`` and those that
    follow it, a stop token included; their log-probability by the model, among the tokens of the
    vocabulary where the model has more logits, and whether the stop token ended them. ``unknown``
    are pieces of the prompt and of given texts that the vocabulary lacks; ``candidates`` are all
    texts that a beam has found, the best first; ``branches`` what it considered step by step.
    """

    text: str
    prompt: tuple[int, ...]
    tokens: tuple[int, ...]
    log_probability: float
    finished: bool
    unknown: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    branches: tuple[Branch, ...] = ()


def generate(
    model: Model,
    prompt: str | Sequence[int] | None = None,
    *,
    given: Mapping[str, str | npt.ArrayLike] | None = None,
    strategy: str | Strategy | None = None,
    length: int | None = None,
    stop: str | None = None,
    seed: int = 0,
    on_text: Told | None = None,
    considered: int = 0,
) -> Generated:
    """Continue ``prompt`` as the file's ``generate:`` section says; arguments go before it.

    ``given`` holds texts or numbers for other inputs, ``strategy`` a call such as
    ``"sample(temperature=0.8, top_k=40)"`` or ``"beam(4)"``. ``on_text`` is told each piece of the
    text as it comes, except by a beam, which knows at the end; of each of its steps the
    ``considered`` most probable texts are kept in ``branches``. Draws depend on ``seed`` and on
    the place in the text alone.
    """
    plan = _settled(model, prompt, strategy, length, stop)
    tokenizer = model.tokenizer_of(plan.token)
    text = plan.prompt if prompt is None else prompt
    with placed(plan.mark if prompt is None else None):
        start = prompt_of(tokenizer, text)
    with placed(plan.mark if stop is None else None):
        end = stop_of(tokenizer, plan.stop)
    size = None if tokenizer is None else len(tokenizer)
    _fits(model, plan, start, size)
    rows = _rows(model, plan)
    all_given = {**plan.given, **(given or {})}
    values = arrays(model, plan, all_given, rows)
    decoder = decoder_of(model, plan, values, rows, size, seed)
    branches: list[Branch] = []
    if isinstance(plan.strategy, Beam):
        told = branches.append if considered else None
        found = beam_search(decoder, start, plan.length, end, plan.strategy, considered, told)
    else:
        telling = None if on_text is None else _Telling(tokenizer, start, on_text)
        choose = chooser(plan.strategy, seed)
        found = [follow_one(decoder, start, plan.length, end, choose, telling)]
    found = [replace(c, text=_shown(tokenizer, [*start, *c.tokens])) for c in found]
    best = found[0]
    return Generated(
        best.text,
        tuple(start),
        best.tokens,
        best.log_probability,
        best.finished,
        tuple(dict.fromkeys([*unknown_in(tokenizer, text), *unknown_given(model, all_given)])),
        tuple(found),
        tuple(branches),
    )


def _settled(
    model: Model,
    prompt: str | Sequence[int] | None,
    strategy: str | Strategy | None,
    length: int | None,
    stop: str | None,
) -> GenerationPlan:
    """The file's section, with what is asked for this time."""
    plan = model.elaborated.generation
    if plan is None:
        fail("GF067", "there is nothing to generate: the file has no 'generate:' section",
             help="add generate: {logits: ..., token: ...}")  # fmt: skip
    if length is not None and not (isinstance(length, int) and length >= 0):
        fail("GF033", f"length is a whole number from 0 on, not {length!r}")
    if isinstance(strategy, str):
        mark = Mark("strategy", 1, 1, len(strategy), strategy)
        strategy = model.elaborated.strategy(parse(strategy, mark))
    return replace(
        plan,
        strategy=plan.strategy if strategy is None else strategy,
        length=plan.length if length is None else length,
        stop=plan.stop if stop is None else stop,
    )


def _fits(model: Model, plan: GenerationPlan, start: Sequence[int], size: int | None) -> None:
    """GF030 for fewer logits than tokens, GF080 for a prompt's number that is no token."""
    width = model.graph[plan.logits].tensor.shape[-1]
    if size is not None and isinstance(width, int) and width < size:
        fail("GF030", f"the logits score {width} tokens, but the vocabulary has {size}",
             plan.mark, help="name the node whose last axis is the vocabulary")  # fmt: skip
    tokens = width if size is None else size
    strange = [t for t in start if t < 0 or (isinstance(tokens, int) and t >= tokens)]
    if strange:
        fail("GF080", f"{strange[0]} in the prompt is no token: there are {tokens}",
             help="tokens are counted from 0")  # fmt: skip


def _rows(model: Model, plan: GenerationPlan) -> int:
    """How many texts the model is fed at once: as many as a beam is wide, or as it always is."""
    width = plan.strategy.width if isinstance(plan.strategy, Beam) else 1
    axis = plan.fed.batch
    size = 1 if axis is None else model.graph[plan.token].tensor.shape[axis]
    if not isinstance(size, int):
        return width
    if width > size:
        many = "one text" if size == 1 else f"{size} texts"
        fail("GF033", f"'{plan.token}' takes {many} at once, but the beam has {width}", plan.mark,
             help="give it an axis for the batch whose size is open: B")  # fmt: skip
    return size


def _shown(tokenizer: Tokenizer | None, tokens: Sequence[int]) -> str:
    """Tokens as text; as numbers where nothing says what they mean."""
    return " ".join(map(str, tokens)) if tokenizer is None else tokenizer.decode(tokens)


class _Telling:
    """Tells a listener what each token adds to the text; first of all, the prompt.

    Only the last tokens are decoded again: those from ``start`` on, of which the text up to
    ``told_to`` has been told.
    """

    def __init__(self, tokenizer: Tokenizer | None, prompt: Sequence[int], told: Told) -> None:
        self.tokenizer, self.tokens, self.told = tokenizer, list(prompt), told
        self.start = self.told_to = 0
        self._tell()

    def __call__(self, token: int) -> None:
        self.tokens.append(token)
        self._tell()

    def _tell(self) -> None:
        known = _shown(self.tokenizer, self.tokens[self.start : self.told_to])
        text = _shown(self.tokenizer, self.tokens[self.start :])
        if len(text) > len(known) and not text.endswith(HALF):
            self.told(text[len(known) :])
            self.start, self.told_to = self.told_to, len(self.tokens)
