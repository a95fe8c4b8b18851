"""Attention and Transformers: what the book prints, and what must hold whatever the numbers."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from tests.library.test_behaviour import evaluated

RNG = np.random.default_rng(0)


def called(call: str, *outputs: str, **feed: np.ndarray) -> tuple[gf.Model, list[np.ndarray]]:
    """A model of one call, and these of its results in evaluation."""
    kinds = {"f": "float", "i": "int", "b": "bool"}
    inputs = "".join(
        f"  {n}: {{shape: {list(a.shape)}, dtype: {kinds[a.dtype.kind]}}}\n"
        for n, a in feed.items()
    )
    model = gf.loads(
        f"graphflow: 1\nname: a call\ninputs:\n{inputs}nodes:\n  out: {call}\n"
        f"outputs: [{', '.join(outputs)}]\n"
    )
    values = model.compile(mode="eval", dtype="float64")(feed).values
    return model, [values[name] for name in outputs]


def count(model: gf.Model) -> int:
    return sum(p.size for p in model.parameters.values())


# -- masked softmax --------------------------------------------------------------------------------
def test_masked_softmax_is_softmax_of_what_is_valid():
    """Dive into Deep Learning 11.3 prints rows such as (.4448, .5552, 0, 0) for lengths 2 and 3."""
    x = np.log([[[0.4448, 0.5552, 9, 9], [0.4032, 0.5968, 9, 9]],
                [[0.2795, 0.2805, 0.44, 9], [0.2798, 0.3092, 0.411, 9]]])  # fmt: skip
    found = evaluated("masked_softmax(x, n)", x=x, n=np.array([2, 3]))
    expected = np.where(np.exp(x) > 8, 0, np.exp(x))
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert (found[np.exp(x) > 8] == 0).all()


def test_masked_softmax_counts_row_by_row():
    x = np.log([[[9, 9, 9, 9], [0.4109, 0.2794, 0.3097, 9]],
                [[0.396, 0.604, 9, 9], [0.2557, 0.1833, 0.242, 0.319]]])  # fmt: skip
    found = evaluated("masked_softmax(x, n)", x=x, n=np.array([[1, 3], [2, 4]]))
    np.testing.assert_allclose(found[0, 0], [1, 0, 0, 0])
    np.testing.assert_allclose(found[0, 1], [0.4109, 0.2794, 0.3097, 0], rtol=1e-12)
    np.testing.assert_allclose(found[1, 0], [0.396, 0.604, 0, 0], rtol=1e-12)
    np.testing.assert_allclose(found[1, 1], [0.2557, 0.1833, 0.242, 0.319], rtol=1e-12)


def test_where_nothing_is_valid_all_weigh_the_same():
    x = RNG.standard_normal((2, 3, 4))
    found = evaluated("masked_softmax(x, n)", x=x, n=np.array([0, 4]))
    np.testing.assert_allclose(found[0], 0.25, rtol=1e-12)
    np.testing.assert_allclose(evaluated("masked_softmax(x)", x=x).sum(-1), 1, rtol=1e-12)


# -- pooling ---------------------------------------------------------------------------------------
KEYS = {"k": RNG.standard_normal((2, 10, 2)), "v": RNG.standard_normal((2, 10, 4))}
COUNTS = np.array([2, 6])


@pytest.mark.parametrize("call", [
    "dot_product_attention(q[:, :, :2], k, v, n, 0.5)",
    "additive_attention(q, k, v, 8, n, 0.1)",
    "bilinear_attention(q, k, v, n, 0.1)",
])  # fmt: skip
def test_attention_looks_no_further_than_it_may(call):
    q = RNG.standard_normal((2, 1, 20))
    _, (out, weights) = called(call, "out.out", "out.weights", q=q, n=COUNTS, **KEYS)
    assert out.shape == (2, 1, 4)
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-12)
    assert not weights[0, :, 2:].any() and not weights[1, :, 6:].any()
    np.testing.assert_allclose(out, weights @ KEYS["v"], rtol=1e-12)


def test_nadaraya_watson_is_a_mean_by_distance():
    keys, queries = np.sort(RNG.uniform(0, 5, 40)), np.arange(0, 5, 0.1)
    values = 2 * np.sin(keys) + keys
    apart = (queries[:, None] - keys) / 0.5
    kernels = {
        "gaussian_kernel": np.exp(-(apart**2) / 2),
        "boxcar_kernel": (np.abs(apart) < 1).astype(float),
        "constant_kernel": np.ones_like(apart),
        "epanechikov_kernel": np.maximum(0, 1 - np.abs(apart)),
    }
    for kernel, scores in kernels.items():
        _, (out, weights) = called(
            f"nadaraya_watson(q, k, v, {kernel}, 0.5)", "out.out", "out.weights",
            q=queries, k=keys, v=values,
        )  # fmt: skip
        np.testing.assert_allclose(weights, scores / scores.sum(1, keepdims=True), atol=1e-12)
        np.testing.assert_allclose(out, weights @ values, rtol=1e-12)


# -- positions -------------------------------------------------------------------------------------
def test_turned_queries_and_keys_know_only_how_far_apart_they_are():
    q, k = (np.broadcast_to(RNG.standard_normal(6), (8, 6)).copy() for _ in range(2))
    scores = evaluated("rotary(q) @ transpose(rotary(k))", q=q, k=k)
    for offset in range(-7, 8):
        diagonal = np.diagonal(scores, offset)
        np.testing.assert_allclose(diagonal, diagonal[0], rtol=1e-9)


def test_alibi_falls_with_the_distance():
    found = evaluated("alibi(8, 3, 4) + 0 * x", x=np.zeros(()))
    assert found.shape == (8, 3, 4)
    np.testing.assert_allclose(found[:, 0, 1], -(0.5 ** np.arange(1, 9)), rtol=1e-12)
    np.testing.assert_allclose(found[0], -0.5 * np.abs(np.arange(3)[:, None] - np.arange(4)))


def test_positions_are_added():
    x = RNG.standard_normal((2, 5, 8))
    table = evaluated("sinusoid(5, 8) + 0 * x[0]", x=x)
    np.testing.assert_allclose(evaluated("positional_encoding(x)", x=x), x + table, rtol=1e-12)
    model, (found,) = called("learned_positions(x, 9)", "out", x=x)
    table = model.parameters["out.weight"]
    np.testing.assert_allclose(found, x + table[:5], rtol=1e-6)


# -- blocks ----------------------------------------------------------------------------------------
LONG = np.ones((2, 100, 24))


def test_the_books_encoder_block():
    model, (out, weights) = called(
        "transformer_encoder_block(x, 24, 48, 8, 0.5, n)", "out.out", "out.weights",
        x=LONG, n=np.array([3, 2]),
    )  # fmt: skip
    assert (out.shape, weights.shape, count(model)) == ((2, 100, 24), (2, 8, 100, 100), 4776)
    assert not weights[0, :, :, 3:].any() and not weights[1, :, :, 2:].any()


def test_the_books_decoder_block_sees_no_future():
    model, (out, own, other) = called(
        "transformer_decoder_block(x, x, 24, 48, 8, 0.5, n)",
        "out.out", "out.self_weights", "out.cross_weights", x=LONG, n=np.array([3, 2]),
    )  # fmt: skip
    assert (out.shape, count(model)) == ((2, 100, 24), 7128)
    assert not np.triu(own, 1).any() and not other[1, :, :, 2:].any()


def test_berts_encoder_has_the_parameters_of_the_book():
    """Dive into Deep Learning 15.10: 132,480 in each of two blocks of the small model."""
    x, tokens = np.zeros((1, 2, 128)), np.zeros((1, 2), int)
    block, _ = called("transformer_encoder_block(x, 128, 256, 2, bias=true)", "out.out", x=x)
    assert count(block) == 132_480
    table, _ = called("bert_embedding(t, t, 20256, 128)", "out", t=tokens)
    assert count(table) + 2 * count(block) == 2_985_984


def test_the_pieces_of_a_vision_transformer():
    model, (out,) = called(
        "class_token(patch_embedding(x, 16, 512))", "out", x=np.zeros((4, 3, 96, 96))
    )
    assert out.shape == (4, 37, 512) and not out[:, 0].any()
    model, (out, _) = called("vit_block(x, 24, 48, 8, 0.5)", "out.out", "out.weights", x=LONG)
    assert out.shape == (2, 100, 24)
    assert {"out.ln1.weight", "out.mlp.dense2.bias"} < model.parameters.keys()


def test_bert_adds_tokens_segments_and_positions():
    tokens, segments = np.array([[3, 1, 4]]), np.array([[0, 1, 1]])
    model, (out,) = called("bert_embedding(t, s, 10, 6, 20)", "out", t=tokens, s=segments)
    p = {name.removeprefix("out."): value for name, value in model.parameters.items()}
    expected = (
        p["token_embedding.weight"][tokens] + p["segment_embedding.weight"][segments]
        + p["pos_embedding.weight"][:3]
    )  # fmt: skip
    np.testing.assert_allclose(out, expected, atol=1e-6)


def test_the_heads_of_bert():
    """Dive into Deep Learning 15.8 and 15.10: shapes, and the parameters of the small model."""
    x, positions = np.zeros((2, 8, 128)), np.array([[1, 5, 2], [6, 1, 5]])
    model, (words,) = called("masked_lm(x, p, 20256, 128)", "out", x=x, p=positions)
    assert (words.shape, count(model)) == ((2, 3, 20256), 2_629_792)
    model, (follows,) = called("next_sentence(x, 128)", "out", x=x)
    assert (follows.shape, count(model)) == ((2, 2), 16_512 + 258)


def test_masked_words_are_read_at_their_positions():
    x, p = RNG.standard_normal((2, 8, 6)), np.array([[1, 5, 2], [6, 1, 5]])
    model, (out,) = called("masked_lm(x, p, 10, 4)", "out", x=x, p=p)
    w = {name.removeprefix("out."): value for name, value in model.parameters.items()}
    chosen = np.stack([x[n, p[n]] for n in range(2)])
    hidden = np.maximum(chosen @ w["dense1.weight"].T + w["dense1.bias"], 0)
    centred = hidden - hidden.mean(-1, keepdims=True)
    normed = centred / np.sqrt(hidden.var(-1, keepdims=True) + 1e-5)
    expected = normed @ w["dense2.weight"].T + w["dense2.bias"]
    np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-6)


def test_positions_stand_alone_in_a_feed_forward_net():
    """Dive into Deep Learning 11.7: three equal positions stay equal."""
    _, (out,) = called("positionwise_ffn(x, 4, 8)", "out", x=np.ones((2, 3, 4)))
    assert out.shape == (2, 3, 8)
    np.testing.assert_allclose(out, np.broadcast_to(out[0, 0], out.shape), rtol=1e-12)


def test_a_translators_shapes():
    """Dive into Deep Learning 10.7 and 11.4, with 4 sentences of 9 words."""
    words = np.zeros((4, 9), int)
    _, (outputs, state) = called(
        "seq2seq_encoder(t, 10, 8, 16, 2)", "out.outputs", "out.state", t=words
    )
    assert (outputs.shape, state.shape) == ((9, 4, 16), (2, 4, 16))
    feed = {"t": words, "x": outputs, "h": state}
    for call in ("seq2seq_decoder(t, x[-1], h", "bahdanau_decoder(t, x, h"):
        _, (out, last) = called(f"{call}, 10, 8, 16, 2)", "out.out", "out.state", **feed)
        assert (out.shape, last.shape) == ((4, 9, 10), (2, 4, 16))


def test_gru_parameters_of_the_books_translator():
    words, outputs, state = np.zeros((1, 2), int), np.zeros((2, 1, 256)), np.zeros((2, 1, 256))
    encoder, _ = called("seq2seq_encoder(t, 10, 256, 256, 2)", "out.state", t=words)
    decoder, _ = called(
        "seq2seq_decoder(t, x[-1], h, 10, 256, 256, 2)", "out.state", t=words, x=outputs, h=state
    )
    for model, expected in ((encoder, 789_504), (decoder, 986_112)):
        assert sum(p.size for n, p in model.parameters.items() if ".net." in n) == expected
