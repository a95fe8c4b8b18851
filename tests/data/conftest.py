from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from graphflow.data import files
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

    def refuse(url: str) -> bytes:
        raise OSError(f"no network in a test ({url})")

    monkeypatch.delenv("GRAPHFLOW_DATA", raising=False)
    monkeypatch.setattr(files, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(files, "fetch", refuse)
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
