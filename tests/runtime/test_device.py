from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from graphflow.diagnostics import GraphflowError, Mark
from graphflow.ir.graph import Origin
from graphflow.ir.types import DType
from graphflow.ops import Builder, F
from graphflow.runtime.compile import Settings
from graphflow.runtime.device import ensure_fits, free_bytes, shown_bytes
from graphflow.schedule.plan import Plan, make_plan
from tests.schedule.graphs import tensor


def huge() -> Plan:
    b = Builder()
    x = b.input("x", tensor(10**6, dtype=DType.FLOAT32))
    with b.within("far", Origin(mark=Mark("model.yaml", 12, 3, 5, "  y: outer(x, x)"))):
        y = F.expand_dims(x, axis=1) * F.cumsum(x)
    return make_plan(b.graph([F.sum(y).name]))


def test_a_plan_that_does_not_fit_is_refused_before_anything_is_allocated() -> None:
    with pytest.raises(GraphflowError) as caught:
        ensure_fits(huge(), None)
    (found,) = caught.value.diagnostics
    assert found.code == "GF060" and "4.0 TB" in found.message
    assert found.mark is not None and found.mark.line == 12
    assert "far.mul" in found.notes[0].message and found.notes[0].mark == found.mark
    assert found.help is not None and "batch" in found.help and "--memory" in found.help


def test_a_limit_is_held() -> None:
    b = Builder()
    plan = make_plan(b.graph([F.cumsum(b.input("x", tensor(100))).name]))
    ensure_fits(plan, plan.peak_bytes)
    with pytest.raises(GraphflowError, match="GF060"):
        ensure_fits(plan, plan.peak_bytes - 1)


def test_the_peak_holds_leaves_arena_and_workspace() -> None:
    b = Builder()
    x = b.input("x", tensor(1, 1, 8, 8))
    plan = make_plan(b.graph([F.conv(x, b.leaf("parameter", "w", tensor(1, 1, 3, 3))).name]))
    assert plan.workspace_bytes > 0
    assert plan.peak_bytes == 64 * 8 + 9 * 8 + plan.arena_bytes + plan.workspace_bytes


def test_free_memory_is_not_more_than_the_machine_has(tmp_path: Path) -> None:
    assert 0 < free_bytes(tmp_path) <= psutil.virtual_memory().total


def test_limits_of_control_groups_of_both_versions_count(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("5000\n")
    (tmp_path / "memory.current").write_text("4500\n")
    assert free_bytes(tmp_path) == 500
    (tmp_path / "memory.stat").write_text("anon 10\ninactive_file 300\n")
    assert free_bytes(tmp_path) == 800
    (tmp_path / "memory.max").write_text("max\n")
    assert free_bytes(tmp_path) > 800
    old = tmp_path / "memory"
    old.mkdir()
    (old / "memory.limit_in_bytes").write_text("700\n")
    (old / "memory.usage_in_bytes").write_text("600\n")
    assert free_bytes(tmp_path) == 100


@pytest.mark.parametrize(("n", "text"), [(0, "0 bytes"), (1500, "1.5 kB"), (2 * 10**12, "2.0 TB")])
def test_bytes_are_shown_as_a_person_says_them(n: int, text: str) -> None:
    assert shown_bytes(n) == text


@pytest.mark.parametrize("memory", ["1GB", -1, 0, 2.5, True])
def test_a_limit_is_a_number_of_bytes(memory: object) -> None:
    with pytest.raises(GraphflowError, match="memory is a number of bytes"):
        Settings(memory=memory)  # type: ignore[arg-type]
