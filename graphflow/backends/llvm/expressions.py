"""Expressions of the part of Python that :mod:`native` describes, as instructions for LLVM."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import FunctionType
from typing import NoReturn

from graphflow.backends.llvm.instructions import LOOSE, DType, literal, type_of

KINDS = {"int": "int", "float": "float", "Lanes": "lanes", "Reals": "reals", "Ints": "ints"}
"""What annotations name."""
LANES = 16
"""Numbers that are moved at a time: one vector of 512 bits in single precision."""
ELEMENTS = {"reals": "float", "ints": "int"}
ARITHMETIC: Mapping[type[ast.operator], str] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div",
}  # fmt: skip
RELATIONS: Mapping[type[ast.cmpop], tuple[str, str]] = {
    ast.Eq: ("eq", "oeq"), ast.NotEq: ("ne", "une"), ast.Lt: ("slt", "olt"),
    ast.LtE: ("sle", "ole"), ast.Gt: ("sgt", "ogt"), ast.GtE: ("sge", "oge"),
}  # fmt: skip


@dataclass(frozen=True)
class Value:
    """A value's name or the number it is, and its kind: int, float, bool, lanes, reals or ints, or
    mask, a truth for each lane.
    """

    text: str
    kind: str
    number: float | None = None


@dataclass(frozen=True)
class Signature:
    """The kinds of what a function takes, by name, and of what it returns."""

    parameters: Mapping[str, str]
    results: tuple[str, ...]


@cache
def signature(function: FunctionType) -> Signature:
    """What a function's annotations say, which are names or tuples of names."""
    given = dict(function.__annotations__)
    found = given.pop("return").removeprefix("tuple[").removesuffix("]").split(", ")
    results = tuple(KINDS[kind] for kind in found if kind != "None")
    return Signature({name: KINDS[kind] for name, kind in given.items()}, results)


