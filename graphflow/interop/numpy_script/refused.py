"""Primitives that have no line, and why."""

from __future__ import annotations

REFUSED: dict[str, str] = {
    "affine": "it stands in plans for devices alone, after whatever is exported",
    "attending": "it stands in plans for devices alone, after whatever is exported",
    "fused": "it stands in plans for kernels alone, after whatever is exported",
    "all_reduce_mean": "it stands in the graphs of workers alone",
    **dict.fromkeys(("digamma", "polygamma"), "NumPy has no derivatives of the gamma function"),
    "nms": "which boxes overlap is a program of its own, not a few lines of NumPy",
    "roi_pool_indices": "pooling of regions is a program of its own, not a few lines of NumPy",
}
