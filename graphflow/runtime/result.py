"""What a run gives back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape

import numpy as np

from graphflow.ops.op import Array


@dataclass(eq=False)
class Result:
    """Values of outputs and kept nodes, and gradients, by name.

    ``result["loss"]`` is ``result.values["loss"]``.
    """

    values: Mapping[str, Array]
    gradients: Mapping[str, Array] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Array:
        return self.values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)

    def __repr__(self) -> str:
        rows = [f"{name}: {_brief(value)}" for name, value in self.values.items()]
        rows += [f"d/d{name}: {_brief(value)}" for name, value in self.gradients.items()]
        return "Result(\n  " + "\n  ".join(rows) + "\n)"

    def _repr_html_(self) -> str:
        """A table for notebooks: name, shape, smallest, mean and largest entry."""
        rows = [_row(name, value) for name, value in self.values.items()]
        rows += [_row(f"∂/∂{name}", value) for name, value in self.gradients.items()]
        head = "".join(f"<th>{h}</th>" for h in ("name", "shape", "min", "mean", "max"))
        return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


def _brief(value: Array) -> str:
    return str(value) if value.size <= 4 else f"{value.dtype}{list(value.shape)}"


def _row(name: str, value: Array) -> str:
    cells = [escape(name), str(list(value.shape))]
    if value.size:
        numbers = value.astype(np.float64)
        cells += [f"{f(numbers):.6g}" for f in (np.min, np.mean, np.max)]
    else:
        cells += ["", "", ""]
    return "<tr>" + "".join(f"<td>{c}</td>" for c in cells) + "</tr>"
