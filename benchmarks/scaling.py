"""How the time of a training step grows beside PyTorch's: by batch, width, depth, sequence length.

    python benchmarks/scaling.py [batch | width | depth | length]... [--threads 1 2]

One size grows at a time, forward, backward and update in float32. Each measurement is a process of
its own, ours and theirs in turns, the better of two each; the ratio is our time over theirs. The
nets: a multilayer perceptron (256 wide, 3 layers, batch 64, unless it is what grows), and a long
short-term memory (64 wide, batch 16).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable

import numpy as np

from graphflow.bench.child import OURS, measured
from graphflow.bench.timing import POOLS, answer

SIZES = {
    "batch": (1, 16, 256, 4096, 65536),
    "width": (16, 64, 256, 1024, 4096),
    "depth": (1, 4, 16, 64, 256),
    "length": (1, 8, 64, 512, 4096),
}
MLP = """
graphflow: 1
name: a multilayer perceptron
inputs: {{x: {{shape: [B, {width}]}}, y: {{shape: [B, {width}]}}}}
nodes:
  h: {{from: x, through: [{{repeat: {depth}, through: ["linear({width}, activation=relu)"]}}]}}
  loss: mse_loss(h, y)
train: {{minimize: loss, optimizer: sgd(lr=0.001)}}
"""
LSTM = """
graphflow: 1
name: a long short-term memory
inputs: {x: {shape: [T, B, 64]}, y: {shape: [T, B, 64]}}
nodes:
  layer: lstm(x, 64)
  loss: mse_loss(layer.output, y)
train: {minimize: loss, optimizer: sgd(lr=0.001)}
"""
Step = Callable[[], object]


def fed(shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {name: rng.standard_normal(shape, dtype=np.float32) for name in "xy"}


def shape_of(what: str, size: int) -> tuple[int, ...]:
    """Of what is fed: steps, batch, width; or batch, width."""
    if what == "length":
        return (size, 16, 64)
    return (size if what == "batch" else 64, size if what == "width" else 256)


def ours(what: str, size: int) -> Step:
    import graphflow as gf

    shape = shape_of(what, size)
    depth = size if what == "depth" else 3
    text = LSTM if what == "length" else MLP.format(width=shape[-1], depth=depth)
    trainer, feed = gf.loads(text).trainer(kernels="numba"), fed(shape)
    return lambda: trainer.step(feed)


def theirs(what: str, size: int, threads: int) -> Step:
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    shape = shape_of(what, size)
    width, depth = shape[-1], size if what == "depth" else 3
    layers = [part for _ in range(depth) for part in (nn.Linear(width, width), nn.ReLU())]
    net = nn.LSTM(64, 64) if what == "length" else nn.Sequential(*layers)
    feed = {name: torch.from_numpy(value) for name, value in fed(shape).items()}
    optimizer = torch.optim.SGD(net.parameters(), lr=0.001)

    def step() -> float:
        found = net(feed["x"])
        loss = nn.functional.mse_loss(found[0] if what == "length" else found, feed["y"])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def child(who: str, what: str, size: int, threads: int) -> float:
    """Milliseconds of a step."""
    if who != OURS:
        return measured(theirs(what, size, threads), seconds=0.5)["ms"]
    return measured(ours(what, size), seconds=0.5)["ms"]


def in_a_process(who: str, what: str, size: int, threads: int) -> float:
    environment = os.environ | dict.fromkeys(POOLS, str(threads))
    command = [sys.executable, __file__, "--child", who, what, str(size), str(threads)]
    return float(answer(command, environment, f"{who}, {what} {size}"))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", nargs="*", choices=SIZES)
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    chosen = parser.parse_args()
    for what in chosen.what or SIZES:
        print(f"{what:>8} threads    ours ms  PyTorch ms  ratio")
        for size in SIZES[what]:
            for threads in chosen.threads:
                pairs = [[in_a_process(who, what, size, threads) for who in (OURS, "torch")]
                         for _ in range(2)]  # fmt: skip
                mine, others = (min(times) for times in zip(*pairs, strict=True))
                print(f"{size:8} {threads:7} {mine:10.3f} {others:11.3f} {mine / others:6.2f}",
                      flush=True)  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        who, what, size, threads = sys.argv[2:]
        print(child(who, what, int(size), int(threads)))
    else:
        main()
