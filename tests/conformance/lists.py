"""The committed lists of cases that do not pass, by reason."""

from __future__ import annotations

from pathlib import Path

import yaml

HERE = Path(__file__).parent


def excluded(file: str) -> dict[str, str]:
    """The reason for each case that a list excludes; no case stands there twice."""
    groups = yaml.safe_load((HERE / file).read_text(encoding="utf-8"))
    reasons: dict[str, str] = {}
    for reason, names in groups.items():
        for name in names:
            assert name not in reasons, f"{name} stands twice in {file}"
            reasons[name] = reason
    return reasons
