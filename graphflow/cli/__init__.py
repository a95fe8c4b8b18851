"""The command line: ``graphflow run``, ``check``, ``show``, ``step`` and the rest.

Exit codes: 0 good, 1 a check failed, 2 the input is wrong, 130 stopped by Ctrl-C. Each command is
a small module that returns its exit code; what they share lies in ``output`` and ``source``.
"""

from __future__ import annotations

from graphflow.cli.app import main

__all__ = ["main"]
