"""CUDA C++ for groups of nodes, written of the same record as the loops for LLVM.

It is text: neither CuPy nor a GPU is needed to write it.
"""

from __future__ import annotations

from graphflow.backends.cuda.module import Fusion, Module, Operand, fuses, module

__all__ = ["Fusion", "Module", "Operand", "fuses", "module"]
