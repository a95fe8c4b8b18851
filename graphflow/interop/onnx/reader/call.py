"""One ONNX node as the function that translates it sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn, TypeVar

import numpy as np
import onnx

from graphflow.diagnostics import fail
from graphflow.interop.onnx.reader import items, text
from graphflow.interop.onnx.reader.items import Item, Known, Line
from graphflow.interop.onnx.reader.tensors import dtype_of
from graphflow.ir.dims import Dim, Shape
from graphflow.ir.types import DType, TensorType
from graphflow.ops.op import Array

if TYPE_CHECKING:
    from graphflow.interop.onnx.reader.translate import Frame, Translator

T = TypeVar("T")
_A = onnx.AttributeProto


class Call:
    """Operands, attributes and types of one node, and the way to write lines for it."""

    def __init__(
        self, translator: Translator, frame: Frame, proto: onnx.NodeProto, version: int
    ) -> None:
        self.translator, self.frame, self.proto, self.version = translator, frame, proto, version
        given = [frame.item(name) if name else None for name in proto.input]
        self.inputs: list[Item | None] = given
        self.attributes: Mapping[str, onnx.AttributeProto] = frame.resolved(proto)

    @property
    def op(self) -> str:
        """The ONNX operator."""
        return self.proto.op_type

    # -- operands ----------------------------------------------------------------------------
    @property
    def count(self) -> int:
        """The number of operands written, left out ones in between included."""
        return len(self.inputs)

    def has(self, index: int) -> bool:
        """Whether the operand is given."""
        return index < self.count and self.inputs[index] is not None

    def item(self, index: int) -> Item:
        """An operand; GF100 where the node lacks it."""
        found = self.inputs[index] if index < self.count else None
        if found is None:
            fail("GF100", f"{self.op} lacks its input {index}")
        return found

    def x(self, index: int = 0) -> str:
        """The name of the line that holds an operand."""
        return self.translator.named(self.item(index))

    def xs(self, start: int = 0) -> list[str]:
        """The names of all operands from ``start`` on."""
        return [self.x(i) for i in range(start, self.count)]

    def lit(self, index: int) -> str:
        """An operand between others of its type: a known number is written as such."""
        item = self.item(index)
        if isinstance(item, Known) and item.array.ndim == 0 and not isinstance(item, items.Weight):
            value = item.array[()]
            if item.symbolic or not item.dtype.is_integer or abs(int(value)) < text.LARGEST:
                return text.number(value, item.dtype)
        return self.x(index)

    def type(self, index: int = 0) -> TensorType:
        """The type of an operand."""
        return self.translator.type(self.item(index))

    def shape(self, index: int = 0) -> Shape:
        """The sizes of an operand."""
        return self.type(index).shape

    def ndim(self, index: int = 0) -> int:
        """The number of axes of an operand."""
        return len(self.shape(index))

    def dtype(self, index: int = 0) -> DType:
        """The number type of an operand."""
        return self.type(index).dtype

    def axis(self, value: int, ndim: int) -> int:
        """An axis counted from 0; GF033 where there is none."""
        if not -ndim <= value < max(ndim, 1):
            fail("GF033", f"{self.op} has the axis {value}, but its operand {ndim} axes")
        return value % ndim if ndim else 0

    # -- what must be known while the model is translated --------------------------------------
    def maybe(self, index: int) -> Array | None:
        """The array that an operand holds, where that is known."""
        item = self.inputs[index] if index < self.count else None
        return item.array if isinstance(item, Known) else None

    def known(self, index: int, what: str) -> Array:
        """The array that an operand holds; GF102 where only a run can tell."""
        item = self.item(index)
        if isinstance(item, Known):
            return item.array
        if not isinstance(item, Line):
            fail("GF101", f"{what} of {self.op} is no tensor")
        return self.translator.must_know(item, what, self.proto)

    def dims(self, index: int, what: str) -> list[Dim]:
        """A list of whole numbers or sizes."""
        array = self.known(index, what)
        if array.dtype != object and array.dtype.kind not in "iub":
            fail("GF100", f"{what} of {self.op} holds {array.dtype}, not whole numbers")
        return [v if not isinstance(v, np.generic) else int(v) for v in array.reshape(-1).tolist()]

    def ints(self, index: int, what: str) -> list[int]:
        """A list of whole numbers, none of them an open size."""
        found = self.dims(index, what)
        for value in found:
            if not isinstance(value, int):
                fail("GF102", f"{what} of {self.op} hangs on the open size {value}",
                     help="give the size: from_onnx(..., sizes={...}), or --set-size")  # fmt: skip
        return [v for v in found if isinstance(v, int)]

    def scalar(self, index: int, what: str) -> float:
        """One known number."""
        array = self.known(index, what)
        if array.size != 1 or array.dtype == object:
            fail("GF100", f"{what} of {self.op} is one number, not {list(array.shape)}")
        return array.reshape(-1)[0].item()  # type: ignore[no-any-return]

    # -- attributes --------------------------------------------------------------------------
    def _attr(self, name: str, kind: int) -> onnx.AttributeProto | None:
        found = self.attributes.get(name)
        if found is not None and found.type != kind:
            shown = _A.AttributeType.Name(found.type)
            fail("GF100", f"the attribute {name} of {self.op} is of the kind {shown}")
        return found

    def integer(self, name: str, default: int | None = None) -> int:
        """A whole number."""
        found = self._attr(name, _A.INT)
        return found.i if found is not None else self._default(name, default)

    def real(self, name: str, default: float | None = None) -> float:
        """A float: of 32 bits in the file, so written no longer than that needs."""
        found = self._attr(name, _A.FLOAT)
        if found is None:
            return self._default(name, default)
        return float(str(np.float32(found.f)))

    def word(self, name: str, default: str | None = None) -> str:
        """A text."""
        found = self._attr(name, _A.STRING)
        if found is None:
            return self._default(name, default)
        return found.s.decode("utf-8", "replace")

    def integers(self, name: str) -> list[int] | None:
        """Whole numbers, or None."""
        found = self._attr(name, _A.INTS)
        return list(found.ints) if found is not None else None

    def reals(self, name: str) -> list[float] | None:
        """Floats, or None."""
        found = self._attr(name, _A.FLOATS)
        return [float(str(np.float32(f))) for f in found.floats] if found is not None else None

    def words(self, name: str) -> list[str] | None:
        """Texts, or None."""
        found = self._attr(name, _A.STRINGS)
        return [s.decode("utf-8", "replace") for s in found.strings] if found is not None else None

    def graph(self, name: str) -> onnx.GraphProto:
        """A graph inside the node."""
        found = self._attr(name, _A.GRAPH)
        if found is None:
            fail("GF100", f"{self.op} lacks its attribute {name}")
        return found.g

    def _default(self, name: str, default: T | None) -> T:
        if default is None:
            fail("GF100", f"{self.op} lacks its attribute {name}")
        return default

    # -- results -----------------------------------------------------------------------------
    def wants(self, index: int) -> bool:
        """Whether the model uses the output."""
        return index < len(self.proto.output) and bool(self.proto.output[index])

    def let(self, expression: str, hint: str) -> str:
        """A line besides those of the outputs; its name."""
        outputs = [name for name in self.proto.output if name]
        base = outputs[0].removesuffix("_output_0") if outputs else "v"
        return self.translator.let(expression, f"{base}_{hint}")

    def hold(self, array: Array, hint: str, dtype: DType | None = None) -> str:
        """The name of a line that holds an array made here."""
        kinds = {"b": DType.BOOL, "i": DType.INT64}
        kind = dtype or kinds.get(array.dtype.kind, DType.FLOAT)
        return self.translator.named(Known(array, kind, f"{self.proto.output[0]}_{hint}"))

    def computed(self, expression: str) -> Array:
        """The value of an expression over known arrays."""
        found = self.translator.computed(expression)
        if found is None:
            self.unsupported("works on known arrays of moderate size")
        return found

    def axes(self, index: int, ndim: int) -> list[int] | None:
        """Axes given as an input (newer opsets) or as an attribute (older ones), counted from 0."""
        found = self.integers("axes")
        if found is None and self.has(index):
            found = self.ints(index, "axes")
        return None if found is None else [self.axis(a, ndim) for a in found]

    def number(self, value: object, dtype: DType) -> str:
        """A number of a type as an expression writes it."""
        return text.number(value, dtype)

    def array(self, array: Array, dtype: DType = DType.INT64) -> Known:
        """A result that is known."""
        return Known(array, dtype, self.proto.output[0])

    def dtype_attribute(self, name: str, default: DType | None) -> DType:
        """A number type given as an attribute."""
        if name not in self.attributes and default is not None:
            return default
        return dtype_of(self.integer(name), f"{name} of {self.op}")

    def broken(self, why: str) -> NoReturn:
        """Refuse a node that breaks ONNX's own rules."""
        fail("GF100", f"{self.op} {why}")

    def unsupported(self, why: str, help: str | None = None) -> NoReturn:
        """Refuse a setting of the operator."""
        fail("GF101", f"{self.op} {why}", help=help)


def join(parts: Sequence[str]) -> str:
    """Arguments of a call.

    >>> join(["x", "", "axis=1"])
    'x, axis=1'
    """
    return ", ".join(part for part in parts if part)
