from __future__ import annotations

import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NoReturn

import numpy as np
import pytest
from PIL import Image

from graphflow.data import download, files, pretrained
from graphflow.data.files import Remote
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
    for module in (files, pretrained):
        monkeypatch.setattr(module, "cache_folder", lambda: tmp_path / "cache")
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


Form = Literal["archive", "folder"]


@pytest.fixture
def place(no_data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """``place(remote, {name: content}, form)``: a small set in the user's folder, as an archive of
    the published kind or unpacked.
    """
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("GRAPHFLOW_DATA", str(folder))

    def put(remote: Remote, contents: dict[str, bytes], form: Form = "archive") -> None:
        if form == "archive":
            (folder / remote.file).write_bytes(packed(remote.file, remote.top, contents))
            return
        for name, content in contents.items():
            path = folder / remote.top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    return put


def packed(file: str, top: str, contents: dict[str, bytes]) -> bytes:
    """An archive of the kind that the file's name says."""
    out = io.BytesIO()
    if file.endswith(".zip"):
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{top}/", b"")
            for name, content in contents.items():
                archive.writestr(f"{top}/{name}", content)
    else:
        with tarfile.open(fileobj=out, mode="w:gz" if file.endswith("gz") else "w") as tar:
            for name, content in contents.items():
                info = tarfile.TarInfo(f"{top}/{name}")
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def png(pixels: np.ndarray) -> bytes:
    """Pixels (H, W, 3) as a PNG file."""
    out = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(out, "PNG")
    return out.getvalue()
