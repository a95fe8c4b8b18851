"""One studio for many tests: its processes take a while to start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from graphflow.studio.client import Studio
from graphflow.studio.limits import Limits


@pytest.fixture(scope="session")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the studio's allowed folder, its runs, and what lies outside of both."""
    place = tmp_path_factory.mktemp("studio")
    for name in ("models", "runs", "outside"):
        (place / name).mkdir()
    return place


@pytest.fixture(scope="session")
def limits(grounds: Path) -> Limits:
    return Limits((str(grounds / "models"),), str(grounds / "runs"), seconds=60)


@pytest.fixture(scope="session")
def studio(limits: Limits) -> Iterator[Studio]:
    found = Studio(limits)
    yield found
    found.close()
