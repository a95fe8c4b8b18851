"""Small models, decoded in every way that a file can ask for; expected values by one whole run."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphflow as gf
from graphflow.diagnostics import GraphflowError

HEAD = "graphflow: 1\nname: t\n"
RNN = """
inputs: {tokens: {shape: [T, B], dtype: int}}
state: {h: {shape: [B, 6], init: zeros, reset: epoch}}
nodes:
  e: embedding(tokens, 5, 4)
  r:
    scan: {x: e}
    carry: {s: h}
    nodes: {n: 'tanh(linear(x, 6) + linear(s, 6))'}
    next: {s: n}
    collect: [n]
  logits: 3 * linear(r.n, 5)
updates: {h: r.final.s}
"""
CAUSAL = """
inputs: {tokens: {shape: [B, T], dtype: int}}
nodes:
  x: embedding(tokens, 5, 8) + sinusoid(T, 8)
  a: scaled_dot_product_attention(linear(x, 8), linear(x, 8), linear(x, 8), is_causal=true)
  logits: 3 * linear(x + a, 5)
"""
TO = "generate: {logits: logits, token: tokens"


def model(text: str, more: str = "") -> gf.Model:
    return gf.loads(f"{HEAD}{text}{TO}{more}}}\n")


def whole_run(m: gf.Model, tokens: list[int], time_first: bool) -> np.ndarray:
    """Logits (T, V) of one run over all tokens."""
    fed = np.array([tokens]).T if time_first else np.array([tokens])
    logits = m.compile()({"tokens": fed})["logits"]
    return logits[:, 0] if time_first else logits[0]


def log_softmax(x: np.ndarray) -> np.ndarray:
    x = x.astype(np.float64)
    return x - x.max() - np.log(np.exp(x - x.max()).sum())


@pytest.mark.parametrize(("text", "time_first"), [(RNN, True), (CAUSAL, False)])
@pytest.mark.parametrize("prompt", [[1], [3, 0, 2], [4] * 11])
def test_greedy_is_what_one_whole_run_says(text: str, time_first: bool, prompt: list[int]) -> None:
    m = model(text)
    found = gf.generate(m, prompt, length=9)
    logits = whole_run(m, [*prompt, *found.tokens], time_first)[len(prompt) - 1 : -1]
    assert found.tokens == tuple(logits.argmax(axis=-1))
    expected = sum(log_softmax(row)[t] for row, t in zip(logits, found.tokens, strict=True))
    assert found.log_probability == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("text", "time_first"), [(RNN, True), (CAUSAL, False)])
def test_a_beams_texts_have_the_probability_of_a_whole_run(text: str, time_first: bool) -> None:
    m = model(text)
    for candidate in gf.generate(m, [2, 1], strategy="beam(4)", length=6).candidates:
        logits = whole_run(m, [2, 1, *candidate.tokens], time_first)[1:-1]
        rows = zip(logits, candidate.tokens, strict=True)
        expected = sum(log_softmax(row)[token] for row, token in rows)
        assert candidate.log_probability == pytest.approx(expected, abs=1e-5)


def test_states_of_the_model_are_left_alone() -> None:
    m = model(RNN)
    m.state["h"] = np.ones((2, 6))
    first = gf.generate(m, [1], length=5)
    assert np.array_equal(m.state["h"], np.ones((2, 6)))
    assert gf.generate(m, [1], length=5) == first


ONE = """
inputs: {tokens: {shape: [B], dtype: int}}
state: {h: {shape: [B, 6], init: zeros}}
params: {w: {shape: [6, 6], init: orthogonal}}
nodes:
  n: tanh(embedding(tokens, 5, 6) + h @ w)
  logits: 3 * linear(n, 5)
