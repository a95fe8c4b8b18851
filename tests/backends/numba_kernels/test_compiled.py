"""Machine code is kept in a folder, and found there again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from graphflow.backends.numba_kernels import compiled

TEXT = "define void @kernel(ptr %at, ptr %n, i64 %part) {\nret void\n}\n"


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    for each in (compiled.address_of, compiled._folder):
        each.cache_clear()
    yield
    for each in (compiled.address_of, compiled._folder):
        each.cache_clear()


def test_a_later_process_finds_what_was_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(compiled.VARIABLE, str(tmp_path / "kernels"))
    assert compiled.address_of(TEXT)
    (file,) = (tmp_path / "kernels").iterdir()
    compiled.address_of.cache_clear()
    monkeypatch.setattr(compiled, "_compiled", None)
    assert compiled.address_of(TEXT)
    assert list((tmp_path / "kernels").iterdir()) == [file]


def test_where_nothing_can_be_written_a_temporary_folder_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(compiled.VARIABLE, str(tmp_path / "file" / "kernels"))
    assert compiled.address_of(TEXT)
    assert not compiled._folder().is_relative_to(tmp_path)
