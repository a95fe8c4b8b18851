"""Functions of the part of Python that :mod:`native` describes, as text for LLVM."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import FunctionType

from graphflow.backends.llvm.atomic import PAUSE
from graphflow.backends.llvm.expressions import (
    LANES,
    Expressions,
    Value,
    result_type,
    signature,
)
from graphflow.backends.llvm.instructions import DType


def module(entry: FunctionType, dtype: DType) -> str:
    """A module with ``kernel(at, n, part)``, which calls ``entry`` with the part and what stands in
    the table ``at``, and with all functions that this needs.
    """
    met, todo = {entry.__name__: entry}, [entry]
    texts = []
    while todo:
        function = _Function(todo.pop(), dtype)
        texts.append(function.text())
        for name, called in function.called.items():
            if name not in met:
                met[name] = called
                todo.append(called)
            elif met[name] is not called:
                raise TypeError(f"two functions are called {name}")
    return "\n".join([_entry(entry, dtype), *texts, *_declarations(dtype)])


@cache
def _texts(folder: Path) -> str:
    """A digest of the modules of a folder."""
    texts = (file.read_bytes() for file in sorted(folder.glob("*.py")))
    return hashlib.sha256(b"".join(texts)).hexdigest()


def written(entry: FunctionType, dtype: DType) -> str:
    """What :func:`module` depends on: the modules beside a function's own, and these here."""
    folders = _texts(Path(entry.__code__.co_filename).parent), _texts(Path(__file__).parent)
    return " ".join((*folders, entry.__module__, entry.__qualname__, str(dtype)))


def _entry(entry: FunctionType, dtype: DType) -> str:
    lines, handed = [], ["i64 %part"]
    types = Expressions(entry, dtype)
    for i, kind in enumerate(list(signature(entry).parameters.values())[1:]):
        own = types.type_of(kind)
        lines.append(f"%p{i} = getelementptr inbounds i64, ptr %at, i64 {i}")
        lines.append(f"%a{i} = load {own}, ptr %p{i}")
        handed.append(f"{own} %a{i}")
    body = "\n".join([*lines, f"call void @{entry.__name__}({', '.join(handed)})", "ret void"])
    return f"define void @kernel(ptr %at, ptr %n, i64 %part) {{\n{body}\n}}"


def _declarations(dtype: DType) -> list[str]:
    """What the instructions of this module, :mod:`words` and :mod:`atomic` call."""
    blas = ", ".join(["ptr"] * 13)
    names = ["graphflow_sgemm", "graphflow_dgemm"]
    return [
        "declare i64 @llvm.smin.i64(i64, i64)", "declare i64 @llvm.smax.i64(i64, i64)",
        *(f"declare void @{name}({blas})" for name in names),
        *([f"declare void @{PAUSE}()"] if PAUSE else []),
        *(f"declare {own} @llvm.vector.reduce.fadd.v{LANES}f{bits}({own}, <{LANES} x {own}>)"
          for own, bits in (("float", 32), ("double", 64))),
    ]  # fmt: skip


@cache
def _written(file: str) -> Mapping[str, ast.FunctionDef]:
    """The functions of a module."""
    with open(file, encoding="utf-8") as stream:
        body = ast.parse(stream.read()).body
    return {node.name: node for node in body if isinstance(node, ast.FunctionDef)}


