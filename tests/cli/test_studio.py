from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from graphflow.cli.studio import given, page, written
from graphflow.diagnostics import GraphflowError


def test_the_options_say_what_files_may_touch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    found = given(["--folder", "models", "--memory", "2GB", "--seconds", "30", "--network"])
    assert found.folders == (str(tmp_path / "models"),)
    assert found.runs == str(tmp_path / "runs")
    assert (found.memory, found.seconds, found.network) == (2 * 10**9, 30.0, True)


def test_without_options_the_current_folder_is_read_and_nothing_is_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    found = given([])
    assert found.folders == (str(tmp_path),) and not found.network
    assert found.seconds == 120.0 and found.upload_bytes == 10**6


def test_limits_are_the_same_after_a_way_through_a_command_line(tmp_path: Path):
    found = given(["--folder", str(tmp_path), "--folder", "/", "--processes", "2", "--network"])
    assert given(written(found)) == found and len(found.folders) == 2


@pytest.mark.parametrize("arguments", [["--other"], ["--seconds", "soon"], ["--memory", "much"],
                                       ["--memory", "1MB"], ["--folder", "nowhere"]])  # fmt: skip
def test_a_wrong_option_is_told(arguments: list[str]):
    with pytest.raises(GraphflowError) as caught:
        given(arguments)
    assert caught.value.diagnostics[0].code == "GF006"


def test_the_pages_are_found():
    assert page().name == "app.py" and "streamlit" in page().read_text("utf-8")


def test_the_server_of_a_checkout_takes_what_the_studio_does():
    settings = tomllib.loads((page().parent / ".streamlit/config.toml").read_text("utf-8"))
    assert settings["server"]["maxUploadSize"] == given([]).upload_megabytes == 1
