"""Whether every value of a space fits its file, found before anything trains."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from graphflow.api import load
from graphflow.diagnostics import Diagnostic, GraphflowError
from graphflow.spec.elaborate import Dimension, TunePlan
from graphflow.spec.values import Plain

DRAWS = 6
"""Other configurations that a value is tried in before it is refused."""


def misfits(
    file: Path, home: Path, plan: TunePlan, overrides: Mapping[str, Plain]
) -> list[Diagnostic]:
    """One finding for each entry with a value that gives no valid graph.

    Each choice, and both ends of a range with a number between, is put into the file; where it is
    refused, into a few random configurations of the other entries, since it may only want the
    right company (heads that divide a width).
    """
    found = []
    read = partial(load, file, folder=home)
    for dimension in plan.space:
        for value in dimension.probes():
            refused = _refused(read, plan, overrides, dimension, value)
            if refused is not None:
                message = f"{dimension.name}: {value} does not fit: {refused.message}"
                help = refused.help
                found.append(Diagnostic(refused.code, message, dimension.mark, help=help))
                break
    return found


def _refused(
    read: Callable[[Mapping[str, Plain]], object],
    plan: TunePlan,
    overrides: Mapping[str, Plain],
    dimension: Dimension,
    value: Plain,
) -> Diagnostic | None:
    """Why a value fits nowhere; None where it does."""
    random = np.random.default_rng(0)
    first = None
    for turn in range(1 + DRAWS):
        others = {d.name: _drawn(d, random) for d in plan.space if turn}
        try:
            read({**overrides, **others, dimension.name: value})
        except GraphflowError as error:
            first = first or error.diagnostics[0]
        else:
            return None
    return first


def _drawn(dimension: Dimension, random: np.random.Generator) -> Plain:
    if dimension.choices:
        return dimension.choices[int(random.integers(len(dimension.choices)))]
    if not dimension.log:
        value = float(random.uniform(dimension.low, dimension.high))
    else:
        value = math.exp(random.uniform(math.log(dimension.low), math.log(dimension.high)))
    return round(value) if dimension.whole else value
