"""The few words in a box: names without their paths, operations as one would write them."""

from __future__ import annotations

from collections.abc import Mapping

from graphflow.ir.dims import Dim
from graphflow.ir.graph import ArrayLiteral, Attr, Node
from graphflow.ir.types import TensorType, ValueType
from graphflow.spec.elaborate.calltree import CallNode
from graphflow.spec.expand import INFIX

LONGEST = 30
"""Characters of a line; longer ones lose their middle."""
SPOKEN_ATTRIBUTES = ("axis", "axes", "pattern", "subscripts", "index")


def last_name(path: str) -> str:
    """A path's last part that is no number, with the number of a repetition before it.

    >>> last_name("memory.0.encoder_layer1"), last_name("x1.next"), last_name("f")
    ('encoder_layer1', 'x1.next', 'f')
    """
    parts = path.split(".")
    if parts[-1] == "next" and len(parts) > 1:
        return ".".join(parts[-2:])
    return next((part for part in reversed(parts) if not part.isdigit()), path)


def is_named(node: Node) -> bool:
    """Whether a line of a file names the node; others are called after their operator."""
    return last_name(node.name).rstrip("0123456789") != node.op.rstrip("0123456789")


def shape_text(type: ValueType) -> str:
    """A shape as it stands on an edge; nothing for one number or several values.

    >>> from graphflow.ir.types import DType
    >>> shape_text(TensorType(DType.FLOAT32, (32, 10)))
    '32x10'
    """
    return sizes_text(type.shape) if isinstance(type, TensorType) else ""


def sizes_text(sizes: tuple[Dim, ...]) -> str:
    """``32x10``."""
    return "x".join(map(str, sizes))


def number_text(node: Node) -> str:
    """A constant: its number, or what it holds."""
    value = node.attr("value")
    if isinstance(value, ArrayLiteral):
        array = value.array
        return f"{array.item():.4g}" if array.size == 1 else f"constant {sizes_text(array.shape)}"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.4g}" if isinstance(value, int | float) else str(value)


def operation(node: Node, operands: tuple[str, ...], types: Mapping[str, ValueType]) -> str:
    """What a node does: ``q * z`` where its operands have short names, else ``conv 3x3, 16``.

    ``operands`` are the names to be written, "" for a value that has none.
    """
    sign = INFIX.get(node.op)
    if sign is not None and len(operands) == 2 and any(operands):
        written = f" {sign} ".join(name or "…" for name in operands)
        if len(written) <= LONGEST:
            return written
    if node.op == "conv":
        weight = types.get(node.inputs[1])
        if isinstance(weight, TensorType):
            return f"conv {sizes_text(weight.shape[2:])}, {weight.shape[0]}"
    said = [_attribute(v) for k, v in node.attrs if k in SPOKEN_ATTRIBUTES and v is not None]
    return shortened(" ".join([node.op, *said]))


def _attribute(value: Attr) -> str:
    if isinstance(value, tuple):
        return ",".join(map(_attribute, value))
    return str(value)


def called(call: CallNode) -> str:
    """A call in a few words: the block and its sizes, ``conv2d 3x3, 64``."""
    numbers = {
        name: value
        for name, value in call.arguments.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    kernel = numbers.pop("kernel", None)
    said = [] if kernel is None else [f"{kernel}x{kernel}"]
    given = [arg.name for arg in call.block.args if not arg.by_name][:2]
    said += [f"{numbers[name]:g}" for name in given if name in numbers and _counts(name)]
    return shortened(f"{call.name} {', '.join(said)}".strip())


def _counts(argument: str) -> bool:
    """Whether a number says how large a block is, not how it goes about."""
    return argument not in ("stride", "padding", "axis", "start_axis", "end_axis", "eps", "depth")


def shortened(text: str, longest: int = LONGEST) -> str:
    """The text, its middle left out where it is long.

    >>> shortened("a_very_long_name_of_a_node", 11)
    'a_ver…_node'
    """
    if len(text) <= longest:
        return text
    head = (longest - 1) // 2 + (longest - 1) % 2
    return f"{text[:head]}…{text[len(text) - (longest - 1 - head) :]}"


def amount(types: list[TensorType]) -> str:
    """How many numbers tensors hold: ``2,570 parameters``."""
    count = sum(type.size for type in types if isinstance(type.size, int))
    return f"{count:,} parameters"
