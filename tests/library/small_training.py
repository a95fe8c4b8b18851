"""Training small graphs in float64: a loss over parameters, an optimizer, some steps."""

from __future__ import annotations

import numpy as np

import graphflow as gf

Array = np.ndarray


def path(
    loss: str, optimizer: str, steps: int, start: dict[str, object], feed: dict | None = None
) -> dict[str, Array]:
    """The parameters before and after every step of lowering ``loss``."""
    return walk(file(loss, optimizer, start, feed), steps, start, feed)


def file(
    loss: str, optimizer: str, start: dict[str, object], feed: dict | None = None, more: str = ""
) -> str:
    """A file whose parameters have the shapes of ``start``, and whose inputs those of ``feed``."""

    def shaped(values: dict, rest: str) -> str:
        shapes = {name: list(np.shape(value)) or "scalar" for name, value in values.items()}
        return "".join(f"  {n}: {{shape: {shape}{rest}}}\n" for n, shape in shapes.items())

    inputs = f"inputs:\n{shaped(feed, '')}" if feed else ""
    return (
        f"graphflow: 1\nname: a fit\n{inputs}params:\n{shaped(start, ', init: zeros')}"
        f'nodes:\n  loss: "{loss}"\ntrain:\n  minimize: loss\n  steps: 1\n'
        f'  optimizer: "{optimizer}"\n{more}'
    )


def walk(
    text: str, steps: int, start: dict[str, object], feed: dict | list[dict] | None = None
) -> dict[str, Array]:
    """The parameters of a file before and after every step; a list feeds each step its own."""
    model = gf.loads(text)
    for name, value in start.items():
        model.parameters[name] = np.array(value, dtype=np.float64)
    trainer = model.trainer(dtype="float64")
    found = {name: [np.array(model.parameters[name])] for name in start}
    for step in range(steps):
        trainer.step(feed[step] if isinstance(feed, list) else feed or {})
        for name, values in found.items():
            values.append(np.array(model.parameters[name]))
    return {name: np.array(values) for name, values in found.items()}
