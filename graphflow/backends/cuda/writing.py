"""The text of one kernel: scalars become lines, each value once in the scope where it is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import count

import numpy as np

from graphflow.backends.cuda.arrays import MISSED, Arrays, View, offset
from graphflow.backends.cuda.instructions import (
    DType,
    expression,
    literal,
    loaded,
    stored,
    type_of,
)
from graphflow.backends.elements.lowering import Use
from graphflow.backends.elements.tracing import Scalar, computing

INT32 = np.dtype(np.int32)


@dataclass(frozen=True)
class Launch:
    """A kernel on a grid: blocks of threads, the numbers of the arrays it is given, and in words
    how the work is shared out. ``pointwise``: a thread reads all that it writes over first, and no
    other thread does.
    """

    kernel: str
    blocks: int
    threads: int
    arrays: tuple[int, ...]
    how: str
    pointwise: bool


class Kernel:
    """One kernel while it is written: which arrays it has come to read and write."""

    def __init__(self, arrays: Arrays, kept: Mapping[Scalar, View]) -> None:
        self.arrays, self.kept = arrays, kept
        self.own = "long long" if arrays.wide() else "int"
        self.given: dict[int, tuple[str, bool]] = {}
        """By number: the type of its elements, and whether it is written."""
        self.numbers = count()
        self.levels: dict[Scalar, int] = {}

    def pointer(self, view: View, written: bool = False) -> str:
        """The name of an array's parameter."""
        type, before = self.given.get(view.array, (type_of(view.dtype), False))
        self.given[view.array] = (type, written or before)
        return f"p{list(self.given).index(view.array)}"

    def name(self, letter: str = "v") -> str:
        """A name that nothing else has."""
        return f"{letter}{next(self.numbers)}"

    def level(self, scalar: Scalar) -> int:
        """1: the same at all points of a row, 2: another at each."""
        if scalar not in self.levels:
            self.levels[scalar] = self._level(scalar)
        return self.levels[scalar]

    def _level(self, scalar: Scalar) -> int:
        if isinstance(scalar.extra, Use):
            view = self.arrays.uses[scalar.extra]
            return 2 if any(view.strides[self.arrays.end :]) else 1
        if scalar.op in ("total", "take"):
            return 1
        return 2 if scalar.op == "here" else max(map(self.level, scalar.args), default=1)

    def done(
        self, kind: str, how: str, body: list[str], blocks: int, threads: int
    ) -> tuple[str, Launch]:
        """The whole text, named by what it says, and how it is launched. A result may lie where an
        operand of a ``map`` is.
        """
        pointwise = kind == "map"
        apart = "" if pointwise else "__restrict__ "
        parameters = ", ".join(
            f"{'' if written else 'const '}{type}* {apart}p{i}"
            for i, (type, written) in enumerate(self.given.values())
        )
        rest = "\n".join([f"({parameters}) {{", *_indented(body), "}", ""])
        name = f"{kind}_{sha256(rest.encode()).hexdigest()[:12]}"
        bound = f"__launch_bounds__({threads})"
        text = f'extern "C" __global__ void {bound} {name}{rest}'
        return text, Launch(name, blocks, threads, tuple(self.given), how, pointwise)


