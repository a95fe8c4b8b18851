"""What LLVM makes of a module's text, in this process or in one beside it.

LLVM lets no two threads of a process compile at once, and a plan's kernels are dozens. So they are
compiled by a few processes that run this file, each for one thread that waits for it. Such a
process reads texts and writes machine code, with the length in eight bytes before each, until its
input ends.
"""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import Future
from functools import cache
from threading import Lock
from typing import IO, Any

from llvmlite import binding

LEVEL, RELOCATION = 2, "default"
"""How LLVM compiles. Level 3 takes twice as long, for kernels that are no faster."""
SIZE = 8


def compiled(text: str) -> bytes:
    """Optimised machine code for this processor."""
    module = binding.parse_assembly(text)
    module.verify()
    options = binding.create_pipeline_tuning_options(speed_level=LEVEL)
    options.loop_vectorization = options.slp_vectorization = True
    builder = binding.create_pass_builder(machine(), options)
    builder.getModulePassManager().run(module, builder)
    code: bytes = machine().emit_object(module)
    return code


@cache
def features() -> str:
    """What this processor can do."""
    found: str = binding.get_host_cpu_features().flatten()
    return found


@cache
def machine() -> Any:
    """LLVM's description of what it compiles for."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    target = binding.Target.from_default_triple()
    return target.create_target_machine(
        cpu=binding.get_host_cpu_name(), features=features(), opt=LEVEL, reloc=RELOCATION, jit=True
    )


class Compilers:
    """Processes ``beside`` this one, as many as are asked at a time; they end with what they are
    to stay for. Where there are none, or none may be started, the one that asks compiles.
    """

    def __init__(self, beside: bool) -> None:
        self._beside = beside
        self._lock = Lock()
        self._expected = 0
        self._idle: list[subprocess.Popen[bytes]] = []

    def stay(self, until: Future[Any]) -> None:
        """Be there until this is done."""
        with self._lock:
            self._expected += 1
        until.add_done_callback(self._done)

    def _done(self, _: Future[Any]) -> None:
        ended = []
        with self._lock:
            self._expected -= 1
            if not self._expected:
                ended, self._idle = self._idle, []
        for process in ended:
            _end(process)

    def compiled(self, text: str) -> bytes:
        """:func:`compiled`, by one of them."""
        if not self._beside:
            return compiled(text)
        try:
            process = self._one()
        except OSError:
            return compiled(text)
        try:
            code = _answer(process, text.encode())
        except OSError:  # it has ended
            _end(process)
            return compiled(text)
        with self._lock:
            self._idle.append(process)
        return code

    def _one(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return subprocess.Popen(
            [sys.executable, "-P", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, start_new_session=True,  # Ctrl-C is not for it
        )  # fmt: skip


def _answer(process: subprocess.Popen[bytes], text: bytes) -> bytes:
    assert process.stdin is not None and process.stdout is not None
    _write(process.stdin, text)
    code = _read(process.stdout)
    if code is None:
        raise BrokenPipeError
    return code


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def _write(stream: IO[bytes], content: bytes) -> None:
    stream.write(len(content).to_bytes(SIZE, "little") + content)
    stream.flush()


def _read(stream: IO[bytes]) -> bytes | None:
    """What the other side has written; None where it has ended."""
    size = int.from_bytes(stream.read(SIZE), "little")
    content = stream.read(size)
    return content if size and len(content) == size else None


def main() -> None:
    """Compile what is read."""
    while (text := _read(sys.stdin.buffer)) is not None:
        _write(sys.stdout.buffer, compiled(text.decode()))


if __name__ == "__main__":
    main()
