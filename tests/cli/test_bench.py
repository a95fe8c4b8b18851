"""``graphflow bench``: what it prints, writes and refuses; processes are faked."""

from __future__ import annotations

import json

import pytest

from graphflow.bench import peers, timing
from graphflow.bench.child import OURS
from graphflow.bench.roofline import Rates
from graphflow.bench.timing import Run


@pytest.fixture
def fake(monkeypatch):
    """Ours takes 2 ms, everything else 8; the threads that were asked for."""
    asked = []

    def in_a_process(threads):
        asked.append(threads)
        return lambda name, row: Run(2.0 if name == OURS else 8.0, 0.0)

    monkeypatch.setattr(timing, "in_a_process", in_a_process)
    monkeypatch.setattr(peers, "installed", lambda name: name != "jax")
    monkeypatch.setattr(peers, "versions", lambda names: {})
    monkeypatch.setattr("graphflow.bench.report.versions", lambda names: {})
    monkeypatch.setattr("graphflow.bench.roofline.rates", lambda threads: Rates(1e11, 1e10))
    return asked


def test_json_is_one_line(cli, fake):
    answer = cli("bench", "xyz", "mlp-32", "--rounds", 1, "--threads", 3, "--json")
    assert answer.code == 0 and answer.out.count("\n") == 1 and fake == [3]
    rows = json.loads(answer.out)["rows"]
    assert [(r["name"], r["ratio"], r["ours_ms"], r["theirs_ms"], r["against"]) for r in rows] == [
        ("xyz", 0.25, 2.0, 8.0, "torch"), ("mlp-32", 0.25, 2.0, 8.0, "torch"),
    ]  # fmt: skip


def test_a_table_is_printed_and_written(cli, fake, tmp_path):
    answer = cli("bench", "lstm", "--against", "torch,torch-compile", "--out", "found.md")
    assert answer.code == 0 and "lstm" in answer.out and "0.25" in answer.out
    assert "geometric mean against PyTorch, torch.compile: 0.250 (1 rows)" in answer.out
    page = (tmp_path / "found.md").read_text()
    flops = 35 * 3 * 2 * (2 * 32 * 256 * 1024)  # turns, forward and two back, x U and h W
    assert f"| 2 | 2 to 2 | 8 | 8 to 8 | {flops / 1e8:.3g} | torch-compile | 0 |" in page
    assert "at best 100 GFLOP/s" in page
    assert "medians of 5 processes" in page and "cores" in page


def test_in_a_folder_the_table_is_named_after_the_processor(cli, fake, monkeypatch, tmp_path):
    monkeypatch.setattr("graphflow.bench.report.processor", lambda: "Some(R) CPU @ 2.20GHz")
    monkeypatch.setattr("psutil.cpu_count", lambda logical: 4)
    assert cli("bench", "xyz", "--against", "none", "--out", "some/results").code == 0
    assert [path.name for path in (tmp_path / "some/results").iterdir()] == [
        "Some-R-CPU-2-20GHz-4-cores.md"
    ]


def test_without_a_peer_our_times_are_printed(cli, fake):
    answer = cli("bench", "xyz", "--against", "none", "--json")
    (row,) = answer.json["rows"]
    assert (row["ours_ms"], row["ratio"], row["theirs_ms"], row["against"]) == (2, None, None, None)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [(["lenet-rleu"], "GF006", "did you mean 'lenet-relu'"), (["--rounds", 0], "GF006", "rounds"),
     (["--against", "jax"], "GF140", "pip install jax"),
     (["--against", "troch"], "GF006", "did you mean 'torch'")],
)  # fmt: skip
def test_what_does_not_fit_is_refused(cli, fake, arguments, code, words):
    answer = cli("bench", *arguments)
    assert answer.code == 2 and code in answer.err and words in answer.err
    assert answer.out == ""


def test_what_was_measured_is_shown_after_ctrl_c(cli, fake, monkeypatch):
    taken = []

    def measure(name, row):
        if len(taken) == 2:
            raise KeyboardInterrupt
        taken.append(name)
        return Run(1.0, 0.0)

    monkeypatch.setattr(timing, "in_a_process", lambda threads: measure)
    answer = cli("bench", "--against", "torch", "--json")
    assert answer.code == 130 and taken == [OURS, "torch"]
    assert [row["ratio"] for row in answer.json["rows"]] == [1.0]
