from __future__ import annotations

import json
from pathlib import Path

import pytest

from graphflow.diagnostics import GraphflowError
from graphflow.studio.curves import gauge_charts, metrics_charts
from graphflow.studio.jobs import Jobs, Standing
from graphflow.studio.limits import Limits
from graphflow.studio.services import runs


def test_a_folder_that_is_not_there_holds_no_runs(tmp_path):
    assert runs(str(tmp_path / "none")) == []


def test_runs_are_listed_newest_first(tmp_path):
    for name, started in (("a", "2026-01-02"), ("b", "2026-01-03"), ("c", "2026-01-01")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "graph.yaml").write_text("graphflow: 1\n")
        (tmp_path / name / "run.json").write_text(json.dumps({"started": started}))
    assert [entry.path.name for entry in runs(str(tmp_path))] == ["b", "a", "c"]


def run_folder(place: Path) -> Path:
    place.mkdir(parents=True)
    (place / "graph.yaml").write_text("graphflow: 1\n")
    (place / "run.json").write_text(json.dumps({"started": "2026-01-02", "secret": "seven"}))
    (place / "metrics.jsonl").write_text('{"epoch": 1, "step": 1, "train/loss": 7}\n')
    return place


@pytest.mark.parametrize("name", ["run.json", "metrics.jsonl", "graph.yaml", "live", ""])
def test_a_run_with_links_that_lead_elsewhere_is_damaged_and_nothing_of_it_is_told(tmp_path, name):
    outside, inside = run_folder(tmp_path / "outside"), tmp_path / "runs" / "a"
    (outside / "live").mkdir()
    if name:
        (run_folder(inside) / name).unlink(missing_ok=True)
    else:
        inside.parent.mkdir()
    (inside / name).symlink_to(outside / name)
    for (found,) in (runs(str(inside.parent)), [s.entry for s in jobs_of(inside.parent)]):
        assert (found.state, dict(found.about), found.started) == ("damaged", {}, "")
    for charts in (metrics_charts, gauge_charts):
        with pytest.raises(GraphflowError, match="leads out of the run's folder"):
            charts(inside)


def jobs_of(folder: Path) -> list[Standing]:
    return Jobs(Limits((), str(folder))).runs()


def test_a_link_within_a_run_leads_nowhere_else(tmp_path):
    place = run_folder(tmp_path / "a")
    (place / "best.jsonl").symlink_to("metrics.jsonl")
    assert runs(str(tmp_path))[0].about["secret"] == "seven"
