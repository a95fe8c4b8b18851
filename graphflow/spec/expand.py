"""The long form of a file: one node a line, primitives only (rule 3).

Pipelines, blocks, layers and repetitions are gone; every parameter, state and constant is written
out under its full name. Reading the long form gives the identical graph.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from graphflow.ir.dims import Symbolic
from graphflow.ir.graph import LEAVES, ArrayLiteral, Attr, Graph, Node
from graphflow.ir.types import DType
from graphflow.ops.control import ScanParts
from graphflow.ops.op import OPS
from graphflow.spec.elaborate import Elaborated
from graphflow.spec.elaborate.pairing import takes_all_pairs
from graphflow.spec.values import Plain
from graphflow.spec.writer import dump

INFIX = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "matmul": "@", "floor_div": "//", "mod": "%",
    "pow": "**", "equal": "==", "not_equal": "!=", "less": "<", "less_equal": "<=",
    "greater": ">", "greater_equal": ">=",
}  # fmt: skip
LEADING = {"einsum": ("subscripts",)}
"""Attributes that a call writes before its operands."""
KEPT = ("graphflow", "name", "about", "source")
AFTER = ("data", "train", "run", "generate", "tune", "figures", "check")

WRITTEN_OUT = ("inputs.", "layers.")
"""Paths of overrides that the long form has no use for."""


def expanded(elaborated: Elaborated, original: Mapping[str, Plain]) -> str:
    """The long form as YAML. ``original`` is the file's own data, overrides applied."""
    graph = elaborated.graph
    sections: dict[str, Plain] = {k: original[k] for k in KEPT if k in original}
    blocks = _needed_blocks(original)
    sections["let"] = _needed_let({**original, "blocks": blocks})
    sections["inputs"] = {leaf.name: _input(leaf) for leaf in graph.leaves("input")}
    sections["params"] = {n: _parameter(elaborated, n) for n in elaborated.parameters}
    sections["rename"] = dict(elaborated.rename)
    sections["state"] = {n: _state(elaborated, n) for n in elaborated.states}
    sections["use"] = _needed_files(elaborated.used, {**original, "blocks": blocks})
    sections["blocks"] = blocks
    sections["nodes"] = _lines(graph)
    sections["updates"] = dict(graph.updates)
    sections["outputs"] = list(elaborated.document.outputs)
    sections |= {k: original[k] for k in AFTER if k in original}
    if not _still_tunable(original):
        sections.pop("tune", None)
    if "train" in sections:
        sections["train"] = _train(elaborated, sections["train"])
    if elaborated.run is not None and elaborated.run.until is not None:
        section = sections["run"]
        assert isinstance(section, dict)
        sections["run"] = {**section, "until": elaborated.run.until}
    empty: tuple[Plain, ...] = ({}, [])
    return dump({k: v for k, v in sections.items() if v not in empty})


def _still_tunable(original: Mapping[str, Plain]) -> bool:
    """Whether ``tune:`` means the same in the long form: a size or rate that is written into the
    nodes cannot vary there, so that a search over it would compare equal models.
    """
    tune, let = original.get("tune"), original.get("let")
    space = tune.get("space") if isinstance(tune, dict) else None
    names = set(space) if isinstance(space, dict) else set()
    fixed = {"name", "about", "source", "let", *AFTER}
    words = set(re.findall(r"\w+", repr([v for k, v in original.items() if k not in fixed])))
    for name, value in reversed(let.items() if isinstance(let, dict) else ()):
        if name in words:
            words |= set(re.findall(r"\w+", repr(value)))
    return not any(name in words or name.startswith(("let.", *WRITTEN_OUT)) for name in names)


def _words(value: object) -> set[str]:
    """The words that a part of a file uses, whatever for."""
    return set(re.findall(r"\w+", repr(value)))


def _needed_blocks(original: Mapping[str, Plain]) -> dict[str, Plain]:
    """The blocks that the kept sections still call, in a feed or as optimizer, and those that they
    name themselves.
    """
    blocks = original.get("blocks")
    if not isinstance(blocks, dict):
        return {}
    sections = repr([original.get(section) for section in AFTER])
    calls = set(re.findall(r"(\w+)\s*\(|'optimizer': '(\w+)'", sections))
    kept, found = set[str](), {name for name in blocks if any(name in call for call in calls)}
    while found - kept:
        kept |= found
        called = _words([blocks[name] for name in kept])
        found = {name for name in blocks if name in called} | kept
    return {name: block for name, block in blocks.items() if name in kept}


def _needed_files(used: Mapping[str, Plain], original: Mapping[str, Plain]) -> dict[str, Plain]:
    """The files whose blocks the kept sections or blocks call, in the place of their paths."""
    text = repr([original.get(section) for section in (*AFTER, "blocks")])
    return {alias: file for alias, file in used.items() if re.search(rf"\b{alias}\.\w", text)}


