"""Trials in a cluster of Ray: the same search, with workers that are killed, stopped, too many."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

import graphflow as gf
from graphflow.tuning import Limits, resumed
from graphflow.tuning.folder import TuneFolder
from tests.tuning.test_processes import Killer

ray = pytest.importorskip("ray", reason="the 'ray' extra is not installed")


@pytest.fixture
def _cluster():
    """A cluster of this process, where one can be: it opens ports that a machine may refuse."""
    start = "import ray; ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)"
    try:
        subprocess.run([sys.executable, "-c", start], check=True, capture_output=True, timeout=120)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"Ray cannot start here: {error}")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


class Stopper:
    """Ctrl-C after the first epoch that is told."""

    def on_event(self, search, event, trial):
        if event.event == "epoch" and not search.stopping:
            os.kill(os.getpid(), signal.SIGINT)

    def on_tick(self, search):
        pass


@pytest.mark.slow
@pytest.mark.usefixtures("_cluster")
def test_a_search_in_a_cluster_is_that_of_processes_here(digits, tmp_path):
    here = gf.tune(digits, workers=2, out=tmp_path / "here")
    there = gf.tune(digits, workers=2, out=tmp_path / "there", address="auto")
    assert [t.values for t in there.trials] == [t.values for t in here.trials]
    assert there.best == here.best and there.value == here.value


@pytest.mark.slow
@pytest.mark.usefixtures("_cluster")
def test_a_killed_worker_of_a_cluster_is_replaced_and_its_trial_goes_on(digits, tmp_path):
    quiet = gf.tune(digits, workers=2, out=tmp_path / "quiet")
    hurt = gf.tune(digits, workers=2, out=tmp_path / "hurt", listener=Killer(1, 1), address="auto")
    assert [t.values for t in hurt.trials] == [t.values for t in quiet.trials]
    ends = [e for e in TuneFolder(hurt.folder).events() if e.event == "end" and e.trial == 1]
    assert [e.state for e in ends] == ["waiting", "complete"]
    lost = gf.tune(digits, out=tmp_path / "lost", listener=Killer(2, 2), address="auto")
    assert [t.state for t in lost.trials] == ["complete", "complete", "failed", "complete"]
    assert "its worker in the cluster ended" in lost.trials[2].message


@pytest.mark.slow
@pytest.mark.usefixtures("_cluster")
def test_a_search_that_is_stopped_in_a_cluster_goes_on_here_to_the_same_end(digits, tmp_path):
    digits.write_text(digits.read_text().replace("epochs: 4", "epochs: 24"))
    out = tmp_path / "stopped"
    stopped = gf.tune(digits, trials=2, out=out, listener=Stopper(), address="auto")
    assert stopped.interrupted and {t.state for t in stopped.trials} == {"waiting"}
    ended = resumed(out, Limits()).run()
    whole = gf.tune(digits, trials=2, out=tmp_path / "whole")
    assert [t.values for t in ended.trials] == [t.values for t in whole.trials]


def test_a_cluster_that_is_not_there_is_said_before_a_folder_is_made(digits, tmp_path):
    with pytest.raises(gf.GraphflowError, match=r"GF044.*no Ray cluster answers"):
        gf.tune(digits, out=tmp_path / "t", address="127.0.0.1:1")
    assert not (tmp_path / "t").exists()
