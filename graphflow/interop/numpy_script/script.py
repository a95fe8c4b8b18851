"""The whole script: functions, first values, forward and backward line by line, a small main."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

import graphflow.interop.numpy_script.arrays
import graphflow.interop.numpy_script.linalg
import graphflow.interop.numpy_script.places  # noqa: F401 (they register rules)
from graphflow.autodiff import reverse
from graphflow.diagnostics import fail
from graphflow.interop.numpy_script.functions import FUNCTIONS
from graphflow.interop.numpy_script.lines import NAMES, Lines
from graphflow.interop.numpy_script.rules import size, tupled
from graphflow.interop.source import docstring, fitted, indented, quoted
from graphflow.ir.dims import symbols
from graphflow.ir.graph import LEAVES, Graph, Node
from graphflow.ir.types import DType, TensorType, type_symbols
from graphflow.model import Model
from graphflow.passes import shown_by, specialise
from graphflow.runtime.compile import Mode
from graphflow.works import title_of

READ = '''
def read(path):
    """The arrays of an .npz or .safetensors file."""
    if path.endswith(".npz"):
        with np.load(path) as archive:
            return dict(archive)
    with open(path, "rb") as file:
        content = file.read()
    start = 8 + int.from_bytes(content[:8], "little")
    kinds = KINDS
    found = {}
    for name, entry in json.loads(content[8:start]).items():
        if name != "__metadata__":
            first, last = entry["data_offsets"]
            if entry["dtype"] not in kinds:
                raise ValueError(f"{path}: '{name}' is {entry['dtype']}, which NumPy has not")
            flat = np.frombuffer(content[start + first : start + last], kinds[entry["dtype"]])
            found[name] = flat.reshape(entry["shape"])
    return found
'''
MAIN = '''
def main(arguments):
    """Run once: python THIS [WEIGHTS [FEED [RESULTS.npz]]], drawn where no file is given."""
    rng = np.random.default_rng(0)
    feed = read(arguments[1]) if len(arguments) > 1 else example(rng)
    weights = initial(rng, feed)
    if len(arguments) > 0:
        weights |= read(arguments[0])
    values, gradients = run(feed, weights, rng)
    for name, value in values.items():
        print(f"{name} = {value}" if np.ndim(value) == 0 else f"{name}: {np.shape(value)}")
    for name, gradient in gradients.items():
        print(f"|{name}| = {np.linalg.norm(gradient)}")
    if len(arguments) > 2:
        np.savez(arguments[2], **values, **gradients)


if __name__ == "__main__":
    main(sys.argv[1:])
'''
SOURCES = {"input": "feed", "parameter": "weights", "state": "weights"}
"""Leaves, and the argument of the script that has them."""


def _kind(dtype: DType) -> str:
    """A number type as safetensors calls it."""
    letter = "F" if dtype.is_float else "U" if dtype.value.startswith("u") else "I"
    return "BOOL" if dtype is DType.BOOL else f"{letter}{8 * dtype.itemsize}"


OF_LEAVES = [dtype for dtype in DType if dtype not in (DType.FLOAT, DType.BFLOAT16)]
KINDS = {_kind(dtype): np.dtype(dtype.value).str for dtype in OF_LEAVES}
"""Number types of safetensors, which are little-endian, and what NumPy calls them."""


def script(model: Model, mode: Mode, dtype: str, sizes: Mapping[str, int]) -> str:
    """A stand-alone script of a model's forward and backward nodes.

    It reads open sizes off what it is fed; ``sizes`` are those of inputs that it draws, and those
    that no input shows. Raises GF026 where one of these is missing, GF103 for what has no line.
    """
    model.compile(mode=mode, dtype=dtype, **sizes)  # type: ignore[arg-type]  # checks them
    return _Script(model, mode == "train", dtype, sizes).text()


class _Script:
    def __init__(self, model: Model, training: bool, dtype: str, sizes: Mapping[str, int]) -> None:
        self.model, self.dtype, self.given = model, dtype, sizes
        self.graph, self.values, self.gradients = differentiated(model, training)
        self.initial = specialise(
            model.elaborated.initial, {}, DType.FLOAT, training=False, partial=True
        )
        self.inputs = model.graph.leaves("input")
        shapes = [(leaf.name, leaf.tensor.shape) for leaf in self.inputs]
        self.shown = shown_by(shapes, sizes.keys() - shown_by(shapes).keys())
        self.drawn = _symbols(self.inputs)
        self.symbols = _symbols([*model.graph, *self.graph, *self.initial])
        for symbol in self.symbols & NAMES:
            fail("GF103", f"the size '{symbol}' cannot be exported: the script has this name",
                 help="call it something else")  # fmt: skip
        self.helpers: dict[str, None] = {}

    def text(self) -> str:
        document = self.model.document
        run, initial, example = self._run(), self._initial(), self._example()
        paragraphs = [f"{document.name.rstrip('.')}: forward and backward.", document.about]
        titles = "; ".join(map(title_of, document.source))
        paragraphs += [f"Source: {titles}."] if titles else []
        paragraphs.append(
            "Nothing but NumPy. python THIS [WEIGHTS [FEED [RESULTS.npz]]] reads weights and "
            "inputs from files, and draws them where there is none. FEED has all inputs."
        )
        own = [_source(name) for name in self._functions()]
        uses_math = any("math." in row for rows in own for row in rows)
        head = ["import json", *(["import math"] if uses_math else []), "import sys"]
        if "offsets" in self._functions():
            head.append("from itertools import product")
        start = [*docstring(paragraphs), "", *head, "", "import numpy as np", "",
                 f"FLOAT = np.{self.dtype}"]  # fmt: skip
        sizes = {s: str(self.given.get(s, 2)) for s in sorted({*self.drawn, *self.given})}
        start += [f"SIZES = {_dictionary(sizes)}",
                  '"""Of inputs that are drawn, and what no input shows."""']  # fmt: skip
        read = READ.replace("KINDS", _dictionary({k: quoted(v) for k, v in KINDS.items()}))
        blocks = [start, *own, initial, example, run,
                  read.strip().split("\n"), MAIN.strip().split("\n")]  # fmt: skip
        lines = [row for b in blocks for line in ["", "", *b] for row in fitted(line)][2:]
        return "\n".join(lines) + "\n"

    def _functions(self) -> list[str]:
        """The functions in use, those that they use before them."""
        found: dict[str, None] = {}

        def add(name: str) -> None:
            source = inspect.getsource(FUNCTIONS[name])
            for other in dict.fromkeys(re.findall(r"\b\w+(?=\()", source)):
                if other in FUNCTIONS and other != name and other not in found:
                    add(other)
            found[name] = None

        for name in self.helpers:
            if name not in found:
                add(name)
        return list(found)

    # -- functions of the script -------------------------------------------------------------
    def _run(self) -> list[str]:
        """Forward and backward, a line for each node."""
        lines = Lines(self.graph, self.helpers, {"feed", "weights", "rng", *self.symbols})
        leaves = [self._leaf(node, lines) for node in self.graph if node.op in SOURCES]
        backward = False
        for node in self.graph:
            if node.op in LEAVES:
                continue
            if not backward and self.graph.origin(node.name).phase == "backward":
                lines.rows += ["", "# backward"]
                backward = True
            lines.node(node)
        values = {name: lines.value(node).text for name, node in self.values.items()}
        gradients = {name: lines.value(node).text for name, node in self.gradients.items()}
        lines.rows += ["", f"values = {_dictionary(values)}"]
        lines.rows += [f"gradients = {_dictionary(gradients)}", "return values, gradients"]
        about = '"""Results, and derivatives of the losses, by name."""'
        start = [about, "# inputs and weights", *leaves, *self._sizes(lines), "", "# forward"]
        return ["def run(feed, weights, rng):", *indented([*start, *lines.rows])]

    def _leaf(self, node: Node, lines: Lines) -> str:
        """An input or weight by its name."""
        shape = ", ".join(map(str, node.tensor.shape))
        value = f"np.asarray({SOURCES[node.op]}[{quoted(node.name)}], {_dtype(node.tensor)})"
        return f"{lines.variable(node.name)} = {value}  # ({shape})"

    def _sizes(self, lines: Lines) -> list[str]:
        """The sizes that lines use, each read off the input that shows it, read or not."""
        tree = ast.parse("\n".join(lines.rows))
        used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} & self.symbols
        for symbol in reversed(self.shown):
            if symbol in used:
                used |= symbols(self.shown[symbol].factor) | symbols(self.shown[symbol].offset)
        hidden = sorted(used - self.shown.keys())
        missing = [s for s in hidden if s not in self.given]
        if missing:
            given = ", ".join(f"{s}=4" for s in missing)
            fail("GF026", f"no input has the size {', '.join(missing)}",
                 help=f"give it: --sizes {given}")  # fmt: skip
        rows = [f"{symbol} = SIZES[{quoted(symbol)}]" for symbol in hidden]
        return rows + [f"{s} = {self._read(s)}" for s in self.shown if s in used]

    def _read(self, symbol: str) -> str:
        """A size by the axis that shows it."""
        shown = self.shown[symbol]
        axis = f"np.shape(feed[{quoted(shown.name)}])[{shown.axis}]"
        if (shown.factor, shown.offset) == (1, 0):
            return axis
        self.helpers.setdefault("solved")
        return f"solved({axis}, {size(shown.factor)}, {size(shown.offset)})"

    def _initial(self) -> list[str]:
        """First values of parameters and states."""
        graph = self.initial
        used = {n.name for n in self.graph if n.op in ("parameter", "state")}
        names = [n for n in self.model.elaborated.leaves if n in used]
        needed = graph.needed_for(names)
        lines = Lines(graph, self.helpers, {"rng", "feed", *self.symbols})
        inputs = [leaf for leaf in graph.leaves("input") if leaf.name in needed]
        leaves = [self._leaf(leaf, lines) for leaf in inputs]
        for node in graph:
            if node.name in needed and node.op not in LEAVES:
                lines.node(node)
        values = {name: lines.value(graph.resolve(name)).text for name in names}
        about = '"""First values, as the file says, drawn by NumPy."""'
        sizes, result = self._sizes(lines), f"return {_dictionary(values)}"
        rows = [about, *sizes, *leaves, *lines.rows, result]
        return ["def initial(rng, feed):", *indented(rows)]

    def _example(self) -> list[str]:
        """Inputs to try the script with."""
        drawn = {}
        for leaf in self.inputs:
            shape = tupled(leaf.tensor.shape)
            dtype = leaf.tensor.dtype
            if dtype is DType.BOOL:
                drawn[leaf.name] = f"np.ones({shape}, bool)"
            elif dtype.is_integer:
                drawn[leaf.name] = f"rng.integers(0, 2, {shape})"
            else:
                drawn[leaf.name] = f"rng.standard_normal({shape})"
        about = '"""Inputs to try it with."""'
        rows = [about, *(f"{s} = SIZES[{quoted(s)}]" for s in sorted(self.drawn))]
        return ["def example(rng):", *indented([*rows, f"return {_dictionary(drawn)}"])]


def differentiated(model: Model, training: bool) -> tuple[Graph, dict[str, str], dict[str, str]]:
    """The graph with its backward nodes, and the nodes of results and of derivatives by name."""
    graph, losses = model.graph, wanted(model)
    values = {name: graph.resolve(name) for name in model.results}
    pairs = []
    for loss, names in losses.items():
        graph = reverse(graph, loss, names)
        values[loss] = graph.resolve(loss)
        pairs += [(loss, name) for name in names]
    ending = {loss: "" if len(losses) == 1 else f" of {loss}" for loss in losses}
    gradients = {f"{n}.grad{ending[loss]}": graph.gradients[loss, n] for loss, n in pairs}
    roots = tuple(dict.fromkeys((*values.values(), *gradients.values())))
    concrete = specialise(
        replace(graph, outputs=roots, updates={}), {}, DType.FLOAT, training, partial=True
    )
    here = dict(zip(roots, concrete.outputs, strict=True))
    return (concrete, {n: here[v] for n, v in values.items()},
            {n: here[g] for n, g in gradients.items()})  # fmt: skip


def wanted(model: Model) -> dict[str, list[str]]:
    """What is differentiated by what: losses by the parameters that train for them.

    Without ``train:`` the first output that is one number and depends on parameters, or on the
    inputs of a file that has none.
    """
    training = model.elaborated.training
    if training is not None:
        return {
            o.loss: [n for group in o.groups for n in group.params if _reached(model, o.loss, n)]
            for o in training.objectives
        }
    floats = [leaf.name for leaf in model.graph.leaves("input") if leaf.tensor.dtype.is_float]
    by = list(model.parameters) or floats
    for name in (n for n in model.results if _is_loss(model, n)):
        found = [n for n in by if _reached(model, name, n)]
        if found:
            return {name: found}
    return {}


def _is_loss(model: Model, name: str) -> bool:
    """Whether an output is one number that no while loop is a part of: those have no backward."""
    type, needed = model.graph[name].tensor, model.graph.needed_for([name])
    ended = all(model.graph.nodes[n].op != "while_loop" for n in needed)
    return type.shape == () and type.dtype.is_float and ended


def _reached(model: Model, loss: str, name: str) -> bool:
    return name in model.graph.needed_for([loss])


def _symbols(nodes: Iterable[Node]) -> frozenset[str]:
    return frozenset().union(*(type_symbols(node.type) for node in nodes))


def _dtype(type: TensorType) -> str:
    return "FLOAT" if type.dtype is DType.FLOAT else f"np.{type.dtype.value}"


def _dictionary(entries: Mapping[str, str]) -> str:
    shown = ", ".join(f"{quoted(name)}: {text}" for name, text in entries.items())
    return f"{{{shown}}}"


class _Untyped(ast.NodeTransformer):
    """A function without its annotations."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.returns = None
        for argument in node.args.args:
            argument.annotation = None
        self.generic_visit(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        assert node.value is not None
        return ast.Assign([node.target], node.value)


def _source(name: str) -> list[str]:
    """The text of a function, without its types."""
    tree = _Untyped().visit(ast.parse(inspect.getsource(FUNCTIONS[name])))
    return ast.unparse(ast.fix_missing_locations(tree)).split("\n")
