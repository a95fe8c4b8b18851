"""Attention and Transformers: what chapters 11.1 to 11.3 and 11.5 to 11.7 of the book claim."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from graphflow.ops.op import get_op
from graphflow.training.feed import open_feed
from tests.gallery.training import GRAPHS, value_of, values_of


def paper(name: str) -> gf.Model:
    """A canned graph at the book's size."""
    return gf.load(GRAPHS[name], {"paper": True})


def count(model: gf.Model, prefix: str) -> int:
    return sum(p.size for name, p in model.parameters.items() if name.startswith(prefix))


# -- parameters and shapes that the book has -------------------------------------------------------
@pytest.mark.parametrize("name, prefix, numbers", [
    ("multihead_attention", "W_", 40_000),
    ("transformer_encoder_block", "library", 4_776),
    ("transformer_decoder_block", "library", 7_128),
    ("transformer_decoder_block", "decode", 7_128),
])  # fmt: skip
def test_parameters_at_the_size_of_the_book(name, prefix, numbers):
    assert count(paper(name), prefix) == numbers


@pytest.mark.parametrize("name, node, shape", [
    ("multihead_attention", "out", (2, 4, 100)),
    ("transformer_encoder_block", "out", (2, 100, 24)),
    ("transformer_encoder", "encoded", (2, 100, 24)),
])  # fmt: skip
def test_shapes_at_the_size_of_the_book(name, node, shape):
    assert value_of(paper(name), node).shape == shape


@pytest.mark.parametrize("name", ["dot_product_attention", "additive_attention"])
def test_one_query_of_ten_keys_gives_four_numbers(name):
    out, weights = values_of(name, "out", "map")
    assert out.shape == (2, 1, 4)
    assert not weights[0, 2:].any() and not weights[1, 6:].any()
    np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-5)


# -- pooling ---------------------------------------------------------------------------------------
def test_the_jacobian_of_pooling_is_the_covariance_of_the_keys():
    moves, covariance = values_of(
        "attention_pooling", "moves", "covariance", dtype="float64",
        keys=np.random.default_rng(0).normal(size=(4, 2)), angle=0.7,
    )  # fmt: skip
    np.testing.assert_allclose(moves, covariance, rtol=1e-12)


def test_li_is_mu_and_without_li_lipton_is_zachary():
    with_li, without = values_of("surname_lookup", "weights", "weights_without", sharpness=32)
    assert with_li.argmax() == 2 and with_li[2] > 0.999
    assert without.argmax() == 1 and without[1] > 0.999 and without[2] == 0


@pytest.fixture(scope="module")
def curve():
    """Errors of the estimates against the curve without noise."""
    return gf.run(gf.load(GRAPHS["nadaraya_watson"])).metrics


def test_three_kernels_come_close_and_the_constant_does_not(curve):
    flat = curve["train/error_flat"]
    for kernel in ("gaussian", "boxcar", "epanechikov"):
        assert curve[f"train/error_{kernel}"] < 0.6 * flat


@pytest.mark.parametrize("points, best", [(40, "broad"), (400, "medium"), (4000, "narrow")])
def test_the_best_width_lies_between_and_is_narrower_with_more_points(points, best):
    sizes = {"data.n": points, "data.batch": points, "data.split.train": points}
    errors = gf.run(gf.load(GRAPHS["nadaraya_watson_width"], sizes)).metrics
    assert min(errors, key=errors.__getitem__) == f"train/{best}"


def test_a_width_that_may_see_its_own_point_shrinks_to_nothing():
    model = gf.load(GRAPHS["nadaraya_watson_learned"])
    found = gf.train(model).metrics
    sigma, greedy = (float(model.parameters[name]) for name in ("sigma", "greedy"))
    assert found["train/cheated_error"] < 0.1 and abs(greedy) < 0.1 < sigma < 1


# -- scores ----------------------------------------------------------------------------------------
def test_the_scale_keeps_the_spread_of_products_at_one():
    spread, scaled = values_of("gaussian_to_dot", "spread", "scaled")
    np.testing.assert_allclose(spread, [1, 2, 4, 8, 16], rtol=0.05)
    np.testing.assert_allclose(scaled, 1, rtol=0.05)