class _Function(Expressions):
    """One function, statement by statement."""

    def __init__(self, function: FunctionType, dtype: DType) -> None:
        super().__init__(function, dtype)
        self.signature = signature(function)
        self.loops: list[tuple[str, str]] = []
        """For each loop around a statement where its next turn begins, and what comes after it."""

    def text(self) -> str:
        """The definition."""
        own = result_type([self.type_of(kind) for kind in self.signature.results])
        parameters = []
        for name, kind in self.signature.parameters.items():
            type = self.type_of(kind)
            parameters.append(f"{type}{' noalias' if type == 'ptr' else ''} %{name}")
            self.assign(name, Value(f"%{name}", kind))
        tree = _written(self.function.__code__.co_filename)[self.function.__name__]
        self.block(tree.body)
        end = "ret void" if own == "void" else "unreachable"
        attributes = "noinline" if hasattr(self.function, "apart") else "alwaysinline"
        body = "\n".join([*self.start, *self.lines, end])
        head = f"{own} @{self.function.__name__}({', '.join(parameters)}) {attributes}"
        return f"define internal {head} {{\n{body}\n}}"

    # -- blocks --------------------------------------------------------------------------------
    def block(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            self.statement(statement)

    def begin(self, label: str) -> None:
        """What follows is a block of its own; the one before goes on there."""
        self.lines += [f"br label %{label}", f"{label}:"]

    def leave(self, instruction: str) -> None:
        """End a block by going elsewhere; what follows is never reached."""
        self.lines += [instruction, f"{self.name('after')}:"]

    def branch(self, test: str, then: str, other: str) -> None:
        """Go on at one of two places; the first follows."""
        self.lines += [f"br i1 {test}, label %{then}, label %{other}", f"{then}:"]

    # -- statements ----------------------------------------------------------------------------
    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign(targets=[target], value=value):
                self.assignment(target, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self.assignment(target, value)
            case ast.AugAssign(target=ast.Subscript(value=array, slice=index), op=op, value=value):
                memory, at = self.value(array), self.value(index)
                found = self.combined(node, op, self.load(memory, at), self.value(value))
                self.store(memory, at, found)
            case ast.AugAssign(target=ast.Name(id=name) as target, op=op, value=value):
                before = self.named(target, name)
                self.assign(name, self.combined(node, op, before, self.value(value)))
            case ast.Expr(value=ast.Call() as call):
                self.call(call)
            case ast.Expr(value=ast.Constant()):
                pass
            case ast.If(test=test, body=body, orelse=other):
                self.condition(test, body, other)
            case ast.While(test=test, body=body):
                self.loop(test, body)
            case ast.For(target=ast.Name(id=name), iter=ast.Call() as numbers, body=body):
                self.counted(name, [self.value(x) for x in numbers.args], body)
            case ast.Return(value=value):
                self.give_back(value)
            case ast.Continue():
                self.leave(f"br label %{self.loops[-1][0]}")
            case ast.Break():
                self.leave(f"br label %{self.loops[-1][1]}")
            case _:
                self.refuse(node)

    def assign(self, name: str, value: Value) -> None:
        """Set a variable, which has the kind that it is first set to."""
        if name not in self.rooms:
            self.rooms[name] = Value(self.alloca(value.kind), value.kind)
        room = self.rooms[name]
        value = self.real(value) if room.kind == "float" else value
        if value.kind != room.kind:
            raise TypeError(f"{self.function.__name__}: {name} is of another kind")
        self.lines.append(f"store {self.typed(value)}, ptr {room.text}")

    def assignment(self, target: ast.expr, value: ast.expr) -> None:
        """All values are known before the first is written."""
        if not isinstance(target, ast.Tuple):
            self.write(target, self.value(value))
            return
        if isinstance(value, ast.Tuple):
            found: Sequence[Value] = [self.value(x) for x in value.elts]
        elif isinstance(value, ast.Name):
            memory = self.value(value)
            found = [self.load(memory, self.number(i)) for i in range(len(target.elts))]
        else:
            assert isinstance(value, ast.Call)
            found = self.call(value)
        for each, one in zip(target.elts, found, strict=True):
            self.write(each, one)

    def write(self, target: ast.expr, value: Value) -> None:
        match target:
            case ast.Name(id=name):
                self.assign(name, value)
            case ast.Subscript(value=array, slice=index):
                self.store(self.value(array), self.value(index), value)
            case _:
                self.refuse(target)

    def condition(
        self, test: ast.expr, body: Sequence[ast.stmt], other: Sequence[ast.stmt]
    ) -> None:
        then, instead, after = self.name("then"), self.name("else"), self.name("after")
        self.branch(self.truth(test), then, instead)
        self.block(body)
        self.lines += [f"br label %{after}", f"{instead}:"]
        self.block(other)
        self.begin(after)

    def counted(self, name: str, bounds: Sequence[Value], body: Sequence[ast.stmt]) -> None:
        """A loop over a range of growing numbers."""
        first = bounds[0] if len(bounds) > 1 else Value("0", "int")
        end, step = bounds[min(len(bounds), 2) - 1], bounds[2].text if len(bounds) > 2 else "1"
        room = self.alloca("int")
        self.lines.append(f"store {self.typed(first)}, ptr {room}")
        head, inside, turn, after = (self.name(x) for x in ("head", "body", "next", "done"))
        self.begin(head)
        at = self.emit(f"load i64, ptr {room}")
        self.branch(self.emit(f"icmp slt i64 {at}, {end.text}"), inside, after)
        self.assign(name, Value(at, "int"))
        self.within(turn, after, body)
        self.begin(turn)
        self.lines.append(f"store i64 {self.emit(f'add nsw i64 {at}, {step}')}, ptr {room}")
        self.lines += [f"br label %{head}", f"{after}:"]

    def loop(self, test: ast.expr, body: Sequence[ast.stmt]) -> None:
        """A loop as long as a condition holds."""
        head, inside, after = (self.name(x) for x in ("head", "body", "done"))
        self.begin(head)
        self.branch(self.truth(test), inside, after)
        self.within(head, after, body)
        self.lines += [f"br label %{head}", f"{after}:"]

    def within(self, turn: str, after: str, body: Sequence[ast.stmt]) -> None:
        self.loops.append((turn, after))
        self.block(body)
        self.loops.pop()

    def give_back(self, value: ast.expr | None) -> None:
        """Return one value, several, or none."""
        if value is None:
            self.leave("ret void")
            return
        found = [self.value(x) for x in (value.elts if isinstance(value, ast.Tuple) else [value])]
        own, text = result_type([self.type_of(x.kind) for x in found]), found[0].text
        if len(found) > 1:
            text = "undef"
            for i, x in enumerate(found):
                text = self.emit(f"insertvalue {own} {text}, {self.typed(x)}, {i}")
        self.leave(f"ret {own} {text}")
