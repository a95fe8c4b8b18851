"""The examples in the documentation are files that load, and their checks hold."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors.numpy import save_file

import graphflow as gf
from graphflow.training.checks import run_checks

ROOT = Path(__file__).parent.parent
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def examples(page: str, language: str) -> list[str]:
    found = FENCE.findall((ROOT / page).read_text(encoding="utf-8"))
    return [text for kind, text in found if kind == language]


FILES = [*examples("README.md", "yaml"), *examples("docs/language.md", "yaml")]
FILES += [
    text
    for page in ("docs/running.md", "docs/runs.md")
    for text in examples(page, "yaml")
    if "nodes:" in text
]
FILES += examples("docs/figures.md", "yaml")


@pytest.mark.parametrize("number", range(len(FILES)))
def test_every_example_file_compiles(number):
    text = FILES[number]
    if not text.startswith("graphflow: 1"):
        text = f"graphflow: 1\nname: example {number}\n{text}"
    model = gf.loads(text)
    model.compile()
    assert [result.message() for result in run_checks(model) if not result.passed] == []


def example_with(words: str) -> str:
    """The one example file of the language page that holds ``words``."""
    (text,) = (text for text in examples("docs/language.md", "yaml") if words in text)
    return f"graphflow: 1\nname: example\n{text}"


OWN_FILES = {"csv", "images", "lines", "npy", "npz", "text"}


def test_every_data_source_stands_on_its_page():
    page = (ROOT / "docs/datasets.md").read_text(encoding="utf-8")
    rows = "".join(line.split("|")[1] for line in page.splitlines() if line.startswith("| `"))
    named = set(re.findall(r"`(\w+)`", rows))
    assert named == set(gf.data.sources()) - OWN_FILES


def test_a_feed_may_set_any_node():
    program = gf.loads(example_with("z: x @ w")).compile(dtype="float64")
    z = np.arange(24.0).reshape(2, 12) / 24
    np.testing.assert_allclose(program({"z": z})["y"], np.tanh(z[:, :4]) * z[:, 4:8] + z[:, 8:])


def test_published_weights_are_read_and_an_instance_does_without_them(tmp_path):
    text, x = example_with("published.safetensors"), np.ones((2, 8))
    (tmp_path / "model.yaml").write_text(text)
    np.savez(tmp_path / "scale.npz", scale=np.arange(4.0))
    own = gf.load(tmp_path / "model.yaml", {"layers.net.weights": "none"})
    assert own.compile()({"x": x})["y"].shape == (2, 4)
    layer = {"fc.weight": np.ones((4, 8)), "fc.bias": np.zeros(4)}
    save_file(layer, tmp_path / "published.safetensors")
    values = gf.load(tmp_path / "model.yaml").compile()({"x": x})
    np.testing.assert_array_equal(values["y"], [[0, 8, 16, 24]] * 2)


def test_the_first_python_example_gives_what_it_says(monkeypatch):
    monkeypatch.chdir(ROOT)
    first, _, _ = examples("README.md", "python")[0].partition('\n\nmodel = gf.load("graphs/mlp')
    names: dict[str, gf.Result] = {}
    exec(first, names)
    claims = re.findall(r"^(result\S+)\s+# (\S+)$", first, re.MULTILINE)
    assert len(claims) == 2
    for expression, value in claims:
        assert eval(expression, names) == float(value)


def test_the_sections_of_runs_are_read():
    file, *sections = examples("docs/runs.md", "yaml")
    assert sections
    for section in sections:
        ((name, keys),) = yaml.safe_load(section).items()
        overrides = {f"{name}.{key}": value for key, value in keys.items()}
        training = gf.loads(file, overrides).elaborated.training
        assert training is not None and training.best and training.early_stopping


def test_the_callback_of_runs_ends_training(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits.yaml").write_text(examples("docs/runs.md", "yaml")[0])
    exec(examples("docs/runs.md", "python")[0], {})
    last = json.loads((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()[-1])
    assert last["metrics"]["test/accuracy"] > 0.97
