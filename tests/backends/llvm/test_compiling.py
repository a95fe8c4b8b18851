"""Machine code made by processes beside this one."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import Future
from typing import Any

import pytest

from graphflow.backends.llvm import compiling
from graphflow.backends.llvm.compiling import Compilers, compiled

TEXT = "define void @kernel(ptr %at, ptr %n, i64 %part) {\nret void\n}\n"


class _Kept(Compilers):
    """Remembers the processes that it starts."""

    def __init__(self) -> None:
        super().__init__(beside=True)
        self.started: list[subprocess.Popen[bytes]] = []

    def _one(self) -> subprocess.Popen[bytes]:
        process = super()._one()
        if process not in self.started:
            self.started.append(process)
        return process


def test_a_process_beside_makes_the_same_code_until_nothing_is_left_to_do() -> None:
    compilers, first, second = _Kept(), Future[Any](), Future[Any]()
    compilers.stay(first)
    compilers.stay(second)
    codes = [compilers.compiled(TEXT) for _ in range(2)]
    assert codes == [compiled(TEXT)] * 2
    (process,) = compilers.started
    first.set_result(None)
    assert process.poll() is None
    second.set_result(None)
    assert process.poll() is not None


def test_where_a_process_ends_the_one_that_asked_compiles() -> None:
    compilers, stay = _Kept(), Future[Any]()
    compilers.stay(stay)
    compilers.compiled(TEXT)
    compilers.started[0].kill()
    compilers.started[0].wait()
    assert compilers.compiled(TEXT) == compiled(TEXT)
    stay.set_result(None)


def test_where_none_may_be_started_the_one_that_asked_compiles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError("subprocess.Popen")

    monkeypatch.setattr(subprocess, "Popen", refused)
    assert Compilers(beside=True).compiled(TEXT) == compiled(TEXT)


def test_what_is_no_text_of_llvm_is_told_where_it_was_asked_for() -> None:
    with pytest.raises(RuntimeError, match="expected"):
        _Kept().compiled("no module")


def test_the_file_needs_nothing_of_the_package(
    tmp_path: os.PathLike[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    compilers = Compilers(beside=True)
    process = compilers._one()
    assert compiling._answer(process, TEXT.encode()) == compiled(TEXT)
    compiling._end(process)