def _needed_let(original: Mapping[str, Plain]) -> Plain:
    """The ``let`` values that the kept sections still name, with those they are made of."""
    let = original.get("let")
    if not isinstance(let, dict):
        return {}
    words = _words([original.get(section) for section in (*AFTER, "blocks")])
    kept: dict[str, Plain] = {}
    for name, value in reversed(let.items()):
        if name in words:
            kept[name] = value
            words |= _words(value)
    return dict(reversed(kept.items()))


def _train(elaborated: Elaborated, section: Plain) -> Plain:
    """The training section with each loss named by its node: the nodes are written out above."""
    training = elaborated.training
    if training is None or not isinstance(section, dict):
        return section
    losses = {objective.name: objective.loss for objective in training.objectives}
    players = section.get("players")
    if not isinstance(players, dict):
        return {**section, "minimize": losses[""]}
    named = {
        n: {**p, "minimize": losses[n]} if isinstance(p, dict) else p for n, p in players.items()
    }
    return {**section, "players": named}


def _input(leaf: Node) -> Plain:
    return _shaped(leaf.tensor.shape, leaf.tensor.dtype)


def _shaped(shape: Sequence[int | Symbolic], dtype: DType) -> dict[str, Plain]:
    found: dict[str, Plain] = {"shape": _sizes(shape) or "scalar"}
    if dtype is not DType.FLOAT:
        found["dtype"] = str(dtype)
    return found


def _sizes(shape: Sequence[int | Symbolic]) -> list[Plain]:
    return [d if isinstance(d, int) else str(d) for d in shape]


def _parameter(elaborated: Elaborated, name: str) -> Plain:
    leaf = elaborated.leaves[name]
    found = {**_shaped(leaf.type.shape, DType.FLOAT), "init": _first_value(elaborated, name)}
    if not leaf.trainable:
        found["trainable"] = False
    if leaf.weights is not None:
        found["weights"] = leaf.weights
    return found


def _state(elaborated: Elaborated, name: str) -> Plain:
    leaf = elaborated.leaves[name]
    found = {**_shaped(leaf.type.shape, leaf.type.dtype), "init": _first_value(elaborated, name)}
    if leaf.reset is not None:
        found["reset"] = leaf.reset
    if leaf.weights is not None:
        found["weights"] = leaf.weights
    return found


def _first_value(elaborated: Elaborated, name: str) -> str:
    """The initial value as one expression."""
    graph = elaborated.initial
    return _nested(graph, graph.resolve(name), name)


def _nested(graph: Graph, name: str, target: str) -> str:
    """A node and all it depends on as one expression, the first value of ``target``."""
    node = graph.nodes[name]
    if node.op == "input":
        return node.name
    if node.op == "constant":
        value = node.attr("value")
        if isinstance(value, int | float | Symbolic):
            return literal(value)
    given = node.inputs[1:] if OPS[node.op].random else node.inputs
    operands = [_nested(graph, n, target) for n in given]
    whole = graph.nodes[graph.resolve(target)] if target else node
    own = target if node is whole else ""  # whose stream the place of the expression implies
    return call_text(node, operands, own, said=("shape",) if whole.tensor.shape else ())


def _lines(graph: Graph) -> dict[str, Plain]:
    """Nodes in order, then the further names of nodes."""
    lines: dict[str, Plain] = {}
    implied = _implied(graph)
    for node in graph:
        if node.op not in LEAVES and node.name not in implied:
            lines[node.name] = _line(graph, node)
    for alias, name in graph.aliases.items():
        brought = name in implied and alias.startswith(f"{graph.nodes[name].inputs[0]}.")
        if alias not in lines and not brought:
            lines[alias] = name
    return lines


def _implied(graph: Graph) -> set[str]:
    """Nodes that the line of another one brings: results of loops, the choice behind a value."""
    loops = {n.name for n in graph if n.op in ("scan", "while_loop")}
    items = {n.name for n in graph if n.op == "item" and n.inputs[0] in loops}
    return items | {n.name for n in graph if n.op in ("cond", "rng_split")}


def _line(graph: Graph, node: Node) -> Plain:
    if node.op == "scan":
        return _scan(graph, node)
    if node.op == "while_loop":
        return _while(graph, node)
    if node.op == "item" and graph.nodes[node.inputs[0]].op == "cond":
        return _cond(graph.nodes[node.inputs[0]])
    if node.op == "by_mode":
        return f"{node.inputs[0]} if training else {node.inputs[1]}"
    if node.op == "slice":
        return f"{node.inputs[0]}[{subscript(node, graph.nodes[node.inputs[0]].tensor.shape)}]"
    operands = node.inputs[1:] if OPS[node.op].random else node.inputs  # the key is implied
    text = call_text(node, operands, node.name)
    if takes_all_pairs(graph, node):  # in the file, the call of a block allows it
        return {"is": text, "shape": _sizes(node.tensor.shape)}
    return text


