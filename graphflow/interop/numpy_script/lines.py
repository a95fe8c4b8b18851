"""Nodes as lines of a script: ``name = expression  # line 12, (B, 64)``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NoReturn, cast

from graphflow.diagnostics import fail
from graphflow.interop.numpy_script.functions import FUNCTIONS
from graphflow.interop.numpy_script.refused import REFUSED
from graphflow.interop.numpy_script.rules import IMPLIED, RULES, size
from graphflow.interop.source import WIDTH, Code, comment, identifier, indented
from graphflow.interop.watched import Watched
from graphflow.ir.dims import Dim
from graphflow.ir.graph import LEAVES, Graph, Node
from graphflow.ir.types import TensorType, TupleType
from graphflow.ops.control import ScanParts
from graphflow.ops.op import OPS

LONGEST = 28
"""Characters that the name of a variable may have."""
CONTROL = frozenset({"scan", "while_loop", "cond", "item", "rng_split"})
"""Primitives that are no single expression."""
NAMES = frozenset({"np", "FLOAT", "SIZES", "json", "math", "sys", "product", "values", "gradients"})


class Lines:
    """The lines of one function, or of the inside of a loop."""

    def __init__(self, graph: Graph, helpers: dict[str, None], taken: Collection[str]) -> None:
        self.graph, self.helpers = graph, helpers
        self.taken: set[str] = {*NAMES, *OWN, *taken}
        self.env: dict[str, Code] = {}
        self.rows: list[str] = []

    def variable(self, node: str) -> str:
        """A new variable for a node."""
        name = self.fresh(shortened(node))
        self.env[node] = Code(name)
        return name

    def fresh(self, name: str) -> str:
        """A new variable."""
        found = identifier(name, self.taken)
        self.taken.add(found)
        return found

    def value(self, node: str) -> Code:
        """What stands for a node."""
        return self.env[node]

    def type_of(self, node: str) -> TensorType:
        """The type of a value."""
        return self.graph.nodes[node].tensor

    def node(self, node: Node) -> None:
        """One line, or several for a loop. Numbers are written where they are used."""
        if node.op in LEAVES or node.op == "rng_split":
            return
        if node.op == "item":
            parts = self.env[node.inputs[0]].text
            self.assign(node, Code(f"{parts}[{node.attr('index')}]"))
        elif node.op in ("scan", "while_loop", "cond"):
            {"scan": self.scan, "while_loop": self.while_loop, "cond": self.cond}[node.op](node)
        else:
            self.primitive(node)

    def primitive(self, node: Node) -> None:
        rule = RULES.get(node.op)
        place = Place(self, node)
        if rule is None:
            reason = REFUSED.get(node.op, "operators of other packages are not known to it")
            place.refuse(f"it has no line for '{node.op}'", reason)
        code = rule(place)
        for name in place.node.ignored():
            place.refuse(f"the argument '{name}' of {node.op}")
        if code.scalar:
            self.env[node.name] = code
        else:
            self.assign(node, code)

    def assign(self, node: Node, code: Code) -> None:
        row = f"{self.variable(node.name)} = {code}"
        note = f"  {self.note(node)}"
        self.rows.append(row + note if len(row) + len(note) < WIDTH - 8 else row)

    def note(self, node: Node) -> str:
        """The line of the file, and the shape."""
        mark = self.graph.origin(node.name).mark
        line = f"line {mark.line}, " if mark is not None and _own(mark.file) else ""
        if isinstance(node.type, TupleType):
            return comment(f"{line}{len(node.type.items)} values")
        return comment(f"{line}({', '.join(map(str, node.type.shape))})")

    # -- control -----------------------------------------------------------------------------
    def inside(self, region: Graph, given: Sequence[Code]) -> Lines:
        """The lines of a region whose inputs are given."""
        inner = Lines(region, self.helpers, self.taken)
        leaves = [leaf.name for leaf in region.leaves("input")]
        inner.env = dict(zip(leaves, given, strict=True))
        for node in region:
            inner.node(node)
        self.taken |= inner.taken
        return inner

    def scan(self, node: Node) -> None:
        parts = ScanParts.of(node)
        carries, sequences, captured = parts.split(node.inputs)
        length = size(cast(Dim, node.attr("length")))
        turn, state = self.fresh("t"), [self.fresh(f"carry{i + 1}") for i in range(len(carries))]
        stacked = len(parts.body.outputs) - len(carries)
        lists = [self.fresh(f"collected{i + 1}") for i in range(stacked)]
        starts = [str(self.value(n)) for n in carries]
        self.rows += [f"{name} = {start}" for name, start in zip(state, starts, strict=True)]
        self.rows += [f"{name} = []" for name in lists]
        note = self.note(node)
        order = f"reversed(range({length}))" if node.attr("reverse") else f"range({length})"
        given = [*map(Code, state), *(self._element(n, turn) for n in sequences),
                 *(self.env.get(n, Code("rng")) for n in captured)]  # fmt: skip
        inner = self.inside(parts.body, given)
        results = [str(inner.value(n)) for n in parts.body.outputs]
        rows = [f"{name}.append({value})"
                for name, value in zip(lists, results[len(state) :], strict=True)]  # fmt: skip
        if state:
            rows.append(simultaneous(state, results[: len(state)]))
        self.rows += [
            f"for {turn} in {order}:  {note}",
            *indented([*inner.rows, *rows] or ["pass"]),
        ]
        back = "[::-1]" if node.attr("reverse") else ""
        types = [parts.body[n].tensor for n in parts.body.outputs[len(state) :]]
        arrays = [f"np.array({name}{back}).reshape({self._stacked(length, t)})"
                  for name, t in zip(lists, types, strict=True)]  # fmt: skip
        whole = ", ".join([*state, *arrays])
        self.rows.append(f"{self.variable(node.name)} = ({whole},)")

    def _element(self, sequence: str, turn: str) -> Code:
        known = self.env.get(sequence)
        return Code("rng") if known is None else Code(f"{known.at(10)}[{turn}]")

    def _stacked(self, length: str, type: TensorType) -> str:
        return ", ".join([length, *map(str, type.shape)])

    def while_loop(self, node: Node) -> None:
        condition, body = (cast(Graph, node.attr(n)) for n in ("condition", "body"))
        count, limit = cast(int, node.attr("carries")), cast(int, node.attr("max_steps"))
        turn, state = self.fresh("turn"), [self.fresh(f"carry{i + 1}") for i in range(count)]
        starts = [str(self.value(n)) for n in node.inputs[:count]]
        given = [*map(Code, state), *(self.value(n) for n in node.inputs[count:])]
        test, step = self.inside(condition, given), self.inside(body, given)
        results = [str(step.value(n)) for n in body.outputs]
        message = f"a while loop did not end within {limit:,} turns"
        rows = [*test.rows, f"if not ({test.value(condition.outputs[0])}):", "    break",
                f"if {turn} == {limit}:", f'    raise RuntimeError("{message}")', *step.rows,
                simultaneous(state, results)]  # fmt: skip
        self.rows += [simultaneous(state, starts),
                      f"for {turn} in range({limit} + 1):", *indented(rows)]  # fmt: skip
        self.rows.append(f"{self.variable(node.name)} = ({', '.join(state)},)")

    def cond(self, node: Node) -> None:
        name = self.fresh(node.name)
        given = [self.value(n) for n in node.inputs[1:]]
        for head, key in ((f"if {self.value(node.inputs[0])}:", "then"), ("else:", "orelse")):
            region = cast(Graph, node.attr(key))
            inner = self.inside(region, given)
            results = ", ".join(str(inner.value(n)) for n in region.outputs)
            self.rows += [head, *indented([*inner.rows, f"{name} = ({results},)"])]
        self.env[node.name] = Code(name)


def simultaneous(names: Sequence[str], values: Sequence[str]) -> str:
    """Several variables set at once."""
    if len(names) == 1:
        return f"{names[0]} = {values[0]}"
    return f"{', '.join(names)} = ({', '.join(values)})"


def shortened(node: str) -> str:
    """The last parts of a long path."""
    while len(node) > LONGEST and "." in node:
        node = node.partition(".")[2]
    return node


class Place:
    """The place of one primitive, as its rule sees it."""

    def __init__(self, lines: Lines, node: Node) -> None:
        self.lines, self.source, self.node = lines, node, Watched(node, IMPLIED.get(node.op, ()))
        names = node.inputs[1:] if OPS[node.op].random else node.inputs
        self.args = [lines.value(n) for n in names]
        self.types = [lines.type_of(n) for n in names]

    def helper(self, name: str) -> str:
        self.lines.helpers.setdefault(name)
        return name

    def refuse(self, message: str, help: str | None = None) -> NoReturn:
        origin = self.lines.graph.origin(self.source.name)
        fail("GF103", f"'{self.source.name}' cannot be exported: {message}", origin.mark, help=help)


def _own(file: str) -> bool:
    return not file.startswith("library/")


OWN = frozenset({*FUNCTIONS, "initial", "example", "run", "read", "main"})
"""Names that the script has itself."""
