"""The examples in the documentation are files that load, and their checks hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import graphflow as gf
from graphflow.training.checks import run_checks

ROOT = Path(__file__).parent.parent
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def examples(page: str, language: str) -> list[str]:
    found = FENCE.findall((ROOT / page).read_text(encoding="utf-8"))
    return [text for kind, text in found if kind == language]


FILES = [*examples("README.md", "yaml"), *examples("docs/language.md", "yaml")]


@pytest.mark.parametrize("number", range(len(FILES)))
def test_every_example_file_compiles(number):
    text = FILES[number]
    if not text.startswith("graphflow: 1"):
        text = f"graphflow: 1\nname: example {number}\n{text}"
    model = gf.loads(text)
    model.compile()
    assert [result.message() for result in run_checks(model) if not result.passed] == []


def test_the_first_python_example_gives_what_it_says(monkeypatch):
    monkeypatch.chdir(ROOT)
    first, _, _ = examples("README.md", "python")[0].partition('\n\nmodel = gf.load("graphs/mlp')
    names: dict[str, gf.Result] = {}
    exec(first, names)
    claims = re.findall(r"^(result\S+)\s+# (\S+)$", first, re.MULTILINE)
    assert len(claims) == 2
    for expression, value in claims:
        assert eval(expression, names) == float(value)
