"""Products of matrices and of more general arrays: matmul, einsum."""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from typing import NoReturn

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.dims import Dim, Shape, product
from graphflow.ir.graph import Attr
from graphflow.ir.types import BroadcastError, TensorType, ValueType, broadcast
from graphflow.ops.arguments import operand
from graphflow.ops.builder import F, Value, unbroadcast
from graphflow.ops.linear import Multilinear
from graphflow.ops.op import Array, Attrs, Namespace, Sample, register


@register
class Matmul(Multilinear):
    """The matrix product. z_ij = sum_k x_ik y_kj.

    NumPy's rules: axes before the last two are broadcast, a vector on the left is a row, on the
    right a column, and the axis so added is dropped again. With the cotangent g of z, those of the
    operands are g y^T and x^T g.
    """

    family, waits = "linalg", True
    latex, retains, promotes = "{x} {y}", ("x", "y"), "all"

    def infer(self, x: TensorType, y: TensorType) -> TensorType:
        if x.ndim == 0 or y.ndim == 0:
            _no_product(x, y, "a number has no rows or columns: multiply with *")
        rows, columns = x.shape[-2:-1], y.shape[-1:] if y.ndim > 1 else ()
        inner = x.shape[-1], y.shape[-2] if y.ndim > 1 else y.shape[0]
        if inner[0] != inner[1]:
            _no_product(x, y, f"the inner sizes {inner[0]} and {inner[1]} must be equal")
        try:
            batch = broadcast(x.shape[:-2], y.shape[:-2])
        except BroadcastError:
            _no_product(x, y, "the axes before the last two do not broadcast")
        return x.with_shape((*batch, *rows, *columns))

    def forward(self, xp: Namespace, x: Array, y: Array) -> Array:
        return xp.matmul(x, y)

    def vjp(self, g: Value, out: Value, x: Value, y: Value) -> Sequence[Value | None]:
        row, column = x.ndim == 1, y.ndim == 1
        left = F.expand_dims(x, axis=0) if row else x
        right = F.expand_dims(y, axis=1) if column else y
        if column:
            g = F.expand_dims(g, axis=-1)
        if row:
            g = F.expand_dims(g, axis=-2)
        by_left = unbroadcast(g @ swapped(right), left.tensor)
        by_right = _right_cotangent(left, right, g)
        return (
            F.squeeze(by_left, axis=0) if row else by_left,
            F.squeeze(by_right, axis=1) if column else by_right,
        )

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return 2 * operand([out]).size * operand(types).shape[-1]

    def samples(self) -> Iterator[Sample]:
        x, y = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4) - 5
        yield Sample([x, y], {}, x.dot(y))
        yield Sample([x[0], y], {}, x[0].dot(y))
        yield Sample([x, y[:, 0]], {}, x.dot(y[:, 0]))
        yield Sample([x[0], y[:, 0]], {}, x[0].dot(y[:, 0]))
        batch = np.stack([x, x + 1])
        yield Sample([batch, y], {}, batch.dot(y))
        yield Sample([batch[:, None], np.stack([y, -y, 2 * y])])
        yield Sample([np.zeros((2, 0)), np.zeros((0, 3))], {}, np.zeros((2, 3)))


def _right_cotangent(x: Value, y: Value, g: Value) -> Value:
    """x^T g; for one matrix y shared by a batch, as a single product over all rows."""
    if y.ndim == 2 and x.ndim > 2:
        rows = product(x.shape[:-1])
        x = F.reshape(x, shape=(rows, x.shape[-1]))
        g = F.reshape(g, shape=(rows, g.shape[-1]))
    return unbroadcast(swapped(x) @ g, y.tensor)


def swapped(x: Value) -> Value:
    """``x`` with its last two axes exchanged."""
    n = x.ndim
    return F.transpose(x, axes=(*range(n - 2), n - 1, n - 2))


