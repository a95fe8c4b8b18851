"""What is known of products, and of the BLAS in use."""

from __future__ import annotations

from functools import cache

from threadpoolctl import threadpool_info

SMALL = 300_000
"""Multiplications up to which one thread is as fast as several."""
UNPACKED = 1_000_000
"""Multiplications up to which OpenBLAS reads matrices where they are; larger ones are packed."""
READS_IN_PLACE = frozenset({"SkylakeX", "Cooperlake", "Sapphirerapids"})
"""Processors, as OpenBLAS calls them, for which it has products without packing (0.3.17)."""


@cache
def reads_in_place() -> bool:
    """Whether the BLAS in use has products of small matrices that pack nothing."""
    found = (each for each in threadpool_info() if each["internal_api"] == "openblas")
    return any(each.get("architecture") in READS_IN_PLACE for each in found)
