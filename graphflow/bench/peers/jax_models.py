"""The models of the table in JAX: pure functions, the whole step compiled.

A net asks ``net.take(shape)`` for its parameters one after another, in the order and the shapes of
our files. Images are (N, H, W, C), which XLA prefers on processors.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from graphflow.bench import ours
from graphflow.bench.rows import Row
from graphflow.ir.precision import Precision
from graphflow.model import Model

Feed: TypeAlias = Mapping[str, Array]
Step: TypeAlias = Callable[[], Array]
MOMENTUM, EPS = 0.1, 1e-5
RUNNING = ("running_mean", "running_var")
IMAGES = ("image", "x", "by_y")
"""Names that may be those of images."""


@dataclass(slots=True)
class Net:
    """Hands out parameters and running statistics, and keeps the new ones of the latter. Where it
    is ``narrow``, products read and give bfloat16.
    """

    parameters: Iterator[Array]
    statistics: Iterator[Array]
    renewed: list[Array] = field(default_factory=list)
    narrow: bool = False

    def take(self, *shape: int) -> Array:
        """The next parameter."""
        found = next(self.parameters)
        assert found.shape == shape, f"a parameter of shape {found.shape} where {shape} is read"
        return found

    def factor(self, x: Array) -> Array:
        """A value as products read it."""
        return x.astype(jnp.bfloat16) if self.narrow else x

    def linear(self, x: Array, out: int) -> Array:
        """An affine map of the last axis."""
        w, b = self.take(out, x.shape[-1]), self.take(out)
        return self.factor(x) @ self.factor(w).T + self.factor(b)

    def conv(
        self, x: Array, out: int, size: int, stride: int = 1, padding: int = 0, bias: bool = True
    ) -> Array:
        """A convolution, whose kernel is (out, in, height, width)."""
        kernel = self.take(out, x.shape[-1], size, size)
        y = lax.conv_general_dilated(
            self.factor(x), self.factor(kernel), (stride, stride), [(padding, padding)] * 2,
            dimension_numbers=("NHWC", "OIHW", "NHWC"),
        )  # fmt: skip
        return y + self.factor(self.take(out)) if bias else y

    def conv_relu(self, x: Array, out: int, size: int, stride: int = 1, padding: int = 0) -> Array:
        """A convolution and relu."""
        return jax.nn.relu(self.conv(x, out, size, stride, padding))

    def batch_norm(self, x: Array) -> Array:
        """Batch norm in training: by the batch's moments, which move the running ones."""
        given, x = x, wide(x)
        weight, bias = self.take(x.shape[-1]), self.take(x.shape[-1])
        mean, var = x.mean((0, 1, 2)), x.var((0, 1, 2))
        count = x.size // x.shape[-1]
        for moment in (mean, var * count / (count - 1)):
            self.renewed.append((1 - MOMENTUM) * next(self.statistics) + MOMENTUM * moment)
        y = (x - mean) * lax.rsqrt(var + EPS) * weight + bias
        return y.astype(given.dtype)

    def layer_norm(self, x: Array) -> Array:
        """Layer norm over the last axis."""
        x = wide(x)
        weight, bias = self.take(x.shape[-1]), self.take(x.shape[-1])
        mean = x.mean(-1, keepdims=True)
        return (x - mean) * lax.rsqrt(x.var(-1, keepdims=True) + EPS) * weight + bias


