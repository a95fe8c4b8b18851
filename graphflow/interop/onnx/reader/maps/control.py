"""If, Loop and Scan: branches and bodies are graphs inside a node."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import onnx

from graphflow.interop.onnx.reader.call import Call
from graphflow.interop.onnx.reader.items import Absent, Item, Known, Line
from graphflow.interop.onnx.reader.items import Sequence as Items
from graphflow.interop.onnx.reader.table import Result, maps
from graphflow.ir.types import DType, TensorType
from graphflow.spec.values import Plain

MOST_TURNS = 1_000
"""Turns of a loop that are written out one after the other."""


@maps("If")
def if_(call: Call) -> list[Result]:
    """The branch that a known condition chooses, or a choice for each output."""
    known = call.maybe(0)
    if known is not None:
        branch = call.graph("then_branch" if bool(known.reshape(-1)[0]) else "else_branch")
        return list(_inlined(call, branch, []))
    condition = call.x() if not call.shape() else call.let(f"reshape({call.x()}, [])", "condition")
    return [_choice(call, condition, i) for i in range(len(call.proto.output))]


def _inlined(call: Call, graph: onnx.GraphProto, given: Sequence[Item]) -> list[Item]:
    """The outputs of a graph inside the node, its lines written here."""
    frame = call.frame.inside()
    for info, item in zip(graph.input, given, strict=False):
        frame.values[info.name] = item
    call.translator.constants(graph, frame)
    call.translator.nodes(graph.node, frame)
    return [frame.item(info.name) for info in graph.output]


def _choice(call: Call, condition: str, index: int) -> Result:
    """One output as a ``cond:`` of our language."""
    body: dict[str, Plain] = {"cond": condition}
    name = call.translator.name(call.proto.output[index] or "choice")
    for key, attribute in (("then", "then_branch"), ("else", "else_branch")):
        with call.translator.draft.region(f"{name}.{key}"):
            item = _inlined(call, call.graph(attribute), [])[index]
            out = call.translator.named(item)
            lines = call.translator.draft.lines
            body[key] = {"nodes": dict(lines), "out": out} if lines else {"out": out}
    call.translator.draft.line(name, body)
    return Line(name)


@maps("Loop")
def loop(call: Call) -> list[Result]:
    """A loop: written out where the number of turns is known, else a ``while:``."""
    body = call.graph("body")
    collects = len(body.output) > call.count - 1
    ends = call.has(1) and call.maybe(1) is None
    if call.has(0) and call.maybe(0) is None and (collects or not ends):
        call.known(0, "the number of turns")
    if ends and collects:
        call.known(1, "the condition")
    if call.has(1) and call.maybe(1) is None:
        return _while(call, body)
    return _unrolled(call, body)


def _unrolled(call: Call, body: onnx.GraphProto) -> list[Result]:
    """Turn after turn, as long as the condition is known to hold."""
    most = int(call.scalar(0, "the number of turns")) if call.has(0) else MOST_TURNS + 1
    going = bool(call.known(1, "the condition").reshape(-1)[0]) if call.has(1) else True
    carried = [call.item(i) for i in range(2, call.count)]
    collected: list[list[Item]] = [[] for _ in body.output[1 + len(carried) :]]
    turn = 0
    while going and turn < most:
        if turn >= MOST_TURNS:
            call.unsupported(f"with more than {MOST_TURNS} turns is not supported")
        count = Known(np.array(turn), DType.INT64, "turn")
        first = [count, Known(np.array(True), DType.BOOL, "go")]
        condition, *results = _inlined(call, body, [*first, *carried])
        if not isinstance(condition, Known):
            if turn:
                call.unsupported("whose condition depends on data and on the turn is not supported")
            return _while(call, body)
        going = bool(condition.array.reshape(-1)[0])
        carried = results[: len(carried)]
        for found, item in zip(collected, results[len(carried) :], strict=True):
            found.append(item)
        turn += 1
    return [*carried, *(_stacked(call, items) for items in collected)]


def _stacked(call: Call, items: Sequence[Item]) -> Result:
    if not items:
        call.unsupported("without a single turn has nothing to stack")
    return f"stack([{', '.join(call.translator.named(item) for item in items)}], axis=0)"


def _while(call: Call, body: onnx.GraphProto) -> list[Result]:
    """A loop that data ends."""
    carried = [call.x(i) for i in range(2, call.count)]
    if len(body.output) > 1 + len(carried):
        call.unsupported("that collects values for a number of turns that only a run can tell "
                         "is not supported")  # fmt: skip
    translator, draft = call.translator, call.translator.draft
    name = translator.draft.names.clean(call.proto.name or "loop")
    starts = {draft.names.clean(info.name): x
              for info, x in zip(body.input[2:], carried, strict=True)}  # fmt: skip
    turn, go = draft.names.clean("turn"), draft.names.clean("go")
    start = call.x(1) if call.has(1) else "constant(true, bool)"
    if call.has(1) and call.shape(1):
        start = f"reshape({start}, [])"
    carry: dict[str, Plain] = {turn: "constant(0, int64)", go: start, **starts}
    types = [TensorType(DType.INT64), TensorType(DType.BOOL), *map(draft.type, carried)]
    with draft.region(name) as region:
        for carried_name, type in zip(carry, types, strict=True):
            draft.leaf(region, carried_name, type)
        results = _inlined(call, body, [Line(n) for n in carry])
        after = [translator.named(item) for item in results]
        if draft.type(after[0]).shape:
            after[0] = translator.let(f"reshape({after[0]}, [])", "go")
        nodes = dict(draft.lines)
    condition = go
    if call.has(0):
        condition = f"{go} and {turn} < {int(call.scalar(0, 'the number of turns'))}"
    following = dict(zip([go, *starts], after, strict=True))
    line: dict[str, Plain] = {
        "while": condition, "carry": carry, "nodes": nodes,
        "next": {turn: f"{turn} + 1", **following},
    }  # fmt: skip
    draft.line(name, line)
    return [f"{name}.{n}" for n in starts]


@maps("Scan")
def scan(call: Call) -> list[Result]:
    """A loop over sequences, as the ``scan:`` of our language."""
    body, sequences = call.graph("body"), call.integer("num_scan_inputs")
    states = call.count - sequences
    translator, draft = call.translator, call.translator.draft
    name = draft.names.clean(call.proto.name or f"{call.proto.output[0]}_scan")
    inputs = [draft.names.clean(info.name) for info in body.input]
    carry = dict(zip(inputs[:states], (call.x(i) for i in range(states)), strict=True))
    over = _sequences(call, inputs[states:], states)
    types = [draft.type(x) for x in carry.values()]
    types += [t.with_shape(t.shape[1:]) for t in map(draft.type, over.values())]
    with draft.region(name, turn=True) as region:
        for inner, type in zip(inputs, types, strict=True):
            draft.leaf(region, inner, type)
        results = _inlined(call, body, [Line(n) for n in inputs])
        after = [translator.named(item) for item in results]
        collected = _collected(call, after, states, set(inputs))
        nodes = dict(draft.lines)
    line: dict[str, Plain] = {"scan": dict(over), "carry": dict(carry), "nodes": nodes,
                              "next": dict(zip(carry, after[:states], strict=True)),
                              "collect": list(collected)}  # fmt: skip
    draft.line(name, {k: v for k, v in line.items() if v not in ({}, [])})
    stacked = [_outgoing(call, f"{name}.{n}", i) for i, n in enumerate(collected)]
    return [*(f"{name}.final.{n}" for n in carry), *stacked]


def _collected(call: Call, after: list[str], states: int, inputs: set[str]) -> list[str]:
    """Names of the values that are stacked, each a line of the body, and each once."""
    found: list[str] = []
    for name in after[states:]:
        if name in inputs or name in found or name not in call.translator.draft.lines:
            fresh = call.translator.draft.names.clean(f"{name}_out")
            call.translator.draft.line(fresh, f"identity({name})")
            name = fresh
        found.append(name)
    return found


def _sequences(call: Call, names: Sequence[str], states: int) -> dict[str, str]:
    """The sequences, each with time first and forwards."""
    axes, ways = call.integers("scan_input_axes"), call.integers("scan_input_directions")
    over = {}
    for i, inner in enumerate(names):
        x = call.x(states + i)
        axis = call.axis(axes[i], call.ndim(states + i)) if axes else 0
        if axis:
            x = call.let(f"moveaxis({x}, {axis}, 0)", "over")
        if ways and ways[i]:
            x = call.let(f"flip({x}, axis=0)", "reversed")
        over[inner] = x
    return over


def _outgoing(call: Call, name: str, index: int) -> str:
    axes, ways = call.integers("scan_output_axes"), call.integers("scan_output_directions")
    if ways and ways[index]:
        name = f"flip({name}, axis=0)"
    return f"moveaxis({name}, 0, {axes[index]})" if axes and axes[index] else name


# -- sequences and optional values, as far as they are known -----------------------------------


def _list(call: Call, index: int = 0) -> tuple[Item, ...]:
    item = call.item(index)
    if not isinstance(item, Items):
        call.unsupported("needs a sequence that is made in the graph")
    return item.items


@maps("SequenceConstruct")
def sequence(call: Call) -> Result:
    """A list of its operands."""
    return Items(tuple(call.item(i) for i in range(call.count)))


@maps("SequenceEmpty")
def empty(call: Call) -> Result:
    """The empty list."""
    return Items()


@maps("SequenceLength")
def length(call: Call) -> Result:
    """How many items a list has."""
    return call.array(np.array(len(_list(call)), np.int64))


@maps("SequenceAt")
def at(call: Call) -> Result:
    """One item of a list."""
    items = _list(call)
    return items[_position(call, 1, len(items) - 1)]


@maps("SequenceInsert")
def insert(call: Call) -> Result:
    """A list with one more item, at its end by default."""
    items = list(_list(call))
    items.insert(_position(call, 2, len(items)) if call.has(2) else len(items), call.item(1))
    return Items(tuple(items))


@maps("SequenceErase")
def erase(call: Call) -> Result:
    """A list without one of its items, the last by default."""
    items = list(_list(call))
    del items[_position(call, 1, len(items) - 1) if call.has(1) else -1]
    return Items(tuple(items))


def _position(call: Call, index: int, most: int) -> int:
    found = int(call.scalar(index, "the position"))
    if not -most - 1 <= found <= most:
        call.broken(f"has the position {found} in a list of {most + 1}")
    return found


@maps("ConcatFromSequence")
def concatenated(call: Call) -> str:
    """The items of a list, joined along an axis or a new one."""
    names = ", ".join(call.translator.named(item) for item in _list(call))
    how = "stack" if call.integer("new_axis", 0) else "concat"
    return f"{how}([{names}], axis={call.integer('axis')})"


@maps("SplitToSequence")
def split_to_sequence(call: Call) -> Result:
    """The pieces of an array as a list."""
    axis, keep = call.axis(call.integer("axis", 0), call.ndim()), call.integer("keepdims", 1)
    total = call.shape()[axis]
    if not isinstance(total, int):
        call.unsupported(f"needs the size {total}")
    sizes = [1] * total
    if call.has(1):
        given = call.ints(1, "the sizes of the pieces")
        sizes = given if call.shape(1) else [min(given[0], total - i) for i in
                                             range(0, total, max(1, given[0]))]  # fmt: skip
    ends, items = np.cumsum([0, *sizes]).tolist(), []
    for start, end in pairwise(ends):
        entry = f"{start}:{end}" if keep or call.has(1) else str(start)
        items.append(Line(call.let(f"{call.x()}[{', '.join([':'] * axis + [entry])}]", "piece")))
    return Items(tuple(items))


@maps("Optional")
def optional(call: Call) -> Result:
    """A value, or nothing."""
    return call.item(0) if call.has(0) else Absent()


@maps("OptionalHasElement")
def has_element(call: Call) -> Result:
    """Whether there is a value."""
    return call.array(np.array(call.has(0) and not isinstance(call.item(0), Absent)), DType.BOOL)