class Scope:
    """Lines at the coordinates ``at``, for ``width`` neighbours at a time: ``before`` them all, for
    each (``inside``, the number of which is ``k``), and ``after``.
    """

    def __init__(self, kernel: Kernel, at: Mapping[int, str], inner: int = -1, width: int = 1):
        self.kernel, self.at, self.inner, self.width = kernel, at, inner, width
        self.before: list[str] = []
        self.inside: list[str] = []
        self.after: list[str] = []
        self.names: dict[Scalar, str] = {}
        self.loaded: dict[View, str] = {}

    def emit(self, lines: list[str], dtype: DType, value: str) -> str:
        """The name of a value that a new line computes."""
        name = self.kernel.name()
        lines.append(f"const {type_of(dtype)} {name} = {value};")
        return name

    def value(self, scalar: Scalar) -> str:
        """The name of a scalar's value here."""
        if scalar.op == "number":
            return literal(scalar.extra, scalar.dtype)
        if scalar not in self.names:
            self.names[scalar] = self.computed(scalar)
        return self.names[scalar]

    def computed(self, scalar: Scalar) -> str:
        """Read what lies in memory, compute all else."""
        if scalar in self.kernel.kept:
            return self.load(self.kernel.kept[scalar])
        if isinstance(scalar.extra, Use):
            return self.load(self.kernel.arrays.uses[scalar.extra])
        if scalar.op == "here":
            place = self.place(scalar)
            at = offset(self.kernel.arrays.within_rows(), self.at) + self.step(1)
            return self.emit(self.inside, np.dtype(np.bool_), f"{at} == {place}")
        operands = [self.value(x) for x in scalar.args]
        value = expression(scalar.op, scalar.args[0].dtype, scalar.dtype, operands)
        return self.emit(self.inside, scalar.dtype, value)

    def place(self, scalar: Scalar) -> str:
        """The position within a row that ``here`` or ``take`` asks for."""
        given = scalar.args[-1]
        return self.position(self.inside, self.value(given), bool(scalar.extra))

    def position(self, lines: list[str], given: str, negative: bool) -> str:
        """A position kept inside its row; one that was not is noted."""
        kernel, name = self.kernel, self.kernel.name("at")
        length = kernel.arrays.size(range(kernel.arrays.end, len(kernel.arrays.lowered.space)))
        lines.append(f"long long {name} = {given};")
        if negative:
            lines.append(f"if ({name} < 0) {name} += {length};")
        missed = kernel.pointer(View(MISSED, INT32, ()), written=True)
        lines.append(
            f"if ({name} < 0 || {name} >= {length}) {{ *{missed} = 1; {name} = 0; }}"
        )  # every thread that writes writes the same
        return name

    # -- memory --------------------------------------------------------------------------------
    def step(self, stride: int) -> str:
        """What is added for neighbour ``k``."""
        if self.width == 1 or not stride:
            return ""
        return " + k" if stride == 1 else f" + k * {stride}"

    def is_packed(self, view: View) -> bool:
        """Whether neighbours lie side by side, and on a boundary of as many elements."""
        others = (view.strides[axis] for axis in self.at if axis != self.inner)
        dense = self.width > 1 and view.strides[self.inner] == 1
        return dense and all(stride % self.width == 0 for stride in others)

    def load(self, view: View) -> str:
        """An array's element at these coordinates."""
        if view not in self.loaded:
            self.loaded[view] = self._load(view)
        return self.loaded[view]

    def _load(self, view: View) -> str:
        pointer, at = self.kernel.pointer(view), offset(view.strides, self.at)
        if self.is_packed(view):
            pack = self.pack(view)
            name = self.kernel.name("q")
            self.before.append(f"const {pack} {name} = *(const {pack}*)({pointer} + {at});")
            return loaded(f"{name}.at[k]", view.dtype)
        stride = view.strides[self.inner] if self.width > 1 else 0
        lines = self.inside if stride or self.width == 1 else self.before
        element = loaded(f"{pointer}[{at}{self.step(stride)}]", view.dtype)
        return self.emit(lines, computing(view.dtype), element)

    def store(self, view: View, value: str) -> None:
        """Write an element; results lie side by side wherever there are neighbours."""
        pointer, at = self.kernel.pointer(view, written=True), offset(view.strides, self.at)
        value = stored(value, view.dtype)
        if self.is_packed(view):
            pack, name = self.pack(view), self.kernel.name("q")
            self.before.append(f"{pack} {name};")
            self.inside.append(f"{name}.at[k] = {value};")
            self.after.append(f"*({pack}*)({pointer} + {at}) = {name};")
            return
        assert self.width == 1, "a result does not lie row by row"
        self.after.append(f"{pointer}[{at}] = {value};")

    def pack(self, view: View) -> str:
        """The type of neighbours that are read or written at once."""
        self.kernel.arrays.packed.add(view.array)
        return f"Pack<{type_of(view.dtype)}, {self.width}>"

    def lines(self, guard: str = "") -> list[str]:
        """Everything in order; ``guard`` is the condition of what is written after the rest."""
        inside = self.inside
        if self.width > 1 and inside:
            head = f"for (int k = 0; k < {self.width}; ++k) {{"
            inside = ["#pragma unroll", head, *inside, "}"]
        after = [f"if ({guard}) {{", *self.after, "}"] if guard and self.after else self.after
        return [*self.before, *inside, *after]


def _indented(lines: Iterable[str]) -> Iterator[str]:
    """Lines within braces begin further in."""
    depth = 1
    for line in lines:
        depth -= line.startswith("}")
        yield "    " * depth + line
        depth += line.endswith("{")


def counted(number: int, what: str) -> str:
    """A number of things.

    >>> counted(1, "row"), counted(2048, "row")
    ('1 row', '2,048 rows')
    """
    return f"{number:,} {what}{'s' * (number != 1)}"
