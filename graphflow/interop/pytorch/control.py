"""Loops, branches and derivatives as Python: ``for``, ``while``, ``if``, ``autograd.grad``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import cast

from graphflow.interop.pytorch.body import Body
from graphflow.interop.pytorch.sizes import Source
from graphflow.interop.source import Code, call, indented
from graphflow.ir.dims import Dim
from graphflow.ir.graph import Graph, Node
from graphflow.ir.types import type_symbols
from graphflow.ops.control import ScanParts
from graphflow.spec.elaborate.calltree import RegionNode


class Function(Body):
    """A body that knows control operators and derivatives."""

    def node(self, node: Node) -> None:
        writers = {
            "scan": self.scan, "while_loop": self.while_loop, "cond": self.cond,
            "gradients": self.gradients, "jvp": self.derivative, "jacobian": self.derivative,
            "hessian": self.derivative,
        }  # fmt: skip
        writers.get(node.op, super().node)(node)

    @contextmanager
    def inside(self, region: RegionNode, given: Mapping[str, Code]) -> Iterator[None]:
        """Write lines of a region: its inputs, and what it captures, are known by ``given``."""
        saved = (
            self.section, self.env, self.lines, self.flow, self.position, list(self.sources),
            self.entered, self.holders,
        )  # fmt: skip
        self.section, self.lines, self.entered, self.holders = region, [], list(given), {}
        captured = {inner: saved[1][outer] for inner, outer in region.captured.items()
                    if outer in saved[1]}  # fmt: skip
        self.env = {**captured, **given}
        for name, code in given.items():
            self.sources.append(Source(code.text, region.graph.nodes[name].tensor.shape))
        try:
            yield
        finally:
            self.section, self.env, self.lines, self.flow, self.position = saved[:5]
            self.sources, self.entered, self.holders = saved[5:]

    def region(self, region: RegionNode, given: Mapping[str, Code], roots: Sequence[str],
               ending: str) -> list[str]:  # fmt: skip
        """The lines of a region, and one that uses its results, for which ``{}`` stand."""
        with self.inside(region, given):
            self.write(roots)
            shown = [self.value(name).text for name in roots]
            return [*self.lines, *ending.format(*shown).splitlines()]

    # -- loops -------------------------------------------------------------------------------
    def scan(self, node: Node) -> None:
        parts = ScanParts.of(node)
        region = self.flow.regions[node.name]["body"]
        carries, sequences, _ = parts.split(node.inputs)
        inside = parts.names
        outputs = parts.body.outputs
        count = len(carries)
        state = [self.fresh(_last(name)) for name in inside[:count]]
        drawn = [name for name in sequences if self.node_of(name).op != "rng_split"]
        turn = [self.fresh(_last(name)) for name in inside[count : count + len(drawn)]]
        items = self.items_of(node.name)
        lists = {i: self.fresh(f"{_last(items[i][0])}_all") for i in sorted(items) if i >= count}
        if count:
            starts = ", ".join(self.value(name).text for name in carries)
            self.lines.append(f"{', '.join(state)} = {starts}")
        self.lines += [f"{name} = []" for name in lists.values()]
        self.lines.append(f"for {self._turns(node, turn, drawn)}:")
        given = dict(zip(inside, map(Code, [*state, *turn]), strict=False))
        roots = [*outputs[:count], *(outputs[i] for i in lists)]
        carried = ", ".join(["{}"] * count)
        ending = f"{', '.join(state)} = {carried}\n" if count else ""
        collect = "".join(f"{name}.append({{}})\n" for name in lists.values())
        lines = self._turn(region, given, roots, count, ending, collect)
        self.lines += indented(lines)
        for index, same in items.items():
            code = Code(state[index]) if index < count else self._stacked(node, lists[index])
            for item in same:
                self.define(item, code)

    def _turn(self, region: RegionNode, given: Mapping[str, Code], roots: Sequence[str], count: int,
              ending: str, collect: str) -> list[str]:  # fmt: skip
        """The lines of one turn: collected values are kept before the carried ones change."""
        with self.inside(region, given):
            self.write(roots)
            shown = [self.value(name).text for name in roots]
            tail = collect.format(*shown[count:]) + ending.format(*shown[:count])
            return [*self.lines, *tail.splitlines()]

    def _turns(self, node: Node, names: Sequence[str], sequences: Sequence[str]) -> str:
        """``x in xs``, ``x, y in zip(xs, ys)`` or ``_ in range(n)``."""
        back = bool(node.attr("reverse"))
        series = [self.value(name).at(10) + (".flip(0)" if back else "") for name in sequences]
        if not series:
            return f"_ in range({self.size(cast(Dim, node.attr('length')))})"
        if len(series) == 1:
            return f"{names[0]} in {series[0]}"
        return f"{', '.join(names)} in zip({', '.join(series)})"

    def _stacked(self, node: Node, name: str) -> Code:
        return call("torch.stack", f"{name}[::-1]" if node.attr("reverse") else name)

    def while_loop(self, node: Node) -> None:
        regions = self.flow.regions[node.name]
        count, limit = cast(int, node.attr("carries")), cast(int, node.attr("max_steps"))
        graphs = [cast(Graph, node.attr(name)) for name in ("condition", "body")]
        inputs = [[leaf.name for leaf in graph.leaves("input")] for graph in graphs]
        state = [self.fresh(_last(name)) for name in inputs[1][:count]]
        starts = ", ".join(self.value(name).text for name in node.inputs[:count])
        turn = self.fresh("turn")
        self.lines += [f"{', '.join(state)} = {starts}", f"for {turn} in range({limit} + 1):"]
        codes = [Code(name) for name in state]
        given = dict(zip(inputs[0], codes, strict=False))
        ending = "if not ({}):\n    break"
        lines = self.region(regions["condition"], given, graphs[0].outputs, ending)
        message = f"a while loop did not end within {limit:,} turns"
        lines += [f"if {turn} == {limit}:", f'    raise RuntimeError("{message}")']
        given = dict(zip(inputs[1], codes, strict=False))
        ending = f"{', '.join(state)} = {', '.join(['{}'] * count)}"
        lines += self.region(regions["body"], given, graphs[1].outputs, ending)
        self.lines += indented(lines)
        for index, same in self.items_of(node.name).items():
            self.env |= {item: Code(state[index]) for item in same}

    def cond(self, node: Node) -> None:
        items = self.items_of(node.name)
        (same,) = items.values()
        name = self.variable(same[0])
        test = self.value(node.inputs[0])
        for head, key in ((f"if {test}:", "then"), ("else:", "orelse")):
            outputs = cast(Graph, node.attr(key)).outputs
            region = self.flow.regions[node.name][key]
            lines = self.region(region, {}, outputs, f"{name} = {{}}")
            self.lines += [head, *indented(lines)]
        self.env |= {item: Code(name) for item in same}

    # -- derivatives -------------------------------------------------------------------------
    def define(self, node: str, code: Code) -> None:
        """As any value; one that something is differentiated by is prepared for it."""
        if node in self.defaults:
            super().define(node, code)
            self._ready(node)
            return
        if not self.differentiated(node) or code.scalar:
            super().define(node, code)
            return
        helper = self.helper("differentiable")
        self.assign(node, call(helper, code))

    def helper(self, name: str) -> str:
        """A function of the file's own."""
        self.program.helpers.setdefault(name)
        return name

    def begin(self) -> None:
        """States of open size are read; what is differentiated by is made ready for it."""
        for leaf, place in self.states.items():
            if leaf in self.flow.readers and type_symbols(self.node_of(leaf).type):
                self._open_state(leaf, place)
            if leaf in self.flow.differentiated:
                code = call(self.helper("differentiable"), self.value(leaf))
                self.env[leaf] = Code(self.variable(leaf))
                self.lines.append(f"{self.env[leaf].text} = {code.text}")
        for node in self.entered:
            if node in self.env:
                self._ready(node)

    def _ready(self, node: str) -> None:
        """Prepare what is given, if something is differentiated by it."""
        if self.differentiated(node):
            name = self.value(node).text
            self.lines.append(f"{name} = {self.helper('differentiable')}({name})")

    def _open_state(self, leaf: str, place: str) -> None:
        """A state that has the size of the batch starts afresh where the size changes."""
        if self.env.get(leaf, Code(place)).text != place:
            return
        lines, code = self.program.initial(leaf, self, set())
        name = self.variable(leaf)
        shape = ", ".join(str(self.size(d)) for d in self.type_of(leaf).shape)
        shape += "," if "," not in shape else ""
        self.lines.append(f"{name} = {place}")
        self.lines.append(f"if {name} is None or {name}.shape != ({shape}):")
        self.lines += indented([*lines, f"{name} = {code}"])
        self.env[leaf] = Code(name)

    def gradients(self, node: Node) -> None:
        y, *xs = (self.value(name).text for name in node.inputs)
        zero = True if node.attr("zero") else None
        by = xs[0] if len(xs) == 1 else f"[{', '.join(xs)}]"
        code = call("torch.autograd.grad", y, by, create_graph=True, materialize_grads=zero)
        items = self.items_of(node.name)
        if len(xs) == 1:
            for item in items[0]:
                self.define(item, Code(f"{code}[0]"))
        else:
            self.unpack(node, code)

    def derivative(self, node: Node) -> None:
        if node.op == "hessian":
            self.helper("jacobian")
        name = self.helper(node.op)
        self.define(node.name, call(name, *(self.value(n) for n in node.inputs)))

    def differentiated(self, node: str) -> bool:
        """Whether something is differentiated by a value that is no leaf."""
        leaf = self.node_of(node).op in ("parameter", "state")
        return node in self.flow.differentiated and not leaf


def _last(path: str) -> str:
    return path.rpartition(".")[2]
