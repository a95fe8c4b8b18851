"""The report of a run, of several beside each other, and the figures of a model in memory."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path

import plotly.graph_objects as go

from graphflow.diagnostics import GraphflowError
from graphflow.figures.descriptions import Chart
from graphflow.figures.drawing import draw
from graphflow.figures.gather import Material, describe, measured, usual_curves
from graphflow.figures.report import Report, Table
from graphflow.files import Json
from graphflow.model import Model
from graphflow.run_entries import differing, settings_of
from graphflow.spec.figures import GridDecl, LineDecl
from graphflow.training.history import stored_history
from graphflow.training.rows import Rows
from graphflow.training.run_folder import RunFolder
from graphflow.works import title_of


def figures_of(source: Model | str | PathLike[str]) -> dict[str, go.Figure]:
    """The figures that a file declares, drawn: of a model with the values it has now, or of a
    run's folder. Where a run's file declares none, the curves of what it reports and keeps.

    >>> import graphflow as gf
    >>> model = gf.loads('''
    ... graphflow: 1
    ... name: a parabola
    ... params: {w: {shape: [2], init: zeros}}
    ... nodes: {f: 'w[0] ** 2 + 3 * w[1] ** 2'}
    ... outputs: [f]
    ... figures:
    ...   bowl: {kind: contour, of: f, x: 'w[0]', y: 'w[1]', x_range: [-1, 1], y_range: [0, 1],
    ...          points: 3}
    ... ''')
    >>> figures_of(model)["bowl"].data[0].z.tolist()
    [[1.0, 0.0, 1.0], [1.75, 0.75, 1.75], [4.0, 3.0, 4.0]]

    Raises GraphflowError where one cannot be drawn.
    """
    material = Material(source) if isinstance(source, Model) else Material.of_run(Path(source))
    declared = material.model.document.figures
    if not declared:
        return {name: draw(chart) for name, chart in _usual(material).items()}
    return {name: draw(describe(name, decl, material)) for name, decl in declared.items()}


def run_report(path: Path) -> Report:
    """The report of a run, finished or under way: settings, metrics, figures in the file's order.

    A figure that cannot be drawn says why in its place; the others are there. Curves of what the
    run reports, and of numbers and short vectors whose history it keeps, come first where the
    file declares no line of a metric or a history. One step has no curve.
    """
    run = RunFolder.open(path)
    material = Material.of_run(path)
    document = material.model.document
    shown: dict[str, go.Figure | str] = {}
    if not _has_curves(material) and not _stood_still(material):
        shown |= _drawn(_usual(material))
    for name, decl in document.figures.items():
        try:
            shown[name] = draw(describe(name, decl, material))
        except GraphflowError as error:
            shown[name] = str(error)
    tables = [_settings(run.about(), path), _metrics({"": material.metrics})]
    titles = [title_of(source) for source in document.source]
    return Report(document.name, document.about, titles, tables, shown)


def compared_report(paths: Sequence[Path]) -> Report:
    """Several runs beside each other: their metrics, and the curves of each in one figure."""
    names = _short(paths)
    rows = {name: RunFolder.open(path).metrics() for name, path in zip(names, paths, strict=True)}
    tables = [_differences(names, paths), _metrics(rows)]
    kept = {name: stored_history(path) for name, path in zip(names, paths, strict=True)}
    return Report(f"{len(paths)} runs", tables=tables, shown=_drawn(usual_curves(rows, kept)))


def _usual(material: Material) -> dict[str, Chart]:
    """The curves of one run. Where a figure draws its way, histories are shown there."""
    declared = material.model.document.figures.values()
    followed = any(isinstance(decl, GridDecl) and decl.trajectory for decl in declared)
    return usual_curves({"": material.metrics}, {} if followed else {"": material.history})


def _short(paths: Sequence[Path]) -> list[str]:
    """The folders' own names; whole paths where two are alike."""
    names = [path.resolve().name for path in paths]
    return names if len(set(names)) == len(names) else [str(path) for path in paths]


def _drawn(charts: Mapping[str, Chart]) -> dict[str, go.Figure | str]:
    return {f"train-{name}": draw(chart) for name, chart in charts.items()}


def _has_curves(material: Material) -> bool:
    lines = [d for d in material.model.document.figures.values() if isinstance(d, LineDecl)]
    known = {*material.history, *measured(material.metrics)}
    return any(ref.metric or ref.name in known for line in lines for ref in line.y)


def _stood_still(material: Material) -> bool:
    """Whether the run made one step, of which there is no curve."""
    return bool(material.metrics) and material.metrics[-1].step <= 1


def _settings(about: Mapping[str, Json], path: Path) -> Table:
    rows = [("run", path.name), ("started", str(about.get("started", "")))]
    return Table("Settings", ("setting", "value"), [*rows, *settings_of(about).items()])


def _metrics(runs: Mapping[str, Rows]) -> Table:
    """The last, the smallest and the largest value of each metric."""
    rows = []
    for run, logged in runs.items():
        for key in measured(logged):
            values = [row.metrics[key] for row in logged if key in row.metrics]
            known = [value for value in values if math.isfinite(value)]
            ends = [f"{f(known):z.4g}" if known else "-" for f in (min, max)]
            name = f"{run}: {key}" if run else key
            rows.append((name, f"{values[-1]:z.4g}", *ends))
    return Table("Metrics", ("metric", "last", "lowest", "highest"), rows, numeric=True)


def _differences(names: Sequence[str], paths: Sequence[Path]) -> Table:
    """The settings in which runs differ, a row a setting."""
    settings = differing([settings_of(RunFolder.open(path).about()) for path in paths])
    rows = [(name, *(value or "-" for value in values)) for name, values in settings.items()]
    return Table("Differences", ("setting", *names), rows)
