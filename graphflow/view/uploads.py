"""Files that are sent to a studio."""

from __future__ import annotations

from graphflow.diagnostics import fail
from graphflow.spec.yaml12 import decoded


def uploaded(data: bytes, name: str, limit: int) -> str:
    """The text of a file that was sent. Raises GF004 where it has more than ``limit`` bytes, GF001
    where it is no text.
    """
    if len(data) > limit:
        fail("GF004", f"'{name}' has {len(data):,} bytes, and at most {limit:,} are taken",
             help="a graph file is a few kilobytes; large tables belong into data files, weights "
             "into .safetensors")  # fmt: skip
    return decoded(data, name)