class Expressions:
    """Values of expressions within one function; instructions go to the end of its lines."""

    def __init__(self, function: FunctionType, dtype: DType) -> None:
        self.function, self.dtype = function, dtype
        self.start: list[str] = []
        """Lines before all others: room for what changes."""
        self.lines: list[str] = []
        self.called: dict[str, FunctionType] = {}
        self.rooms: dict[str, Value] = {}
        """Where each variable lies."""
        self._count = 0

    def refuse(self, node: ast.AST) -> NoReturn:
        """What is written cannot be compiled: a mistake in a kernel."""
        raise TypeError(f"{self.function.__name__}: cannot compile {ast.unparse(node)}")

    # -- lines ---------------------------------------------------------------------------------
    def name(self, letter: str = "v") -> str:
        self._count += 1
        return f"{letter}{self._count}"

    def emit(self, instruction: str) -> str:
        """An instruction's value."""
        found = f"%{self.name()}"
        self.lines.append(f"{found} = {instruction}")
        return found

    def type_of(self, kind: str) -> str:
        """How LLVM names the type of a kind."""
        if kind == "lanes":
            return f"<{LANES} x {type_of(self.dtype)}>"
        if kind == "mask":
            return f"<{LANES} x i1>"
        return {"int": "i64", "bool": "i1", "float": type_of(self.dtype)}.get(kind, "ptr")

    def typed(self, value: Value) -> str:
        return f"{self.type_of(value.kind)} {value.text}"

    def alloca(self, kind: str, count: int = 1) -> str:
        """Room that lasts as long as the function runs."""
        found = f"%{self.name('room')}"
        own = self.type_of(kind)
        size = f"[{count} x {own}], align 64" if count > 1 else own
        self.start.append(f"{found} = alloca {size}")
        return found

    # -- values --------------------------------------------------------------------------------
    def value(self, node: ast.expr) -> Value:
        """The value of an expression."""
        match node:
            case ast.Constant(value=bool() | int() | float() as number):
                return self.number(number)
            case ast.Name(id=name):
                return self.named(node, name)
            case ast.BinOp(left=left, op=op, right=right):
                return self.combined(node, op, self.value(left), self.value(right))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.opposite(self.value(operand))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Value(self.emit(f"xor i1 {self.truth(operand)}, true"), "bool")
            case ast.BoolOp(op=op, values=values):
                return self.logical("and" if isinstance(op, ast.And) else "or", values)
            case ast.Compare(left=left, ops=ops, comparators=others):
                return self.compared(left, ops, others)
            case ast.IfExp(test=test, body=body, orelse=other):
                return self.chosen(self.condition_of(test), self.value(body), self.value(other))
            case ast.Subscript(value=array, slice=index):
                return self.load(self.value(array), self.value(index))
            case ast.Call():
                (found,) = self.call(node)
                return found
        self.refuse(node)

    def number(self, number: float) -> Value:
        if isinstance(number, bool):
            return Value(str(number).lower(), "bool")
        if isinstance(number, int):
            return Value(str(number), "int", number)
        return Value(literal(number, self.dtype), "float", number)

    def named(self, node: ast.expr, name: str) -> Value:
        """A variable, or a number of the module."""
        if name in self.rooms:
            room = self.rooms[name]
            return Value(self.emit(f"load {self.type_of(room.kind)}, ptr {room.text}"), room.kind)
        number = self.function.__globals__.get(name)
        if isinstance(number, (int, float)):
            return self.number(number)
        self.refuse(node)

    def real(self, value: Value) -> Value:
        """A value as a number of the type that is computed with."""
        if value.kind == "float":
            return value
        if value.number is not None:
            return Value(literal(value.number, self.dtype), "float", float(value.number))
        own, text = self.type_of("float"), value.text
        if self.dtype.kind == "f":
            text = self.emit(f"sitofp i64 {text} to {own}")
        elif own != "i64":
            text = self.emit(f"trunc i64 {text} to {own}")
        return Value(text, "float")

    def alike(self, x: Value, y: Value) -> tuple[Value, Value]:
        """Two values as values of one kind."""
        if x.kind == y.kind:
            return x, y
        if "lanes" in (x.kind, y.kind):
            return self.repeated(x), self.repeated(y)
        return self.real(x), self.real(y)

    def repeated(self, value: Value) -> Value:
        """A number in all lanes."""
        if value.kind == "lanes":
            return value
        own, number = self.type_of("lanes"), self.typed(self.real(value))
        first = self.emit(f"insertelement {own} undef, {number}, i32 0")
        every = f"<{LANES} x i32> zeroinitializer"
        found = self.emit(f"shufflevector {own} {first}, {own} undef, {every}")
        return Value(found, "lanes")

    def combined(self, node: ast.AST, op: ast.operator, x: Value, y: Value) -> Value:
        """Arithmetic. Division of whole numbers rounds down."""
        if isinstance(op, ast.Div) and "lanes" not in (x.kind, y.kind):
            x, y = self.real(x), self.real(y)
        x, y = self.alike(x, y)
        instruction = ARITHMETIC.get(type(op))
        if instruction is not None and x.kind in ("int", "float", "lanes"):
            floats = x.kind != "int" and self.dtype.kind == "f"
            way = f"f{instruction} {LOOSE}" if floats else f"{instruction} nsw"
            return Value(self.emit(f"{way} {self.typed(x)}, {y.text}"), x.kind)
        if isinstance(op, ast.FloorDiv | ast.Mod) and x.kind == "int":
            return self.divided(isinstance(op, ast.Mod), x, y)
        self.refuse(node)

    def divided(self, rest: bool, x: Value, y: Value) -> Value:
        """The quotient rounded down, or what it leaves, which has the sign of the divisor."""
        left = self.emit(f"srem i64 {x.text}, {y.text}")
        signs = self.emit(f"xor i64 {left}, {y.text}")
        other, uneven = self.emit(f"icmp slt i64 {signs}, 0"), self.emit(f"icmp ne i64 {left}, 0")
        below = self.emit(f"and i1 {other}, {uneven}")
        if rest:
            more = self.emit(f"select i1 {below}, i64 {y.text}, i64 0")
            return Value(self.emit(f"add nsw i64 {left}, {more}"), "int")
        quotient = self.emit(f"sdiv i64 {x.text}, {y.text}")
        less = self.emit(f"sext i1 {below} to i64")
        return Value(self.emit(f"add nsw i64 {quotient}, {less}"), "int")

    def opposite(self, x: Value) -> Value:
        if x.number is not None:
            return self.number(-x.number)
        if x.kind in ("float", "lanes") and self.dtype.kind == "f":
            return Value(self.emit(f"fneg {LOOSE} {self.typed(x)}"), x.kind)
        return Value(self.emit(f"sub {self.type_of(x.kind)} 0, {x.text}"), x.kind)

    def condition_of(self, node: ast.expr) -> Value:
        """A condition, or one for each lane."""
        found = self.value(node)
        if found.kind == "int":
            return Value(self.emit(f"icmp ne i64 {found.text}, 0"), "bool")
        if found.kind not in ("bool", "mask"):
            self.refuse(node)
        return found

    def truth(self, node: ast.expr) -> str:
        """The value of a condition that is one for all."""
        found = self.condition_of(node)
        if found.kind == "mask":
            self.refuse(node)
        return found.text

    def logical(self, op: str, values: Sequence[ast.expr]) -> Value:
        found = self.condition_of(values[0])
        for each in values[1:]:
            other = self.condition_of(each)
            if other.kind != found.kind:
                self.refuse(each)
            found = Value(self.emit(f"{op} {self.typed(found)}, {other.text}"), found.kind)
        return found

    def compared(
        self, left: ast.expr, ops: Sequence[ast.cmpop], others: Sequence[ast.expr]
    ) -> Value:
        """A chain of comparisons, of which all must hold."""
        found, x = "", self.value(left)
        for op, other in zip(ops, others, strict=True):
            y = self.value(other)
            first, second = self.alike(x, y)
            whole, broken = RELATIONS[type(op)]
            floats = first.kind in ("float", "lanes") and self.dtype.kind == "f"
            test = f"fcmp {broken}" if floats else f"icmp {whole}"
            kind = "mask" if first.kind == "lanes" else "bool"
            one = self.emit(f"{test} {self.typed(first)}, {second.text}")
            found = self.emit(f"and {self.type_of(kind)} {found}, {one}") if found else one
            x = y
        return Value(found, kind)

    def chosen(self, test: Value, x: Value, y: Value) -> Value:
        """One of two; a mask chooses for each lane."""
        x, y = self.alike(x, y)
        if test.kind == "mask":
            x, y = self.repeated(x), self.repeated(y)
        pair = f"{self.typed(x)}, {self.typed(y)}"
        return Value(self.emit(f"select {self.typed(test)}, {pair}"), x.kind)

    # -- memory --------------------------------------------------------------------------------
    def place(self, array: Value, index: Value) -> str:
        """The address of an element."""
        own = self.type_of(ELEMENTS[array.kind])
        return self.emit(f"getelementptr inbounds {own}, ptr {array.text}, i64 {index.text}")

    def load(self, array: Value, index: Value) -> Value:
        kind = ELEMENTS[array.kind]
        return Value(self.emit(f"load {self.type_of(kind)}, ptr {self.place(array, index)}"), kind)

    def store(self, array: Value, index: Value, value: Value) -> None:
        given = self.real(value) if array.kind == "reals" else value
        self.lines.append(f"store {self.typed(given)}, ptr {self.place(array, index)}")

    # -- calls ---------------------------------------------------------------------------------
    def call(self, node: ast.Call) -> tuple[Value, ...]:
        """What a function returns: one that LLVM knows, or one that is written likewise."""
        if not isinstance(node.func, ast.Name) or node.keywords:
            self.refuse(node)
        arguments, name = [self.value(x) for x in node.args], node.func.id
        if name in ("min", "max"):
            x, y = arguments
            call = f"call i64 @llvm.s{name}.i64({self.typed(x)}, {self.typed(y)})"
            return (Value(self.emit(call), "int"),)
        function = self.function.__globals__.get(name)
        written = getattr(function, "instructions", None)
        if written is not None:
            found = written(self, *arguments)
            return () if found is None else (found,)
        if not isinstance(function, FunctionType):
            self.refuse(node)
        self.called[name] = function
        return self.answer(node, function, arguments)

    def answer(
        self, node: ast.Call, function: FunctionType, given: Sequence[Value]
    ) -> tuple[Value, ...]:
        """The results of a function that is called."""
        expected = signature(function)
        if len(given) != len(expected.parameters):
            self.refuse(node)
        handed = []
        for value, kind in zip(given, expected.parameters.values(), strict=True):
            value = self.real(value) if kind == "float" else value
            if value.kind != kind:
                self.refuse(node)
            handed.append(self.typed(value))
        kind = result_type([self.type_of(k) for k in expected.results])
        call = f"call {kind} @{function.__name__}({', '.join(handed)})"
        if not expected.results:
            self.lines.append(call)
            return ()
        found = self.emit(call)
        if len(expected.results) == 1:
            return (Value(found, expected.results[0]),)
        return tuple(
            Value(self.emit(f"extractvalue {kind} {found}, {i}"), k)
            for i, k in enumerate(expected.results)
        )


def result_type(types: Sequence[str]) -> str:
    """The type of what a function returns."""
    if len(types) > 1:
        return f"{{{', '.join(types)}}}"
    return types[0] if types else "void"