def subscript(node: Node, shape: Sequence[int | Symbolic] | None = None) -> str:
    """The index of a slice as it is written: ``:, 1:, None``. An end that is the ``shape``'s is
    understood.
    """
    entries = node.attr("index")
    assert isinstance(entries, tuple)
    axis, parts = 0, []
    for entry in entries:
        assert isinstance(entry, tuple)
        if entry[0] == "newaxis":
            parts.append("None")
            continue
        if entry[0] == "index":
            parts.append(literal(entry[1]))
        else:
            parts.append(_bounds(entry[1:], None if shape is None else shape[axis]))
        axis += 1
    return ", ".join(parts)


def _bounds(bounds: Sequence[Attr], size: int | Symbolic | None) -> str:
    """``start:stop:step`` without what is understood."""
    start, stop, step = bounds
    forward = step == 1
    first = "" if forward and start == 0 else literal(start)
    last = "" if stop is None or (forward and stop == size) else literal(stop)
    return f"{first}:{last}" if forward else f"{first}:{last}:{literal(step)}"


def _while(graph: Graph, node: Node) -> Plain:
    """A loop with its condition as one expression and its body line by line."""
    condition, body = _region(node, "condition"), _region(node, "body")
    carries = node.attr("carries")
    assert isinstance(carries, int)
    inside = [leaf.name for leaf in body.leaves("input")][:carries]
    short = [name.removeprefix(f"{node.name}.") for name in inside]
    found: dict[str, Plain] = {
        "while": _nested(condition, condition.outputs[0], ""),
        "carry": dict(zip(short, node.inputs, strict=False)),
        "nodes": _lines(body),
        "next": dict(zip(short, body.outputs, strict=True)),
        "max_steps": _number(node.attr("max_steps")),
    }
    return {key: value for key, value in found.items() if value != {}}


def _cond(node: Node) -> Plain:
    """A choice; a branch whose value is its own last node keeps that as its expression."""
    found: dict[str, Plain] = {"cond": node.inputs[0]}
    for key, attr in (("then", "then"), ("else", "orelse")):
        branch = _region(node, attr)
        lines, out = _lines(branch), branch.outputs[0]
        own = f"{node.name.removesuffix('.cond')}.{attr}"
        value: Plain = lines.pop(own) if out == own and isinstance(lines.get(own), str) else out
        found[key] = {"nodes": lines, "out": value} if lines else value
    return found


def _region(node: Node, name: str) -> Graph:
    region = node.attr(name)
    assert isinstance(region, Graph)
    return region


def call_text(node: Node, operands: Sequence[str], name: str, said: Collection[str] = ()) -> str:
    """An operator as infix or call. A random one says its stream where its name does not.

    Attributes in ``said`` are written even where they are the operator's default: a single number
    drawn for a larger parameter, whose initial value would otherwise be drawn in its own shape.
    """
    if node.op in INFIX and all(map(_simple, operands)):
        return f" {INFIX[node.op]} ".join(operands)
    op = OPS[node.op]
    first = [literal(node.attr(key)) for key in op.arguments if key in LEADING.get(node.op, ())]
    attrs = [
        f"{key}={literal(value)}"
        for key, value in node.attrs
        if key not in LEADING.get(node.op, ())
        if key in said or not _is_default(value, op.attributes[key].default)
        if not (key == "stream" and value == name)
    ]
    return f"{node.op}({', '.join([*first, *operands, *attrs])})"


def _is_default(value: Attr, default: object) -> bool:
    return value == default and type(value) is type(default)


def _simple(operand: str) -> bool:
    return not set(operand) & set(" ()[]")


def _scan(graph: Graph, node: Node) -> Plain:
    """A scan with its body; names inside are written in full."""
    scan = ScanParts.of(node)
    body, carries = scan.body, scan.carries
    short = [name.removeprefix(f"{node.name}.") for name in scan.names]
    first, over, _ = scan.split(list(zip(short, node.inputs, strict=True)))
    head: dict[str, Plain] = {n: s for n, s in over if graph.nodes[s].op != "rng_split"}
    if not head:
        head = {"steps": _number(node.attr("length"))}
    results = {n.attr("index"): n for n in graph if n.op == "item" and n.inputs[0] == node.name}
    collected = [results[i].name for i in range(carries, len(body.outputs))]
    found: dict[str, Plain] = {
        "scan": head,
        "carry": dict(first),
        "nodes": _lines(body),
        "next": dict(zip(short[:carries], body.outputs[:carries], strict=True)),
        "collect": [name.removeprefix(f"{node.name}.") for name in collected],
    }
    if node.attr("reverse"):
        found["reverse"] = True
    return found


def _number(value: Attr) -> Plain:
    return value if isinstance(value, int) else str(value)


def literal(value: Attr) -> str:
    """An attribute as an expression."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | DType | Symbolic):
        return str(value)
    if isinstance(value, str):
        return repr(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(literal, value))}]"
    assert isinstance(value, ArrayLiteral)
    return literal(_nested_tuple(value.array.tolist()))


def _nested_tuple(value: object) -> Attr:
    if isinstance(value, list):
        return tuple(_nested_tuple(item) for item in value)
    return value  # type: ignore[return-value]
