from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from graphflow.interop.formats import FORMATS

XYZ = str(Path(__file__).parent.parent / "examples" / "a_xyz.yaml")


def test_a_file_is_named_after_the_graph_file(cli, tmp_path):
    code, out, _ = cli("export", XYZ, "--to", "dot")
    assert (code, out) == (0, "wrote a_xyz.dot\n")
    assert (tmp_path / "a_xyz.dot").read_text().startswith("digraph {")


def test_the_folder_of_a_file_is_made(cli, tmp_path):
    assert cli("export", XYZ, "--to", "dot", "--out", "new/deep/g.dot")[0] == 0
    assert (tmp_path / "new" / "deep" / "g.dot").is_file()
    (tmp_path / "taken").write_text("")
    code, _, err = cli("export", XYZ, "--to", "dot", "--out", "taken/g.dot")
    assert code == 2 and "the folder 'taken' cannot be made" in err


def test_json_lists_the_files(cli):
    _, out, _ = cli("export", XYZ, "--to", "dot", "--out", "g.dot", "--json")
    assert json.loads(out) == {"files": ["g.dot"]}


def test_files_are_written_over_only_by_force(cli, tmp_path):
    (tmp_path / "g.dot").write_text("mine")
    code, _, err = cli("export", XYZ, "--to", "dot", "--out", "g.dot")
    assert code == 2 and "GF007" in err and "'g.dot' exists already" in err and "--force" in err
    assert (tmp_path / "g.dot").read_text() == "mine"
    assert cli("export", XYZ, "--to", "dot", "--out", "g.dot", "--force")[0] == 0
    assert (tmp_path / "g.dot").read_text() != "mine"


@pytest.mark.skipif(os.name == "nt", reason="folders cannot be opened in another way")
def test_what_cannot_be_written_is_said(cli, tmp_path):
    code, _, err = cli("export", XYZ, "--to", "dot", "--out", tmp_path, "--force")
    assert code == 2 and "GF007" in err and str(tmp_path) in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "dott"], "did you mean 'dot'?"),
        (["--to", "pickle"], f"one of {', '.join(FORMATS)}"),
        (["--to", "dot", "--training"], "--to dot does not know --training"),
        (["--to", "dot", "--mode", "test"], "'train' or 'eval', not 'test'"),
        (["--to", "dot", "--sizes", "B"], "'B' is not a size"),
        ([], "--to"),
    ],
)
def test_wrong_arguments_are_answered(cli, arguments, message):
    code, _, err = cli("export", XYZ, *arguments)
    assert code == 2 and "GF006" in err and message in err


def test_every_format_loads_and_has_a_suffix():
    assert all(f.suffix.startswith(".") and callable(f.load()) for f in FORMATS.values())
