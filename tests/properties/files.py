"""Random small graph files of smooth mathematics, for properties that hold of every graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import strategies as st

Shape = tuple[int, ...]

SMOOTH = [
    "tanh({x})", "sin({x})", "sigmoid({x})", "softplus({x})", "exp(-{x} ** 2)", "gelu({x})",
    "{x} ** 3 / 4", "sqrt(1 + {x} ** 2)", "log(2 + cos({x}))", "silu({x})", "erf({x})", "-{x}",
]  # fmt: skip
PAIRS = ["{x} + {y}", "{x} * {y}", "{x} - {y}", "{x} / (1 + {y} ** 2)", "exp(tanh({x})) ** {y}"]
ON_AXIS = ["softmax({x}, axis={a})", "cumsum({x}, axis={a})", "flip({x}, axis={a})",
           "log_softmax({x}, axis={a})", "roll({x}, 1, axis={a})"]  # fmt: skip
REDUCING = ["sum({x}, axis={a})", "mean({x}, axis={a})", "logsumexp({x}, axis={a})",
            "var({x}, axis={a})", "norm(3 + tanh({x}), axis={a})"]  # fmt: skip


@dataclass
class Writing:
    """A file being written: its lines, and the shapes of what may be read."""

    draw: st.DrawFn
    lines: list[str] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)

    def line(self, body: str, shape: Shape) -> None:
        name = f"n{len(self.lines)}"
        self.lines.append(f"  {name}: {body}" if body.startswith("\n") else f'  {name}: "{body}"')
        self.shapes[name + (".h" if body.startswith("\n") else "")] = shape

    def pick(self, least: int = 0, most: int = 3) -> tuple[str, Shape]:
        """A value with so many axes, preferably a late one."""
        fitting = [n for n, s in self.shapes.items() if least <= len(s) <= most]
        name = fitting[-1 - self.draw(st.integers(0, len(fitting) - 1))]
        return name, self.shapes[name]

    def smooth(self) -> None:
        x, shape = self.pick()
        self.line(self.draw(st.sampled_from(SMOOTH)).format(x=x), shape)

    def pair(self) -> None:
        x, shape = self.pick()
        fitting = [n for n, s in self.shapes.items() if s == shape[len(shape) - len(s) :]]
        y = self.draw(st.sampled_from(fitting))
        self.line(self.draw(st.sampled_from(PAIRS)).format(x=x, y=y), shape)

    def along(self) -> None:
        x, shape = self.pick(1)
        a = self.draw(st.integers(0, len(shape) - 1))
        self.line(self.draw(st.sampled_from(ON_AXIS)).format(x=x, a=a), shape)

    def reduce(self) -> None:
        x, shape = self.pick(1)
        a = self.draw(st.integers(0, len(shape) - 1))
        rest = shape[:a] + shape[a + 1 :]
        self.line(self.draw(st.sampled_from(REDUCING)).format(x=x, a=a), rest)

    def turn(self) -> None:
        x, shape = self.pick(2)
        axes = self.draw(st.permutations(range(len(shape))))
        self.line(f"transpose({x}, {list(axes)})", tuple(shape[a] for a in axes))

    def part(self) -> None:
        x, shape = self.pick(1)
        if self.draw(st.booleans()):
            self.line(f"{x}[{self.draw(st.integers(0, shape[0] - 1))}]", shape[1:])
        else:
            self.line(f"{x}[..., ::-1]", shape)

    def join(self) -> None:
        x, shape = self.pick(1, 2)
        if self.draw(st.booleans()):
            self.line(f"stack([{x}, 2 * {x}], axis=0)", (2, *shape))
        else:
            self.line(f"concat([{x}, sin({x})], axis=0)", (2 * shape[0], *shape[1:]))

    def layer(self) -> None:
        x, shape = self.pick(2)
        kind = self.draw(st.sampled_from(["linear({x}, 3)", "layer_norm({x})", "{x} @ {x}.T"]))
        if kind.startswith("linear"):
            self.line(kind.format(x=x), (*shape[:-1], 3))
        elif kind.startswith("layer"):
            self.line(kind.format(x=x), shape)
        else:
            turned = [*range(len(shape) - 2), len(shape) - 1, len(shape) - 2]
            self.line(f"tanh({x} @ transpose({x}, {turned}))", (*shape[:-1], shape[-2]))

    def scan(self) -> None:
        x, shape = self.pick(2, 2)
        body = (
            f"\n    scan: {{e: {x}}}\n    carry: {{c: 'zeros([{shape[1]}])'}}\n"
            f"    nodes:\n      h: tanh(e + 0.5 * c)\n    next: {{c: h}}\n    collect: [h]"
        )
        self.line(body, shape)


@st.composite
def files(draw: st.DrawFn, most: int = 10) -> str:
    """A file over an input x (2, 3) and a parameter w (3), whose output y is one of its values."""
    writing = Writing(draw, shapes={"x": (2, 3), "w": (3,)})
    kinds: list[Callable[[], None]] = [
        writing.smooth, writing.smooth, writing.pair, writing.pair, writing.along, writing.reduce,
        writing.turn, writing.part, writing.join, writing.layer, writing.scan,
    ]  # fmt: skip
    writing.line("tanh(x * w)", (2, 3))
    for _ in range(draw(st.integers(1, most))):
        draw(st.sampled_from(kinds))()
    last = list(writing.shapes)[-1]
    return "\n".join(
        [
            "graphflow: 1", "name: random", "inputs: {x: {shape: [2, 3]}}",
            "params: {w: {shape: [3], init: normal(std=1.0)}}", "nodes:", *writing.lines,
            f"  y: tanh({last}) + 0.25 * sum(x * w)", "outputs: [y]\n",
        ]
    )  # fmt: skip
