from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from graphflow.data import download, files
from graphflow.diagnostics import Diagnostic, GraphflowError


@pytest.fixture
def real_data() -> Path:
    """The folder of real data files; tests that want it are skipped where there is none."""
    folder = os.environ.get("GRAPHFLOW_DATA")
    if not folder:
        pytest.skip("GRAPHFLOW_DATA is not set: no real data files here")
    return Path(folder)


@pytest.fixture
def no_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without data files, an empty cache (returned), and no network."""

    def refuse(url: str, start: int) -> NoReturn:
        raise OSError(f"no network in a test ({url})")

    monkeypatch.delenv("GRAPHFLOW_DATA", raising=False)
    monkeypatch.setattr(files, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(download, "connect", refuse)
    monkeypatch.setattr(download, "PAUSE", 0)
    return tmp_path / "cache"


@pytest.fixture
def refused() -> Callable[..., Diagnostic]:
    """``refused(function, ...)``: the one diagnostic that the call is answered with."""

    def call(function: Callable[..., object], *args: object, **options: object) -> Diagnostic:
        with pytest.raises(GraphflowError) as caught:
            function(*args, **options)
        assert len(caught.value.diagnostics) == 1
        diagnostic = caught.value.diagnostics[0]
        assert diagnostic.mark is None
        return diagnostic

    return call


@pytest.fixture
def published(no_data: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``published({address: content})``: these are all the addresses that answer."""

    def publish(contents: dict[str, bytes]) -> None:
        def answer(url: str, start: int) -> Answer:
            if url not in contents:
                raise OSError(f"no network in a test ({url})")
            return Answer(contents[url], start)

        monkeypatch.setattr(download, "connect", answer)

    return publish


class Answer(io.BytesIO):
    """What a server answers, as far as a download looks at it."""

    def __init__(self, content: bytes, start: int) -> None:
        super().__init__(content[start:])
        self.status = 206 if start else 200
        self.length = len(content) - start
        self.headers = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