def _no_product(x: TensorType, y: TensorType, why: str) -> NoReturn:
    fail(
        "GF030",
        f"cannot multiply matrices {list(x.shape)} @ {list(y.shape)}: {why}",
        help="the last axis of the left operand meets the last but one of the right",
    )


@register
class Einsum(Multilinear):
    """A sum of products, in index notation. ``einsum('bij,bjk->bik', x, y)``.

    Every index that is missing on the right of the arrow is summed over. Without an arrow the
    result has the indices that appear once, in alphabetical order. A repeated index on one operand
    takes its diagonal; ``...`` stands for axes without a name. As everywhere, an axis of size 1 is
    stretched to the size that its index has elsewhere.
    """

    family, waits = "linalg", True
    latex, retains, promotes = r"\sum {operands}", ("operands",), "all"
    call_order = ("subscripts", "*operands")

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        subscripts = attrs["subscripts"]
        if not isinstance(subscripts, str):
            fail("GF033", f"the subscripts of einsum are a string, not {subscripts!r}")
        shapes = [operand(types, i).shape for i in range(len(types))]
        return {"subscripts": explicit(subscripts, shapes)}

    def infer(self, *operands: TensorType, subscripts: str) -> TensorType:
        sizes = _index_sizes(subscripts, [t.shape for t in operands])
        return operands[0].with_shape(sizes[i] for i in subscripts.partition("->")[2])

    def forward(self, xp: Namespace, *operands: Array, subscripts: str) -> Array:
        return xp.einsum(subscripts, *operands, optimize=len(operands) > 1)

    def vjp(
        self, g: Value, out: Value, *operands: Value, subscripts: str
    ) -> Sequence[Value | None]:
        inputs, result = _sides(subscripts)
        return [
            _cotangent(g, result, operands, inputs, position) for position in range(len(operands))
        ]

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        shapes = [operand(types, i).shape for i in range(len(types))]
        subscripts = attrs["subscripts"]
        assert isinstance(subscripts, str)
        return len(types) * product(_index_sizes(subscripts, shapes).values())

    def samples(self) -> Iterator[Sample]:
        x, y = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4)
        square = np.arange(9.0).reshape(3, 3)
        yield Sample([x, y], {"subscripts": "ij,jk"}, x @ y)
        yield Sample([x], {"subscripts": "ij->"}, np.array(15.0))
        yield Sample([square], {"subscripts": "ii"}, np.array(12.0))
        yield Sample([square], {"subscripts": "ii -> i"}, np.array([0.0, 4.0, 8.0]))
        yield Sample([x[0], y[0]], {"subscripts": "i,j->ij"}, np.outer(x[0], y[0]))
        yield Sample([np.stack([x, x]), y], {"subscripts": "...j,jk->...k"}, np.stack([x, x]) @ y)
        yield Sample([x, y, y], {"subscripts": "ij,jk,jk->i"})
        batch, one = np.stack([x, -x])[:, None], np.stack([y, y + 1, 2 * y])
        yield Sample([batch, one], {"subscripts": "...ij,...jk"}, batch @ one)
        yield Sample([x[:, :1], y], {"subscripts": "ij,jk->ik"}, x[:, :1] * y.sum(0))
        yield Sample([x[:1], x], {"subscripts": "ij,ij->i"}, x @ x[0])


def _sides(subscripts: str) -> tuple[list[str], str]:
    left, _, right = subscripts.partition("->")
    return left.split(","), right


