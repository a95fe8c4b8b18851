"""An imported model as files: the graph in YAML, its arrays beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path

from safetensors.numpy import save

from graphflow.diagnostics import fail
from graphflow.interop.formats import write
from graphflow.interop.onnx.reader.model import Translation, translate
from graphflow.spec.elaborate.session import NODE_LIMIT
from graphflow.spec.values import Plain


def write_files(
    source: str | PathLike[str],
    path: Path,
    sizes: Mapping[str, int] | None = None,
    *,
    force: bool = False,
    max_nodes: int = NODE_LIMIT,
) -> tuple[Translation, list[Path]]:
    """Write the graph file ``path`` of an ONNX model, and its arrays as safetensors beside it.

    The files load and run by themselves. Gives the translation and the files written.
    """
    if path.suffix not in (".yaml", ".yml"):
        fail("GF006", f"'{path}' is no graph file: its name ends in .yaml")
    found = translate(source, None, sizes, max_nodes)
    weights = path.with_suffix(".safetensors")
    written = []
    if found.arrays:
        found = replace(found, document=_with_weights(found.document, weights.name))
        write(weights, [save(dict(found.arrays))], force)
        written.append(weights)
    write(path, [found.text.encode()], force)
    return found, [path, *written]


def _with_weights(document: Mapping[str, Plain], file: str) -> dict[str, Plain]:
    """The document whose parameters and tables start from a file."""
    complete = dict(document)
    for section in ("params", "state"):
        leaves = complete.get(section)
        if isinstance(leaves, dict):
            complete[section] = {
                name: {**leaf, "weights": file} for name, leaf in leaves.items()
                if isinstance(leaf, dict)
            }  # fmt: skip
    return complete
