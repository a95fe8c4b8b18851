from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from graphflow.data import files, load
from graphflow.data.files import Remote, decode, obtain, read_bytes, user_path
from graphflow.files import cache_folder

CONTENT = b"published content"
DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
REMOTE = Remote("thing.bin", "https://example.org/thing.bin", DIGEST, 17, "source: digits")


def test_a_download_is_checked_and_cached(no_data: Path, published) -> None:
    published({REMOTE.url: CONTENT})
    assert obtain(REMOTE) == CONTENT
    published({})
    assert obtain(REMOTE) == CONTENT
    assert [path.name for path in no_data.iterdir() if path.is_file()] == ["thing.bin"]


def test_nothing_is_downloaded_where_that_is_not_allowed(
    no_data: Path, published, refused, monkeypatch
) -> None:
    monkeypatch.setattr("graphflow.files._downloads", False)
    published({REMOTE.url: CONTENT})
    found = refused(obtain, REMOTE)
    assert found.code == "GF072" and str(no_data) not in f"{found.message} {found.help}"
    assert not no_data.exists()


@pytest.mark.parametrize("content", [CONTENT[:-1], b"", CONTENT + b"!"])
def test_a_wrong_checksum_is_refused_and_nothing_is_kept(
    no_data: Path, published, refused, content: bytes
) -> None:
    published({REMOTE.url: content})
    found = refused(obtain, REMOTE)
    assert found.code == "GF073"
    assert "checksum" in found.message
    assert [path for path in no_data.iterdir() if path.is_file()] == []


def test_a_digest_may_be_known_in_part(no_data: Path, published, refused) -> None:
    published({REMOTE.url: CONTENT})
    algorithm, _, digits = REMOTE.digest.partition(":")
    assert obtain(replace(REMOTE, digest=f"{algorithm}:{digits[:8]}")) == CONTENT
    wrong = replace(REMOTE, file="other.bin", digest=f"{algorithm}:{digits[1:9]}")
    assert refused(obtain, wrong).code == "GF073"


def test_a_damaged_file_in_the_cache_is_fetched_again(no_data: Path, published) -> None:
    no_data.mkdir()
    (no_data / "thing.bin").write_bytes(b"half a")
    published({REMOTE.url: CONTENT})
    assert obtain(REMOTE) == CONTENT
    assert (no_data / "thing.bin").read_bytes() == CONTENT


def test_without_network_the_place_for_the_file_is_named(no_data: Path, refused) -> None:
    found = refused(obtain, REMOTE)
    assert found.code == "GF072"
    assert "no network" in found.message
    assert "thing.bin" in found.help
    assert "GRAPHFLOW_DATA" in found.help
    assert str(no_data) in found.help
    assert "without any file: source: digits" in found.help


def test_the_data_folder_comes_first_as_it_is(
    no_data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "thing.bin").write_bytes(b"my own version")
    monkeypatch.setenv("GRAPHFLOW_DATA", str(tmp_path))
    assert obtain(REMOTE) == b"my own version"
    assert REMOTE.place() == tmp_path / "thing.bin"


def test_a_cache_that_cannot_be_written_is_a_diagnostic(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, no_data: Path, published, refused
) -> None:
    (tmp_path / "in the way").write_text("a file")
    monkeypatch.setattr(files, "cache_folder", lambda: tmp_path / "in the way" / "cache")
    published({REMOTE.url: CONTENT})
    found = refused(obtain, REMOTE)
    assert found.code == "GF072"
    assert "could not be written" in found.message


def test_a_move_that_fails_leaves_the_old_file(
    no_data: Path, monkeypatch: pytest.MonkeyPatch, published, refused
) -> None:
    no_data.mkdir()
    (no_data / "thing.bin").write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", full)
    published({REMOTE.url: CONTENT})
    assert "disk full" in refused(obtain, REMOTE).message
    assert (no_data / "thing.bin").read_bytes() == b"old"


def test_the_cache_is_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_folder() == Path("/somewhere/graphflow")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert cache_folder() == Path("/home/me/.cache/graphflow")
    monkeypatch.setattr("sys.platform", "darwin")
    assert cache_folder() == Path("/home/me/Library/Caches/graphflow")
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", "/local")
    assert cache_folder() == Path("/local/graphflow")


# -- the user's paths ---------------------------------------------------------------------------
@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "below").mkdir(parents=True)
    (folder / "here.csv").write_text("x\n1\n")
    (folder / "below" / "deep.csv").write_text("x\n1\n")
    (tmp_path / "outside.csv").write_text("x\n1\n")
    (tmp_path / "project2").mkdir()
    (tmp_path / "project2" / "other.csv").write_text("x\n1\n")
    return folder


def test_paths_in_the_folder_are_found(project: Path) -> None:
    here = (project / "here.csv").resolve()
    assert user_path("here.csv", project) == here
    assert user_path("below/../here.csv", str(project)) == here
    assert user_path(str(here), project) == here
    assert user_path("below/deep.csv", project).name == "deep.csv"


@pytest.mark.parametrize(
    "path",
    ["../outside.csv", "below/../../outside.csv", "../project2/other.csv", "/etc/passwd",
     "../nowhere.csv", "link.csv", "linked/outside.csv"],
)  # fmt: skip
def test_paths_out_of_the_folder_are_refused(project: Path, refused, path: str) -> None:
    (project / "link.csv").symlink_to(project.parent / "outside.csv")
    (project / "linked").symlink_to(project.parent)
    found = refused(user_path, path, project)
    assert found.code == "GF074"
    assert path in found.message


def test_without_a_folder_every_path_may_be_named(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = (project.parent / "outside.csv").resolve()
    monkeypatch.chdir(project)
    assert user_path("../outside.csv", None) == outside
    assert user_path(str(outside), None) == outside


@pytest.mark.parametrize("path", ["nothing.csv", "below", ".", "", "nul\0byte", "x" * 5000, "loop"])
def test_what_is_not_a_file_is_refused(project: Path, refused, path: str) -> None:
    (project / "loop").symlink_to(project / "loop")
    assert refused(user_path, path, project).code == "GF072"


def test_a_folder_or_a_pipe_is_said_to_be_none(project: Path, refused) -> None:
    os.mkfifo(project / "pipe")
    assert "is a folder" in refused(user_path, ".", project).message
    assert "is no regular file" in refused(user_path, "pipe", project).message
    assert "is no regular file" in refused(load, "npy", path="pipe", folder=project).message


def test_files_that_cannot_be_read(tmp_path: Path, refused) -> None:
    assert refused(read_bytes, tmp_path).code == "GF072"
    assert refused(decode, b"caf\xe9", "menu.txt").code == "GF073"
    assert decode(b"\xef\xbb\xbfa\r\nb\rc", "menu.txt") == "a\nb\nc"
