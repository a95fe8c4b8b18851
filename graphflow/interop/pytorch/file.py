"""The whole file: docstring, helpers, blocks, and the class of the model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from graphflow.diagnostics import fail
from graphflow.interop.pytorch.body import Body
from graphflow.interop.pytorch.control import Function
from graphflow.interop.pytorch.definitions import Definitions, camel, state_updates
from graphflow.interop.pytorch.helpers import HELPERS
from graphflow.interop.pytorch.literals import filled, marked
from graphflow.interop.pytorch.parts import Parts
from graphflow.interop.pytorch.primitives import tensor
from graphflow.interop.source import Code, docstring, fitted, indented, quoted
from graphflow.ir.graph import LEAVES
from graphflow.ir.types import type_symbols
from graphflow.model import Model
from graphflow.spec.elaborate import COUNTERS
from graphflow.spec.elaborate.calltree import Section
from graphflow.works import title_of

HEADER = [
    "from __future__ import annotations",
    "",
    "import torch",
    "import torch.nn.functional as F",
    "from torch import nn",
]
ABOUT = "Feed the inputs; the result holds the outputs by name."
DERIVATIVES = frozenset({"gradients", "jvp", "jacobian", "hessian"})


def source(model: Model) -> str:
    """The source of a module that computes what the model does, under the same names."""
    return _File(model).text()


class _File:
    def __init__(self, model: Model) -> None:
        self.model = model
        document = model.document
        self.graph, self.calls = model.elaborated.graph, model.elaborated.calls
        symbols = {s for node in self.graph for s in type_symbols(node.type)}
        words = re.findall(r"\w+", Path(document.mark.file).stem)
        self.name = camel("_".join(words)) if words and document.mark.file != "<text>" else "Model"
        reserved = frozenset({*HELPERS, self.name, *symbols})
        leaves = model.elaborated.leaves
        frozen = frozenset(n for n in model.parameters if not leaves[n].trainable)
        self.definitions = Definitions(reserved, self.initial, frozen)

    def text(self) -> str:
        self.definitions.define_all(self.calls)
        own = self._class()
        document = self.model.document
        paragraphs = [f"{document.name}.", document.about]
        titles = "; ".join(map(title_of, document.source))
        paragraphs += [f"Source: {titles}."] if titles else []
        blocks = [[*docstring(paragraphs), "", *HEADER]]
        helpers = [name for name in HELPERS if name in self.definitions.helpers]
        blocks += [HELPERS[name].strip().split("\n") for name in helpers]
        blocks += [d.lines for d in self.definitions.found]
        blocks.append(own)
        lines = [
            row for block in blocks for line in ["", "", *block] for row in fitted(filled(line))
        ][2:]
        return "\n".join(line.rstrip() for line in lines) + "\n"

    # -- the model's own class ---------------------------------------------------------------
    def _class(self) -> list[str]:
        if not self.graph.nodes.keys().isdisjoint(COUNTERS.values()):
            fail("GF103", "a node here reads the step of training; a module of PyTorch counts none",
                 help="a schedule of train: is left out with the rest of training")  # fmt: skip
        parts = Parts(self.definitions, self.calls)
        signature, lines = self._forward(parts, frozenset())
        frozen = [
            f"self.{name}.requires_grad_(False)"
            for name, layer in self.model.document.layers.items()
            if not layer.trainable and name in parts.names
        ]
        title = self.model.document.name.rstrip(".")
        return [
            f"class {self.name}(nn.Module):",
            *indented(docstring([f"{title}.", ABOUT])),
            "",
            "    def __init__(self):",
            *indented(["super().__init__()", *parts.setup(), *frozen], 2),
            "",
            f"    def forward({', '.join(signature)}):",
            *indented(lines, 2),
        ]

    def _returned(self) -> dict[str, str]:
        """What a call returns: outputs, what training minimises and reports, unread lines."""
        names = list(self.model.document.outputs)
        training, train = self.model.elaborated.training, self.model.document.train
        if training is not None:
            names += [objective.loss for objective in training.objectives]
        if train is not None:
            names += list(train.report)
        found = {name: self.graph.resolve(name) for name in names if name in self.graph}
        return {**found, **{n: v for n, v in self._unread().items() if v not in found.values()}}

    def _unread(self) -> dict[str, str]:
        """Lines that no other line reads, but for derivatives: those are for looking at."""
        found = {}
        for name, (*_, node) in self.calls.lines.items():
            needed = self.graph.needed_for([node])
            derived = any(self.graph.nodes[n].op in DERIVATIVES for n in needed)
            if not (self.graph.consumers[node] or derived or "." in name):
                found[name] = node
        return found

    def _forward(self, parts: Parts, sized: frozenset[str]) -> tuple[list[str], list[str]]:
        """The arguments and lines of ``forward``: outputs first, then what more inputs allow.

        ``sized`` are inputs whose shape is needed from the start.
        """
        graph, returned = self.graph, self._returned()
        first = {n: returned[n] for n in self.model.document.outputs if n in returned} or returned
        inputs, updates = [leaf.name for leaf in graph.leaves("input")], dict(self.calls.updates)
        need = graph.needed_for(first.values())
        all_needed = graph.needed_for([*returned.values(), *updates.values()])
        body = Function(self.definitions, self.calls, module=True)
        body.owner, body.places = "", parts.place
        parts.bind(body)
        required = self._parameters(body, [n for n in inputs if n in need | sized])
        optional = [n for n in inputs if n in all_needed - need - sized]
        shown = len(body.sources)
        late = self._parameters(body, optional)
        later = body.sources[shown:]
        drawn = self._defaults(body, all_needed)
        early = {k: v for k, v in updates.items() if graph.needed_for([v]) <= need | {v}}
        rest = {n: v for n, v in returned.items() if n not in first}
        roots = [*early.values(), *returned.values(), *updates.values()]
        if late:
            body.sources = [source for source in body.sources if source not in later]
            body.write_first([*first.values(), *early.values()], roots)
            needed = self._showing(body.sizes, optional)
            if needed:
                return self._forward(parts, sized | needed)
            body.sources = [*body.sources[:shown], *later, *body.sources[shown:]]
            test = " or ".join(f"{name} is None" for name in late)
            body.lines += state_updates(body, early)
            body.lines += [f"if {test}:", f"    return {_dictionary(body, first)}"]
            body.steps(body.flow.split, body.flow.end)
            updates = {k: v for k, v in updates.items() if k not in early}
        else:
            body.write(roots)
        returns = f"return {_dictionary(body, {**first, **rest})}"
        lines = [*body.lines, *state_updates(body, updates), returns]
        options = [f"{name}=None" for name in (*late, *drawn)]
        return ["self", *required, *body.sizes.values(), *options], lines

    def _showing(self, symbols: Iterable[str], inputs: Sequence[str]) -> frozenset[str]:
        """For each symbol the first of the inputs whose shape has it."""
        types = {name: type_symbols(self.graph.nodes[name].type) for name in inputs}
        found = (next((n for n in inputs if s in types[n]), None) for s in symbols)
        return frozenset(name for name in found if name is not None)

    def _parameters(self, body: Function, names: Sequence[str]) -> list[str]:
        return [body.parameter(n, n, self.graph.nodes[n].tensor) for n in names]

    def _defaults(self, body: Function, needed: set[str]) -> list[str]:
        """Inputs that are drawn or computed when nothing is given."""
        found = []
        for name, decl in self.model.document.inputs.items():
            node = self.graph.resolve(name) if name in self.graph else ""
            if decl.default is not None and node in needed and node not in body.env:
                found.append(body.parameter(node, name, self.graph.nodes[node].tensor))
                body.defaults[node] = found[-1]
                del body.env[node]
        return found

    def initial(self, name: str, body: Body | None, taken: set[str]) -> tuple[list[str], Code]:
        """A parameter's or state's first value: what it starts as in the file, drawn by PyTorch.

        Its lines leave the variables that are taken as they are, and add their own to them.
        """
        graph = self.model.elaborated.initial
        node = graph.resolve(name)
        needed = graph.needed_for([node])
        steps = [n for n in graph if n.name in needed and n.op not in LEAVES]
        type = graph.nodes[node].tensor
        if any(graph.nodes[n].op == "input" for n in needed):  # it starts as an input
            shape = ", ".join(str(marked(d, "size")) for d in type.shape)
            return [], Code(f"torch.zeros({shape})")
        section = Section(graph=graph, steps=tuple(steps))
        inner = Function(self.definitions, section, module=True)
        inner.sources = list(body.sources) if body is not None else []
        inner.taken |= taken
        inner.write([node])
        taken |= inner.taken
        return inner.lines, tensor(inner.value(node), type)


def _dictionary(body: Function, returned: Mapping[str, str]) -> str:
    codes = {name: tensor(body.value(n), body.type_of(n)) for name, n in returned.items()}
    shown = ", ".join(f"{quoted(name)}: {code}" for name, code in codes.items())
    return f"{{{shown}}}"
