"""``graphflow run`` on a file with a ``run:`` section."""

from __future__ import annotations

from pathlib import Path

import pytest

import graphflow as gf
from graphflow.training.run_folder import RunFolder

FILE = """\
graphflow: 1
name: Heron's square root of 2
state:
  x: {shape: scalar, init: 1, dtype: float64}
  table: {shape: [9, 9], init: zeros}
nodes: {x_next: (x + 2 / x) / 2, error: 'abs(x_next - x)'}
updates: {x: x_next}
run: {steps: 20, until: error < 1e-12, history: [x], report: [error]}
"""


@pytest.fixture
def heron(tmp_path: Path) -> Path:
    path = tmp_path / "heron.yaml"
    path.write_text(FILE)
    return path


def test_reported_values_and_final_states_are_printed(cli, heron, tmp_path):
    answer = cli("run", heron, "--out", "run")
    assert answer.code == 0
    lines = [line.split() for line in answer.out.splitlines() if line.strip()]
    assert ["x", "state", "1.4142136"] in lines
    assert ["table", "state", "[9,", "9],", "from", "0", "to", "0"] in lines
    assert answer.out.splitlines()[-1].startswith("6 steps, ")
    assert "epoch" not in answer.out + answer.err
    assert RunFolder(tmp_path / "run").history("x").steps.tolist() == list(range(7))


def test_json_holds_small_values_and_whether_the_condition_came_true(cli, heron):
    found = cli("run", heron, "--json").json
    assert found["steps"] == 6 and found["finished"]
    assert found["values"]["x"] == pytest.approx(2**0.5)
    assert "table" not in found["values"]


def test_a_condition_that_does_not_come_true_fails_with_what_to_do(cli, heron):
    answer = cli("run", heron, "--set", "run.steps=2", "--out", "run")
    assert answer.code == 1
    assert "'until' did not come true within 2 steps" in answer.err
    again = cli("run", "--resume", "run", "--steps", 20)
    assert again.code == 0 and "1.4142136" in again.out
    third = cli("run", "--resume", "run", "--json")
    assert third.code == 0 and third.json["steps"] == 6


def test_a_run_can_be_loaded_with_its_final_states(cli, heron, tmp_path):
    cli("run", heron, "--out", "run")
    assert gf.load_run(tmp_path / "run").state["x"] == pytest.approx(2**0.5)


def test_expand_and_explain_know_the_section(cli, heron):
    assert "until: until" in cli("expand", heron).out
    assert "`run.until`" in cli("explain", "until").out
    assert "- `steps`: steps in all" in cli("explain", "run").out
    assert "`train.history`" in cli("explain", "history").out


@pytest.mark.parametrize(("name", "figures"), [("value_iteration", "sweeps"), ("gd_2d", "way")])
def test_the_report_of_a_run_draws_its_states_and_their_history(cli, name, figures, tmp_path):
    cli("run", name, "--out", "run")
    answer = cli("report", "run")
    assert answer.code == 0 and "cannot be drawn" not in answer.err
    assert figures in (tmp_path / "run" / "report.html").read_text()


def test_a_run_that_nothing_feeds_asks_for_a_default(cli, tmp_path):
    path = tmp_path / "unfed.yaml"
    path.write_text(
        "graphflow: 1\nname: unfed\ninputs: {xs: [5]}\nnodes: {total: sum(xs)}\n"
        "run: {steps: 1, report: [total]}\n"
    )
    answer = cli("run", path, "--out", tmp_path / "run")
    assert answer.code == 2 and "nothing feeds xs" in answer.err
    assert "give xs a default:" in answer.err
