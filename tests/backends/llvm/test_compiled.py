"""Machine code is kept in a folder, and found there again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from graphflow.backends.llvm import compiled

TEXT = "define void @kernel(ptr %at, ptr %n, i64 %part) {\nret void\n}\n"


def _forget() -> None:
    compiled._begun.clear()
    compiled._addresses.clear()
    compiled._folder.cache_clear()


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    _forget()
    yield
    _forget()


def test_a_later_process_finds_what_was_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(compiled.VARIABLE, str(tmp_path / "kernels"))
    assert compiled.Code(TEXT, lambda: TEXT).address
    (file,) = (tmp_path / "kernels").iterdir()
    _forget()
    monkeypatch.setattr(compiled, "_compiling", None)
    assert compiled.Code(TEXT, lambda: TEXT).address
    assert list((tmp_path / "kernels").iterdir()) == [file]


@pytest.mark.parametrize("left", [0, 20, 300])
def test_a_damaged_file_is_made_again(
    left: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(compiled.VARIABLE, str(tmp_path))
    assert compiled.Code(TEXT, lambda: TEXT).address
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:left])
    _forget()
    assert compiled.Code(TEXT, lambda: TEXT).address
    assert file.read_bytes() == whole


def test_on_a_full_disk_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setenv(compiled.VARIABLE, str(tmp_path))
    monkeypatch.setattr(compiled, "write_atomically", full)
    assert compiled.Code(TEXT, lambda: TEXT).address


def test_where_nothing_can_be_written_each_process_compiles_for_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(compiled.VARIABLE, str(tmp_path / "file" / "kernels"))
    assert compiled.Code(TEXT, lambda: TEXT).address
    assert compiled._folder() is None


def test_a_package_that_cannot_be_written_beside_is_used_all_the_same(tmp_path: Path) -> None:
    """As by a process that may write nowhere: the studio's trainers."""
    source = (
        "import sys\n"
        "def refuse(event, args):\n"
        "    if event == 'open' and isinstance(args[1], str) and set(args[1]) & set('wax+'):\n"
        "        raise PermissionError(args[0])\n"
        "    if event in ('os.mkdir', 'os.rename', 'tempfile.mkstemp', 'tempfile.mkdtemp'):\n"
        "        raise PermissionError(event)\n"
        "sys.addaudithook(refuse)\n"
        "import numpy as np\n"
        "from graphflow.backends.llvm.tables import alone\n"
        "print(alone(np.zeros((0, 6), np.int64))())\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=False
    )
    assert found.stdout == "0\n", found.stderr
