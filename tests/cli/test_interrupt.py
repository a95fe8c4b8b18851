"""Ctrl-C: the run stops after the step under way, is saved, and goes on as if nothing had been."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import numpy as np
import psutil
import pytest
from safetensors.numpy import load_file

GRAPHFLOW = [sys.executable, "-c", "from graphflow.cli import main; main()"]


ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


def start(folder, *arguments):
    return subprocess.Popen(
        [*GRAPHFLOW, *map(str, arguments)], cwd=folder, env=ENVIRONMENT, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def finish(process):
    out, err = process.communicate(timeout=60)
    assert "Traceback" not in out + err
    return process.returncode, json.loads(out.splitlines()[-1]), err


def test_an_interrupted_run_says_how_to_go_on_and_ends_where_the_whole_one_does(small, tmp_path):
    run = ("run", small, "--epochs", 20, "--json", "--out")
    interrupted = start(tmp_path, *run, "part")
    assert interrupted.stderr.readline().startswith("epoch 1/20")
    interrupted.send_signal(signal.SIGINT)
    code, answer, err = finish(interrupted)
    assert (code, answer["interrupted"]) == (130, True)
    steps = answer["steps"]
    assert 23 <= steps < 20 * 23
    assert err.endswith(
        f"stopped after step {steps}, saved in part; continue with graphflow run --resume part\n"
    )
    code, resumed, _ = finish(start(tmp_path, "run", "--resume", "part", "--json"))
    assert (code, resumed["steps"]) == (0, 20 * 23)
    _, whole, _ = finish(start(tmp_path, *run, "whole"))
    assert resumed["metrics"] == whole["metrics"]
    checkpoints = [f"{name}/checkpoints/step-00000460.safetensors" for name in ("part", "whole")]
    a, b = (load_file(tmp_path / file) for file in checkpoints)
    assert a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)
    metrics = [(tmp_path / name / "metrics.jsonl").read_text() for name in ("part", "whole")]
    assert metrics[0] == metrics[1]


def test_a_run_that_is_terminated_is_saved_and_says_how_to_go_on(small, tmp_path):
    stopped = start(tmp_path, "run", small, "--epochs", 200, "--json", "--out", "part")
    assert stopped.stderr.readline().startswith("epoch 1/200")
    stopped.send_signal(signal.SIGTERM)
    code, answer, err = finish(stopped)
    assert (code, answer["interrupted"]) == (130, True)
    assert err.endswith("continue with graphflow run --resume part\n")


@pytest.mark.slow
@pytest.mark.parametrize(("after", "told"), [
    ("workers: 2", "stopped before the first step"), ("epoch 1/", "stopped after step"),
])  # fmt: skip
def test_a_terminated_run_with_workers_leaves_no_process(small, tmp_path, after, told):
    pytest.importorskip("ray")
    run = start(tmp_path, "run", small, "--epochs", 10_000, "--workers", 2, "--kernels", "numpy",
                "--out", "part")  # fmt: skip
    while not (line := run.stderr.readline()).startswith(after):
        assert line, "it ended by itself"
    if after == "workers: 2":
        while not psutil.Process(run.pid).children():  # Ray starts its own
            assert run.poll() is None
    below = psutil.Process(run.pid).children(recursive=True)
    run.send_signal(signal.SIGTERM)
    out, err = run.communicate(timeout=120)
    assert run.returncode == 130 and "Traceback" not in out + err, err
    assert err.splitlines()[-1].startswith(told)
    assert not psutil.wait_procs(below, timeout=60)[1]


def test_ctrl_c_while_the_command_line_is_loading():
    source = (
        "import os, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'graphflow.cli': os.kill(os.getpid(), signal.SIGINT)\n"
        "import graphflow.__main__\n"
        "sys.meta_path.insert(0, Finder())\n"
        "graphflow.__main__.main()\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", source], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert (process.returncode, process.stderr) == (130, "stopped\n")


def test_ctrl_c_before_the_first_step(tmp_path):
    source = "import os, signal; os.kill(os.getpid(), signal.SIGINT)"
    code = f"import graphflow.api\ndef load(*a, **k): {source}\ngraphflow.api.load = load\n"
    process = subprocess.run(
        [sys.executable, "-c", f"{code}from graphflow.cli import main; main()", "run", "mlp"],
        capture_output=True, text=True, cwd=tmp_path, timeout=60, env=ENVIRONMENT,
    )  # fmt: skip
    told = "stopped before the first step: nothing is computed yet, begin with the same command\n"
    assert (process.returncode, process.stdout, process.stderr) == (130, "", told)


def test_a_reader_who_has_seen_enough_causes_no_error():
    process = subprocess.run(
        f"{sys.executable} -c 'from graphflow.cli import main; main()' schema | head -1",
        shell=True, capture_output=True, text=True, timeout=60, env=ENVIRONMENT,
    )  # fmt: skip
    assert process.stdout.strip() == "{"
    assert process.stderr == ""