def wide(x: Array) -> Array:
    """bfloat16 as float32, for statistics and sums of exponentials."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def max_pool(x: Array, size: int, stride: int, padding: int = 0) -> Array:
    """The largest of each window."""
    pads = [(0, 0), (padding, padding), (padding, padding), (0, 0)]
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, size, size, 1), (1, stride, stride, 1), pads)


def avg_pool(x: Array, size: int) -> Array:
    """The mean of each window, windows side by side."""
    window = (1, size, size, 1)
    return lax.reduce_window(x, 0.0, lax.add, window, window, "VALID") / size**2


def flat(x: Array) -> Array:
    """The entries of each image in the order of (C, H, W)."""
    return x.transpose(0, 3, 1, 2).reshape(x.shape[0], -1)


def cross_entropy(logits: Array, feed: Feed) -> Array:
    """The mean over the batch."""
    chances = jax.nn.log_softmax(wide(logits))
    return -jnp.take_along_axis(chances, feed["label"][..., None], -1).mean()


def softmax_regression(net: Net, feed: Feed) -> Array:
    return cross_entropy(net.linear(feed["x"], 10), feed)


def mlp(net: Net, feed: Feed) -> Array:
    return cross_entropy(net.linear(jax.nn.relu(net.linear(feed["x"], 256)), 10), feed)


def xyz(net: Net, feed: Feed) -> Array:
    return (net.take() + net.take()) * net.take()


def lenet(net: Net, feed: Feed, act: Callable[[Array], Array], largest: bool) -> Array:
    def pool(x: Array) -> Array:
        return max_pool(x, 2, 2) if largest else avg_pool(x, 2)

    x = pool(act(net.conv(feed["image"], 6, 5, padding=2)))
    x = flat(pool(act(net.conv(x, 16, 5))))
    x = act(net.linear(act(net.linear(x, 120)), 84))
    return cross_entropy(net.linear(x, 10), feed)


def conv3x3(net: Net, feed: Feed) -> Array:
    by_y = feed["by_y"]
    return (net.conv(net.take(*by_y.shape), 64, 3, padding=1) * by_y).sum()


def basic(net: Net, x: Array, planes: int, stride: int = 1) -> Array:
    y = jax.nn.relu(net.batch_norm(net.conv(x, planes, 3, stride, 1, bias=False)))
    y = net.batch_norm(net.conv(y, planes, 3, 1, 1, bias=False))
    if stride != 1 or x.shape[-1] != planes:
        x = net.batch_norm(net.conv(x, planes, 1, stride, bias=False))
    return jax.nn.relu(y + x)


def resnet18(net: Net, feed: Feed, wide: bool) -> Array:
    size, stride, padding = (3, 1, 1) if wide else (7, 2, 3)
    x = net.conv(feed["image"], 64, size, stride, padding, bias=False)
    x = jax.nn.relu(net.batch_norm(x))
    x = x if wide else max_pool(x, 3, 2, 1)
    for planes, strides in ((64, (1, 1)), (128, (2, 1)), (256, (2, 1)), (512, (2, 1))):
        for each in strides:
            x = basic(net, x, planes, each)
    return cross_entropy(net.linear(x.mean((1, 2)), 10), feed)


def resnet50(net: Net, feed: Feed) -> Array:
    x = jax.nn.relu(net.batch_norm(net.conv(feed["image"], 64, 7, 2, 3, bias=False)))
    x = max_pool(x, 3, 2, 1)
    for planes, count, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for place in range(count):
            x = bottleneck(net, x, planes, 1 if place else stride)
    return cross_entropy(net.linear(x.mean((1, 2)), 10), feed)


def bottleneck(net: Net, x: Array, planes: int, stride: int) -> Array:
    y = jax.nn.relu(net.batch_norm(net.conv(x, planes, 1, bias=False)))
    y = jax.nn.relu(net.batch_norm(net.conv(y, planes, 3, stride, 1, bias=False)))
    y = net.batch_norm(net.conv(y, 4 * planes, 1, bias=False))
    if stride != 1 or x.shape[-1] != 4 * planes:
        x = net.batch_norm(net.conv(x, 4 * planes, 1, stride, bias=False))
    return jax.nn.relu(y + x)


def vgg11(net: Net, feed: Feed) -> Array:
    x = feed["image"]
    for count, out in ((1, 16), (1, 32), (2, 64), (2, 128), (2, 128)):
        for _ in range(count):
            x = net.conv_relu(x, out, 3, padding=1)
        x = max_pool(x, 2, 2)
    x = jax.nn.relu(net.linear(flat(x), 4096))
    return cross_entropy(net.linear(jax.nn.relu(net.linear(x, 4096)), 10), feed)


def nin(net: Net, feed: Feed) -> Array:
    x = feed["image"]
    for out, size, stride, padding in ((96, 11, 4, 0), (256, 5, 1, 2), (384, 3, 1, 1)):
        x = net.conv_relu(x, out, size, stride, padding)
        x = max_pool(net.conv_relu(net.conv_relu(x, out, 1), out, 1), 3, 2)
    x = net.conv_relu(net.conv_relu(net.conv_relu(x, 10, 3, padding=1), 10, 1), 10, 1)
    return cross_entropy(x.mean((1, 2)), feed)


def inception(net: Net, x: Array, sizes: Sequence[int]) -> Array:
    c1, c2, c2_out, c3, c3_out, c4 = sizes
    first = net.conv_relu(x, c1, 1)
    second = net.conv_relu(net.conv_relu(x, c2, 1), c2_out, 3, padding=1)
    third = net.conv_relu(net.conv_relu(x, c3, 1), c3_out, 5, padding=2)
    fourth = net.conv_relu(max_pool(x, 3, 1, 1), c4, 1)
    return jnp.concatenate([first, second, third, fourth], -1)


def googlenet(net: Net, feed: Feed) -> Array:
    x = max_pool(net.conv_relu(feed["image"], 64, 7, 2, 3), 3, 2, 1)
    x = max_pool(net.conv_relu(net.conv_relu(x, 64, 1), 192, 3, padding=1), 3, 2, 1)
    stages = (
        ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)),
        ((192, 96, 208, 16, 48, 64), (160, 112, 224, 24, 64, 64), (128, 128, 256, 24, 64, 64),
         (112, 144, 288, 32, 64, 64), (256, 160, 320, 32, 128, 128)),
        ((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)),
    )  # fmt: skip
    for number, stage in enumerate(stages):
        x = max_pool(x, 3, 2, 1) if number else x
        for sizes in stage:
            x = inception(net, x, sizes)
    return cross_entropy(net.linear(x.mean((1, 2)), 10), feed)


def densenet(net: Net, feed: Feed) -> Array:
    x = jax.nn.relu(net.batch_norm(net.conv(feed["image"], 64, 7, 2, 3)))
    x = max_pool(x, 3, 2, 1)
    for thinned in (96, 112, 120, None):
        for _ in range(4):
            grown = net.conv(jax.nn.relu(net.batch_norm(x)), 32, 3, padding=1)
            x = jnp.concatenate([x, grown], -1)
        x = jax.nn.relu(net.batch_norm(x))
        if thinned is not None:
            x = avg_pool(net.conv(x, thinned, 1), 2)
    return cross_entropy(net.linear(x.mean((1, 2)), 10), feed)


def lstm(net: Net, feed: Feed) -> Array:
    by_y = feed["by_y"]
    x = net.take(*by_y.shape)
    w, u = net.take(1024, 256), net.take(1024, 256)
    given = x @ w.T + net.take(1024) + net.take(1024)

    def cell(carried: tuple[Array, Array], now: Array) -> tuple[tuple[Array, Array], Array]:
        h, c = carried
        i, f, g, o = jnp.split(now + h @ u.T, 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    zeros = jnp.zeros(x.shape[1:], x.dtype)
    return (lax.scan(cell, (zeros, zeros), given)[1] * by_y).sum()


def transformer_block(net: Net, feed: Feed) -> Array:
    by_y = feed["by_y"]
    x = net.take(*by_y.shape)
    n, t, d = x.shape
    q, k, v = jnp.split(net.linear(x, 3 * d), 3, -1)
    qh, kh, vh = (each.reshape(n, t, 8, d // 8) for each in (q, k, v))
    weights = jax.nn.softmax(jnp.einsum("nthe,nshe->nhts", qh, kh) / (d // 8) ** 0.5)
    seen = jnp.einsum("nhts,nshe->nthe", weights, vh).reshape(n, t, d)
    x = net.layer_norm(x + net.linear(seen, d))
    y = net.linear(jax.nn.relu(net.linear(x, 1024)), d)
    return (net.layer_norm(x + y) * by_y).sum()


def language_model(
    net: Net, feed: Feed, words: int, steps: int, d: int, heads: int, depth: int
) -> Array:
    x = net.take(words, d)[feed["words_read"]] + net.take(steps, d)
    n, earlier = x.shape[0], jnp.tril(jnp.ones((steps, steps), bool))
    for _ in range(depth):
        split = jnp.split(net.linear(net.layer_norm(x), 3 * d), 3, -1)
        q, k, v = (each.reshape(n, steps, heads, d // heads) for each in split)
        scores = wide(jnp.einsum("nthe,nshe->nhts", q, k)) / (d // heads) ** 0.5
        chances = jax.nn.softmax(jnp.where(earlier, scores, -jnp.inf))
        seen = jnp.einsum("nhts,nshe->nthe", net.factor(chances), v).reshape(n, steps, d)
        x = x + net.linear(seen, d)
        y = jax.nn.gelu(net.linear(net.layer_norm(x), 4 * d), approximate=True)
        x = x + net.linear(y, d)
    return cross_entropy(net.linear(net.layer_norm(x), words), feed)


def word2vec(net: Net, feed: Feed) -> Array:
    v, u = net.take(10_000, 100)[feed["center"]], net.take(10_000, 100)[feed["context"]]
    scores, mask = (v @ u.swapaxes(1, 2))[:, 0], feed["mask"]
    each = (jax.nn.softplus(scores) - scores * feed["label"]) * mask
    return (each.sum(1) / mask.sum(1)).mean()


MODELS: dict[str, Callable[[Net, Feed], Array]] = {
    "softmax_regression": softmax_regression,
    "mlp": mlp,
    "xyz": xyz,
    "lenet_sigmoid": lambda net, feed: lenet(net, feed, jax.nn.sigmoid, largest=False),
    "lenet_relu": lambda net, feed: lenet(net, feed, jax.nn.relu, largest=True),
    "conv3x3": conv3x3,
    "resnet18": lambda net, feed: resnet18(net, feed, wide=False),
    "resnet18_wide": lambda net, feed: resnet18(net, feed, wide=True),
    "vgg11": vgg11,
    "nin": nin,
    "googlenet": googlenet,
    "densenet": densenet,
    "lstm": lstm,
    "transformer_block": transformer_block,
    "word2vec": word2vec,
    "resnet50": resnet50,
    "transformer_12": lambda net, feed: language_model(net, feed, 10_000, 512, 768, 12, 12),
}


def channels_last(name: str, array: np.ndarray) -> np.ndarray:
    """An array of our file as it stands here: images have their channels last."""
    return array.transpose(0, 2, 3, 1) if name in IMAGES and array.ndim == 4 else array


def one_step(
    row: Row, model: Model, fed: Mapping[str, np.ndarray], dtype: str = "float32",
    precision: Precision = "fp32", on_gpu: bool = False,
) -> tuple[Step, list[list[Array]]]:
    """What makes one step and gives the loss before it, and the values that it renews: parameters
    and running statistics, at first those of our model. A feed is brought to a GPU in each step, as
    it is on our side.
    """

    def read(name: str, value: np.ndarray) -> Array:
        array = np.asarray(value)
        real = array.dtype.kind == "f"
        return jnp.array(channels_last(name, array), dtype=dtype if real else array.dtype)

    def loss_of(values: list[Array], moments: list[Array], feed: Feed) -> tuple[Array, list[Array]]:
        net = Net(iter(values), iter(moments), narrow=precision == "bf16")
        return MODELS[row.model](net, feed), net.renewed

    def renewed(
        values: list[Array], moments: list[Array], feed: Feed
    ) -> tuple[Array, list[list[Array]]]:
        (loss, new), by = jax.value_and_grad(loss_of, has_aux=True)(values, moments, feed)
        return loss, [[p - row.rate * g for p, g in zip(values, by, strict=True)], new]

    compiled = jax.jit(renewed, donate_argnums=(0, 1))
    running = {n: x for n, x in model.state.items() if n.endswith(RUNNING)}
    kept = [[read(*item) for item in held.items()] for held in (model.parameters, running)]
    feed = {name: read(name, array) for name, array in fed.items()}
    if on_gpu:
        feed = {name: np.array(array) for name, array in feed.items()}

    def step() -> Array:
        loss, kept[:] = compiled(*kept, feed)
        jax.block_until_ready(kept)
        return loss

    return step, kept


def sees_gpu() -> bool:
    """Whether JAX was built for a GPU that is there."""
    return any(device.platform == "gpu" for device in jax.devices())


def prepared(row: Row, threads: int, on_gpu: bool) -> Step:
    """What makes one step of a row. XLA uses the processors that it may run on, or else the GPU,
    on which float32 is multiplied as it stands, without TF32.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    jax.config.update("jax_platforms", "cuda" if on_gpu else "cpu")
    if row.precision == "fp32":
        jax.config.update("jax_default_matmul_precision", "highest")
    step, _ = one_step(
        row, ours.model(row), row.feed(), precision=row.precision, on_gpu=on_gpu
    )
    return step
