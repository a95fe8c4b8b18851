"""Each requirement of chapter 13 has an answer, and what the answers name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import graphflow as gf
from graphflow.cli.app import COMMANDS
from graphflow.gallery import find
from graphflow.training.checks import run_checks

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "chapter13.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| (R\d+) \|(.*)\|$", PAGE, re.MULTILINE))


def test_every_requirement_has_a_line():
    assert list(ROWS) == [f"R{number}" for number in range(1, 20)]


@pytest.mark.parametrize("number", list(ROWS))
def test_the_tests_of_a_line_exist(number: str):
    named = re.findall(r"`(tests/[\w/.]+\.py)(?:::(\w+))?`", ROWS[number])
    assert named
    for file, test in named:
        text = (ROOT / file).read_text(encoding="utf-8")
        assert not test or f"def {test}(" in text


@pytest.mark.parametrize("number", list(ROWS))
def test_the_commands_of_a_line_exist(number: str):
    for line in re.findall(r"`graphflow ([^`]+)`", ROWS[number]):
        command, *words = line.split()
        assert command in {module.NAME for module in COMMANDS}
        files = [w for w in words[: 2 if command == "check" else 1] if not w.startswith("-")]
        assert all(find(name).exists() for name in files)


def test_the_store_sums_in_any_order():
    model = gf.load(str(find("key_value_store")))
    assert "any_order" in model.graph
    assert all(result.passed for result in run_checks(model))
