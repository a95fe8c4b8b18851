"""Functions of two variables over a grid, and the way a run took over them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from graphflow.figures.descriptions import Array, Contour, Labels, Trajectory
from graphflow.figures.gather.material import Material, entry
from graphflow.spec.figure_keys import Ref
from graphflow.spec.figures import GridDecl, SurfaceDecl
from graphflow.spec.training import TRAINED


def grid(decl: GridDecl, material: Material, name: str) -> Contour:
    """``of`` at each point of the grid, all else as it is, and the history of x and y."""
    x = np.linspace(*decl.x_range, decl.points)
    y = np.linspace(*decl.y_range, decl.points)
    values = _Function(decl, material)
    z = np.array([[values(a, b) for a in x] for b in y])
    paths = [_path(decl, material, values)] if decl.trajectory else []
    labels = Labels(decl.title or name, str(decl.x), str(decl.y), str(decl.of), decl.about)
    return Contour(
        x, y, z, [p for p in paths if len(p.x)], labels, decl.log, isinstance(decl, SurfaceDecl)
    )


class _Function:
    """``of`` as a function of two numbers, in double precision."""

    def __init__(self, decl: GridDecl, material: Material) -> None:
        self.decl, self.material = decl, material
        model = material.model
        self.program = model.compile(of=decl.of.name, dtype="float64", seed=material.model.seed)
        varied = [model.graph.resolve(ref.name) for ref in (decl.x, decl.y)]
        self.fed = _needed(decl, material, varied)
        self.start = {ref.name: self._value(ref) for ref in (decl.x, decl.y)}
        for ref in (decl.x, decl.y):
            entry(self.start[ref.name], ref)

    def _value(self, ref: Ref) -> Array:
        """What x or y is now: the entries that are not varied stay."""
        model = self.material.model
        name = model.graph.resolve(ref.name)
        if name in model.store:
            return np.array(model.store.array(name), np.float64)
        if ref.name in self.fed:
            return np.array(self.fed[ref.name], np.float64)
        shape = model.graph[name].tensor.shape
        return np.zeros([size if isinstance(size, int) else 1 for size in shape])

    def __call__(self, x: float, y: float) -> float:
        varied = {name: value.copy() for name, value in self.start.items()}
        for ref, number in ((self.decl.x, x), (self.decl.y, y)):
            varied[ref.name][ref.index] = number
        found = self.program({**self.fed, **varied}).values[self.decl.of.name]
        return float(entry(found, self.decl.of))


def _needed(decl: GridDecl, material: Material, varied: list[str]) -> Mapping[str, Array]:
    """The first batch, where ``of`` needs inputs besides what is varied."""
    graph = material.model.graph
    needed = graph.needed_for([decl.of.name])
    inputs = [n for n in needed if graph.nodes[n].op == "input" and n not in varied]
    if not inputs:
        return {}
    fed, _ = next(iter(material.batches([decl.of.name], decl.part or TRAINED)))
    return fed


def _path(decl: GridDecl, material: Material, values: _Function) -> Trajectory:
    """Where the run was, step by step."""
    found = []
    for ref in (decl.x, decl.y):
        steps = material.history.get(ref.name)
        empty = np.zeros((0, *values.start[ref.name].shape))
        found.append((empty if steps is None else steps[1])[slice(None), *ref.index])
    x, y = (np.asarray(v, np.float64) for v in found)
    z = None
    if isinstance(decl, SurfaceDecl):
        z = np.array([values(a, b) for a, b in zip(x, y, strict=True)])
    return Trajectory("the run", x, y, z)
