"""What is measured, and on which machine: no names of hosts or places."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import psutil

from graphflow.bench.by import By
from graphflow.bench.gpus import Gpu
from graphflow.bench.peers import versions
from graphflow.bench.roofline import Rates
from graphflow.bench.rows import FOR_GPUS, ROWS, Row
from graphflow.files import slug
from graphflow.version import __version__


@dataclass(frozen=True)
class Setting:
    """What computes our side, on how many threads, who is compared with, and the GPU, if all
    compute on one.
    """

    by: By
    threads: int
    peers: tuple[str, ...]
    gpu: Gpu | None = None

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows that are measured where none is named."""
        return ROWS if self.gpu is None else (*ROWS, *FOR_GPUS)

    def file(self, out: Path) -> Path:
        """The file for a table: ``out``, or in a folder one that is named after the GPU or the
        processor, and after the kernels if these are not numba's. The folders to it are made.
        """
        file = out if out.suffix else out / f"{slug(f'{self._name()}.md')}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        return file

    def _name(self) -> str:
        if self.gpu is not None:
            return self.gpu.name
        cores = psutil.cpu_count(logical=False) or os.cpu_count()
        return f"{processor()} {cores} cores{'' if self.by == 'numba' else f' {self.by}'}"

    def about(self) -> dict[str, object]:
        """What another measurement must share with this one, to be told in one table."""
        found: dict[str, object] = {
            "threads": self.threads, "processor": processor(), **self.packages()
        }  # fmt: skip
        return found if self.gpu is None else {**found, "gpu": _plain(self.gpu)}

    def packages(self) -> dict[str, str]:
        """The versions of what computes, ours and the peers'."""
        needed = {"numpy": ("numpy",), "cupy": ("numpy",), "numba": ("numpy", "numba")}
        ours = needed.get(self.by, ("numpy", "numba", "onednn-cpu-gomp"))
        found = {name: version(name) for name in ours} | versions(self.peers)
        return found if self.gpu is None else found | {"cupy": self.gpu.cupy}

    def told(self, rates: Rates | None) -> list[str]:
        """This machine and what runs on it, in words; what it does at best, where it is known."""
        cores, memory = psutil.cpu_count(logical=False), psutil.virtual_memory().total
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return [
            *self._gpu(),
            f"{processor()}, {cores or '?'} cores, {os.cpu_count()} logical processors, "
            f"{memory / 2**30:.0f} GiB of memory",
            f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, "
            f"graphflow {__version__}, "
            + ", ".join(f"{name} {number}" for name, number in self.packages().items()),
            f"our kernels: {self.by}; {threads} on either side",
            *([] if rates is None else [
                f"at best {rates.flops / 1e9:.0f} GFLOP/s in a product of matrices, "
                f"{rates.bytes / 1e9:.0f} GB/s read and written in a copy",
            ]),
        ]  # fmt: skip

    def _gpu(self) -> list[str]:
        gpu = self.gpu
        if gpu is None:
            return []
        size = f"{gpu.memory / 2**30:.0f} GiB of memory"
        return [f"{gpu.name}, {size}, driver for CUDA {gpu.cuda}", *gpu.without]


def _plain(gpu: Gpu) -> dict[str, object]:
    """As it is read back of a line of JSON."""
    return {**asdict(gpu), "without": list(gpu.without)}


def processor() -> str:
    """The model of the processor."""
    listed = Path("/proc/cpuinfo")
    text = listed.read_text(encoding="utf-8") if listed.is_file() else ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.processor() or platform.machine()
