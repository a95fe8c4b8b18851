"""The picture of a graph as text for Graphviz: nodes of the file, an edge for every operand."""

from __future__ import annotations

from pathlib import Path

from graphflow.interop.formats import Options, write
from graphflow.ir.graph import LEAVES, Graph, Node
from graphflow.model import Model


def export(model: Model, out: Path, options: Options) -> list[Path]:
    """Write the picture."""
    write(out, [dot_text(model.graph, model.name).encode()], options.force)
    return [out]


def dot_text(graph: Graph, title: str = "") -> str:
    r"""A digraph in Graphviz's language: what comes from outside in boxes.

    >>> from graphflow.ir.types import DType, TensorType
    >>> from graphflow.ops.builder import Builder
    >>> b = Builder()
    >>> _ = -b.input("x", TensorType(DType.FLOAT, (3,)))
    >>> print(dot_text(b.graph()))
    digraph {
      label="" labelloc=t rankdir=BT
      "x" [label="x\ninput\nfloat[3]" shape=box]
      "neg" [label="neg\nneg\nfloat[3]" shape=ellipse]
      "x" -> "neg"
    }
    """
    lines = [f"  label={_quoted(title)} labelloc=t rankdir=BT"]
    for node in graph:
        lines.append(f"  {_quoted(node.name)} [{_looks(node)}]")
        lines += [f"  {_quoted(operand)} -> {_quoted(node.name)}" for operand in node.inputs]
    return "\n".join(["digraph {", *lines, "}"])


def _looks(node: Node) -> str:
    label = "\n".join([node.name, node.op, str(node.type)])
    return f"label={_quoted(label)} shape={'box' if node.op in LEAVES else 'ellipse'}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