updates: {h: n}
"""


def test_a_model_of_one_step_goes_on_by_the_states_it_names() -> None:
    m = model(ONE, ", carry: [h]")
    found = gf.generate(m, [1, 2], length=4)
    h, program, logits = np.zeros((1, 6)), m.compile(keep=["n", "logits"]), []
    for token in [1, 2, *found.tokens]:
        result = program({"tokens": np.array([token]), "h": h})
        h = result["n"]
        logits.append(result["logits"][0])
    assert found.tokens == tuple(np.array(logits[1:-1]).argmax(axis=-1))
    beams = gf.generate(m, [1, 2], length=4, strategy="beam(3)")
    assert beams.candidates[0].score >= found.log_probability / 4**0.75 - 1e-6


def test_all_tokens_are_fed_again_where_nothing_is_carried() -> None:
    """The same net as a scan from zeros: no state goes on."""
    text = RNN.replace("carry: {s: h}", "carry: {s: 'zeros([B, 6])'}").replace(
        "updates: {h: r.final.s}\n", ""
    )
    carried, again = model(RNN), model(text)
    for name, value in carried.weights().items():
        again.parameters[name] = value
    for strategy in ("greedy()", "sample(temperature=2)", "beam(3)"):
        a = gf.generate(carried, [1, 2], strategy=strategy, length=12, seed=5)
        b = gf.generate(again, [1, 2], strategy=strategy, length=12, seed=5)
        assert a.tokens == b.tokens
        assert a.log_probability == pytest.approx(b.log_probability, abs=1e-4)


@pytest.mark.parametrize(
    "change",
    [("is_causal=true", "is_causal=false"), ("x + a", "x + a + mean(x, axis=1, keepdims=true)")],
)
def test_a_model_that_looks_ahead_is_refused(change: tuple[str, str]) -> None:
    with pytest.raises(GraphflowError, match=r"GF120.*later") as caught:
        gf.generate(model(CAUSAL.replace(*change)), [1, 2, 3])
    assert caught.value.diagnostics[0].mark is not None


def test_only_the_context_is_seen() -> None:
    m = model(CAUSAL, ", context: 4")
    found = gf.generate(m, [0, 1, 2, 3, 4, 0], length=5)
    tokens = [0, 1, 2, 3, 4, 0, *found.tokens]
    expected = [whole_run(m, tokens[i - 4 : i], False)[-1].argmax() for i in range(6, 11)]
    assert found.tokens == tuple(expected)


def test_carried_states_begin_again_with_half_the_context() -> None:
    """After 4 tokens, the last 2 are fed to new states: worked out with whole runs."""
    m = model(RNN, ", context: 4")
    found = gf.generate(m, [1, 2, 3], length=6)
    tokens, held = [1, 2, 3], [1, 2, 3]
    for expected in found.tokens:
        assert whole_run(m, held, True)[-1].argmax() == expected
        tokens.append(expected)
        held = tokens[-2:] if len(held) == 4 else [*held, expected]


def test_a_model_that_is_full_is_answered_with_what_to_say() -> None:
    places = CAUSAL.replace("sinusoid(T, 8)", "embedding(arange(T), 10, 8)")
    assert len(gf.generate(model(places, ", context: 10"), [1], length=20).tokens) == 20
    with pytest.raises(GraphflowError, match=r"GF080[\s\S]*context: "):
        gf.generate(model(places), [1], length=20)


def test_tokens_of_a_fixed_length() -> None:
    m = model(CAUSAL.replace("[B, T]", "[B, 6]").replace("(T, 8)", "(6, 8)"))
    found = gf.generate(m, [1, 2], length=8)
    tokens = [1, 2, *found.tokens]
    for i in range(2, 10):
        seen = tokens[max(0, i - 6) : i]
        logits = whole_run(m, [*seen, *[0] * (6 - len(seen))], False)
        assert logits[len(seen) - 1].argmax() == tokens[i]


def test_a_model_that_gives_the_last_logits_alone() -> None:
    last = CAUSAL.replace("x + a", "(x + a)[:, -1]").replace("is_causal=true", "is_causal=false")
    m = model(last)
    found = gf.generate(m, [1, 2], length=5, strategy="beam(2)")
    tokens = [1, 2, *found.tokens]
    total = 0.0
    for i in range(2, 7):
        logits = m.compile()({"tokens": np.array([tokens[:i]])})["logits"][0]
        total += log_softmax(logits)[tokens[i]]
    assert found.log_probability == pytest.approx(total, abs=1e-5)


def test_a_batch_of_a_fixed_size_is_filled() -> None:
    m = model(CAUSAL.replace("[B, T]", "[3, T]"))
    free = model(CAUSAL)
    assert gf.generate(m, [1], length=5).tokens == gf.generate(free, [1], length=5).tokens
    three, four = gf.generate(m, [1], strategy="beam(3)"), "beam(4)"
    assert three.tokens == gf.generate(free, [1], strategy="beam(3)").tokens
    with pytest.raises(GraphflowError, match="3 texts at once"):
        gf.generate(m, [1], strategy=four)


def test_a_model_without_a_batch() -> None:
    m = model(CAUSAL.replace("[B, T]", "[T]"))
    logits = m.compile()({"tokens": np.array([1, 2])})["logits"]
    assert gf.generate(m, [1, 2], length=1).tokens == (logits[-1].argmax(),)
    with pytest.raises(GraphflowError, match="one text at once"):
        gf.generate(m, [1], strategy="beam(2)")


ENCODED = """
inputs:
  source: {shape: [B, S], dtype: int}
  many: {shape: [B], dtype: int}
  tokens: {shape: [B, T], dtype: int}
