"""What is different on a terminal: a bar, colours, a prompt."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

pty = pytest.importorskip("pty", reason="a pseudo-terminal is needed")

BAD = Path(__file__).parent.parent / "examples" / "bad" / "3_name.yaml"
ENVIRONMENT = {
    **os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
    "TERM": "xterm-256color", "COLUMNS": "150",
}  # fmt: skip


def on_terminal(folder, *arguments, typed=""):
    """The exit code and all that was written to a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", "from graphflow.cli import main; main()", *map(str, arguments)],
        cwd=folder, env=ENVIRONMENT, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True,
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, typed.encode())
    written = b""
    while select.select([ours], [], [], 30)[0]:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other side has closed
            break
        if not part:
            break
        written += part
    os.close(ours)
    return process.wait(timeout=30), written.decode().replace("\r\n", "\n")


def test_a_run_has_a_bar_and_leaves_a_line_an_epoch(small, tmp_path):
    code, text = on_terminal(tmp_path, "run", small, "--epochs", 3)
    assert code == 0
    assert all(f"epoch {n}/3  train/loss" in text for n in (1, 2, 3))
    assert "━" in text and "/69" in text and "steps/s" in text
    assert "test/accuracy" in text and "saved in runs/small-net-" in text


def test_errors_are_coloured(tmp_path):
    code, text = on_terminal(tmp_path, "check", BAD)
    assert code == 2 and "\x1b[1;31merror GF020\x1b[0m" in text


def test_the_stepper_asks(tmp_path):
    code, text = on_terminal(tmp_path, "step", "xyz", typed="n\nr f\nq\n")
    assert code == 0
    assert text.count("step> ") == 3 and "r NODE" in text
    assert "    f = -12" in text
