"""How long until a graph is drawn, and until a group is opened or closed; how large what is sent.

Canned graphs as they open, and nets of one block many times over with every group open. The first
time is from the concrete graph and its calls to the outline, once for a study; the second from the
outline to a drawing, layout included, which every click that opens or closes a group waits for.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np

from graphflow.api import loads
from graphflow.ir.graph import Graph
from graphflow.spec.elaborate.calltree import CallTree
from graphflow.view.choosing import choose, compiled
from graphflow.view.opening import open_model
from graphflow.view.recording.limits import Limits
from graphflow.view.scene import drawn, outlined
from graphflow.view.wire import wire_drawing
from graphflow.view.workspace import Look, Workspace

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.view.scene.outlines import layers

RUNS = 9


def canned(name: str) -> tuple[Graph, CallTree]:
    """A canned graph with its backward nodes."""
    model = open_model(Workspace(graph=name), Limits().nodes)
    chosen = choose(model, None)
    program, cotangent = compiled(model, chosen, "float32", None)
    return program.prepared(chosen.values, cotangent).graph, model.elaborated.calls


def net(depth: int) -> tuple[Graph, CallTree]:
    """A net of some layers with its backward nodes."""
    model = loads(layers(depth))
    program = model.compile("loss", list(model.elaborated.parameters))
    return program.prepared({"x": np.ones((4, 16))}).graph, model.elaborated.calls


def timed(run: Callable[[], object]) -> float:
    """Milliseconds, the best of some runs: others use this machine, too."""
    times = []
    for _ in range(RUNS):
        begun = perf_counter()
        run()
        times.append(perf_counter() - begun)
    return 1000 * min(times)


def main() -> None:
    """Print the table."""
    cases = {name: canned(name) for name in ("xyz", "mlp", "lstm", "resnet18", "transformer")}
    cases |= {f"{depth} layers, all open": net(depth) for depth in (9, 34)}
    print("| graph | boxes | groups | outline, ms | drawing, ms | after closing, ms | kB |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, (graph, calls) in cases.items():
        outline = outlined([graph], calls, ["loss"])
        groups = tuple(outline.groups)
        look = Look(opened=groups, folded=False) if name.endswith("open") else Look()
        other = Look(opened=groups[:-1], folded=False) if name.endswith("open") else Look(opened=())
        drawing = drawn(outline, look)
        once = timed(lambda: outlined([graph], calls, ["loss"]))  # noqa: B023
        times = [timed(lambda: drawn(outline, each)) for each in (look, other)]  # noqa: B023
        size = len(json.dumps(wire_drawing(drawing))) / 1000
        print(
            f"| {name} | {len(drawing.nodes)} | {len(drawing.groups)} | {once:.1f} "
            f"| {times[0]:.1f} | {times[1]:.1f} | {size:.0f} |"
        )


if __name__ == "__main__":
    main()
