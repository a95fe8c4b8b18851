"""The primitives, by family. Importing this package registers all of them."""

from graphflow.ops import control, core, derivative, elementwise  # noqa: F401
from graphflow.ops.builder import Builder, F, Value
from graphflow.ops.op import OPS, Op, Sample, get_op, register

__all__ = ["OPS", "Builder", "F", "Op", "Sample", "Value", "get_op", "register"]
