"""A studio of its own for a browser to look at, and the browser."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

ROOT = Path(__file__).parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
START_S = 30.0


def installed() -> str | None:
    """Where a Chromium is, if there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def launched(playwright: Playwright) -> Browser:
    """The Chromium that is installed, without a window."""
    return playwright.chromium.launch(
        executable_path=installed(), args=["--no-sandbox", "--disable-gpu"]
    )


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a studio that runs in ``folder`` until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "log"
    options = {"server.port": port, "server.address": "127.0.0.1", "server.headless": "true",
               "server.fileWatcherType": "none"}  # fmt: skip
    flags = [word for key, value in options.items() for word in (f"--{key}", str(value))]
    with log.open("w") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(ROOT / "ui/app.py"), *flags],
            cwd=log.parent, stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        await_health(address, server, log)
        yield address
    finally:
        server.terminate()
        server.wait(10)


def await_health(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server answers; RuntimeError with what it wrote when it ends or does not."""
    end = time.monotonic() + START_S
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
                return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.1)
    raise RuntimeError(f"the studio did not start:\n{log.read_text()}")
