from __future__ import annotations

import json

from graphflow.studio.services import runs


def test_a_folder_that_is_not_there_holds_no_runs(tmp_path):
    assert runs(str(tmp_path / "none")) == []


def test_runs_are_listed_newest_first(tmp_path):
    for name, started in (("a", "2026-01-02"), ("b", "2026-01-03"), ("c", "2026-01-01")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "graph.yaml").write_text("graphflow: 1\n")
        (tmp_path / name / "run.json").write_text(json.dumps({"started": started}))
    assert [entry.path.name for entry in runs(str(tmp_path))] == ["b", "a", "c"]