def explicit(subscripts: str, shapes: Sequence[Shape]) -> str:
    """Subscripts with the result written out and a letter for every axis.

    >>> explicit("...j, jk", [(2, 3), (3, 4)])
    'Aj,jk->Ak'
    """
    compact = subscripts.replace(" ", "")
    left, arrow, right = compact.partition("->")
    terms = left.split(",")
    letters = compact.replace("...", "").replace(",", "").replace("->", "")
    if letters and not (letters.isascii() and letters.isalpha()):
        fail("GF033", f"einsum '{subscripts}': an index is a letter, as in 'ij,jk->ik'")
    if len(terms) != len(shapes):
        fail("GF033", f"einsum '{subscripts}' describes {len(terms)} operands, not {len(shapes)}")
    free = [c for c in string.ascii_uppercase + string.ascii_lowercase if c not in letters]
    extra = [_unnamed(term, shape, subscripts) for term, shape in zip(terms, shapes, strict=True)]
    names = "".join(free[: max(extra, default=0)])
    spelled = [
        term.replace("...", names[len(names) - n :]) for term, n in zip(terms, extra, strict=True)
    ]
    if not arrow:
        once = sorted(c for c in set("".join(terms)) if c.isalpha() and left.count(c) == 1)
        return f"{','.join(spelled)}->{names}{''.join(once)}"
    result = right.replace("...", names)
    odd = [c for c in result if c not in "".join(spelled) or result.count(c) > 1]
    if odd:
        fail("GF033", f"einsum '{subscripts}': '{odd[0]}' on the right must be on the left, once")
    return f"{','.join(spelled)}->{result}"


def _unnamed(term: str, shape: Shape, subscripts: str) -> int:
    """How many axes the ellipsis of one operand stands for."""
    extra = len(shape) - len(term.replace("...", ""))
    if extra < 0 or (extra and "..." not in term):
        fail("GF030", f"einsum '{subscripts}': '{term}' does not fit the shape {list(shape)}")
    return extra


def _index_sizes(subscripts: str, shapes: Sequence[Shape]) -> dict[str, Dim]:
    """The size of every index; one size for each (and 1, which is stretched), or a diagnostic."""
    sizes: dict[str, Dim] = {}
    for term, shape in zip(_sides(subscripts)[0], shapes, strict=True):
        own = dict(zip(term, shape, strict=True))
        for letter, n in zip(term, shape, strict=True):
            if sizes.setdefault(letter, n) == 1 and own[letter] == n:
                sizes[letter] = n
            elif own[letter] != n or n not in (1, sizes[letter]):
                other = sizes[letter] if own[letter] == n else own[letter]
                shown = ", ".join(str(list(s)) for s in shapes)
                fail(
                    "GF030", f"einsum '{subscripts}' of {shown}: index {letter} is {other} and {n}"
                )
    return sizes


def _cotangent(
    g: Value, result: str, operands: Sequence[Value], inputs: Sequence[str], position: int
) -> Value:
    """The cotangent contracted with the other operands and spread over indices they lack."""
    own = inputs[position]
    shape = dict(zip(own, operands[position].shape, strict=True))
    others = [i for i in range(len(operands)) if i != position]
    elsewhere = result + "".join(inputs[i] for i in others)
    unique = "".join(dict.fromkeys(own))
    present = "".join(c for c in unique if c in elsewhere and shape[c] != 1)
    terms = ",".join([result, *(inputs[i] for i in others)])
    value = F.einsum(g, *(operands[i] for i in others), subscripts=f"{terms}->{present}")
    missing = tuple(i for i, c in enumerate(unique) if c not in present)
    if missing:
        value = F.expand_dims(value, axis=missing)
    whole = tuple(shape[c] for c in unique)
    if value.shape != whole:
        value = F.broadcast_to(value, shape=whole)
    return value if unique == own else _on_diagonals(value, unique, own, shape)


def _on_diagonals(value: Value, unique: str, own: str, shape: dict[str, Dim]) -> Value:
    """``value`` on the diagonals that repeated indices took, zero elsewhere."""
    free = iter(c for c in string.ascii_letters if c not in own)
    target, terms, masks = "", [unique], []
    for letter in own:
        if letter not in target:
            target += letter
            continue
        other = next(free)
        target += other
        terms.append(letter + other)
        masks.append(value.builder.add("eye", n=shape[letter], dtype=value.dtype))
    return F.einsum(value, *masks, subscripts=f"{','.join(terms)}->{target}")
