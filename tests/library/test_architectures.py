"""Whole nets from the library's blocks: the shapes that Dive into Deep Learning prints, and the
numbers of parameters of the book's nets and of torchvision's.
"""

from __future__ import annotations

import math

import pytest

import graphflow as gf

FILE = """graphflow: 1
name: a net
inputs: {{x: {{shape: {shape}}}}}
nodes:
  y:
    from: x
    through:
{items}
outputs: [y]
"""


def built(items: str, *shape: int) -> gf.Model:
    """A pipeline of calls, one a line; what is indented further belongs to the line above."""
    listed = "\n".join(
        f"      {line}" if line.startswith(" ") else f"      - {line}"
        for line in items.strip().splitlines()
    )
    return gf.loads(FILE.format(shape=list(shape), items=listed))


def shape(model: gf.Model, name: str) -> tuple[int, ...]:
    return model.graph[model.graph.resolve(name)].tensor.shape


def count(model: gf.Model) -> int:
    """The number of trained numbers, without drawing them."""
    return sum(math.prod(leaf.tensor.shape) for leaf in model.graph.leaves("parameter"))


DENSE = "linear(4096, activation=relu)\ndropout(0.5)\nlinear(4096, activation=relu)\ndropout(0.5)\n"
STEM = "conv2d(64, 7, stride=2, padding=3)\nbatch_norm\nrelu\nmax_pool2d(3, stride=2, padding=1)\n"
HEAD = "adaptive_avg_pool2d(1)\nflatten\nlinear(10)"

ALEXNET = f"""
conv2d(96, 11, stride=4, padding=1, activation=relu)
max_pool2d(3, stride=2)
conv2d(256, 5, padding=2, activation=relu)
max_pool2d(3, stride=2)
conv2d(384, 3, padding=1, activation=relu)
conv2d(384, 3, padding=1, activation=relu)
conv2d(256, 3, padding=1, activation=relu)
max_pool2d(3, stride=2)
flatten
{DENSE}linear(10)"""
VGG = f"""
for: {{"n, c": [[1, 64], [1, 128], [2, 256], [2, 512], [2, 512]]}}
  through: ['vgg_block(n, c)']
flatten
{DENSE}linear(10)"""
NIN = """
nin_block(96, 11, 4, 0)
max_pool2d(3, stride=2)
nin_block(256, 5, 1, 2)
max_pool2d(3, stride=2)
nin_block(384, 3, 1, 1)
max_pool2d(3, stride=2)
dropout(0.5)
nin_block(10, 3, 1, 1)
adaptive_avg_pool2d(1)
flatten"""
GOOGLENET = (
    """
conv2d(64, 7, stride=2, padding=3, activation=relu)
max_pool2d(3, stride=2, padding=1)
conv2d(64, 1, activation=relu)
conv2d(192, 3, padding=1, activation=relu)
max_pool2d(3, stride=2, padding=1)
inception(64, [96, 128], [16, 32], 32)
inception(128, [128, 192], [32, 96], 64)
max_pool2d(3, stride=2, padding=1)
inception(192, [96, 208], [16, 48], 64)
inception(160, [112, 224], [24, 64], 64)
inception(128, [128, 256], [24, 64], 64)
inception(112, [144, 288], [32, 64], 64)
inception(256, [160, 320], [32, 128], 128)
max_pool2d(3, stride=2, padding=1)
inception(256, [160, 320], [32, 128], 128)
inception(384, [192, 384], [48, 128], 128)
"""
    + HEAD
)
RESNET = (
    STEM
    + """
repeat: 2
  through: [residual(64)]
for: {c: [128, 256, 512]}
  through:
    - residual(c, use_1x1conv=true, strides=2)
    - residual(c)
""".lstrip()
    + HEAD
)
DENSENET = (
    STEM
    + """
for: {c: [96, 112, 120]}
  through: ['dense_block(4, 32)', transition_block(c)]
dense_block(4, 32)
batch_norm
relu
""".lstrip()
    + HEAD
)
REGNET = (
    """
conv2d(32, 3, stride=2, padding=1)
batch_norm
relu
anynet_stage(4, 32, 16, 1)
anynet_stage(6, 80, 16, 1)
"""
    + HEAD
)
GENERATOR = """
g_block(512, strides=1, padding=0)
for: {c: [256, 128, 64]}
  through: [g_block(c)]
conv_transpose2d(3, 4, stride=2, padding=1, bias=false)
tanh"""
DISCRIMINATOR = """
for: {c: [64, 128, 256, 512]}
  through: [d_block(c)]
conv2d(1, 4, bias=false)"""
NETS = {
    "alexnet": (ALEXNET, (1, 1, 224, 224), 46_764_746, {
        "conv2d1": (1, 96, 54, 54), "max_pool2d1": (1, 96, 26, 26), "conv2d2": (1, 256, 26, 26),
        "max_pool2d2": (1, 256, 12, 12), "conv2d5": (1, 256, 12, 12),
        "max_pool2d3": (1, 256, 5, 5), "flatten1": (1, 6400), "linear3": (1, 10)}),
    "vgg11": (VGG, (1, 1, 224, 224), 128_806_154, {
        "0.vgg_block1": (1, 64, 112, 112), "1.vgg_block1": (1, 128, 56, 56),
        "2.vgg_block1": (1, 256, 28, 28), "3.vgg_block1": (1, 512, 14, 14),
        "4.vgg_block1": (1, 512, 7, 7), "flatten1": (1, 25088), "linear3": (1, 10)}),
    "nin": (NIN, (1, 1, 224, 224), 1_992_166, {
        "nin_block1": (1, 96, 54, 54), "max_pool2d1": (1, 96, 26, 26),
        "nin_block2": (1, 256, 26, 26), "max_pool2d2": (1, 256, 12, 12),
        "nin_block3": (1, 384, 12, 12), "max_pool2d3": (1, 384, 5, 5),
        "nin_block4": (1, 10, 5, 5), "flatten1": (1, 10)}),
    "googlenet": (GOOGLENET, (1, 1, 96, 96), 5_977_530, {
        "max_pool2d1": (1, 64, 24, 24), "max_pool2d2": (1, 192, 12, 12),
        "inception1": (1, 256, 12, 12), "inception2": (1, 480, 12, 12),
        "max_pool2d3": (1, 480, 6, 6), "inception3": (1, 512, 6, 6), "inception6": (1, 528, 6, 6),
        "max_pool2d4": (1, 832, 3, 3), "inception9": (1, 1024, 3, 3), "flatten1": (1, 1024)}),
    "resnet18": (RESNET, (1, 1, 96, 96), 11_178_378, {
        "max_pool2d1": (1, 64, 24, 24), "1.residual1": (1, 64, 24, 24),
        "2.residual2": (1, 128, 12, 12), "3.residual2": (1, 256, 6, 6),
        "4.residual2": (1, 512, 3, 3), "linear1": (1, 10)}),
    "densenet": (DENSENET, (1, 1, 96, 96), 758_226, {
        "0.dense_block1": (1, 192, 24, 24), "0.transition_block1": (1, 96, 12, 12),
        "2.transition_block1": (1, 120, 3, 3), "dense_block1": (1, 248, 3, 3)}),
    "regnetx32": (REGNET, (1, 1, 96, 96), 179_290, {
        "relu1": (1, 32, 48, 48), "anynet_stage1": (1, 32, 24, 24),
        "anynet_stage2": (1, 80, 12, 12), "linear1": (1, 10)}),
    "dcgan_generator": (GENERATOR, (1, 100, 1, 1), 3_576_704, {
        "g_block1": (1, 512, 4, 4), "2.g_block1": (1, 64, 32, 32), "tanh1": (1, 3, 64, 64)}),
    "dcgan_discriminator": (DISCRIMINATOR, (1, 3, 64, 64), 2_765_696, {
        "0.d_block1": (1, 64, 32, 32), "3.d_block1": (1, 512, 4, 4), "conv2d1": (1, 1, 1, 1)}),
}  # fmt: skip


