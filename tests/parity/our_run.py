"""Running a case in graphflow: the same weights, the same feeds, the same results as torch_run."""

from __future__ import annotations

import graphflow as gf
from graphflow.ir.types import type_symbols
from tests.parity.cases import EXAMPLES, Array, Case, Outcome, buffers, weights


def fresh(case: Case) -> gf.Model:
    """The model of a case with the weights and running statistics that the case draws."""
    model = gf.loads(case.text(), case.overrides, folder=(EXAMPLES / case.file).parent)
    for name, value in zip(model.parameters, weights(shapes(model)), strict=True):
        model.parameters[name] = value
    running = [name for name in model.state if _is_drawn(model, case, name)]
    drawn = buffers([model.state[name].shape for name in running])
    for name, value in zip(running, drawn, strict=True):
        model.state[name] = value
    return model


def _is_drawn(model: gf.Model, case: Case, name: str) -> bool:
    """Whether a state is a running statistic: not carried, nor as large as what is fed."""
    type = model.graph[name].tensor
    return name not in case.carries and type.dtype.is_float and not list(type_symbols(type))


def shapes(model: gf.Model) -> list[tuple[int, ...]]:
    """The shapes of all parameters, in order of creation."""
    return [value.shape for value in model.parameters.values()]


def compare(case: Case) -> list[Outcome]:
    """Values and gradients of the compared batches, state carried from one to the next."""
    model, carried, outcomes = fresh(case), {}, []
    keep = (*case.outputs, *case.losses, *case.carries.values())
    for feed in case.feeds()[: case.compared]:
        values: dict[str, Array] = {}
        gradients: dict[str, dict[str, Array]] = {}
        for loss, prefix in case.losses.items():
            wrt = [name for name in model.parameters if name.startswith(prefix)]
            program = model.compile(of=loss, wrt=wrt, mode=case.mode, dtype="float64", keep=keep)
            result = program(feed | carried)
            values = {name: result.values[name] for name in keep}
            gradients[loss] = {name: result.gradients[name] for name in wrt}
        outcomes.append(Outcome(values, gradients))
        carried = {state: values[final] for state, final in case.carries.items()}
    return outcomes


def train(case: Case) -> dict[str, Array]:
    """The parameters after the case's training steps."""
    model = fresh(case)
    trainer = model.trainer(dtype="float64")
    for feed in case.feeds()[: case.trained]:
        trainer.step(feed)
    return dict(model.parameters)
