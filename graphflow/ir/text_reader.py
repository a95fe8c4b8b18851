"""The parser of the text form of graphs: see :mod:`graphflow.ir.text`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple, NoReturn, TypeVar

import numpy as np

from graphflow.diagnostics import Mark, fail
from graphflow.ir.dims import Dim, FloorDiv, Symbolic, symbol
from graphflow.ir.graph import ArrayLiteral, Attr, Graph, Node
from graphflow.ir.types import DType, TensorType, TupleType, ValueType

WORD = re.compile(r"[^\W\d][\w.]*")
CONSTANTS: Mapping[str, Attr] = {
    "none": None, "true": True, "false": False, "inf": float("inf"), "nan": float("nan"),
    **{dtype.value: dtype for dtype in DType},
}  # fmt: skip
RESERVED = frozenset(CONSTANTS)
"""Words that mean something else than a symbol where an attribute is expected."""

_TOKEN = re.compile(
    r"""[ \t]*(?:
    (?P<string>"(?:[^"\\\n]|\\.)*")
  | (?P<number>-(?:inf|nan)\b|-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)
  | (?P<word>[^\W\d][\w.]*)
  | (?P<newline>\n)
  | (?P<sign>//|[][(){}:=,*+-])
  | (?P<end>\Z)
  )""",
    re.VERBOSE,
)
T = TypeVar("T")


class _Token(NamedTuple):
    kind: str
    text: str
    offset: int


class Reader:
    """Reads one text; every method consumes what it is named after."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = self._tokens()
        self.at = 0

    def whole(self) -> Graph:
        """The graph of the whole text."""
        try:
            graph = self.graph()
        except RecursionError:
            self.refuse("fewer brackets inside one another")
        if self.peek.kind != "end":
            self.refuse("a node, or one of return, update, alias, gradient")
        return graph

    def graph(self) -> Graph:
        """Lines up to the end of the text or of the region."""
        nodes: dict[str, Node] = {}
        outputs: list[str] = []
        tables: dict[str, dict[tuple[str, ...], str]] = {
            "update": {}, "alias": {}, "gradient": {}
        }  # fmt: skip
        while self.peek.kind in ("word", "string", "newline"):
            if self.peek.kind == "newline":
                self.next()
            elif self.ahead(1) == ":":
                node = self.node(nodes)
                nodes[node.name] = node
            elif self.peek.text == "return":
                self.next()
                outputs += self.series(lambda: self.existing(nodes))
            elif self.peek.text in tables:
                table = tables[self.next().text]
                key = tuple(self.series(self.name))
                self.expect("=")
                table[key] = self.existing(nodes)
            else:
                self.refuse("a line 'name: type = op(...)', return, update, alias or gradient")
        updates, aliases = (
            {key[0]: node for key, node in tables[table].items()} for table in ("update", "alias")
        )
        gradients = {(key[0], key[-1]): node for key, node in tables["gradient"].items()}
        return Graph(nodes, tuple(outputs), updates, aliases, gradients=gradients)

    def node(self, nodes: Mapping[str, Node]) -> Node:
        """``name: type = op(operands, attributes)``."""
        if self._name_of(self.peek) in nodes:
            self.refuse("a new name: this one is taken")
        name = self.name()
        self.expect(":")
        type = self.type()
        self.expect("=")
        op = self.word()
        self.expect("(")
        inputs: list[str] = []
        attrs: list[tuple[str, Attr]] = []
        while not self.accept(")"):
            if inputs or attrs:
                self.expect(",")
            if self.ahead(1) == "=":
                key = self.word()
                self.expect("=")
                attrs.append((key, self.value()))
            else:
                inputs.append(self.existing(nodes))
        return Node(op, tuple(inputs), tuple(attrs), type, name)

    # -- types and sizes ---------------------------------------------------------------------
    def type(self) -> ValueType:
        """``float32[B, 3]``, or several in parentheses."""
        if self.accept("("):
            return TupleType(tuple(self.until(")", self.tensor)))
        return self.tensor()

    def tensor(self) -> TensorType:
        dtype = CONSTANTS.get(self.peek.text)
        if not isinstance(dtype, DType):
            self.refuse("a number type")
        self.next()
        self.expect("[")
        return TensorType(dtype, tuple(self.until("]", self.dim)))

    def dim(self) -> Dim:
        """A polynomial: terms joined by + and -."""
        total = self.term()
        while self.peek.text in ("+", "-"):
            minus = self.next().text == "-"
            term = self.term()
            total = total - term if minus else total + term
        return total

    def term(self) -> Dim:
        product = self.factor()
        while self.accept("*"):
            product = product * self.factor()
        return product

    def factor(self) -> Dim:
        """A number, a symbol, or in parentheses a polynomial or a floor division."""
        if self.accept("("):
            value = self.dim()
            if self.accept("//"):
                lifted = value if isinstance(value, Symbolic) else Symbolic((((), value),))
                value = Symbolic((((FloorDiv(lifted, self.factor()),), 1),))
            self.expect(")")
            return value
        if self.peek.kind == "number":
            return self.integer()
        return symbol(self.word())

    # -- attributes --------------------------------------------------------------------------
    def value(self) -> Attr:
        """An attribute."""
        kind, text, _ = self.peek
        if kind == "string":
            return self.string()
        if self.accept("["):
            return tuple(self.until("]", self.value))
        if self.accept("{"):
            region = self.graph()
            self.expect("}")
            return region
        if text == "array" and self.ahead(1) == "(":
            return self.array()
        if text in CONSTANTS:
            self.next()
            return CONSTANTS[text]
        if kind == "number" and self.ahead(1) not in ("*", "+", "-"):
            return self.number()
        return self.dim()

    def number(self) -> int | float:
        text = self.peek.text
        if re.fullmatch(r"-?\d+", text):
            return self.integer()
        self.next()
        return float(text)

    def array(self) -> ArrayLiteral:
        """``array("<f8", [2], "bytes as hexadecimal digits")``."""
        start = self.next()
        self.expect("(")
        dtype = self.string()
        self.expect(",")
        self.expect("[")
        shape = self.until("]", self.integer)
        self.expect(",")
        digits = self.string()
        self.expect(")")
        try:
            flat = np.frombuffer(bytes.fromhex(digits), np.dtype(dtype))
            return ArrayLiteral(flat.reshape(shape))
        except (ValueError, TypeError, SyntaxError):
            self.refuse("an array: its type, shape and bytes do not fit", start)

    # -- words, names, lists -----------------------------------------------------------------
    def word(self) -> str:
        if self.peek.kind != "word":
            self.refuse("a word")
        return self.next().text

    def name(self) -> str:
        """A name: a word, or anything in quotes."""
        return self.string() if self.peek.kind == "string" else self.word()

    def existing(self, nodes: Mapping[str, Node]) -> str:
        """The name of a node on an earlier line."""
        if self._name_of(self.peek) not in nodes:
            self.refuse("the name of a node on an earlier line")
        return self.name()

    def string(self) -> str:
        if self.peek.kind != "string":
            self.refuse("a text in quotes")
        found = self._name_of(self.peek)
        self.next()
        return found

    def integer(self) -> int:
        if not re.fullmatch(r"-?\d{1,4000}", self.peek.text):
            self.refuse("an integer of at most 4,000 digits")
        return int(self.next().text)

    def series(self, part: Callable[[], T]) -> list[T]:
        """One or more parts with commas between them."""
        parts = [part()]
        while self.accept(","):
            parts.append(part())
        return parts

    def until(self, closing: str, part: Callable[[], T]) -> list[T]:
        """Any number of parts with commas between them, and the closing bracket."""
        if self.accept(closing):
            return []
        parts = self.series(part)
        self.expect(closing)
        return parts

    # -- tokens ------------------------------------------------------------------------------
    @property
    def peek(self) -> _Token:
        return self.tokens[self.at]

    def ahead(self, count: int) -> str:
        return self.tokens[min(self.at + count, len(self.tokens) - 1)].text

    def next(self) -> _Token:
        token = self.peek
        self.at += 1
        return token

    def accept(self, sign: str) -> bool:
        """Step over ``sign`` if it comes next."""
        found = self.peek.kind == "sign" and self.peek.text == sign
        self.at += found
        return found

    def expect(self, sign: str) -> None:
        if not self.accept(sign):
            self.refuse(f"'{sign}'")

    def refuse(self, expected: str, token: _Token | None = None) -> NoReturn:
        """Fail at a token, saying what should stand there."""
        _, text, offset = token or self.peek
        found = "the end" if not text else "a new line" if text == "\n" else f"'{text}'"
        fail("GF005", f"expected {expected}, but found {found}", self._mark(offset, len(text)))

    def _mark(self, offset: int, length: int) -> Mark:
        start = self.text.rfind("\n", 0, offset) + 1
        line = self.text[start:].partition("\n")[0]
        number = self.text.count("\n", 0, offset) + 1
        return Mark("<graph>", number, offset - start + 1, max(1, length), line)

    def _name_of(self, token: _Token) -> str:
        """The text that a token stands for."""
        if token.kind != "string":
            return token.text
        try:
            return str(json.loads(token.text))
        except ValueError:
            self.refuse("a text in quotes", token)

    def _tokens(self) -> list[_Token]:
        tokens: list[_Token] = []
        offset = 0
        while not tokens or tokens[-1].kind != "end":
            found = _TOKEN.match(self.text, offset)
            if found is None:
                text = self.text[offset:].lstrip(" \t")[:1]
                place = _Token("", text, self.text.index(text, offset))
                self.refuse("part of a graph", place)
            kind = found.lastgroup or ""
            tokens.append(_Token(kind, found[kind], found.start(kind)))
            offset = found.end()
        return tokens
