"""What ``graphflow step`` has shown."""

from __future__ import annotations


def heads(answer):
    """The first word pairs of each step: its place and its formula."""
    return [line.split("  ")[:2] for line in answer.out.splitlines() if line[:1].isdigit()]


def nodes(answer):
    """The node of each step that is shown."""
    return [formula.split(" = ")[0] for _, formula in heads(answer)]
