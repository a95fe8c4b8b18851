"""The nets of chapter 8 of the book: what it prints of each, and what it claims of training."""

from __future__ import annotations

import math

import pytest

import graphflow as gf
from tests.gallery.training import GRAPHS

PAPER = {"paper": True}


def count(model: gf.Model) -> int:
    """The number of trained numbers, without drawing them."""
    return sum(math.prod(leaf.tensor.shape) for leaf in model.graph.leaves("parameter"))


def shape(model: gf.Model, name: str) -> tuple[object, ...]:
    """The shape of a node; the batch is a symbol."""
    sizes = model.graph[model.graph.resolve(name)].tensor.shape
    return tuple(size if isinstance(size, int) else str(size) for size in sizes)


# each line of the book's summary: the node, and its shape behind the batch
PRINTED = {
    ("alexnet", ()): (46_764_746, {
        "features.conv2d1": (96, 54, 54), "features.max_pool2d1": (96, 26, 26),
        "features.conv2d2": (256, 26, 26), "features.max_pool2d2": (256, 12, 12),
        "features.conv2d3": (384, 12, 12), "features.conv2d4": (384, 12, 12),
        "features.conv2d5": (256, 12, 12), "features.max_pool2d3": (256, 5, 5),
        "features": (6400,), "logits.linear1": (4096,), "logits.dropout1": (4096,),
        "logits.linear2": (4096,), "logits.dropout2": (4096,), "logits": (10,)}),
    ("vgg11", (("width", 64),)): (128_806_154, {
        "features.0.vgg_block1": (64, 112, 112), "features.1.vgg_block1": (128, 56, 56),
        "features.2.vgg_block1": (256, 28, 28), "features.3.vgg_block1": (512, 14, 14),
        "features.4.vgg_block1": (512, 7, 7), "features": (25088,), "logits.linear1": (4096,),
        "logits.linear2": (4096,), "logits": (10,)}),
    ("vgg11", ()): (43_093_322, {
        "features.0.vgg_block1": (16, 112, 112), "features.4.vgg_block1": (128, 7, 7),
        "features": (6272,), "logits": (10,)}),
    ("nin", ()): (1_992_166, {
        "logits.nin_block1": (96, 54, 54), "logits.max_pool2d1": (96, 26, 26),
        "logits.nin_block2": (256, 26, 26), "logits.max_pool2d2": (256, 12, 12),
        "logits.nin_block3": (384, 12, 12), "logits.max_pool2d3": (384, 5, 5),
        "logits.dropout1": (384, 5, 5), "logits.nin_block4": (10, 5, 5),
        "logits.adaptive_avg_pool2d1": (10, 1, 1), "logits": (10,)}),
    ("googlenet", ()): (5_977_530, {
        "features.max_pool2d1": (64, 24, 24), "features.max_pool2d2": (192, 12, 12),
        "features.inceptions1": (480, 12, 12), "features.max_pool2d3": (480, 6, 6),
        "features.inceptions2": (832, 6, 6), "features.max_pool2d4": (832, 3, 3),
        "features.inceptions3": (1024, 3, 3), "features": (1024,), "logits": (10,)}),
    ("resnet18_book", ()): (11_178_378, {
        "features.max_pool2d1": (64, 24, 24), "features.1.residual1": (64, 24, 24),
        "features.2.residual2": (128, 12, 12), "features.3.residual2": (256, 6, 6),
        "features.4.residual2": (512, 3, 3), "features": (512,), "logits": (10,)}),
    ("densenet", ()): (758_226, {
        "features.max_pool2d1": (64, 24, 24), "features.0.stage1.dense": (192, 24, 24),
        "features.0.stage1": (96, 12, 12), "features.1.stage1.dense": (224, 12, 12),
        "features.1.stage1": (112, 6, 6), "features.2.stage1.dense": (240, 6, 6),
        "features.2.stage1": (120, 3, 3), "features.dense_block1": (248, 3, 3),
        "features": (248,), "logits": (10,)}),
    ("regnetx32", ()): (179_290, {
        "features.relu1": (32, 48, 48), "features.0.anynet_stage1": (32, 24, 24),
        "features.1.anynet_stage1": (80, 12, 12), "logits": (10,)}),
}  # fmt: skip


@pytest.mark.parametrize(("name", "more"), PRINTED)
def test_the_shapes_and_the_parameters_of_the_book(name, more):
    parameters, printed = PRINTED[name, more]
    model = gf.load(GRAPHS[name], PAPER | dict(more))
    assert {node: shape(model, node) for node in printed} == {
        node: ("B", *sizes) for node, sizes in printed.items()
    }
    assert count(model) == parameters


LENET_BN = {
    "conv2d1": (6, 24, 24), "avg_pool2d1": (6, 12, 12), "conv2d2": (16, 8, 8),
    "avg_pool2d2": (16, 4, 4), "flatten1": (256,), "linear1": (120,), "linear2": (84,),
}  # fmt: skip


@pytest.mark.parametrize("name", ["lenet_bn", "lenet_bn_scratch"])
def test_lenet_with_batch_norm_has_the_shapes_of_the_book(name):
    model = gf.load(GRAPHS[name])
    assert count(model) == 44_878
    assert {n: shape(model, f"logits.{n}") for n in LENET_BN} == {
        node: ("B", *sizes) for node, sizes in LENET_BN.items()
    }


def test_vgg16_has_138_million_parameters_of_which_a_tenth_in_convolutions():
    model = gf.load(GRAPHS["vgg16"], PAPER)
    leaves = model.graph.leaves("parameter")
    convolutions = [leaf for leaf in leaves if leaf.name.startswith("features.")]
    assert count(model) == 138_357_544
    assert sum(math.prod(leaf.tensor.shape) for leaf in convolutions) == 14_714_688
    stages = [(64, 112, 112), (128, 56, 56), (256, 28, 28), (512, 14, 14), (512, 7, 7)]
    for i, sizes in enumerate(stages):
        assert shape(model, f"features.{i}.vgg_block1") == (1, *sizes)
    assert shape(model, "probabilities") == (1, 1000)


def test_groups_take_a_share_of_the_weights_of_a_resnext():
    """Of a 3 x 3 convolution of c channels in groups of g, g / c remains."""
    together, apart = (gf.load(GRAPHS["resnext"], {"group": g}) for g in (8, 4))
    name = "features.0.anynet_stage1.resnext_block1.conv2.weight"
    assert together.parameters[name].shape == (8, 8, 3, 3)
    assert apart.parameters[name].shape == (8, 4, 3, 3)
    assert count(apart) < count(together)