nodes:
  memory: embedding(source, 7, 8)
  code: mean(memory * (arange(S) < many[:, None])[:, :, None], axis=1)
  again: repeat(code[:, None], T, axis=1)
  x: embedding(tokens, 5, 8) + again + sinusoid(T, 8)
  a: scaled_dot_product_attention(linear(x, 8), linear(x, 8), linear(x, 8), is_causal=true)
  logits: 3 * linear(x + a, 5)
"""


def test_what_does_not_depend_on_the_tokens_is_computed_once(monkeypatch) -> None:
    from graphflow.generation.decoding import Step
    from graphflow.generation.texts import arrays

    m = model(ENCODED)
    plan = m.elaborated.generation
    assert plan is not None
    given = arrays(m, plan, {"source": np.array([1, 2, 6]), "many": np.array(2)}, 2)
    assert given["source"].shape == (2, 3) and given["many"].tolist() == [2, 2]
    step = Step(m, plan, given, 2, None, 0)
    code = m.compile("code")({"source": np.array([[1, 2, 6]]), "many": np.array([2])})["code"]
    (fixed,) = set(step.given) - {"source", "many"}
    assert step.given[fixed].shape == (2, 1, 8)
    np.testing.assert_allclose(step.given[fixed][:, 0], [code[0], code[0]], rtol=1e-6)


def test_further_inputs_are_given() -> None:
    m = model(ENCODED, ", given: {source: [1, 2, 6], many: 2}")
    found = gf.generate(m, [1], length=4)
    program = m.compile()
    feed = {"source": np.array([[1, 2, 6]]), "many": np.array([2])}
    tokens = [1, *found.tokens]
    logits = program({**feed, "tokens": np.array([tokens])})["logits"][0]
    assert found.tokens == tuple(logits[:-1].argmax(axis=-1))
    other = gf.generate(m, [1], length=4, given={"source": [5]})
    assert other.log_probability != found.log_probability
    with pytest.raises(GraphflowError, match="is not given"):
        gf.generate(model(ENCODED), [1])


@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(1, 4))
@settings(max_examples=15, deadline=None)
def test_a_beam_over_a_model_is_an_exhaustive_search(seed: int, size: int, length: int) -> None:
    """All texts of a vocabulary of 3, token 0 ends one; probabilities by whole runs."""
    m = model(RNN.replace("5", "3"))
    m.seed = seed
    best, score = (), -np.inf
    texts = [()]
    for n in range(1, length + 1):
        grown = [(*t, v) for t in texts for v in range(3)]
        texts = [t for t in grown if t[-1] != 0]
        for text in grown if n == length else [t for t in grown if t[-1] == 0]:
            logits = whole_run(m, [size % 3, *text], True)
            p = sum(log_softmax(row)[v] for row, v in zip(logits[:-1], text, strict=True))
            if p / n**0.75 > score:
                best, score = text, p / n**0.75
    found = search(m, [size % 3], length, 3**length)
    assert found.score == pytest.approx(score, abs=1e-5)
    assert found.tokens == best or found.score == pytest.approx(score, abs=1e-6)


def search(m: gf.Model, prompt: list[int], length: int, width: int):
    """A beam over a model whose token 0 ends a text."""
    from graphflow.generation.decoding import decoder_of
    from graphflow.generation.searching import beam_search
    from graphflow.spec.strategies import Beam

    plan = m.elaborated.generation
    assert plan is not None
    decoder = decoder_of(m, plan, {}, width, None, 0)
    return beam_search(decoder, prompt, length, 0, Beam(width))[0]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"prompt": [500]}, "500 in the prompt is no token: there are 5"),
        ({"prompt": [-1]}, "-1 in the prompt is no token"),
        ({"prompt": 5}, "a prompt is a text or a list of whole numbers, not 5"),
        ({"prompt": [0.5]}, "a prompt is a text or a list of whole numbers"),
        ({"prompt": [1], "stop": 500}, "stop is a token as it is written"),
    ],
)
def test_what_is_no_token_is_refused(asked: dict[str, object], message: str) -> None:
    with pytest.raises(GraphflowError) as caught:
        gf.generate(model(CAUSAL), **asked)
    assert message in caught.value.diagnostics[0].message