@pytest.mark.parametrize("net", NETS)
def test_a_net_of_the_book(net):
    items, size, parameters, shapes = NETS[net]
    model = built(items, *size)
    assert {name: shape(model, f"y.{name}") for name in shapes} == shapes
    assert count(model) == parameters


BLOCKS = {
    "residual(3)": ((4, 3, 6, 6), (4, 3, 6, 6)),
    "residual(6, use_1x1conv=true, strides=2)": ((4, 3, 6, 6), (4, 6, 3, 3)),
    "resnext_block(32, 16, 1)": ((4, 32, 96, 96), (4, 32, 96, 96)),
    "dense_block(2, 10)": ((4, 3, 8, 8), (4, 23, 8, 8)),
    "transition_block(10)": ((4, 23, 8, 8), (4, 10, 4, 4)),
    "g_block(20)": ((2, 3, 16, 16), (2, 20, 32, 32)),
    "g_block(20, strides=1, padding=0)": ((2, 3, 1, 1), (2, 20, 4, 4)),
    "d_block(20)": ((2, 3, 16, 16), (2, 20, 8, 8)),
}


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_of_the_book(block):
    given, expected = BLOCKS[block]
    assert shape(built(block, *given), "y") == expected


PUBLISHED_STEM = STEM.replace("padding=3)", "padding=3, bias=false)")
THOUSAND = HEAD.replace("10", "1000")
RESNET_18 = (
    PUBLISHED_STEM
    + """
repeat: 2
  through: [basic_block(64)]
for: {c: [128, 256, 512]}
  through: ['basic_block(c, 2)', basic_block(c)]
""".lstrip()
    + THOUSAND
)
RESNET_50 = (
    PUBLISHED_STEM
    + """
for: {"c, stride, n": [[64, 1, 3], [128, 2, 4], [256, 2, 6], [512, 2, 3]]}
  through:
    - bottleneck(c, stride)
    - repeat: n - 1
      through: [bottleneck(c)]
""".lstrip()
    + THOUSAND
)
MOBILENET = (
    """
conv2d(32, 3, stride=2, padding=1, bias=false)
batch_norm
relu6
inverted_residual(16, 1, 1)
for: {"c, n, stride": [[24, 2, 2], [32, 3, 2], [64, 4, 2], [96, 3, 1], [160, 3, 2], [320, 1, 1]]}
  through:
    - inverted_residual(c, stride)
    - repeat: n - 1
      through: [inverted_residual(c)]
conv2d(1280, 1, bias=false)
batch_norm
relu6
"""
    + THOUSAND
)
PUBLISHED = {
    "resnet18": (RESNET_18, 11_689_512),
    "resnet50": (RESNET_50, 25_557_032),
    "mobilenet_v2": (MOBILENET, 3_504_872),
}


@pytest.mark.parametrize("net", PUBLISHED)
def test_a_net_of_torchvision(net):
    items, parameters = PUBLISHED[net]
    model = built(items, 1, 3, 224, 224)
    assert (shape(model, "y"), count(model)) == ((1, 1000), parameters)


def test_the_parameters_of_a_bottleneck_are_named_as_in_torchvision():
    model = built("bottleneck(4)", 1, 8, 4, 4)
    names = {name.removeprefix("y.bottleneck1.") for name in model.parameters}
    assert {"conv1.weight", "bn3.bias", "downsample.0.weight", "downsample.1.bias"} < names
