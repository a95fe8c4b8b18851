"""What a worker is asked besides a study: what a file trains with, runs and their figures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from graphflow.diagnostics import Diagnostic, GraphflowError
from graphflow.figures.descriptions import Description
from graphflow.figures.gather import Material, describe
from graphflow.run_entries import Entry, entries_in
from graphflow.spec.overrides import parse_assignment
from graphflow.spec.values import Plain, plain
from graphflow.spec.yaml12 import read
from graphflow.view.opening import text_of
from graphflow.view.workspace import TEXT_FILE, Workspace


@dataclass(frozen=True)
class Form:
    """What a file says of its training, as it is written: texts that overrides can change.

    ``section`` is ``train`` or ``run``, and empty where there is nothing to make steps with.
    """

    name: str
    section: str
    settings: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Figure:
    """One of a file's figures, described, or why it cannot be."""

    name: str
    description: Description | None
    diagnostics: tuple[Diagnostic, ...] = ()


CHANGED = ("epochs", "steps", "optimizer", "batch", "seed", "accumulate", "clip_norm", "until")
"""Keys of ``train:`` and ``run:`` that are offered for a change."""


def form(workspace: Workspace) -> Form:
    """The settings of a file that can be changed before it is trained."""
    written = plain(read(text_of(workspace), workspace.graph or TEXT_FILE))
    sections = written if isinstance(written, dict) else {}
    section = next((name for name in ("train", "run") if name in sections), "")
    found = [(name, value) for name, value in _part(sections, "let").items()]
    found += [(f"{section}.{k}", v) for k, v in _part(sections, section).items() if k in CHANGED]
    found += [(f"data.{k}", v) for k, v in _part(sections, "data").items() if k in CHANGED]
    shown = tuple((name, _text(value)) for name, value in found if _is_simple(value))
    return Form(str(sections.get("name", "")), section, shown)


def changes(lines: str) -> dict[str, str]:
    r"""The overrides in a text, one ``name=value`` a line. Raises GF025.

    >>> changes("hidden=64\n\ntrain.steps = 3")
    {'hidden': '64', 'train.steps': '3'}
    """
    return dict(parse_assignment(line) for line in lines.splitlines() if line.strip())


def _part(sections: dict[str, Plain], name: str) -> dict[str, Plain]:
    found = sections.get(name)
    return found if isinstance(found, dict) else {}


def _is_simple(value: Plain) -> bool:
    return isinstance(value, str | int | float)


def _text(value: Plain) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def figures(run: str) -> tuple[Figure, ...]:
    """The figures that a run's file declares, described with the values of its last checkpoint."""
    material = Material.of_run(Path(run))
    return tuple(_figure(name, material) for name in material.model.document.figures)


def _figure(name: str, material: Material) -> Figure:
    try:
        decl = material.model.document.figures[name]
        return Figure(name, describe(name, decl, material))
    except GraphflowError as error:
        return Figure(name, None, error.diagnostics)


def runs(folder: str) -> list[Entry]:
    """The runs in a folder, newest first; none where there is no such folder yet."""
    found = Path(folder)
    return entries_in(found, linked=False)[::-1] if found.is_dir() else []
