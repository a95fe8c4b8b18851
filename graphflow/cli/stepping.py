"""A stepper made ready for a file: what is differentiated, and what is fed."""

from __future__ import annotations

from collections.abc import Mapping

from graphflow.model import Model
from graphflow.ops.op import Array
from graphflow.runtime.stepper import Stepper
from graphflow.view.choosing import choose, compiled, flat


def stepper_for(model: Model, of: str | None, given: Mapping[str, Array]) -> tuple[Stepper, str]:
    """A stepper over ``of`` and its gradients, and a line that says what it walks through.

    ``of`` is what the file's check differentiates, or its loss, unless told; then the other outputs
    are walked, too. The file's own feed serves where ``given`` does not.
    """
    chosen = choose(model, of, given)
    program, cotangent = compiled(model, chosen)
    stepper = Stepper(program, chosen.values, cotangent)
    sources = [chosen.source] * bool(chosen.source) + ["--feed"] * bool(given)
    fed = f", fed from {' and '.join(sources)}" if sources else ""
    warning = flat(stepper.graph, chosen.of, chosen.by)
    names = ", ".join(f"'{name}'" for name in (chosen.of, *chosen.also))
    return stepper, f"{names}{fed}" + (f"\n{warning}" if warning else "")
