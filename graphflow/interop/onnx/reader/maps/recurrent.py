"""RNN, LSTM and GRU: a ``scan:`` for each direction, with ONNX's order of gates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from graphflow.interop.onnx.reader.call import Call
from graphflow.interop.onnx.reader.maps.windows import fixed_size
from graphflow.interop.onnx.reader.table import Result, maps
from graphflow.spec.values import Plain

_PLAIN = {"Tanh": "tanh", "Sigmoid": "sigmoid", "Relu": "relu", "Softsign": "softsign",
          "Softplus": "softplus"}  # fmt: skip
_SET: Mapping[str, tuple[str, float, float]] = {
    "Affine": ("{a} * ({x}) + {b}", 1.0, 0.0),
    "LeakyRelu": ("leaky_relu({x}, {a})", 0.01, 0.0),
    "ThresholdedRelu": ("where({x} > {a}, {x}, 0)", 1.0, 0.0),
    "ScaledTanh": ("{a} * tanh({b} * ({x}))", 1.0, 1.0),
    "HardSigmoid": ("minimum(maximum({a} * ({x}) + {b}, 0), 1)", 0.2, 0.5),
    "Elu": ("elu({x}, {a})", 1.0, 0.0),
}
"""Activations with settings: how they are written, and the defaults of alpha and beta."""
DEFAULTS = {"RNN": ["Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"]}
GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}
LENGTHS, HIDDEN, CELL, PEEPHOLES = 4, 5, 6, 7
"""Which operands hold them."""


@dataclass(frozen=True)
class Direction:
    """The operands of one direction, as names of lines, and the names inside its scan."""

    call: Call
    index: int
    prefix: str
    activations: list[Callable[[str], str]]

    def part(self, operand: int) -> str:
        """This direction's part of an operand."""
        word = {1: "w", 2: "r", 3: "b", PEEPHOLES: "p"}[operand]
        return self.call.let(f"{self.call.x(operand)}[{self.index}]", word)

    def name(self, word: str) -> str:
        """A name inside the scan."""
        return f"{self.prefix}_{word}"

    def clipped(self, expression: str) -> str:
        """What goes into an activation, within the bounds of ``clip``."""
        bound = self.call.real("clip", 0.0)
        return f"hardtanh({expression}, -{bound}, {bound})" if bound else expression

    def activated(self, which: int, expression: str) -> str:
        """An activation of a sum."""
        return self.activations[which](self.clipped(expression))


def _activations(call: Call, directions: int) -> list[Callable[[str], str]]:
    """The activations of all directions, one after the other."""
    names = call.words("activations") or DEFAULTS[call.op] * directions
    alphas, betas = (list(call.reals(f"activation_{w}") or []) for w in ("alpha", "beta"))
    found: list[Callable[[str], str]] = []
    for name in names:
        if name not in _PLAIN and name not in _SET:
            call.unsupported(f"with the activation {name} is not supported")
        shown, a, b = _SET.get(name, (f"{_PLAIN.get(name)}({{x}})", 0.0, 0.0))
        a = alphas.pop(0) if "{a}" in shown and alphas else a
        b = betas.pop(0) if "{b}" in shown and betas else b
        found.append(partial(_written, shown, a, b))
    if len(found) != len(DEFAULTS[call.op]) * directions:
        call.broken(f"has {len(found)} activations for {directions} directions")
    return found


def _written(shown: str, a: float, b: float, x: str) -> str:
    return shown.format(x=x, a=a, b=b)


@maps("RNN", "LSTM", "GRU")
def recurrent(call: Call) -> list[Result]:
    """All hidden states, the last ones, and the last cells."""
    batch_first, ways = call.integer("layout", 0), call.word("direction", "forward")
    count = 2 if ways == "bidirectional" else 1
    x = call.let(f"swapaxes({call.x()}, 0, 1)", "steps") if batch_first else call.x()
    activations = _activations(call, count)
    each = len(activations) // count
    results = []
    for index in range(count):
        prefix = call.translator.draft.names.clean(f"{call.op.lower()}{index}")
        part = Direction(call, index, prefix, activations[index * each : (index + 1) * each])
        results.append(_direction(part, x, ways == "reverse" or index == 1))
    stacked = [f"stack([{', '.join(r[0] for r in results)}], axis=1)"]
    if batch_first:
        stacked = [f"transpose({stacked[0]}, [2, 0, 1, 3])"]
    last = 1 if batch_first else 0
    for k in range(1, len(results[0])):
        stacked.append(f"stack([{', '.join(r[k] for r in results)}], axis={last})")
    return list(stacked)


def _start(part: Direction, operand: int) -> str:
    """The first value of what is carried."""
    call = part.call
    if not call.has(operand):
        batch = call.shape()[0 if call.integer("layout", 0) else 1]
        return f"zeros([{batch}, {call.shape(2)[-1]}], {call.dtype()})"
    if call.integer("layout", 0):
        return f"{call.x(operand)}[:, {part.index}]"
    return f"{call.x(operand)}[{part.index}]"


