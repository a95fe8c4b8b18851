"""NVIDIA's compiler as a library, which needs no GPU."""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import StringIO

from graphflow.backends.cuda import Module

ENTRY = "Compiling entry function '"
MEMORY = re.compile(
    r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads"
)
REGISTERS = re.compile(r"Used (\d+) registers")


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
    return dict(map(_told, log.getvalue().split(ENTRY)[1:]))


def _told(report: str) -> tuple[str, Built]:
    """What the compiler says of one kernel, and of the functions that it calls."""
    found = [[int(number) for number in m.groups()] for m in MEMORY.finditer(report)]
    registers = REGISTERS.search(report)
    assert registers is not None
    stack, spilled = sum(f[0] for f in found), sum(f[1] + f[2] for f in found)
    return report.split("'", 1)[0], Built(int(registers[1]), stack, spilled)
