"""What chapter 6 of Dive into Deep Learning shows of modules, parameters and their first values."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from tests.gallery.training import losses, value_of


def test_three_ways_to_write_a_net_give_the_same_numbers():
    model = gf.load("mlp_module")
    assert value_of(model, "pipeline").shape == (2, 10)
    assert value_of(model, "apart") == 0


def test_a_layer_finds_the_number_of_its_inputs():
    assert gf.load("mlp_module").parameters["first.weight"].shape == (256, 20)


def test_the_net_with_a_loop_halves_until_the_sum_is_small():
    for seed in range(3):
        model = gf.load("fixed_hidden_mlp")
        model.seed = seed
        again, out = value_of(model, "net.again"), value_of(model, "out")
        turns = np.log2(again.sum() / out)
        assert turns == pytest.approx(round(turns), abs=1e-3)
        assert 0.5 < np.abs(again).sum() / 2 ** round(turns) <= 1


def test_constants_are_not_trained():
    model = gf.load("nest_mlp")
    assert value_of(model, "nested").shape == (2, 16) and value_of(model, "out").shape == ()
    trained = {name for name in model.parameters if model.elaborated.leaves[name].trainable}
    assert "chimera.constants" not in trained and "shared.weight" in trained


def test_parameters_have_names_and_shapes():
    shapes = {name: array.shape for name, array in gf.load("param_access").parameters.items()}
    assert shapes == {
        "net.linear1.weight": (8, 4), "net.linear1.bias": (8,),
        "net.linear2.weight": (1, 8), "net.linear2.bias": (1,),
    }  # fmt: skip


def test_gradients_of_a_layer_in_two_places_add_up():
    model = gf.load("tied_mlp", {"width": 8})
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    first, second, both = (value_of(model, f"from_{w}", x=x) for w in ("first", "second", "both"))
    np.testing.assert_allclose(first + second, both, rtol=1e-5, atol=1e-6)
    assert np.abs(first).max() > 0 and np.abs(second).max() > 0


def test_first_values_are_those_that_are_named():
    parameters = gf.load("first_weights").parameters
    assert (parameters["alike.weight"] == 1).all() and (parameters["small.bias"] == 0).all()
    own = parameters["own.weight"]
    assert ((own == 0) | ((np.abs(own) >= 5) & (np.abs(own) <= 10))).all()
    shares = [(own < 0).mean(), (own == 0).mean(), (own > 0).mean()]
    np.testing.assert_allclose(shares, [0.25, 0.5, 0.25], atol=0.02)
    assert np.abs(parameters["xavier.weight"]).max() <= np.sqrt(6 / 200)


def test_centering_takes_the_mean_out():
    assert abs(value_of(gf.load("centered_layer"), "mean_of_net")) < 1e-7


def test_a_layer_of_ones_own_learns():
    found = [values["loss"] for values in losses("my_linear", 400)]
    assert np.mean(found[-40:]) < 0.5 * np.mean(found[:10])


def test_prices_are_guessed_as_well_as_noise_allows():
    """Made with a deviation of 0.1 in the logarithm, which leaves a loss of 0.01."""
    metrics = gf.train(gf.load("house_price_kaggle")).metrics
    assert 0.005 < metrics["test/loss"] < 0.02


def test_every_fifth_is_validated_on_in_turn():
    found = gf.cross_validate(gf.load("house_price_kaggle"), folds=5, epochs=30)
    assert len(found.folds) == 5 and found.mean["validation/loss"] < 0.1


def test_saved_values_give_the_same_outputs(tmp_path):
    """Architecture and numbers are kept apart: a clone of the file loads what another has saved."""
    model, clone = gf.load("mlp_module"), gf.load("mlp_module")
    clone.seed = 7
    x = np.random.default_rng(0).normal(size=(2, 20)).astype(np.float32)
    assert not np.allclose(value_of(model, "pipeline", x=x), value_of(clone, "pipeline", x=x))
    model.save_weights(tmp_path / "mlp.safetensors")
    clone.load_weights(tmp_path / "mlp.safetensors")
    np.testing.assert_array_equal(
        value_of(model, "pipeline", x=x), value_of(clone, "pipeline", x=x)
    )