def _direction(part: Direction, x: str, reverse: bool) -> list[str]:
    """The names of one direction's hidden states, last hidden state, and last cell."""
    call, n = part.call, part.name
    gates = f"{x} @ transpose({part.part(1)})"
    bias = part.part(3) if call.has(3) else ""
    half = GATES[call.op] * fixed_size(call, call.shape(2)[-1]) if bias else 0
    if bias:
        gates += f" + {bias}[:{half}]"
    of_x = call.let(gates, "of_x")
    sequences = {n("x"): of_x}
    carry: dict[str, str] = {n("h"): _start(part, HIDDEN)}
    if call.op == "LSTM":
        carry[n("c")] = _start(part, CELL)
    step = {"RNN": _rnn, "LSTM": _lstm, "GRU": _gru}[call.op]
    nodes = step(part, part.part(2), f"{bias}[{half}:]" if bias else "")
    new = {name: f"{name}_new" for name in carry}
    if call.has(LENGTHS):
        sequences[n("t")] = f"arange({call.type().shape[1 if call.integer('layout', 0) else 0]})"
        nodes[n("going")] = f"expand_dims({n('t')} < {call.x(LENGTHS)}, axis=1)"
        for name in carry:
            nodes[f"{name}_kept"] = f"where({n('going')}, {new[name]}, {name})"
        nodes[n("out")] = f"where({n('going')}, {new[n('h')]}, 0)"
        new = {name: f"{name}_kept" for name in carry}
    else:
        nodes[n("out")] = f"identity({new[n('h')]})"
    line: dict[str, Plain] = {
        "scan": dict(sequences), "carry": dict(carry), "nodes": dict(nodes), "next": dict(new),
        "collect": [n("out")],
    }  # fmt: skip
    call.translator.draft.line(part.prefix, {**line, "reverse": True} if reverse else line)
    return [f"{part.prefix}.{n('out')}", *(f"{part.prefix}.final.{name}" for name in carry)]


def _plus(bias: str) -> str:
    return f" + {bias}" if bias else ""


def _rnn(part: Direction, weight: str, bias: str) -> dict[str, str]:
    n = part.name
    total = f"{n('x')} + {n('h')} @ transpose({weight}){_plus(bias)}"
    return {n("h_new"): part.activated(0, total)}


def _lstm(part: Direction, weight: str, bias: str) -> dict[str, str]:
    """Gates stand in the order input, output, forget, cell."""
    n, hidden = part.name, part.call.shape(2)[-1]
    i, o, f, g = (n(word) for word in ("i", "o", "f", "g"))
    peep = dict.fromkeys((i, o, f), "")
    if part.call.has(PEEPHOLES):
        own = part.part(PEEPHOLES)
        for k, gate in enumerate((i, o, f)):
            of = n("c_new") if gate == o else n("c")
            peep[gate] = f" + {own}[{k} * {hidden}:{k + 1} * {hidden}] * {of}"
    forget = part.activated(0, f"{f}{peep[f]}")
    if part.call.integer("input_forget", 0):
        forget = f"1 - {n('in')}"
    return {
        f"{i}, {o}, {f}, {g}":
            f"split({n('x')} + {n('h')} @ transpose({weight}){_plus(bias)}, 4, axis=-1)",
        n("in"): part.activated(0, f"{i}{peep[i]}"),
        n("forget"): forget,
        n("c_new"): f"{n('forget')} * {n('c')} + {n('in')} * {part.activated(1, g)}",
        n("h_new"): f"{part.activated(0, f'{o}{peep[o]}')} * {part.activations[2](n('c_new'))}",
    }  # fmt: skip


def _gru(part: Direction, weight: str, bias: str) -> dict[str, str]:
    """Gates stand in the order update, reset, hidden."""
    n, size = part.name, part.call.shape(2)[-1]
    zx, rx, hx = (n(f"{word}_x") for word in "zrh")
    biases = {k: f" + {bias.partition('[')[0]}[{3 + k} * {size}:{4 + k} * {size}]" if bias else ""
              for k in range(3)}  # fmt: skip
    rows = [f"transpose({weight}[{k} * {size}:{k + 1} * {size}])" for k in range(3)]
    h, z, r = n("h"), n("z"), n("r")
    inner = f"{hx} + ({r} * {h}) @ {rows[2]}{biases[2]}"
    if part.call.integer("linear_before_reset", 0):
        inner = f"{hx} + {r} * ({h} @ {rows[2]}{biases[2]})"
    return {
        f"{zx}, {rx}, {hx}": f"split({n('x')}, 3, axis=-1)",
        z: part.activated(0, f"{zx} + {h} @ {rows[0]}{biases[0]}"),
        r: part.activated(0, f"{rx} + {h} @ {rows[1]}{biases[1]}"),
        n("h_new"): f"(1 - {z}) * {part.activated(1, inner)} + {z} * {h}",
    }
