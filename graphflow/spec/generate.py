"""``generate:``: texts from a model that says what follows (rule 11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from graphflow.diagnostics import Mark
from graphflow.spec.kinds import MapOf, Record, Schema, key
from graphflow.spec.leaves import (
    ARRAY,
    EXPRESSION,
    PATH,
    PATTERNS,
    TEXT,
    Numbers,
    path_name,
)
from graphflow.spec.syntax import Expr
from graphflow.spec.values import Scalar, Value


class _Given:
    """A text, or numbers."""

    def read(self, value: Value, mark: Mark) -> str | Numbers:
        if isinstance(value, Scalar) and isinstance(value.value, str):
            return value.value
        return ARRAY.read(value, mark)

    def schema(self, defs: Schema) -> Schema:
        return {"anyOf": [{"type": "string"}, ARRAY.schema(defs)]}


GIVEN = MapOf(_Given(), path_name, "texts or numbers")


@dataclass(frozen=True, slots=True)
class GenerateDecl:
    """How texts are made, token by token: ``token`` is fed, ``logits`` say what follows.

    A model goes on in one of two ways. States that it carries (those with ``reset: epoch``, or
    which ``carry`` names) hold what has been: then it is fed one token at a time. Without such
    states it is fed all tokens again at every step, which asks that no token changes the logits
    before it. What does not depend on ``token`` is computed once.
    """

    logits: str = field(metadata=key("logits", PATH, "a node: its last axis is the vocabulary"))
    token: str = field(metadata=key("token", PATH, "the whole-number input that takes tokens"))
    mark: Mark = field(compare=False, repr=False)
    prompt: str = field(default="", metadata=key("prompt", TEXT, "the text that is continued"))
    length: Expr | None = field(
        default=None, metadata=key("length", EXPRESSION, "how many tokens at most; 50 if absent")
    )
    strategy: Expr | None = field(
        default=None,
        metadata=key(
            "strategy",
            EXPRESSION,
            "greedy(), sample(temperature=1, top_k=none, top_p=none), or "
            "beam(width, length_penalty=0.75); greedy() if absent",
        ),
    )
    stop: str | None = field(
        default=None,
        metadata=key("stop", TEXT, "the token that ends a text; <eos> if absent"),
    )
    time: Expr | None = field(
        default=None,
        metadata=key("time", EXPRESSION, "the size that counts steps in time; T if absent"),
    )
    context: Expr | None = field(
        default=None, metadata=key("context", EXPRESSION, "how many tokens the model sees at most")
    )
    carry: tuple[str, ...] | None = field(
        default=None,
        metadata=key("carry", PATTERNS, "states that go on; those with 'reset: epoch' if absent"),
    )
    given: Mapping[str, str | Numbers] = field(
        default_factory=dict,
        metadata=key(
            "given",
            GIVEN,
            "other inputs: texts, numbers, or length(NAME) of a text that is given",
        ),
    )


GENERATE = Record(GenerateDecl, "generation")
