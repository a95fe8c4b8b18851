"""From the command line to a model: options that several commands have, and what they mean."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphflow.diagnostics import fail

if TYPE_CHECKING:
    from graphflow.model import Model

_FILE = typer.Argument(metavar="FILE", help="A path, or the name of a canned graph.")
_DTYPE = typer.Option("--dtype", help="float32, float64 or float16.")

File = Annotated[str, _FILE]
OptionalFile = Annotated[str | None, _FILE]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="K=V", help="Override: hidden=512, train.epochs=2. Repeatable."),
]
Overrides = Annotated[
    Path | None,
    typer.Option("--overrides", metavar="JSON", help="A file of overrides: a search's best.json."),
]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Of all randomness.")]
Dtype = Annotated[str, _DTYPE]
OptionalDtype = Annotated[str | None, _DTYPE]
Of = Annotated[
    str | None,
    typer.Option("--of", metavar="NODE", help="What is differentiated, if not the loss."),
]
Unroll = Annotated[
    list[str] | None,
    typer.Option("--unroll", metavar="LOOP", help="Walk its time steps one by one. Repeatable."),
]
Force = Annotated[bool, typer.Option("--force", help="Write over files that exist.")]
MaxNodes = Annotated[
    int | None, typer.Option("--max-nodes", min=1, help="Nodes a graph may have: 100,000.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on the last line.")]


def names_a_run(path: str) -> bool:
    """Whether what a command line names is the folder of a run."""
    return (Path(path) / "graph.yaml").is_file()


def open_model(file: str, overrides: Mapping[str, str], max_nodes: int | None = None) -> Model:
    """The model of FILE with overrides applied; of a run's folder, with its trained values."""
    from graphflow import api
    from graphflow.gallery import find

    if names_a_run(file):
        if overrides:
            fail("GF006", "--set changes a graph file, and a run's is as it was trained",
                 help="leave out --set")  # fmt: skip
        return api.load_run(file)
    path = find(file)
    if max_nodes is None:
        return api.load(path, overrides)
    return api.load(path, overrides, max_nodes=max_nodes)


def assignments(sets: Sequence[str] | None, file: Path | None = None) -> dict[str, str]:
    """``--set`` as path to value, over the overrides that a file holds."""
    from graphflow.spec.overrides import parse_assignment

    given = {} if file is None else _from_file(file)
    return given | dict(parse_assignment(text) for text in sets or ())


def _from_file(file: Path) -> dict[str, str]:
    """The overrides of a JSON file: one object of path to value."""
    from graphflow.spec.overrides import written

    try:
        found = json.loads(file.read_bytes())
    except OSError as error:
        fail("GF001", f"the overrides '{file}': {error.strerror}")
    except ValueError as error:
        fail("GF013", f"the overrides '{file}' are not JSON: {error}")
    if not isinstance(found, dict):
        fail("GF013", f"'{file}' holds no overrides", help='such as {"lr": 0.1, "train.epochs": 5}')
    return {name: written(value) for name, value in found.items()}


def sizes_given(texts: Sequence[str] | None) -> dict[str, int]:
    """``B=32`` as symbol to size.

    >>> sizes_given(["B=32", "T=5,N=2"])
    {'B': 32, 'T': 5, 'N': 2}
    """
    found = {}
    for text in (part for given in texts or () for part in given.split(",")):
        name, _, size = text.partition("=")
        if not name.strip().isidentifier() or not size.strip().isdecimal():
            fail("GF006", f"'{text}' is not a size", help="such as --sizes B=32")
        found[name.strip()] = int(size)
    return found


def parse_bytes(text: str) -> int:
    """``4GB``, ``500 MiB`` or a plain number of bytes.

    >>> parse_bytes("1.5GB")
    1500000000
    """
    from graphflow.spec.amounts import bytes_of

    found = bytes_of(text)
    if found is None:
        fail("GF006", f"'{text}' is not an amount of memory", help="such as 4GB or 500MB")
    return found
