"""Running the compared calls in graphflow."""

from __future__ import annotations

import numpy as np

import graphflow as gf
from tests.library.cases import Array, Case
from tests.library.training_cases import COUNTS, STEPS, optimizer_file, schedule_file, start

Outcome = tuple[dict[str, Array], dict[str, Array]]


def compare(case: Case) -> Outcome:
    """The results of a call, and the derivatives of their total, in float64."""
    model = gf.loads(case.text())
    assert {n: p.shape for n, p in model.parameters.items()} == dict(case.params)
    for name, value in case.weights().items():
        model.parameters[name] = value
    program = model.compile(
        of="total", wrt=case.wrt, mode=case.mode, dtype="float64", keep=case.outputs
    )
    result = program(case.feed())
    return {name: result.values[name] for name in case.outputs}, dict(result.gradients)


def trained(call: str) -> list[Array]:
    """The matrix after every step."""
    model = gf.loads(optimizer_file(call))
    model.parameters["w"], x = start()
    trainer = model.trainer(dtype="float64")
    found = []
    for _ in range(STEPS):
        trainer.step({"x": x})
        found.append(np.array(model.parameters["w"]))
    return found


def rates(call: str, count: int = COUNTS, steps_per_epoch: int = COUNTS) -> list[float]:
    """The learning rate of every step."""
    model = gf.loads(schedule_file(call))
    trainer = model.trainer(dtype="float64")
    values = [0.0]
    for step in range(count):
        if step % steps_per_epoch == 0:
            trainer.start_epoch(step // steps_per_epoch)
        trainer.step({})
        values.append(float(model.parameters["w"]))
    return [float(rate) for rate in -np.diff(values)]
