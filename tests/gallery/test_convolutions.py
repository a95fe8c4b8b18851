"""What Dive into Deep Learning, chapter 7, and the CS231n lesson say of convolutions."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from tests.gallery.training import GRAPHS, needs_data, value_of, values_of


def test_the_learned_kernel_reaches_the_five_printed_losses():
    losses = gf.train(gf.load(GRAPHS["learn_kernel"])).history["loss"].values
    assert [round(float(loss), 3) for loss in losses[1::2]] == [16.481, 5.069, 1.794, 0.688, 0.274]


def test_a_rate_above_the_limit_climbs():
    losses = gf.train(gf.load(GRAPHS["learn_kernel"], {"lr": 0.04})).history["loss"].values
    assert losses[-1] > losses[1]


def test_the_layer_from_scratch_learns_the_edge_kernel_too():
    model = gf.load(GRAPHS["conv2d_layer_scratch"])
    outcome = gf.train(model)
    np.testing.assert_allclose(model.parameters["layer.weight"], [[1, -1]], atol=1e-4)
    np.testing.assert_allclose(model.parameters["layer.bias"], [0], atol=1e-4)
    assert outcome.metrics["train/loss"] < 1e-6


def test_a_stack_of_convolutions_sees_the_middle_most_of_all():
    ways = value_of("receptive_field", "deep_ways")
    assert ways.shape == (9, 9) and np.all(ways > 0)
    one = np.ones(3)
    line = np.convolve(np.convolve(np.convolve(one, one), one), one)
    np.testing.assert_array_equal(ways, np.outer(line, line))


@pytest.mark.parametrize(
    ("name", "nodes"), [("corr2d_multi_in_out", ("several", "library")),
                        ("conv1x1_as_fc", ("by_conv", "by_matrix")),
                        ("dense_to_conv", ("small", "by_matrix"))]
)  # fmt: skip
def test_two_ways_to_the_same_numbers(name, nodes):
    first, second = values_of(name, *nodes, dtype="float64")
    np.testing.assert_allclose(first, second, rtol=1e-12)


def test_lenet_has_the_printed_shapes_and_parameters():
    model = gf.load(GRAPHS["lenet_sigmoid"])
    assert sum(p.size for p in model.parameters.values()) == 61_706
    places = ["conv1.z", "sigmoid1", "avg_pool2d1", "conv2.z", "sigmoid2", "avg_pool2d2"]
    places += ["flatten1", "dense1.z", "sigmoid3", "dense2.z", "sigmoid4", "dense3.z"]
    names = [f"logits.{place}" for place in places]
    image = np.zeros((1, 1, 28, 28), dtype=np.float32)
    found = model.compile("logits", keep=names)({"image": image})
    shapes = [(6, 28, 28), (6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 10, 10), (16, 5, 5)]
    shapes += [(400,), (120,), (120,), (84,), (84,), (10,)]
    assert [found[name].shape[1:] for name in names] == shapes


@pytest.mark.slow
def test_sigmoids_leave_the_plateau_late():
    """Three epochs near ln 10, and the digits are read after twelve."""
    outcome = gf.train(gf.load(GRAPHS["lenet_sigmoid"]))
    assert outcome.metrics["test/accuracy"] > 0.93


def test_resnet_56_has_the_parameters_that_it_is_known_for():
    model = gf.load(GRAPHS["resnet56_cifar10"], {"paper": True})
    assert sum(parameter.size for parameter in model.parameters.values()) == 853_018


@pytest.mark.slow
def test_high_rates_upset_the_residual_net_until_the_cycle_comes_down():
    outcome = gf.train(gf.load(GRAPHS["resnet56_cifar10"]))
    assert outcome.metrics["test/accuracy"] > 0.97


@pytest.mark.parametrize(
    "overrides",
    [
        pytest.param({}, id="digits"),
        pytest.param({"paper": True}, marks=needs_data, id="mnist"),
    ],
)
def test_kaimings_start_keeps_deviations_near_1_and_the_usual_one_does_not(overrides):
    """Means over a few draws of the weights; the source prints about 0.6 for the usual start."""
    names = ["pictures", "usual_start", "kaiming", "kaiming_relu", "usual_relu", "uniform_relu"]
    model = gf.load(GRAPHS["conv_init_stats"], overrides | {"run.history": names})
    runs = [gf.run(model, seed=seed).history for seed in range(4)]
    found = {name: np.mean([run[name].values[0] for run in runs], axis=0) for name in names}
    mean, deviation = found["pictures"]
    assert abs(mean) < 0.05 and abs(deviation - 1) < 0.05
    assert 0.5 < found["usual_start"][1] < 0.7
    assert 0.85 < found["kaiming"][1] < 1.15
    assert 0.75 < found["kaiming_relu"][1] < 1.1 and 0.75 < found["uniform_relu"][1] < 1.1
    assert found["usual_relu"][1] < 0.45
    assert found["kaiming_relu"][0] > 0.4
