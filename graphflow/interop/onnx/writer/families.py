"""Every family of the table. Importing this fills it."""

from graphflow.interop.onnx.writer import (  # noqa: F401
    control,
    conv,
    core,
    elementwise,
    index,
    linalg,
    reduce,
    running,
    search,
    shape,
)
from graphflow.interop.onnx.writer.table import TABLE

__all__ = ["TABLE"]
