"""Figures as PNG, drawn by a Chrome or Chromium through plotly's own kaleido."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import plotly.graph_objects as go

from graphflow.diagnostics import fail

WIDTH = 1100
SCALE = 2


def write_png(figures: Mapping[str, go.Figure], folder: Path) -> list[Path]:
    """Write each figure as ``NAME.png`` into a folder; the files written.

    Raises GF076 where kaleido or a browser is missing.
    """
    if find_spec("kaleido") is None:
        fail("GF076", "the package 'kaleido' is not installed", help="pip install 'graphflow[png]'")
    import kaleido
    from choreographer.errors import BrowserFailedError
    from kaleido.errors import ChromeNotFoundError

    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / f"{name}.png" for name in figures]
    jobs = [
        {"fig": figure.to_dict(), "path": file, "opts": {
            "format": "png", "width": WIDTH, "height": figure.layout.height, "scale": SCALE}}
        for figure, file in zip(figures.values(), written, strict=True)
    ]  # fmt: skip
    try:
        # MathJax would be asked of the network.
        kaleido.write_fig_from_object_sync(jobs, kopts={"mathjax": False})
    except (ChromeNotFoundError, BrowserFailedError) as error:
        fail("GF076", "PNG needs a Chrome or Chromium, and none can be started",
             help=f"install one, or name it in BROWSER_PATH ({error})")  # fmt: skip
    return written
