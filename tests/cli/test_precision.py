"""``--precision`` and what ``show`` says of it."""

from __future__ import annotations

import json


def test_a_run_is_begun_with_a_precision_and_keeps_it(cli, small, tmp_path):
    begun = cli("run", small, "--precision", "bf16", "--steps", 3, "--out", tmp_path / "r")
    assert begun.code == 0 and "takes longer than fp32" in begun.err
    assert json.loads((tmp_path / "r/run.json").read_text())["precision"] == "bf16"
    answer = cli("run", "--resume", tmp_path / "r", "--steps", 5, "--precision", "fp32")
    assert answer.code != 0 and "the run has precision bf16, not fp32" in answer.err
    assert cli("run", "--resume", tmp_path / "r", "--steps", 5).code == 0


def test_an_unknown_precision_is_refused(cli, small, tmp_path):
    answer = cli("run", small, "--precision", "bf61")
    assert answer.code != 0 and "GF033" in answer.err and "did you mean 'bf16'?" in answer.err
    assert not (tmp_path / "runs").exists()


def test_what_is_iterated_has_no_precision(cli):
    answer = cli("run", "line_search", "--precision", "bf16")
    assert answer.code != 0 and "GF033" in answer.err and "leave out --precision" in answer.err


def test_show_tells_the_types_of_the_fast_plan(cli, small):
    plain = cli("show", small, "--backward", "--schedule").out
    mixed = cli("show", small, "--backward", "--schedule", "--set", "train.precision=bf16").out
    assert "bfloat16[" in mixed and "bfloat16[" not in plain
