from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from typing import cast

import numpy as np
import psutil
import pytest

from graphflow.diagnostics import GraphflowError
from graphflow.studio.client import Client, Studio
from graphflow.studio.limits import Limits
from graphflow.view.steps import Step
from graphflow.view.workspace import Workspace

XYZ = Workspace(graph="xyz")
ENDLESS = """
graphflow: 1
name: counts on and on
params: {x: {shape: scalar, init: 1}}
nodes:
  y: {while: k < 1e15, carry: {k: x}, next: {k: k + 1}, max_steps: 1000000}
  f: stop_gradient(y.k) * x
"""


def test_what_trains_or_runs_a_model_is_not_imported_for_the_first_page():
    program = "import ui.gallery.opening, ui.gallery.shelf, sys; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    heavy = {"training", "runtime", "autodiff", "view.study", "figures", "spec.elaborate"}
    assert not {f"graphflow.{name}" for name in heavy} & set(told.stdout.split())
    assert "graphflow.studio.client" in told.stdout.split()


def doubled(x: float) -> Workspace:
    lines = ("graphflow: 1", "name: doubled", f"params: {{x: {{shape: scalar, init: {x}}}}}",
             "nodes: {f: 2 * x}")  # fmt: skip
    return Workspace(text="\n".join(lines), of="f")


def value_of(client: Client, workspace: Workspace, name: str) -> float:
    steps = cast("tuple[Step, ...]", client.ask(workspace, "steps"))
    return float(cast(np.ndarray, client.ask(workspace, "value", len(steps) - 1, name)))


def refusal(client: Client, workspace: Workspace, method: str = "steps") -> str:
    with pytest.raises(GraphflowError) as caught:
        client.ask(workspace, method)
    return str(caught.value)


def worker_of(studio: Studio, session: str) -> psutil.Process:
    process = studio.client(session).process
    assert process is not None
    return psutil.Process(process)


def test_a_workspace_is_run_in_another_process(studio: Studio):
    client = studio.client("ann")
    assert value_of(client, XYZ, "f") == -12.0
    assert [value_of(client, XYZ, f"{name}.grad") for name in "xyz"] == [-4.0, -4.0, 3.0]
    assert worker_of(studio, "ann").pid != os.getpid()


def test_what_is_wrong_with_a_file_comes_back_as_its_diagnostics(studio: Studio):
    text = "graphflow: 1\nname: n\nnodes: {f: 1 + q}\n"
    with pytest.raises(GraphflowError) as caught:
        studio.client("ann").ask(Workspace(text=text), "steps")
    (found,) = caught.value.diagnostics
    assert found.code == "GF020" and found.mark is not None
    assert (found.mark.line, found.mark.text) == (3, "nodes: {f: 1 + q}")


@pytest.mark.parametrize("method", ["_recorded", "__class__", "nothing"])
def test_only_what_a_study_offers_is_asked(studio: Studio, method: str):
    assert "GF006" in refusal(studio.client("ann"), XYZ, method)


def test_a_worker_that_was_killed_is_replaced_and_nothing_is_lost(studio: Studio):
    client = studio.client("ben")
    edited = doubled(3.0)
    assert value_of(client, edited, "f") == 6.0
    worker = worker_of(studio, "ben")
    worker.kill()
    worker.wait(10)
    assert value_of(client, edited, "f") == 6.0
    assert worker_of(studio, "ben").pid != worker.pid


def test_two_visitors_are_answered_at_once_each_by_a_process_of_their_own(studio: Studio):
    found: dict[str, list[float]] = {"cleo": [], "dan": []}

    def visit(session: str, x: float) -> None:
        for _ in range(20):
            found[session].append(value_of(studio.client(session), doubled(x), "f"))

    visits = (("cleo", 1.0), ("dan", 2.0))
    threads = [threading.Thread(target=visit, args=each) for each in visits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {"cleo": [2.0] * 20, "dan": [4.0] * 20}
    assert worker_of(studio, "cleo").pid != worker_of(studio, "dan").pid


def test_two_pages_of_one_visitor_take_turns(studio: Studio):
    client, found = studio.client("eve"), []

    def visit(x: float) -> None:
        for _ in range(10):
            found.append((x, value_of(client, doubled(x), "f")))

    threads = [threading.Thread(target=visit, args=(x,)) for x in (0.0, 1.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(set(found)) == [(0.0, 0.0), (1.0, 2.0)] and len(found) == 20


@pytest.mark.slow
def test_a_question_that_takes_too_long_is_given_up_and_says_who_sets_the_limit(limits: Limits):
    studio = Studio(replace(limits, seconds=1.0))
    try:
        client = studio.client("ann")
        assert value_of(client, XYZ, "f") == -12.0
        told = refusal(client, Workspace(text=ENDLESS, of="f"))
        assert "longer than 1 seconds" in told and "--seconds" in told
        assert value_of(client, XYZ, "f") == -12.0
    finally:
        studio.close()


@pytest.mark.slow
def test_a_question_that_takes_too_much_memory_says_so(limits: Limits):
    studio = Studio(replace(limits, memory=400 * 2**20))
    large = """
graphflow: 1
name: large
params: {x: {shape: [12000, 12000], init: 1}}
nodes: {y: x * 2, z: y + x, f: sum(z)}
"""
    try:
        told = refusal(studio.client("ann"), Workspace(text=large, of="f"))
        assert "memory" in told
        assert value_of(studio.client("ann"), XYZ, "f") == -12.0
    finally:
        studio.close()


@pytest.mark.slow
def test_the_visitor_who_asked_least_recently_gives_up_their_process(limits: Limits):
    studio = Studio(replace(limits, processes=1))
    try:
        assert value_of(studio.client("ann"), XYZ, "f") == -12.0
        first = worker_of(studio, "ann")
        assert value_of(studio.client("ben"), XYZ, "f") == -12.0
        first.wait(10)
        assert value_of(studio.client("ann"), XYZ, "f") == -12.0
    finally:
        studio.close()


@pytest.mark.slow
def test_a_visitor_who_has_gone_costs_no_process(limits: Limits):
    studio = Studio(limits, idle=0.4)
    try:
        assert value_of(studio.client("ann"), XYZ, "f") == -12.0
        worker_of(studio, "ann").wait(10)
        assert value_of(studio.client("ann"), XYZ, "f") == -12.0
    finally:
        studio.close()


@pytest.mark.slow
def test_workers_end_when_whoever_asked_is_killed(tmp_path):
    import subprocess
    import sys

    code = (
        "import sys; from graphflow.studio.client import Studio\n"
        "from graphflow.view.workspace import Workspace\n"
        "s = Studio(); s.client('a').ask(Workspace(graph='xyz'), 'steps')\n"
        "print(s._seats['a'].child.process.pid, flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True, cwd=tmp_path)  # fmt: skip
    assert process.stdout is not None
    worker = psutil.Process(int(process.stdout.readline()))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    until = time.monotonic() + 10
    while worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until
        time.sleep(0.05)
