"""``graphflow lr-find``: at which learning rate a file trains, and at which it diverges."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphflow.cli.output import GOOD, print_json, shown_number
from graphflow.cli.source import AsJson, Dtype, File, MaxNodes, Seed, Sets, assignments, open_model

if TYPE_CHECKING:
    from graphflow.learning_rates import LearningRates

NAME = "lr-find"


def command(
    file: File,
    sets: Sets = None,
    first: Annotated[float, typer.Option(help="The rate to begin at.")] = 1e-7,
    last: Annotated[float, typer.Option(help="The rate to end at.")] = 10.0,
    steps: Annotated[int, typer.Option(help="Updates between the two.")] = 100,
    seed: Seed = None,
    dtype: Dtype = "float32",
    out: Annotated[
        Path | None, typer.Option(metavar="HTML", help="The plot, else NAME-lr-find.html.")
    ] = None,
    max_nodes: MaxNodes = None,
    as_json: AsJson = False,
) -> int:
    """Train a few steps while the learning rate grows, and suggest one. Nothing is kept but a plot
    of the loss over the rate, on the terminal and as an HTML file.
    """
    from graphflow.files import slug, write_atomically
    from graphflow.gallery import find
    from graphflow.learning_rates import find_learning_rate

    model = open_model(file, assignments(sets), max_nodes)
    if seed is not None:
        model.seed = seed
    found = find_learning_rate(model, first=first, last=last, steps=steps, seed=seed, dtype=dtype)
    page = out or Path(f"{slug(find(file))}-lr-find.html")
    write_atomically(page, _page(model.name, found).encode())
    if as_json:
        print_json({
            "suggestion": found.suggestion, "minimum": found.minimum, "steepest": found.steepest,
            "diverged": found.diverged, "rates": found.rates.tolist(),
            "losses": found.losses.tolist(), "smoothed": found.smoothed.tolist(),
            "plot": str(page),
        })  # fmt: skip
        return GOOD
    print(text_plot(found))
    end = "the loss diverged" if found.diverged else "the loss did not diverge"
    print(f"{len(found.rates)} steps, {end}; plot in {page}")
    print(f"steepest slope at {shown_number(found.steepest)}, "
          f"a tenth of the minimum's rate {shown_number(found.minimum)}")  # fmt: skip
    unsure = "" if found.diverged else "; unsure, try more --steps or a larger --last"
    print(f"suggestion: {found.suggestion:g}{unsure}")
    return GOOD


def text_plot(found: LearningRates, width: int = 64, height: int = 12) -> str:
    """The smoothed loss over log(rate) in characters; what explodes stands in the first row."""
    import numpy as np

    columns = np.linspace(0, len(found.rates) - 1, min(width, len(found.rates))).round().astype(int)
    values = found.smoothed[columns]
    before = values[: values.argmin() + 1] if values.argmin() else values
    low, high = float(values.min()), float(before.max())
    values = np.minimum(values, high)
    rows = np.round((high - values) / ((high - low) or 1.0) * (height - 1)).astype(int)
    lines = []
    for row in range(height):
        label = {0: shown_number(high), height - 1: shown_number(low)}.get(row, "")
        lines.append(f"{label:>9} |" + "".join("*" if r == row else " " for r in rows).rstrip())
    ends = f"{found.rates[0]:.2g}", f"{found.rates[columns[-1]]:.2g}"
    lines.append(f"{'loss':>9} +{'-' * len(columns)}")
    lines.append(" " * 11 + ends[0] + f"lr {ends[1]}".rjust(len(columns) - len(ends[0])))
    return "\n".join(lines)


def _page(name: str, found: LearningRates) -> str:
    """The plot as a page of its own."""
    import numpy as np

    from graphflow.figures import Chart, Labels, Report, Series, draw, report_html

    suggested = np.array([found.suggestion])
    near = np.interp(np.log(suggested), np.log(found.rates), found.smoothed)
    chart = Chart(
        (
            Series("loss", found.losses, found.rates, mode="markers"),
            Series("smoothed", found.smoothed, found.rates),
            Series(f"suggestion {found.suggestion:g}", near, suggested, mode="markers"),
        ),
        Labels("Loss while the learning rate grows", "learning rate", "loss"),
        log="x",
    )
    return report_html(Report(f"Learning rates of {name}", shown={"rates": draw(chart)}))
