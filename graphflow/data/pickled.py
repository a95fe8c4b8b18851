"""What a pickle says, as plain data: nothing is imported, and nothing it names is called.

A pickle is a program for a small stack machine. This one knows the instructions that numbers,
texts, tuples and dictionaries need; a name of a Python object is kept as text, and a call is done
by one of the functions that the reader is given, or refused.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import IO

Function = Callable[..., object]

MOST = 1_000_000
"""Instructions that a pickle may have."""
CONSTANTS: Mapping[str, object] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
VALUES = frozenset({"BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE", "BINFLOAT"})
EMPTY: Mapping[str, Callable[[], object]] = {
    "EMPTY_TUPLE": tuple, "EMPTY_LIST": list, "EMPTY_DICT": dict
}  # fmt: skip
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class Refused(ValueError):
    """The pickle says something that is not plain data."""


class Name(str):
    """The name of a Python object, as ``module object``."""


class Mark:
    """Where on the stack a collection begins."""


def read_pickle(
    stream: IO[bytes],
    functions: Mapping[str, Function],
    types: Collection[str] = (),
    persistent: Function | None = None,
) -> object:
    """The value of the pickle at the stream's place, which is then behind it.

    ``functions`` maps the names that may be called to what is done instead, ``types`` are names
    that may stand as values, ``persistent`` makes the value of a persistent id. Raises ValueError
    (Refused, where it is a pickle of something else).

    >>> import io, pickle
    >>> read_pickle(io.BytesIO(pickle.dumps({"a": (1, "b")}, protocol=2)), {})
    {'a': (1, 'b')}
    >>> read_pickle(io.BytesIO(pickle.dumps(len, protocol=2)), {})
    Traceback (most recent call last):
    ...
    graphflow.data.pickled.Refused: it names __builtin__ len
    """
    machine = _Machine(functions, types, persistent)
    for count, (name, argument) in enumerate(_instructions(stream)):
        if count > MOST:
            raise Refused("it is longer than any file of weights")
        if name == "STOP":
            (value,) = machine.taken(1)
            return value
        machine.do(name, argument)
    raise Refused("it has no end")


def _instructions(stream: IO[bytes]) -> Iterator[tuple[str, object]]:
    """The instructions of a pickle, each with what it carries."""
    try:
        for opcode, argument, _ in pickletools.genops(stream):
            yield opcode.name, argument
    except (MemoryError, OverflowError):
        raise Refused("it announces a text that is longer than any file") from None


class _Machine:
    def __init__(
        self, functions: Mapping[str, Function], types: Collection[str], persistent: Function | None
    ) -> None:
        self.functions, self.types, self.persistent = functions, types, persistent
        self.stack: list[object] = []
        self.memo: dict[object, object] = {}

    def do(self, name: str, argument: object) -> None:
        """One instruction."""
        if name in VALUES:
            self.stack.append(argument)
        elif name in CONSTANTS:
            self.stack.append(CONSTANTS[name])
        elif name in EMPTY:
            self.stack.append(EMPTY[name]())
        elif name in TUPLES:
            self.stack.append(tuple(self.taken(TUPLES[name])))
        elif name in ACTIONS:
            ACTIONS[name](self, argument)
        else:
            raise Refused(f"it has the instruction {name}")

    def taken(self, count: int) -> list[object]:
        """The topmost values, in the order in which they came."""
        found = self.stack[-count:] if count else []
        if len(found) < count or any(isinstance(value, Mark) for value in found):
            raise Refused("its instructions do not fit together")
        del self.stack[len(self.stack) - count :]
        return found

    def marked(self) -> list[object]:
        """The values above the last mark, which goes, too."""
        places = [i for i, value in enumerate(self.stack) if isinstance(value, Mark)]
        if not places:
            raise Refused("its instructions do not fit together")
        found = self.taken(len(self.stack) - places[-1] - 1)
        self.stack.pop()
        return found

    def put(self, argument: object) -> None:
        (self.memo[argument],) = self.stack[-1:] or [Mark()]

    def get(self, argument: object) -> None:
        if argument not in self.memo:
            raise Refused("its instructions do not fit together")
        self.stack.append(self.memo[argument])

    def name(self, argument: object) -> None:
        """A name that may be called, or stands for a type of number."""
        if argument not in self.functions and argument not in self.types:
            raise Refused(f"it names {argument}")
        self.stack.append(Name(argument))

    def call(self, argument: object) -> None:
        name, given = self.taken(2)
        if not isinstance(name, Name) or name not in self.functions:
            raise Refused(f"it calls {name}" if isinstance(name, Name) else "it calls a value")
        if not isinstance(given, tuple):
            raise Refused("it calls with something that is no tuple")
        self.stack.append(self.functions[name](*given))

    def persist(self, argument: object) -> None:
        (key,) = self.taken(1)
        if self.persistent is None:
            raise Refused("it refers to something outside itself")
        self.stack.append(self.persistent(key))

    def set_items(self, argument: object) -> None:
        self.update(self.marked())

    def set_item(self, argument: object) -> None:
        self.update(self.taken(2))

    def update(self, items: list[object]) -> None:
        (target,) = self.taken(1)
        if not isinstance(target, dict) or len(items) % 2:
            raise Refused("its instructions do not fit together")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str | int):
                raise Refused("a key is neither text nor number")
            target[key] = value
        self.stack.append(target)

    def append(self, argument: object) -> None:
        items = self.marked()
        (target,) = self.taken(1)
        if not isinstance(target, list):
            raise Refused("its instructions do not fit together")
        self.stack.append(target + items)

    def build(self, argument: object) -> None:
        """Attributes of a dictionary, such as versions of layers, are passed over."""
        target, _ = self.taken(2)
        if not isinstance(target, dict):
            raise Refused("it sets attributes of an object")
        self.stack.append(target)


ACTIONS: Mapping[str, Callable[[_Machine, object], None]] = {
    "PROTO": lambda machine, argument: None,
    "MARK": lambda machine, argument: machine.stack.append(Mark()),
    "TUPLE": lambda machine, argument: machine.stack.append(tuple(machine.marked())),
    "BINPUT": _Machine.put,
    "LONG_BINPUT": _Machine.put,
    "BINGET": _Machine.get,
    "LONG_BINGET": _Machine.get,
    "GLOBAL": _Machine.name,
    "REDUCE": _Machine.call,
    "BINPERSID": _Machine.persist,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "APPENDS": _Machine.append,
    "BUILD": _Machine.build,
}
