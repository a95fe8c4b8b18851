"""Primitives that cannot be written, and why."""

from __future__ import annotations

NO_FACTORS = "ONNX has no factorisations of matrices and solves no equations"
DRAWS = "inside a loop or branch nothing can be fed in its place"

REFUSED: dict[str, str] = {
    "affine": "it stands in plans for devices alone, after whatever is exported",
    "attending": "it stands in plans for devices alone, after whatever is exported",
    "fused": "it stands in plans for kernels alone, after whatever is exported",
    "all_reduce_mean": "it stands in the graphs of workers alone",
    **dict.fromkeys(
        ("inv", "solve", "triangular_solve", "cholesky", "qr", "eigh", "svd", "pinv", "adjugate",
         "eigvals", "matrix_rank"),
        NO_FACTORS,
    ),
    **dict.fromkeys(
        ("uniform", "normal", "truncated_normal", "bernoulli", "randint", "permutation",
         "rng_split", "categorical"),
        DRAWS,
    ),
    **dict.fromkeys(("lgamma", "digamma", "polygamma"), "ONNX has no gamma function"),
    "nms": "ONNX's NonMaxSuppression gives as many boxes as it finds, not a fixed number",
    "roi_pool_indices": "ONNX pools regions without telling where the largest elements were",
}  # fmt: skip
"""Beside abstract ones, which are gone before, and leaves, which are inputs and initializers.

Draws stand here for those inside loops: others become inputs of the model.
"""
