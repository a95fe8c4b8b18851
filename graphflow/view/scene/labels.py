"""The few words in a box: names without their paths, operations as one would write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphflow.ir.dims import Dim
from graphflow.ir.graph import ArrayLiteral, Attr, Node
from graphflow.ir.types import TensorType, TupleType, ValueType
from graphflow.spec.elaborate.calltree import CallNode
from graphflow.spec.expand import INFIX
from graphflow.spec.syntax import NoneLiteral

FEW = 6
"""Numbers of a constant that are written out."""
LONGEST = 30
"""Characters of a line; longer ones lose their middle."""
UNSAID = ("stride", "padding", "axis", "start_axis", "end_axis")
"""Arguments of blocks that do not say how large a block is."""


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
    """Whether a line of a file names the node; others are called after their operator, and
    ``all`` is what several names of one line are picked from.
    """
    name = last_name(node.name)
    several = name == "all" and isinstance(node.type, TupleType)
    return not several and name.rstrip("0123456789") != node.op.rstrip("0123456789")


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
    """A constant: its number, all of a few, or the shape of many."""
    value, type = node.attr("value"), node.tensor
    if isinstance(type.size, int) and type.size > FEW:
        return f"constant {sizes_text(type.shape)}"
    if isinstance(value, ArrayLiteral):
        value = value.array.tolist()
    return _numbers(value)


def _numbers(value: object) -> str:
    """A number, or lists of numbers."""
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_numbers, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.4g}" if isinstance(value, int | float) else str(value)


def operation(node: Node, operands: tuple[str, ...], types: Mapping[str, ValueType]) -> str:
    """What a node does: ``q * z`` where its operands have short names, else ``conv 3x3, 16``.

    ``operands`` are the names to be written, "" for a value that has none; ``types`` are theirs.
    """
    sign = INFIX.get(node.op)
    if sign is not None and len(operands) == 2 and any(operands):
        text = f" {sign} ".join(name or "…" for name in operands)
        if len(text) <= LONGEST:
            return text
    first = types.get(node.inputs[0]) if node.inputs else None
    if node.op == "conv":
        weight = types.get(node.inputs[1])
        if isinstance(weight, TensorType):
            return f"conv {sizes_text(weight.shape[2:])}, {weight.shape[0]}"
    if node.op == "item":
        return (
            f"{operands[0]}[{node.attr('index')}]" if operands[0] else f"part {node.attr('index')}"
        )
    if node.op == "slice" and isinstance(first, TensorType):
        return shortened(f"{operands[0] or '…'}[{_indices(node.attr('index'), first)}]")
    if node.op == "transpose" and isinstance(first, TensorType) and first.ndim == 2:
        return node.op
    said = [f"{k} {_plain(v)}" for k, v in node.attrs if k in ("axis", "axes") and v is not None]
    said += [_plain(v) for k, v in node.attrs if k in ("pattern", "subscripts")]
    return shortened(" ".join([node.op, *said]))


def _plain(value: Attr) -> str:
    """An attribute in words."""
    return ", ".join(map(_plain, value)) if isinstance(value, tuple) else str(value)


def _indices(index: Attr, type: TensorType) -> str:
    """What a slice takes, as NumPy writes it: ``:, 0:7``."""
    assert isinstance(index, tuple)
    words, axis = [], 0
    for part in index:
        assert isinstance(part, tuple)
        kind, *numbers = part
        if kind == "newaxis":
            words.append("None")
            continue
        if kind == "slice":
            start, stop, step = numbers
            whole = (start, stop, step) == (0, type.shape[axis], 1)
            bounds = f"{start}:{stop}" + (f":{step}" if step != 1 else "")
            words.append(":" if whole else bounds)
        else:
            words.append(_plain(tuple(numbers)))
        axis += 1
    return ", ".join(words)


def called(call: CallNode) -> str:
    """A call in a few words: the block, and how large it is: ``conv2d 3x3, 64``."""
    sizes = {
        arg.name: value
        for arg in call.block.args
        if (arg.default is None or isinstance(arg.default, NoneLiteral) or arg.name == "p")
        and not arg.by_name
        and isinstance(value := call.arguments.get(arg.name), int | float)
        and not isinstance(value, bool)
    }
    kernel = sizes.pop("kernel", None)
    said = [f"{kernel}x{kernel}"] if kernel is not None and call.name.endswith("2d") else []
    said += [f"{size:g}" for name, size in sizes.items() if name not in UNSAID][:2]
    return shortened(f"{call.name} {', '.join(said)}".strip())


def shortened(text: str, longest: int = LONGEST) -> str:
    """The text, its middle left out where it is long.

    >>> shortened("a_very_long_name_of_a_node", 11)
    'a_ver…_node'
    """
    if len(text) <= longest:
        return text
    head = (longest - 1) // 2 + (longest - 1) % 2
    return f"{text[:head]}…{text[len(text) - (longest - 1 - head) :]}"


def amount(types: Sequence[TensorType]) -> str:
    """How many numbers tensors hold: ``2,570 parameters``."""
    count = sum(type.size for type in types if isinstance(type.size, int))
    return f"{count:,} parameters"
