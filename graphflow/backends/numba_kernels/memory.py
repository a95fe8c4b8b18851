"""What compiled loops read and write with: addresses instead of arrays.

A loop knows each array by the address of its first element. Every access names the array's number:
compiled code is told that memory of different numbers does not overlap, so that loops over many
arrays become vector instructions without tests. Whoever calls must keep to that.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

MOST = 40
"""How many arrays a loop can tell apart."""
NUMBERS = {
    "bool": types.boolean, "uint8": types.uint8, "int8": types.int8, "int16": types.int16,
    "int32": types.int32, "int64": types.int64, "float32": types.float32, "float64": types.float64,
}  # fmt: skip


def _marked(module: Any, access: Any, number: int) -> None:
    """Tell the optimiser which memory an instruction is about, and which it is not."""
    domain = module.add_metadata(["graphflow"])
    scopes = [module.add_metadata([f"array {k}", domain]) for k in range(MOST)]
    others = [scope for k, scope in enumerate(scopes) if k != number]
    access.set_metadata("alias.scope", module.add_metadata([scopes[number]]))
    access.set_metadata("noalias", module.add_metadata(others))


def _place(builder: Any, address: Any, index: Any, stored: Any) -> Any:
    pointer = builder.inttoptr(address, stored.as_pointer())
    return builder.gep(pointer, [index])


@intrinsic(prefer_literal=True)
def read(context, address, index, number, dtype):  # type: ignore[no-untyped-def]
    """The element of that index in the array of that number."""
    found = NUMBERS[dtype.literal_value]

    def build(target, builder, signature, args):  # type: ignore[no-untyped-def]
        stored = target.get_data_type(found)
        value = builder.load(_place(builder, args[0], args[1], stored))
        _marked(builder.module, value, number.literal_value)
        return target.data_model_manager[found].from_data(builder, value)

    return found(types.int64, types.int64, number, dtype), build


@intrinsic(prefer_literal=True)
def write(context, address, index, value, number, dtype):  # type: ignore[no-untyped-def]
    """Set the element of that index in the array of that number."""
    found = NUMBERS[dtype.literal_value]

    def build(target, builder, signature, args):  # type: ignore[no-untyped-def]
        stored = target.get_data_type(found)
        data = target.data_model_manager[found].as_data(builder, args[2])
        access = builder.store(data, _place(builder, args[0], args[1], stored))
        _marked(builder.module, access, number.literal_value)
        return target.get_dummy_value()

    return types.void(types.int64, types.int64, found, number, dtype), build


@intrinsic
def call(context, function, addresses, sizes, part):  # type: ignore[no-untyped-def]
    """Call compiled loops by their address."""

    def build(target, builder, signature, args):  # type: ignore[no-untyped-def]
        word = ir.IntType(64)
        made = ir.FunctionType(ir.VoidType(), [word] * 3)
        builder.call(builder.inttoptr(args[0], made.as_pointer()), args[1:])
        return target.get_dummy_value()

    return types.void(*[types.int64] * 4), build


def _instruction(name: str, operands: int) -> Any:
    """A function of floats that is one instruction."""

    def build(target, builder, signature, args):  # type: ignore[no-untyped-def]
        kind = args[0].type
        suffix = "f32" if isinstance(kind, ir.FloatType) else "f64"
        made = ir.FunctionType(kind, [kind] * operands)
        found = cgutils.get_or_insert_function(builder.module, made, f"llvm.{name}.{suffix}")  # type: ignore[no-untyped-call]
        return builder.call(found, args)

    if operands == 1:

        def one(context, x):  # type: ignore[no-untyped-def]
            return x(x), build

        return intrinsic(one)

    def two(context, x, y):  # type: ignore[no-untyped-def]
        return x(x, x), build

    return intrinsic(two)


maximum, minimum = _instruction("maximum", 2), _instruction("minimum", 2)
floor, ceil, trunc = (_instruction(name, 1) for name in ("floor", "ceil", "trunc"))
rint, root, size = (_instruction(name, 1) for name in ("roundeven", "sqrt", "fabs"))


@intrinsic
def power_of_two(context, shifted):  # type: ignore[no-untyped-def]
    """2**n for a whole n, given as 1.5 * 2**p + n, where p is the number of digits kept."""
    width, digits, bias = (32, 23, 127) if shifted is types.float32 else (64, 52, 1023)

    def build(target, builder, signature, args):  # type: ignore[no-untyped-def]
        word = ir.IntType(width)
        biased = builder.add(builder.bitcast(args[0], word), word(bias))
        return builder.bitcast(builder.shl(biased, word(digits)), args[0].type)

    return shifted(shifted), build


@intrinsic
def exponent(context, x):  # type: ignore[no-untyped-def]
    """The n for which x > 0 lies between 2**n and 2**(n + 1), as a float."""
    width, digits, bias = (32, 23, 127) if x is types.float32 else (64, 52, 1023)

    def build(target, builder, signature, args):  # type: ignore[no-untyped-def]
        word = ir.IntType(width)
        biased = builder.lshr(builder.bitcast(args[0], word), word(digits))
        return builder.sitofp(builder.sub(biased, word(bias)), args[0].type)

    return x(x), build


@intrinsic
def mantissa(context, x):  # type: ignore[no-untyped-def]
    """X > 0 divided by the power of two below it: between 1 and 2."""
    width, digits, bias = (32, 23, 127) if x is types.float32 else (64, 52, 1023)

    def build(target, builder, signature, args):  # type: ignore[no-untyped-def]
        word = ir.IntType(width)
        low = builder.and_(builder.bitcast(args[0], word), word((1 << digits) - 1))
        return builder.bitcast(builder.or_(low, word(bias << digits)), args[0].type)

    return x(x), build
