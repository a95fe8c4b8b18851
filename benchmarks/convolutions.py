"""Each kind of convolution beside PyTorch's: a training step with its gradients on both sides.

    python benchmarks/convolutions.py [NAME]...

Behind a relu, as in the middle of a net. Batch 32, float32, two threads; PyTorch in the better of
its memory layouts. Each measurement is a process of its own, ours and theirs in turns, the better
of two each.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from graphflow.bench.child import OURS, measured
from graphflow.bench.timing import POOLS, answer

THREADS = 2
KINDS = {
    # channels, height (and width), then the convolution
    "1x1": (128, 16, "conv2d(x, 128, 1)"),
    "1x1, stride 2": (64, 32, "conv2d(x, 128, 1, stride=2)"),
    "3x3": (64, 16, "conv2d(x, 64, 3, padding=1)"),
    "3x3, stride 2": (64, 32, "conv2d(x, 128, 3, stride=2, padding=1)"),
    "3x3, dilation 2": (64, 16, "conv2d(x, 64, 3, padding=2, dilation=2)"),
    "3x3, 3 to 64": (3, 32, "conv2d(x, 64, 3, padding=1)"),
    "5x5": (32, 16, "conv2d(x, 64, 5, padding=2)"),
    "7x7, stride 2, 3 to 64": (3, 64, "conv2d(x, 64, 7, stride=2, padding=3)"),
    "11x11, stride 4, 1 to 96": (1, 96, "conv2d(x, 96, 11, stride=4)"),
    "3x3, 32 groups": (128, 16, "conv2d(x, 128, 3, padding=1, groups=32)"),
    "3x3, depthwise": (128, 16, "conv2d(x, 128, 3, padding=1, groups=128)"),
    "5x5, depthwise, stride 2": (128, 16, "conv2d(x, 128, 5, padding=2, stride=2, groups=128)"),
    "transposed 4x4, stride 2": (64, 16, "conv_transpose2d(x, 32, 4, stride=2, padding=1)"),
    "transposed 3x3": (64, 16, "conv_transpose2d(x, 64, 3, padding=1)"),
    "1-D, 3": (64, 256, "conv1d(x, 64, 3, padding=1)"),
    "3-D, 3x3x3": (16, 8, "conv3d(x, 32, 3, padding=1)"),
}
Step = Callable[[], object]


def ours(name: str) -> Step:
    import numpy as np

    import graphflow as gf

    channels, size, call = KINDS[name]
    axes = 1 if "1d(" in call else 3 if "3d(" in call else 2
    shape = [32, channels, *[size] * axes]
    text = (
        "graphflow: 1\nname: a convolution\n"
        f"params: {{x: {{shape: {shape}, init: normal}}}}\n"
        f"nodes: {{h: relu(x), y: '{call.replace('(x', '(h')}', loss: sum(y * y)}}\n"
        "train: {minimize: loss, optimizer: sgd(lr=1e-9)}\n"
    )
    trainer = gf.loads(text).trainer(kernels="numba")
    assert np.isfinite(trainer.step({})["loss"])
    return lambda: trainer.step({})


def theirs(name: str, last: bool) -> Step:
    import torch
    from torch import nn

    torch.set_num_threads(THREADS)
    channels, size, call = KINDS[name]
    kind, given = call.removesuffix(")").split("(x, ")
    words = [word.split("=") for word in given.split(", ")]
    made = {
        "conv1d": nn.Conv1d, "conv2d": nn.Conv2d, "conv3d": nn.Conv3d,
        "conv_transpose2d": nn.ConvTranspose2d,
    }[kind]  # fmt: skip
    numbers = [int(word[0]) for word in words if len(word) == 1]
    layer = made(channels, *numbers, **{w[0]: int(w[1]) for w in words if len(w) == 2})
    axes = {"conv1d": 1, "conv3d": 3}.get(kind, 2)
    x = torch.randn(32, channels, *[size] * axes)
    if last:
        x = x.to(memory_format=torch.channels_last)
        layer = layer.to(memory_format=torch.channels_last)
    x.requires_grad_()
    optimizer = torch.optim.SGD([x, *layer.parameters()], lr=1e-9)

    def step() -> float:
        loss = layer(x.relu()).square().sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def child(who: str, name: str) -> float:
    """Milliseconds of a step."""
    if who == OURS:
        return measured(ours(name), seconds=0.5)["ms"]
    orders = (False, True) if "2d(" in KINDS[name][2] else (False,)
    return min(measured(theirs(name, last), seconds=0.5)["ms"] for last in orders)


def in_a_process(who: str, name: str) -> float:
    environment = os.environ | dict.fromkeys(POOLS, str(THREADS))
    return float(answer([sys.executable, __file__, "--child", who, name], environment, name))


def main(names: list[str]) -> None:
    print(f"{'convolution':26}    ours ms  PyTorch ms  ratio")
    for name in names:
        pairs = [[in_a_process(who, name) for who in (OURS, "torch")] for _ in range(2)]
        mine, others = (min(times) for times in zip(*pairs, strict=True))
        print(f"{name:26} {mine:10.3f} {others:11.3f} {mine / others:6.2f}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        print(child(*sys.argv[2:]))
    else:
        main(sys.argv[1:] or list(KINDS))
