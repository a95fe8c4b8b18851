"""What happens to a search when processes are killed or interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

import graphflow as gf
from graphflow.tuning.folder import TuneFolder
from graphflow.tuning.study import trials_of

pytestmark = pytest.mark.slow
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


class Killer:
    """Kills the worker of a trial, after an epoch, as often as it is told."""

    def __init__(self, trial, times):
        self.trial, self.times = trial, times

    def on_event(self, search, event, trial):
        if (event.event, event.trial) == ("epoch", self.trial) and self.times:
            self.times -= 1
            os.kill(search.pool.process_id(event.worker), signal.SIGKILL)

    def on_tick(self, search):
        pass


def test_a_killed_worker_is_replaced_and_its_trial_goes_on(digits, tmp_path):
    quiet = gf.tune(digits, workers=2, trials=4, out=tmp_path / "quiet")
    hurt = gf.tune(digits, workers=2, trials=4, out=tmp_path / "hurt", listener=Killer(1, 1))
    assert [t.state for t in hurt.trials] == ["complete"] * 4
    assert [t.values for t in hurt.trials] == [t.values for t in quiet.trials]
    ends = [e for e in TuneFolder(hurt.folder).events() if e.event == "end" and e.trial == 1]
    assert [e.state for e in ends] == ["waiting", "complete"]


def test_a_trial_whose_process_dies_twice_has_failed_and_all_else_goes_on(digits, tmp_path):
    tuned = gf.tune(digits, workers=2, trials=4, out=tmp_path / "t", listener=Killer(2, 2))
    states = [t.state for t in tuned.trials]
    assert states == ["complete", "complete", "failed", "complete"]
    assert "SIGKILL" in tuned.trials[2].message


def started(digits, tmp_path):
    command = [sys.executable, "-m", "graphflow", "tune", digits.name, "--out", "t", "--json"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=ENVIRONMENT, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    for line in process.stderr:
        if "epoch 2/" in line:
            return process
    raise AssertionError(process.stderr)


def resumed(tmp_path):
    command = [sys.executable, "-m", "graphflow", "tune", "--resume", "t", "--json"]
    answer = subprocess.run(
        command, cwd=tmp_path, env=ENVIRONMENT, text=True, capture_output=True, timeout=120
    )
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout.splitlines()[-1])


def values(folder):
    return {t.number: (t.configuration, t.values, t.state) for t in trials_of(folder)}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_search_that_is_stopped_or_killed_goes_on_to_the_same_end(digits, tmp_path, how):
    digits.write_text(digits.read_text().replace("epochs: 4", "epochs: 24"))
    process = started(digits, tmp_path)
    process.send_signal(how)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == (130 if how == signal.SIGINT else -9)
    if how == signal.SIGINT:
        assert json.loads(out.splitlines()[-1])["interrupted"]
    assert {t.state for t in trials_of(tmp_path / "t")} == {"waiting"}
    answer = resumed(tmp_path)
    assert [t["state"] for t in answer["trials"]] == ["complete"] * 4
    whole = gf.tune(digits, out=tmp_path / "whole")
    assert values(tmp_path / "t") == values(whole.folder)
    assert answer["value"] == whole.value


def test_two_searches_in_one_folder_are_refused(digits, tmp_path):
    digits.write_text(digits.read_text().replace("epochs: 4", "epochs: 24"))
    process = started(digits, tmp_path)
    process.send_signal(signal.SIGSTOP)
    command = [sys.executable, "-m", "graphflow", "tune", "--resume", "t"]
    answer = subprocess.run(
        command, cwd=tmp_path, env=ENVIRONMENT, text=True, capture_output=True, timeout=120
    )
    process.send_signal(signal.SIGCONT)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert answer.returncode == 2 and f"process {process.pid} searches in" in answer.stderr
