"""NVIDIA's compiler as a library, which needs no GPU."""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import StringIO

from graphflow.backends.cuda import Module

USED = re.compile(
    r"Function properties for (?P<name>\w+)\W.*?(?P<stack>\d+) bytes stack frame, "
    r"(?P<stores>\d+) bytes spill stores, (?P<loads>\d+) bytes spill loads"
    r".*?Used (?P<registers>\d+) registers", re.S)  # fmt: skip


@dataclass(frozen=True)
class Built:
    """What one kernel takes of a processor: registers of a thread, bytes of stack and spills."""

    registers: int
    stack: int
    spilled: int


def built(module: Module, arch: str) -> dict[str, Built]:
    """The kernels of a module as machine code for an architecture, by name."""
    from cuda.core import Program, ProgramOptions

    options = ProgramOptions(arch=arch, std="c++17", ptxas_options=["-v"])
    log = StringIO()
    code = Program(module.text, "c++", options).compile("cubin", logs=log)
    assert code.code
    return {
        m["name"]: Built(int(m["registers"]), int(m["stack"]), int(m["stores"]) + int(m["loads"]))
        for m in USED.finditer(log.getvalue())
    }
