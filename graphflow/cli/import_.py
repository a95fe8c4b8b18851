"""``graphflow import``: an ONNX model as a graph file and its weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphflow.cli.output import GOOD, print_json, print_table
from graphflow.cli.source import AsJson, Force, MaxNodes, sizes_given
from graphflow.files import slug

NAME = "import"


def command(
    file: Annotated[str, typer.Argument(metavar="MODEL.onnx", help="The ONNX model.")],
    out: Annotated[
        Path | None, typer.Option(metavar="PATH", help="The graph file, else named after MODEL.")
    ] = None,
    sizes: Annotated[
        list[str] | None,
        typer.Option("--set-size", metavar="N=4", help="A size that stays open otherwise."),
    ] = None,
    force: Force = False,
    max_nodes: MaxNodes = None,
    as_json: AsJson = False,
) -> int:
    """Write an ONNX model as a graph file, with its weights in a .safetensors file beside it."""
    from graphflow.interop.onnx import write_files
    from graphflow.spec.elaborate.session import NODE_LIMIT

    path = out or Path(f"{slug(file)}.yaml")
    found, written = write_files(
        file, path, sizes_given(sizes), force=force, max_nodes=max_nodes or NODE_LIMIT
    )
    ends = {"inputs": dict(found.inputs), "outputs": dict(found.outputs)}
    if as_json:
        print_json({"files": [str(p) for p in written], **ends})
        return GOOD
    rows = [(kind[:-1], onnx, here) for kind, names in ends.items() for onnx, here in names.items()]
    print_table(("", "in ONNX", "here"), rows)
    for each in written:
        print(f"wrote {each}")
    return GOOD
