from __future__ import annotations

import pytest

import graphflow as gf
from graphflow.diagnostics import Diagnostic, GraphflowError
from graphflow.spec.elaborate import Axes, GenerationPlan
from graphflow.spec.strategies import Beam, Greedy, Sample

TEXT = """
graphflow: 1
name: t
let: {n: 7}
inputs: {tokens: {shape: [T, B], dtype: int}, x: {shape: [B, 3]}}
state:
  h: {shape: [B, 4], init: zeros, reset: epoch}
  count: {shape: scalar, init: zeros}
nodes:
  e: embedding(tokens, 5, 4) + h
  logits: linear(e, 5)
  flat: sum(logits, axis=-1)
updates: {h: 'e[-1]', count: count + 1}
"""


def plan(section: str, text: str = TEXT) -> GenerationPlan:
    found = gf.loads(f"{text}generate: {section}\n").elaborated.generation
    assert found is not None
    return found


def refused(section: str, text: str = TEXT) -> Diagnostic:
    with pytest.raises(GraphflowError) as caught:
        plan(section, text)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.mark is not None and diagnostic.mark.line > 1
    return diagnostic


def test_what_is_not_said() -> None:
    found = plan("{logits: logits, token: tokens}")
    assert (found.strategy, found.length, found.prompt) == (Greedy(), 50, "")
    assert (found.stop, found.context, found.given) == (None, None, {})
    assert found.carry == ("h",)
    assert found.fed == found.said == Axes(time=0, batch=1)


def test_all_that_can_be_said() -> None:
    found = plan(
        "{logits: logits, token: tokens, strategy: 'sample(0.5, top_k=n)', length: 2 * n, "
        "context: n, carry: ['*'], stop: <eos>, prompt: the, given: {x: [[1, 2, 3]], e: a text}}"
    )
    assert found.strategy == Sample(0.5, 7)
    assert (found.length, found.context) == (14, 7)
    assert found.carry == ("h", "count")
    assert (found.stop, found.prompt) == ("<eos>", "the")
    assert found.given == {"x": [[1, 2, 3]], "e": "a text"}
    assert plan("{logits: logits, token: tokens, strategy: beam(width=3)}").strategy == Beam(3)
    assert plan("{logits: logits, token: tokens, carry: []}").carry == ()


@pytest.mark.parametrize(
    ("shape", "extra", "time", "batch"),
    [
        ("[T, B]", "", 0, 1), ("[B, T]", "", 1, 0), ("[B, 9]", "", 1, 0), ("[T]", "", 0, None),
        ("[9, 4]", ", time: 9", 0, 1), ("[B, S]", ", time: S", 1, 0), ("[N, T]", "", 1, 0),
        ("[B]", ", carry: [h]", None, 0), ("scalar", ", carry: [h]", None, None),
    ],
)  # fmt: skip
def test_the_axes_of_tokens(shape: str, extra: str, time: int | None, batch: int | None) -> None:
    text = f"""
graphflow: 1
name: t
inputs: {{tokens: {{shape: {shape}, dtype: int}}}}
state: {{h: {{shape: [5], init: zeros}}}}
nodes:
  e: embedding(tokens, 5, 5)
  logits: e + h
updates: {{h: 2 * h}}
"""
    found = plan(f"{{logits: logits, token: tokens{extra}}}", text)
    assert found.fed == found.said == Axes(time, batch)


def test_logits_in_another_order_or_of_the_last_token() -> None:
    turned = TEXT.replace("linear(e, 5)", "swapaxes(linear(e, 5), 0, 1)")
    assert plan("{logits: logits, token: tokens}", turned).said == Axes(time=1, batch=0)
    last = TEXT.replace("linear(e, 5)", "linear(e, 5)[-1]")
    assert plan("{logits: logits, token: tokens}", last).said == Axes(time=None, batch=0)


@pytest.mark.parametrize(
    ("section", "code", "word"),
    [
        ("{logits: logit, token: tokens}", "GF020", "logits"),
        ("{logits: logits, token: token}", "GF020", "tokens"),
        ("{logits: logits, token: x}", "GF031", "whole numbers"),
        ("{logits: tokens, token: tokens}", "GF031", "scores"),
        ("{logits: flat, token: tokens}", "GF030", "vocabulary"),
        ("{logits: logits, token: tokens, time: S}", "GF020", "S"),
        ("{logits: logits, token: tokens, time: 9}", "GF033", "time"),
        ("{logits: logits, token: tokens, carry: [g]}", "GF020", "h, count"),
        ("{logits: logits, token: tokens, given: {y: 1}}", "GF020", "y"),
        ("{logits: logits, token: tokens, length: 1.5}", "GF033", "length"),
        ("{logits: logits, token: tokens, context: 1}", "GF033", "context"),
        ("{logits: logits, token: tokens, strategy: best()}", "GF021", "greedy"),
        ("{logits: logits, token: tokens, strategy: gredy()}", "GF021", "did you mean"),
        ("{logits: logits, token: tokens, strategy: greedy}", "GF013", "call"),
        ("{logits: logits, token: tokens, strategy: beam()}", "GF022", "width"),
        ("{logits: logits, token: tokens, strategy: greedy(1)}", "GF022", "greedy()"),
        ("{logits: logits, token: tokens, strategy: sample(top=3)}", "GF022", "top_k"),
        ("{logits: logits, token: tokens, strategy: sample(temperature=0)}", "GF033", "above 0"),
        ("{logits: logits, token: tokens, strategy: beam(0)}", "GF033", "width"),
        ("{logits: logits, tokens: tokens}", "GF010", "token"),
        ("{token: tokens}", "GF012", "logits"),
        ("{logits: logits, token: tokens, prompt: 3}", "GF013", "quotes"),
    ],
)
def test_what_is_refused(section: str, code: str, word: str) -> None:
    found = refused(section)
    assert found.code == code
    assert word in f"{found.message} {found.help}"


def test_one_token_a_step_needs_something_that_goes_on() -> None:
    text = TEXT.replace("[T, B]", "[B]").replace("'e[-1]'", "e").replace(", reset: epoch", "")
    assert "carries" in refused("{logits: logits, token: tokens}", text).message


def test_the_section_stands_in_the_long_form_and_means_the_same() -> None:
    section = "{logits: logits, token: tokens, carry: [h], length: n, strategy: beam(n)}"
    model = gf.loads(f"{TEXT}generate: {section}\n")
    again = gf.loads(model.expanded())
    first, second = model.elaborated.generation, again.elaborated.generation
    assert first is not None and second is not None
    for name in ("logits", "token", "fed", "said", "carry", "length", "strategy"):
        assert getattr(first, name) == getattr(second, name)


def test_overrides_reach_the_section() -> None:
    model = gf.loads(f"{TEXT}generate: {{logits: logits, token: tokens}}\n",
                     {"generate.length": 3, "generate.strategy": "beam(2)"})  # fmt: skip
    found = model.elaborated.generation
    assert found is not None and (found.length, found.strategy) == (3, Beam(2))
