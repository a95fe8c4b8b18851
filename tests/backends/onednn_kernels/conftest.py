from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import pytest

from graphflow.backends.onednn_kernels.library import PACKAGE


@pytest.fixture(autouse=True)
def _installed() -> None:
    """oneDNN is an optional extra."""
    try:
        version(PACKAGE)
    except PackageNotFoundError:
        pytest.skip("needs the extra 'onednn'")
