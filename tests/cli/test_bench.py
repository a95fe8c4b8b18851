"""``graphflow bench``: what it prints, writes and refuses; processes are faked."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from graphflow.bench import peers, timing
from graphflow.bench.child import OURS
from graphflow.bench.gpus import Gpu
from graphflow.bench.roofline import Rates
from graphflow.bench.rows import EVERY
from graphflow.bench.timing import Run


@pytest.fixture
def fake(monkeypatch):
    """Ours takes 2 ms, everything else 8; the threads that were asked for."""
    asked = []

    def in_a_process(threads, kernels):
        asked.append(threads)
        return lambda name, row: Run(2.0 if name == OURS else 8.0, 0.0)

    monkeypatch.setattr(timing, "in_a_process", in_a_process)
    monkeypatch.setattr(peers, "installed", lambda name: name != "jax")
    monkeypatch.setattr(peers, "versions", lambda names: {})
    monkeypatch.setattr("graphflow.bench.setting.versions", lambda names: {})
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
    monkeypatch.setattr("graphflow.bench.setting.processor", lambda: "Some(R) CPU @ 2.20GHz")
    monkeypatch.setattr("psutil.cpu_count", lambda logical: 4)
    assert cli("bench", "xyz", "--against", "none", "--out", "some/results").code == 0
    assert [path.name for path in (tmp_path / "some/results").iterdir()] == [
        "Some-R-CPU-2-20GHz-4-cores.md"
    ]
    cli("bench", "xyz", "--against", "none", "--kernels", "numpy", "--out", "others")
    (page,) = (tmp_path / "others").iterdir()
    assert page.name == "Some-R-CPU-2-20GHz-4-cores-numpy.md"
    assert "our kernels: numpy; " in page.read_text()


def test_without_a_peer_our_times_are_printed(cli, fake):
    answer = cli("bench", "xyz", "--against", "none", "--json")
    (row,) = answer.json["rows"]
    assert (row["ours_ms"], row["ratio"], row["theirs_ms"], row["against"]) == (2, None, None, None)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [(["lenet-rleu"], "GF006", "did you mean 'lenet-relu'"), (["--rounds", 0], "GF006", "rounds"),
     (["--against", "jax"], "GF140", "pip install jax"),
     (["--kernels", "nmba"], "GF033", "did you mean 'numba'"),
     (["--against", "troch"], "GF006", "did you mean 'torch'"),
     (["--backend", "cuppy"], "GF069", "did you mean 'cupy'"),
     (["--backend", "cupy", "--kernels", "numpy"], "GF033", "exclude each other")],
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

    monkeypatch.setattr(timing, "in_a_process", lambda threads, kernels: measure)
    answer = cli("bench", "--against", "torch", "--json")
    assert answer.code == 130 and taken == [OURS, "torch"]
    assert [row["ratio"] for row in answer.json["rows"]] == [1.0]


@pytest.fixture
def stopped(cli, fake, monkeypatch, tmp_path):
    """A call that was stopped in its second row, and who was measured by it and after it."""
    turns, still = [], [True]

    def measure(name, row):
        if len(turns) == 3 and still:
            still.clear()
            raise KeyboardInterrupt
        turns.append((row.name, name))
        return Run(float(len(turns)), 0.0)

    monkeypatch.setattr(timing, "in_a_process", lambda threads, kernels: measure)
    assert cli(*ASKED).code == 130
    return turns


ASKED = ("bench", "xyz", "mlp-32", "--against", "torch", "--rounds", 1, "--out", "found.md")


def test_a_stop_loses_nothing_and_the_next_call_goes_on(cli, stopped, tmp_path):
    assert "| xyz | 0.5 |" in (tmp_path / "found.md").read_text()
    assert len((tmp_path / "found.runs.jsonl").read_text().splitlines()) == 1 + 3
    answer = cli(*ASKED)
    assert answer.code == 0 and "going on with 3 runs in found.runs.jsonl" in answer.err
    assert stopped == [(row, name) for row in ("xyz", "mlp-32") for name in (OURS, "torch")]
    page = (tmp_path / "found.md").read_text()
    assert "| xyz | 0.5 |" in page and "| mlp-32 | 0.75 |" in page
    assert not (tmp_path / "found.runs.jsonl").exists()


def test_runs_of_other_code_are_measured_anew(cli, stopped, monkeypatch, tmp_path):
    monkeypatch.setattr("graphflow.bench.kept.sources", lambda: "others")
    answer = cli(*ASKED)
    assert answer.code == 0 and "measuring anew" in answer.err
    assert len(stopped) == 3 + 4
    assert "| xyz | 0.8 |" in (tmp_path / "found.md").read_text()


def test_a_file_that_holds_no_runs_is_named(cli, stopped, tmp_path):
    with (tmp_path / "found.runs.jsonl").open("a") as file:
        file.write('{"row": "xyz"}\n')
    answer = cli(*ASKED)
    assert answer.code == 2 and "found.runs.jsonl" in answer.err and "GF064" in answer.err


def test_on_a_gpu_the_table_has_its_name_and_no_rates_of_a_processor(
    cli, fake, monkeypatch, tmp_path
):
    gpu = Gpu("A GPU of 2030", 1 << 30, "13.0", "14.2.0", ("without cuDNN, which is absent",))
    asked = []
    monkeypatch.setattr("graphflow.bench.gpus.gpu", lambda peers: asked.append(peers) or gpu)
    answer = cli("bench", "--backend", "cupy", "--rounds", 1, "--out", "results")
    assert answer.code == 0 and asked == [("torch", "torch-compile")]
    assert "not compared with JAX, jit: 'jax' is not installed" in answer.err
    assert "without cuDNN, which is absent" in answer.err
    page = (tmp_path / "results/A-GPU-of-2030.md").read_text()
    assert "| transformer-12 | 0.25 |  | 2 |" in page and page.count("\n| ") == 2 * len(EVERY) + 2
    assert "- A GPU of 2030, 1 GiB of memory" in page and "at best" not in page


WAITING = """
import sys
from graphflow.bench import roofline, timing
from graphflow.cli import main

child = "import os, time; open('child', 'w').write(str(os.getpid())); time.sleep(60)"
timing.in_a_process = lambda threads, kernels: lambda name, row: (
    timing.answer([sys.executable, "-c", child], {}, "a child"))
roofline.rates = lambda threads: roofline.Rates(1e11, 1e10)
main(["bench", "xyz", "--against", "none"])
"""


def test_who_is_terminated_shows_the_table_and_leaves_no_child(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING], cwd=tmp_path, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    written = tmp_path / "child"
    while not (written.exists() and written.read_text()) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130 and "row" in out and err.startswith("stopped"), err
    with pytest.raises(ProcessLookupError):
        os.kill(int(written.read_text()), 0)
