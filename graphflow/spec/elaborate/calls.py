"""Calls: finding the function, matching arguments to parameters, emitting operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

from graphflow.diagnostics import Mark, fail
from graphflow.ir.dims import Symbolic
from graphflow.ir.graph import Attr
from graphflow.ir.types import TupleType
from graphflow.ops.builder import Value
from graphflow.ops.op import OPS, Op
from graphflow.spec.elaborate import static
from graphflow.spec.elaborate.binding import Arguments, match_operator, with_first
from graphflow.spec.elaborate.bound import Bound, Function, Instance, Partial, Parts, describe
from graphflow.spec.elaborate.expressions import Expressions
from graphflow.spec.elaborate.places import Place, Slot
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.elaborate.session import READER, Module
from graphflow.spec.elaborate.vocabulary import function_for, suggest
from graphflow.spec.names import walk
from graphflow.spec.syntax import Call, Expr, IfElse, LibraryCall, Name

INTERNAL = frozenset({"leaf", "control"})
PLUMBING = frozenset({"item", "by_mode", "slice", "constant", "rng_split", "gradients"})
"""Operators that people reach by syntax; only ``graphflow expand`` writes them as calls."""
GRADIENT = "gradient"
INITIAL = "_init"
"""How arguments end that say how parameters start."""
FILLED = frozenset({"shape", "fan_in", "fan_out"})
"""What an initial value knows about the parameter that it fills."""


def is_operator(name: str) -> bool:
    """Whether files call an operator of this name."""
    return name == GRADIENT or (name in OPS and OPS[name].family not in INTERNAL)


class Calls(Expressions):
    """Function calls in expressions."""

    def call_block(self, function: Function, arguments: Arguments, slot: Slot) -> Bound:
        """The value of a block or instance; the layer above builds blocks."""
        raise NotImplementedError

    def call(self, call: Call, scope: Scope, slot: Slot) -> Bound:
        own = isinstance(call, LibraryCall)
        function = (
            self.library_function(call.function) if own else self.function(call.function, scope)
        )
        if function is None and call.function in static.QUERIES:
            return static.call_query(
                call.function, self.arguments(call, scope, slot).positional, call.mark
            )
        if function is None:
            self.unknown_function(call, scope)
        arguments = self.arguments(call, scope, slot)
        if scope.piped is not None and call is scope.piped[0]:
            arguments = with_first(arguments, scope.piped[1])
        return self.apply(function, arguments, slot)

    def apply(self, function: Function, arguments: Arguments, slot: Slot) -> Bound:
        """A function applied to evaluated arguments."""
        if function.compute is not None:
            return function.compute(arguments, slot)
        if function.block is not None or function.instance is not None:
            return self.call_block(function, arguments, slot)
        return self.call_op(function.name, arguments, slot)

    def arguments(self, call: Call, scope: Scope, slot: Slot) -> Arguments:
        """Evaluate the arguments of a call from left to right."""
        marks: dict[str | int, Mark] = {}
        positional: list[Bound] = []
        keywords: dict[str, Bound] = {}
        for index, arg in enumerate(call.args):
            marks[index] = arg.mark
            positional.append(self.evaluate(arg, scope, slot.inside()))
        for keyword in call.kwargs:
            if keyword.name in keywords:
                fail("GF022", f"argument '{keyword.name}' is given twice", keyword.mark)
            marks[keyword.name] = keyword.mark
            keywords[keyword.name] = self.argument(keyword.name, keyword.value, scope, slot)
        return Arguments(positional, keywords, marks, call.mark)

    def argument(self, name: str, expr: Expr, scope: Scope, slot: Slot) -> Bound:
        """The value of an argument; what ``..._init`` computes waits for the parameter."""
        if not name.endswith(INITIAL):
            return self.evaluate(expr, scope, slot.inside())
        while isinstance(expr, IfElse):
            condition = self.static(expr.condition, scope, "a condition")
            chosen = static.truth(condition, expr.condition.mark)
            expr = expr.then if chosen else expr.otherwise
        names = {part.id for part in walk(expr) if isinstance(part, Name)}
        if names & FILLED or any(isinstance(part, Call) for part in walk(expr)):
            return Partial(expr, scope)
        return self.evaluate(expr, scope, slot.inside())

    def function(self, name: str, scope: Scope) -> Function | None:
        """Instances and functions in sight, then the file's blocks, operators, the library."""
        known, bound = scope.get(name)
        if known and isinstance(bound, Function):
            return bound
        if known and isinstance(bound, Instance):
            return Function(bound.name, instance=bound)
        if known:
            scope.lookup(name, None)  # a poisoned name stays quiet
            return None
        module = scope.module or self.module
        head, _, rest = name.rpartition(".")
        for part in filter(None, head.split(".")):
            if part not in module.uses:
                return None
            module = module.uses[part]
        if rest in module.blocks:
            return Function(rest, module.blocks[rest], module.let)
        if head:
            return None
        if is_operator(name):
            return Function(name)
        return self.library_function(name)

    def library_function(self, name: str) -> Function | None:
        block = self.library.blocks.get(name)
        return Function(name, block, self.library.let) if block else None

    def unknown_function(self, call: Call, scope: Scope) -> NoReturn:
        """Refuse a call of something that is no function, or that only training offers."""
        if call.function == READER:
            caller, mark = self.known_call() if self.calls else (None, call.mark)
            what = f"'{caller.name}'" if caller else f"'{READER}'"
            fail("GF042", f"{what} reads what an epoch measured, which training alone knows", mark,
                 help="write it under train: as a rate, such as optimizer: "
                 "sgd(lr=reduce_lr_on_plateau(0.1, 'test/loss'))")  # fmt: skip
        known, bound = scope.get(call.function)
        if known:
            help = None
            if isinstance(bound, str) and self.function(bound, scope) is not None:
                help = f"write {bound} without quotes"
            fail("GF021", f"'{call.function}' is {describe(bound)}, not a function", call.mark,
                 help=help)  # fmt: skip
        help = self.suggest(call.function, scope, set())
        fail("GF021", f"unknown function '{call.function}'", call.mark, help=help)

    def suggest(self, name: str, scope: Scope, candidates: set[str]) -> str | None:
        """Help for an unknown name, which may be meant for a function: ``init: he_normal``."""
        functions = self.function_names(scope.module or self.module)
        head, dot, part = name.rpartition(".")
        if dot and isinstance(scope.get(head)[1], Value):
            return function_for(head, part, functions)
        close = super().suggest(name, scope, candidates)
        return close or suggest(name, functions)

    def function_names(self, module: Module) -> set[str]:
        """Everything that can be called."""
        ops = {n for n in OPS if is_operator(n) and n not in PLUMBING} | {GRADIENT}
        used = {f"{alias}.{b}" for alias, m in module.uses.items() for b in m.blocks}
        instances = set(self.document.layers)
        return {*ops, *self.library.blocks, *module.blocks, *used, *static.QUERIES, *instances}

    # -- operators ---------------------------------------------------------------------------
    def call_op(self, name: str, arguments: Arguments, slot: Slot) -> Bound:
        """An operator of tensors, or a mathematical function of plain numbers."""
        mark = arguments.mark
        op = OPS["gradients" if name == GRADIENT else name]
        tables = [v for v in arguments.positional if isinstance(v, Value) or static.is_nested(v)]
        if name in static.ALSO_OPERATORS and not tables and not arguments.keywords:
            return static.call_query(name, arguments.positional, mark)
        if name in static.MATH and _only_numbers(arguments):
            try:
                return static.call_math(name, arguments.positional, mark)
            except static.NotStatic:
                pass
        operands, attrs = match_operator(op, arguments)
        if name == GRADIENT:
            return self.call_gradient(operands, attrs, slot, mark)
        values = self.operands(op, operands, mark)
        if op.random:
            values.insert(0, self.key())
        value = self.emit(name, values, slot.claim(name), mark, **attrs)
        return value

    def operands(self, op: Op, operands: Sequence[Bound], mark: Mark) -> list[Value]:
        """Operands as tensors; a list given to a variadic operator is spread."""
        if op.operands and op.operands[-1].startswith("*") and len(operands) == 1:
            first = operands[0]
            if isinstance(first, tuple):
                operands = first
        if op.name == "item":
            return [v for v in operands if isinstance(v, Value)]
        if op.promotes is None and not op.floats:
            return [self.tensor(v, mark) for v in operands]
        if isinstance(op.promotes, tuple):  # the others are conditions and positions
            common = iter(self.tensors([operands[i] for i in op.promotes], mark))
            return [
                next(common) if i in op.promotes else self.tensor(v, mark)
                for i, v in enumerate(operands)
            ]
        return self.tensors(operands, mark)

    def call_gradient(
        self, operands: Sequence[Bound], attrs: Mapping[str, Attr], slot: Slot, mark: Mark
    ) -> Bound:
        """``gradient(y, x)``: one value for one x, a list for a list or an instance."""
        if len(operands) < 2:
            fail("GF022", "gradient needs what to differentiate and by what", mark,
                 help="write gradient(y, x) or gradient(y, [u, v])")  # fmt: skip
        y, *wrt = operands
        several = len(wrt) > 1 or isinstance(wrt[0], tuple | Instance)
        spread: list[Bound] = []
        for x in wrt:
            if isinstance(x, Instance):
                spread += [self.root.builder.value(n) for n in self.owned_by(x.name)]
            else:
                spread += x if isinstance(x, tuple) else (x,)
        values = [self.tensor(v, mark) for v in (y, *spread)]
        place = slot.claim("gradient")
        node = self.emit("gradients", values, place.child("of"), mark, **attrs)
        if not several:
            return self.emit("item", [node], place, mark, index=0)
        return tuple(
            self.emit("item", [node], place.child(str(i)), mark, index=i)
            for i in range(len(spread))
        )

    def owned_by(self, owner: str) -> list[str]:
        """The parameters below a path, in order of creation."""
        found = [
            name
            for name in self.leaves
            if name.startswith(f"{owner}.") and self.root.builder.nodes[name].op == "parameter"
        ]
        return found

    def results(self, value: Bound, places: Sequence[Place], mark: Mark) -> list[Bound]:
        """The several results of a call, for ``a, b: f(x)``."""
        if isinstance(value, Parts):
            items: list[Bound] = list(value.parts.values())
        elif isinstance(value, Value) and isinstance(value.type, TupleType):
            count = len(value.type.items)
            _count(count, places, mark)
            return [self.emit("item", [value], p, mark, index=i) for i, p in enumerate(places)]
        elif isinstance(value, tuple):
            items = list(value)
        else:
            fail("GF022", f"one value cannot be unpacked into {len(places)} names", mark)
        _count(len(items), places, mark)
        return items


def _count(found: int, places: Sequence[Place], mark: Mark) -> None:
    if found != len(places):
        fail("GF022", f"{found} values cannot be unpacked into {len(places)} names", mark)


def _only_numbers(arguments: Arguments) -> bool:
    """Plain numbers, or one list of them, and nothing by name."""
    items = arguments.positional
    if len(items) == 1 and isinstance(items[0], tuple):
        items = items[0]
    return (
        bool(items)
        and not arguments.keywords
        and all(isinstance(v, int | float | Symbolic) for v in items)
    )
