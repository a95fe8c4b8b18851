"""From expressions to nodes: names, arithmetic, comparisons, slices, choices (rule 2)."""

from __future__ import annotations

from collections.abc import Sequence

from graphflow.diagnostics import Mark, did_you_mean, fail
from graphflow.ir.dims import Symbolic, symbol
from graphflow.ir.types import DType, TensorType, TupleType, dtype_named, promote
from graphflow.ops.builder import Value
from graphflow.spec.elaborate import static
from graphflow.spec.elaborate.bound import (
    Bound,
    Function,
    Instance,
    Partial,
    TrainingWord,
    describe,
    is_number,
    one_of_parts,
)
from graphflow.spec.elaborate.places import Place, Slot
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.elaborate.session import Session
from graphflow.spec.names import walk
from graphflow.spec.syntax import (
    Binary,
    Bool,
    BoolOp,
    Call,
    Compare,
    EllipsisLiteral,
    Expr,
    IfElse,
    ListExpr,
    Name,
    NoneLiteral,
    Number,
    Placeholder,
    Slice,
    String,
    Subscript,
    Unary,
)

OPERATORS = {
    "+": "add", "-": "sub", "*": "mul", "/": "div", "//": "floor_div", "%": "mod", "**": "pow",
    "@": "matmul", "==": "equal", "!=": "not_equal", "<": "less", "<=": "less_equal",
    ">": "greater", ">=": "greater_equal", "and": "logical_and", "or": "logical_or",
}  # fmt: skip
CONSTANTS = {"pi": 3.141592653589793}


