"""Amounts of memory as people write them."""

from __future__ import annotations

import re

from graphflow.diagnostics import fail
from graphflow.spec.kinds import Kind, Leaf, wrong
from graphflow.spec.values import Scalar, Value

_BYTES = re.compile(r"(\d{1,15}(?:\.\d{1,15})?)\s*(?:([kMGT])(i?))?B?", re.IGNORECASE)
_POWER = {"k": 1, "m": 2, "g": 3, "t": 4}


def bytes_of(text: str) -> int | None:
    """A number of bytes, with a unit of 1000 (kB, MB, GB, TB) or of 1024 (KiB, ...); else None.

    >>> bytes_of("1.5GB"), bytes_of("4 GiB"), bytes_of("4096"), bytes_of("much")
    (1500000000, 4294967296, 4096, None)
    """
    match = _BYTES.fullmatch(text.strip())
    if match is None:
        return None
    number, unit, binary = match.groups()
    return int(float(number) * (1024 if binary else 1000) ** _POWER[unit.lower()]
               if unit else float(number))  # fmt: skip


def _bytes(value: Value) -> int:
    if not isinstance(value, Scalar) or value.value is None:
        wrong(value, "an amount of memory")
    found = bytes_of(value.text)
    if not found:
        fail("GF013", f"'{value.text}' is not an amount of memory", value.mark,
             help="such as 4GB (4 * 1000**3 bytes) or 4GiB (4 * 1024**3)")  # fmt: skip
    return found


BYTES: Kind[int] = Leaf(_bytes, {"type": ["string", "number"]})
