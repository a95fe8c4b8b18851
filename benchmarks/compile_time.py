"""How long compilation takes: ResNet-18's training step, and chains of up to 50,000 nodes.

    python benchmarks/compile_time.py

Goals: a training step of ResNet-18 (forward, backward and update) from file to bound plan in under
1.5 s, and time in proportion to the number of nodes: the last column compares each chain's time per
node with the shortest one's. The stages: the file is read and elaborated; parameters are drawn;
gradients and updates are added; passes, plan and buffers are made (the first run less the second).
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

import graphflow as gf

ROUNDS = 2
STAGES = ("load", "draw", "derive", "plan")
RESNET = Path(__file__).parent.parent / "tests" / "examples" / "c_resnet18.yaml"
TRAIN = "\ntrain: {minimize: loss, optimizer: 'sgd(lr=0.1, momentum=0.9)'}\n"
LENGTHS = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000)
CHAIN = """\
graphflow: 1
name: a chain of sines
inputs: {{x: {{shape: [4]}}}}
nodes:
  y:
    from: x
    through:
      - repeat: {outer}
        through:
          - repeat: 1000
            through: [sin]
  loss: sum(y)
"""


def best(function: Callable[[], Mapping[str, float]]) -> Mapping[str, float]:
    """The stages' times in the fastest of some rounds."""
    rounds = []
    for _ in range(ROUNDS):
        gc.collect()
        rounds.append(function())
    return min(rounds, key=lambda stages: sum(stages.values()))


class Stages(dict[str, float]):
    """Seconds by stage; ``lap`` ends one."""

    def __init__(self) -> None:
        self.last = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self[stage] = now - self.last
        self.last = now

    def plan(self, run: Callable[[], object]) -> None:
        """The first ``run`` compiles and runs, the second only runs."""
        run()
        self.lap("plan")
        run()
        self.lap("run")
        self["plan"] -= self.pop("run")


def resnet() -> Stages:
    """ResNet-18's training step at batch 4, 64 x 64."""
    feed = {"image": np.zeros((4, 3, 64, 64)), "label": np.zeros(4, int)}
    text = RESNET.read_text(encoding="utf-8").replace("224, 224", "64, 64") + TRAIN
    stages = Stages()
    model = gf.loads(text)
    stages.lap("load")
    list(model.parameters.values())
    stages.lap("draw")
    trainer = model.trainer()
    stages.lap("derive")
    stages.plan(lambda: trainer.step(feed))
    return stages


def chain(length: int) -> Stages:
    """A chain of ``length`` nodes and its gradient."""
    stages = Stages()
    model = gf.loads(CHAIN.format(outer=length // 1000))
    stages.lap("load")
    program = model.compile(of="loss", wrt="x")
    stages.lap("derive")
    stages.plan(lambda: program({"x": np.ones(4)}))
    return stages


def row(name: str, stages: Mapping[str, float], last: str = "") -> None:
    shown = "".join(f"{stages.get(stage, 0):>9.3f}" for stage in STAGES)
    print(f"{name:<24}{shown}{sum(stages.values()):>9.3f}  {last}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Time from file to bound plan.")
    parser.add_argument("--longest", type=int, default=LENGTHS[-1], help="nodes of the last chain")
    longest = parser.parse_args().longest
    resnet()  # the library's files are read and the first caches filled
    print(f"{'seconds':<24}" + "".join(f"{stage:>9}" for stage in (*STAGES, "total")))
    row("ResNet-18 training step", best(resnet))
    first = 0.0
    for length in (n for n in LENGTHS if n <= longest):
        stages = best(lambda n=length: chain(n))
        each = sum(stages.values()) / length * 1e6
        first = first or each
        row(f"chain of {length:,}", stages, f"{each:6.1f} us a node, x {each / first:.2f}")


if __name__ == "__main__":
    main()