def test_distances_are_products_where_keys_are_equally_long():
    off, even, other = values_of(
        "gaussian_to_dot", "off", "off_when_even", "by_product", dtype="float64"
    )
    assert off < 1e-12 and even < 1e-3
    assert np.abs(other - value_of("gaussian_to_dot", "by_distance")).max() > 0.01


# -- positions -------------------------------------------------------------------------------------
def test_self_attention_knows_order_only_by_positions():
    off, placed = values_of("self_attention", "off", "off_with_positions", dtype="float64")
    assert off < 1e-12 < 1e-3 < placed


def test_one_matrix_turns_every_position_into_the_one_five_ahead():
    off, products = values_of("relative_position_rotation", "off", "products", dtype="float64")
    assert off < 1e-12
    for away in (1, 7):
        np.testing.assert_allclose(np.diag(products, away), products[0, away], rtol=1e-10)


def test_bits_are_the_signs_of_waves():
    bits, again = values_of(gf.load(GRAPHS["binary_counter"], {"digits": 6}), "bits", "again")
    assert (bits == again).all()
    assert (bits == [[int(b) for b in f"{n:06b}"] for n in range(64)]).all()


# -- costs -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("layer, formula", [
    ("one_conv", lambda n, d: 2 * 3 * n * d**2),
    ("attended", lambda n, d: 8 * n * d**2 + 4 * n**2 * d),
])  # fmt: skip
def test_the_costs_of_products_are_those_of_the_formula(layer, formula):
    """What graphflow counts, for two sizes each; the linear maps have no bias to count."""
    for n, d in ((12, 4), (6, 8)):
        graph = gf.load(GRAPHS["cnn_rnn_attention_costs"], {"n": n, "d": d}).graph
        products = [
            node for node in graph
            if node.name.startswith(layer) and node.op in ("conv", "matmul", "linear")
        ]  # fmt: skip
        cost = sum(
            get_op(node.op).flops(
                node.type, *(graph.nodes[i].type for i in node.inputs), **node.attributes()
            )
            for node in products
        )
        assert cost == formula(n, d), [(p.name, p.op) for p in products]


def test_what_a_layer_sees():
    conv, two, rnn, attention = values_of(
        "cnn_rnn_attention_costs", "conv_sees", "conv2_sees", "rnn_sees", "attention_sees"
    )
    away = np.arange(12)[:, None] - np.arange(12)
    assert ((conv > 0) == (abs(away) <= 1)).all() and ((two > 0) == (abs(away) <= 2)).all()
    assert ((rnn > 0) == (away >= 0)).all() and (attention > 0).all()


# -- blocks of a Transformer -----------------------------------------------------------------------
def test_only_the_mask_keeps_a_block_from_looking_ahead():
    causal, ahead = values_of("transformer_decoder_block", "causal_sees", "other_sees")
    assert not np.triu(causal, 1).any() and (ahead > 0).all()


def test_no_score_of_the_decoder_depends_on_a_later_word():
    assert value_of("transformer_decoder", "later") == 0


# -- translation ---------------------------------------------------------------------------------
DATE = {"source": "thursday, january 5, 2012", "source_length": "length(source)"}


def test_kept_keys_and_values_write_what_reading_all_again_writes():
    cached, again = (
        gf.generate(gf.load(GRAPHS["transformer_mt"], carry), given=DATE, length=5)
        for carry in ({}, {"generate.carry": []})
    )
    assert cached.tokens == again.tokens
    assert cached.log_probability == pytest.approx(again.log_probability, rel=1e-5)


@pytest.mark.slow
def test_unseen_dates_are_translated_to_the_last_word():
    """Greedily, in the model's own words; `exact`, told from the right words, says the same."""
    model = gf.load(GRAPHS["transformer_mt"])
    exact = gf.train(model).metrics["val/exact"]
    feed = open_feed(model.elaborated, model.folder, model.seed, model.learned)
    right = []
    for fed, rows in feed.evaluation("val"):
        for i in range(rows):
            read, said = (fed[f"{name}_length"][i] for name in ("source", "target"))
            given = {"source": fed["source"][i, :read], "source_length": read}
            found = gf.generate(model, given=given, length=10).tokens
            right.append(list(found) == fed["target"][i, :said].tolist())
    assert exact == pytest.approx(np.mean(right)) and exact >= 0.95
