"""Products of matrices by cuBLASLt, on addresses: what CuPy's own calls of cuBLAS compute cannot be
recorded and replayed. What is asked for depends on types, shapes and strides alone, and is told
without a GPU.
"""

from graphflow.backends.cublas.library import Library, Plan, library
from graphflow.backends.cublas.products import Matrix, Product, affine, product

__all__ = ["Library", "Matrix", "Plan", "Product", "affine", "library", "product"]