class Expressions(Session):
    """Evaluates expressions: static ones at once, the others by appending nodes."""

    def call(self, call: Call, scope: Scope, slot: Slot) -> Bound:
        """The value of a call; the layer above knows functions."""
        raise NotImplementedError

    def function(self, name: str, scope: Scope) -> Function | None:
        """What ``name`` calls, or None."""
        raise NotImplementedError

    def counter(self, name: str) -> Value | None:
        """``step`` or ``epoch``; the layer above knows states."""
        raise NotImplementedError

    def evaluate(self, expr: Expr, scope: Scope, slot: Slot) -> Bound:
        """The value of an expression; its outermost node takes the slot's name."""
        match expr:
            case Number(value) | Bool(value) | String(value):
                return value
            case NoneLiteral():
                return None
            case Name(id, mark):
                return self.name(id, scope, mark)
            case Placeholder(mark):
                return scope.lookup("_", mark)
            case Call():
                return self.call(expr, scope, slot)
            case Unary():
                return self.unary(expr, scope, slot)
            case Binary(op, left, right, mark):
                operands = [self.evaluate(e, scope, slot.inside()) for e in (left, right)]
                return self.arithmetic(op, operands, slot, mark)
            case Compare(op, left, right, mark):
                operands = [self.evaluate(e, scope, slot.inside()) for e in (left, right)]
                return self.comparison(op, operands, slot, mark)
            case BoolOp():
                return self.logic(expr, scope, slot)
            case IfElse():
                return self.choice(expr, scope, slot)
            case ListExpr(items):
                return tuple(self.evaluate(item, scope, slot.inside()) for item in items)
            case Subscript():
                return self.subscript(expr, scope, slot)

    def static(self, expr: Expr, scope: Scope, what: str) -> Bound:
        """An expression that must not need a tensor."""
        value = self.evaluate(expr, scope, Slot(self.nowhere(), True))
        if isinstance(value, Value):
            fail("GF026", f"{what} must be known while the graph is built", expr.mark)
        return value

    def shape(
        self, items: Sequence[Expr], scope: Scope, declare: bool = False
    ) -> tuple[int | Symbolic, ...]:
        """Sizes of a shape. With ``declare``, unknown capital names become symbols."""
        sizes: list[int | Symbolic] = []
        for item in items:
            if declare:
                self.declare_symbols(item, scope)
            value = self.static(item, scope, "a shape")
            for size in value if isinstance(value, tuple) else (value,):
                if isinstance(size, bool) or not isinstance(size, int | Symbolic):
                    fail("GF033", f"a size is a whole number, not {describe(size)}", item.mark)
                if isinstance(size, int) and size < 0:
                    fail("GF033", f"a size cannot be negative: {size}", item.mark)
                sizes.append(size)
        return tuple(sizes)

    def declare_symbols(self, expr: Expr, scope: Scope) -> None:
        """Capital names that nothing declares are sizes, known when data arrives."""
        for part in walk(expr):
            if not isinstance(part, Name) or "." in part.id or scope.get(part.id)[0]:
                continue
            name = part.id
            if name[0].isupper():
                self.symbols.setdefault(name, symbol(name))
            elif name not in CONSTANTS and not dtype_named(name) and not self.function(name, scope):
                capital = f"{name[0].upper()}{name[1:]}"
                offer = f"a size that stays open begins with a capital: '{capital}'"
                help = did_you_mean(name, set(scope.visible())) or offer
                fail("GF020", f"unknown name '{name}'", part.mark, help=help)

    # -- names and constants -----------------------------------------------------------------
    def name(self, name: str, scope: Scope, mark: Mark) -> Bound:
        """What a name stands for: declared names first, then symbols, leaves, functions, words."""
        known, _ = scope.get(name)
        if known:
            return scope.lookup(name, mark)
        if name in self.symbols:
            return self.symbols[name]
        if name in CONSTANTS:
            return CONSTANTS[name]
        if name == "training":
            return TrainingWord()
        leaf = self.leaf_named(name, scope) or self.counter(name)
        if leaf is not None:
            return leaf
        dtype, function = dtype_named(name), self.function(name, scope)
        if dtype is not None:
            return dtype
        if function is not None:
            return function
        candidates = {*scope.visible(), *self.symbols, *self.leaves}
        help = self.computed_below(name) or self.suggest(name, scope, candidates)
        fail("GF020", f"unknown name '{name}'", mark, help=help)

    def computed_below(self, name: str) -> str | None:
        """Help for a name that the file declares, but further down or in this very line."""
        below = {n: decl.mark for decl in self.document.nodes for n in decl.names}
        if name not in below:
            return None
        if name == self.node_path:
            states = [n for n, e in self.document.updates.items() if e == Name(name, e.mark)]
            before = f"it is the state '{states[0]}'" if states else "declare it under state:"
            return f"the line refers to itself; for the value of the step before, {before}"
        return f"'{name}' is computed below, in line {below[name].line}: move that line up"

    def suggest(self, name: str, scope: Scope, candidates: set[str]) -> str | None:
        """Help for an unknown name: something close, or the parts of its owner."""
        head, dot, part = name.rpartition(".")
        known, owner = scope.get(head) if dot else (False, None)
        parts = getattr(owner, "parts", None)
        if known and parts:
            close = did_you_mean(part, parts)
            return close or f"'{head}' has {', '.join(parts)}"
        return did_you_mean(name, candidates)

    def leaf_named(self, name: str, scope: Scope) -> Value | None:
        """A parameter by its full name: ``embed.weight``, ``logits.linear1.bias``."""
        head, _, rest = name.partition(".")
        known, owner = scope.get(head)
        if known and isinstance(owner, Instance):
            name = f"{owner.name}.{rest}"
        elif scope.module is not self.module:
            return None
        return self.root.builder.value(name) if name in self.leaves else None

    def tensor(self, value: Bound, mark: Mark | None, like: DType | None = None) -> Value:
        """A value as a tensor: numbers and lists of numbers become constants."""
        if isinstance(value, Value):
            if isinstance(value.type, TupleType):
                fail("GF022", f"'{value.name}' has several results; unpack it: a, b: ...", mark)
            return value
        if isinstance(value, tuple) and any(isinstance(v, Value) for v in value):
            items = [self.tensor(v, mark) for v in value]
            return self.emit("stack", items, self.unnamed("stack"), mark)
        if not (is_number(value) or isinstance(value, bool | tuple)):
            waits = "an argument called '..._init' waits for the parameter it fills: rename it"
            fail("GF022", f"a tensor is needed here, not {describe(value)}", mark,
                 help=waits if isinstance(value, Partial) else one_of_parts(value))  # fmt: skip
        dtype = number_type(value, mark)
        if like is not None and dtype is not DType.BOOL and (like.is_float or not dtype.is_float):
            dtype = like if like is not DType.BOOL else dtype
        return self.emit("constant", [], self.unnamed("constant"), mark, value=value, dtype=dtype)  # type: ignore[arg-type]

    def named_tensor(self, name: str, value: Bound, mark: Mark | None) -> Value:
        """What a line called ``name`` stands for as a tensor: a number's line has a node, too."""
        if not isinstance(value, Value) and name in self.root.builder.nodes:
            return self.root.builder.value(name)
        with self.at(name):
            return self.tensor(value, mark)

    def unnamed(self, op: str) -> Place:
        """A place for what a line needs besides its calls, below the line's own."""
        return Place(f"{self.node_path}.{op}" if self.node_path else f"value.{op}")

    # -- operators ---------------------------------------------------------------------------
    def unary(self, expr: Unary, scope: Scope, slot: Slot) -> Bound:
        value = self.evaluate(expr.operand, scope, slot.inside())
        if expr.op == "not":
            if isinstance(value, TrainingWord):
                return TrainingWord(not value.negated)
            if isinstance(value, Value):
                return self.emit("logical_not", [value], slot.claim("logical_not"), expr.mark)
            return not static.truth(value, expr.mark)
        if isinstance(value, Value):
            return self.emit("neg", [value], slot.claim("neg"), expr.mark)
        return static.binary("*", value, -1, expr.mark)

    def arithmetic(self, op: str, operands: list[Bound], slot: Slot, mark: Mark) -> Bound:
        if not any(isinstance(v, Value) for v in operands):
            try:
                return static.binary(op, operands[0], operands[1], mark)
            except static.NotStatic:
                operands = [self.tensor(v, mark, DType.FLOAT) for v in operands]
        return self.operator(OPERATORS[op], operands, slot, mark)

    def operator(self, op: str, operands: Sequence[Bound], slot: Slot, mark: Mark | None) -> Value:
        """An operator between a tensor and a tensor or number."""
        place = slot.claim(op)
        return self.emit(op, self.tensors(operands, mark), place, mark)

    def tensors(self, operands: Sequence[Bound], mark: Mark | None) -> list[Value]:
        """Operands as tensors; numbers take the type of the tensors they meet."""
        dtypes = [
            v.dtype for v in operands if isinstance(v, Value) and isinstance(v.type, TensorType)
        ]
        like = promote(*dtypes) if dtypes else None
        return [self.tensor(v, mark, like) for v in operands]

    def comparison(self, op: str, operands: list[Bound], slot: Slot, mark: Mark) -> Bound:
        if any(isinstance(v, Value) for v in operands):
            return self.operator(OPERATORS[op], operands, slot, mark)
        return static.compare(op, operands[0], operands[1], mark)

    def logic(self, expr: BoolOp, scope: Scope, slot: Slot) -> Bound:
        """``and`` / ``or``: short-circuit for static operands, element by element for tensors."""
        result: Bound = None
        for index, part in enumerate(expr.operands):
            last = index == len(expr.operands) - 1
            value = self.evaluate(part, scope, slot.inside())
            if isinstance(value, TrainingWord):
                fail("GF026", "'training' stands alone: a if training else b", part.mark)
            if isinstance(value, Value) or isinstance(result, Value):
                if index == 0:
                    result = value
                else:
                    place = slot if last else slot.inside()
                    result = self.operator(OPERATORS[expr.op], [result, value], place, expr.mark)
                continue
            result = value
            if static.truth(value, part.mark) is (expr.op == "or"):
                return value
        return result

    def choice(self, expr: IfElse, scope: Scope, slot: Slot) -> Bound:
        """``a if c else b``: decided now, or when compiling where c is ``training``."""
        condition = self.evaluate(expr.condition, scope, slot.inside())
        if isinstance(condition, TrainingWord):
            branches = (
                [expr.otherwise, expr.then] if condition.negated else [expr.then, expr.otherwise]
            )
            values = [self.evaluate(e, scope, slot.inside()) for e in branches]
            operands = self.tensors(values, expr.mark)
            return self.emit("by_mode", operands, slot.claim("by_mode"), expr.mark)
        chosen = expr.then if static.truth(condition, expr.condition.mark) else expr.otherwise
        return self.evaluate(chosen, scope, slot)

    def subscript(self, expr: Subscript, scope: Scope, slot: Slot) -> Bound:
        """``x[1:, None]`` slices; ``x[i]`` with a tensor i takes."""
        value = self.evaluate(expr.value, scope, slot.inside())
        if isinstance(value, tuple):
            return self.pick(value, expr, scope)
        source = self.tensor(value, expr.mark)
        index: list[object] = []
        gathered: Value | None = None
        for item in expr.items:
            entry, tensor = self.index_entry(item, scope, slot)
            if tensor is not None and (gathered is not None or index):
                fail("GF022", "only the first index may be a tensor", item.mark,
                     help="use take(x, indices, axis=...) for another axis")  # fmt: skip
            gathered = tensor or gathered
            index.append(entry)
        if gathered is not None:
            rest = any(entry != ("slice", None, None, None) for entry in index[1:])
            inner = slot.inside() if rest else slot
            source = self.emit("take", [source, gathered], inner.claim("take"), expr.mark, axis=0)
            if not rest:
                return source
        return self.emit("slice", [source], slot.claim("slice"), expr.mark, index=tuple(index))  # type: ignore[arg-type]

    def index_entry(
        self, item: Expr | Slice | EllipsisLiteral, scope: Scope, slot: Slot
    ) -> tuple[object, Value | None]:
        """One entry of a subscript in stored form, or the tensor that indexes."""
        whole = ("slice", None, None, None)
        match item:
            case EllipsisLiteral():
                return ("ellipsis",), None
            case NoneLiteral():
                return ("newaxis",), None
            case Slice(start, stop, step):
                bounds = [
                    None if e is None else self.static(e, scope, "a slice")
                    for e in (start, stop, step)
                ]
                return ("slice", *bounds), None
        value = self.evaluate(item, scope, slot.inside())
        if isinstance(value, Value):
            return whole, value
        if isinstance(value, bool) or not isinstance(value, int | Symbolic):
            fail("GF033", f"an index is a whole number, not {describe(value)}", item.mark)
        return ("index", value), None

    def pick(self, items: tuple[Bound, ...], expr: Subscript, scope: Scope) -> Bound:
        """An element of a static list."""
        if len(expr.items) != 1 or isinstance(expr.items[0], EllipsisLiteral):
            fail("GF033", "a list has one index", expr.mark)
        entry, _ = self.index_entry(expr.items[0], scope, Slot(self.nowhere(), True))
        assert isinstance(entry, tuple)
        try:
            if entry[0] == "slice":
                return items[slice(*entry[1:])]
            return items[entry[1]]
        except (IndexError, TypeError, ValueError):
            fail("GF033", f"a list of {len(items)} items has no such element", expr.mark)

    def nowhere(self) -> Place:
        """A place for what needs no name."""
        return Place("")


def number_type(value: Bound, mark: Mark | None) -> DType:
    """The type of a number or a nested list of numbers."""
    if isinstance(value, tuple):
        if not value:
            return DType.FLOAT
        return promote(*(number_type(v, mark) for v in value))
    if isinstance(value, bool):
        return DType.BOOL
    if isinstance(value, int | Symbolic):
        return DType.INT64
    if isinstance(value, float):
        return DType.FLOAT
    fail("GF022", f"a number is needed here, not {describe(value)}", mark)
