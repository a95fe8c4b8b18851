"""Every canned graph that trains gets better at what it minimises in its first steps."""

from __future__ import annotations

import numpy as np
import pytest

from tests.gallery.training import GRAPHS, losses

MOVING = {"dqn", "gan_gaussian"}
"""Graphs whose goal moves with what is learned: a loss that falls would say little."""
TRAINED = [
    name
    for name, path in GRAPHS.items()
    if name not in MOVING and "\ntrain:" in path.read_text("utf-8")
]
PATIENT = {"alexnet": 200, "googlenet": 250, "nin": 250, "vgg11": 200}
"""Steps of nets that stand at chance level for a while."""
LARGE = {
    *PATIENT, "data_parallel", "dcgan", "deep_gru", "deep_rnn_scratch", "densenet", "dog_breeds",
    "fast_rcnn", "faster_rcnn", "fcn_resnet18", "fcn_skips", "fine_tuning", "gan", "gpt",
    "gru_concise", "gru_scratch", "kaggle_cifar10", "lenet", "lenet_bn", "lenet_bn_scratch",
    "lenet_schedules", "lenet_search", "lenet_sigmoid", "lstm", "lstm_concise", "mask_rcnn",
    "mlp_dropout", "mlp_dropout_scratch", "painterly_pass1", "painterly_pass2", "rcnn",
    "regnet_design_space", "regnetx32", "residual_depth", "resnet18", "resnet18_augmented",
    "resnet18_book", "resnet18_clothes", "resnet56_cifar10", "resnext", "style_transfer",
    "tiny_ssd", "transformer", "translator", "vit",
}  # fmt: skip
"""Graphs whose steps take long enough to be slow tests."""
STEPS = 60


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow if n in LARGE else ()) for n in TRAINED]
)
def test_the_first_steps_of_training_lower_what_is_minimised(name):
    steps = losses(name, PATIENT.get(name, STEPS))
    found = [next(iter(values.values())) for values in steps]
    assert np.isfinite(found).all()
    assert np.mean(found[-10:]) < np.mean(found[:3])
