from __future__ import annotations

import hashlib
import http.client
import io
import os
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from graphflow.data import files
from graphflow.data.files import Remote, decode, fetch, obtain, read_bytes, user_path

CONTENT = b"published content"
REMOTE = Remote("thing.bin", "https://example.org/thing.bin",
                "sha256:" + hashlib.sha256(CONTENT).hexdigest())  # fmt: skip


def publish(monkeypatch: pytest.MonkeyPatch, content: bytes) -> list[str]:
    """Serve ``content`` for every address; the list returned records what was asked for."""
    asked: list[str] = []

    def answer(url: str) -> bytes:
        asked.append(url)
        return content

    monkeypatch.setattr(files, "fetch", answer)
    return asked


def test_a_download_is_checked_and_cached(no_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = publish(monkeypatch, CONTENT)
    assert obtain(REMOTE) == CONTENT
    assert obtain(REMOTE) == CONTENT
    assert asked == [REMOTE.url]
    assert [path.name for path in no_data.iterdir()] == ["thing.bin"]


def test_a_wrong_checksum_is_refused_and_nothing_is_kept(
    no_data: Path, monkeypatch: pytest.MonkeyPatch, refused
) -> None:
    publish(monkeypatch, CONTENT[:-1])
    found = refused(obtain, REMOTE)
    assert found.code == "GF073"
    assert "checksum" in found.message
    assert not no_data.exists()


def test_a_damaged_file_in_the_cache_is_fetched_again(
    no_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_data.mkdir()
    (no_data / "thing.bin").write_bytes(b"half a")
    asked = publish(monkeypatch, CONTENT)
    assert obtain(REMOTE) == CONTENT
    assert len(asked) == 1
    assert (no_data / "thing.bin").read_bytes() == CONTENT


def test_without_network_the_place_for_the_file_is_named(no_data: Path, refused) -> None:
    found = refused(obtain, REMOTE)
    assert found.code == "GF072"
    assert "no network" in found.message
    assert "thing.bin" in found.help
    assert "GRAPHFLOW_DATA" in found.help
    assert str(no_data) in found.help


def test_the_data_folder_comes_first_as_it_is(
    no_data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "thing.bin").write_bytes(b"my own version")
    monkeypatch.setenv("GRAPHFLOW_DATA", str(tmp_path))
    assert obtain(REMOTE) == b"my own version"


def test_a_cache_that_cannot_be_written_is_a_diagnostic(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, no_data: Path, refused
) -> None:
    (tmp_path / "in the way").write_text("a file")
    monkeypatch.setattr(files, "cache_folder", lambda: tmp_path / "in the way" / "cache")
    publish(monkeypatch, CONTENT)
    found = refused(obtain, REMOTE)
    assert found.code == "GF072"
    assert "could not be written" in found.message


@pytest.mark.parametrize("step", [(os, "fsync"), (Path, "replace")])
def test_a_write_that_fails_leaves_the_old_file_and_no_other(
    no_data: Path, monkeypatch: pytest.MonkeyPatch, refused, step: tuple[object, str]
) -> None:
    no_data.mkdir()
    (no_data / "thing.bin").write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(*step, full)
    publish(monkeypatch, CONTENT)
    assert "disk full" in refused(obtain, REMOTE).message
    assert [path.read_bytes() for path in no_data.iterdir()] == [b"old"]


def test_the_cache_is_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert files.cache_folder() == Path("/somewhere/graphflow")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert files.cache_folder() == Path("/home/me/.cache/graphflow")
    monkeypatch.setattr("sys.platform", "darwin")
    assert files.cache_folder() == Path("/home/me/Library/Caches/graphflow")
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", "/local")
    assert files.cache_folder() == Path("/local/graphflow")


# -- the downloader itself, against a server on this computer -----------------------------------
@pytest.fixture
def server() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/short":
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b"half")
            elif self.path == "/good":
                self.send_response(200)
                self.end_headers()
                self.wfile.write(CONTENT)
            else:
                self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_fetch_reads_the_content_and_raises_os_errors(server: str) -> None:
    assert fetch(f"{server}/good") == CONTENT
    with pytest.raises(OSError, match="404"):
        fetch(f"{server}/missing")


def test_a_broken_connection_is_an_os_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise http.client.IncompleteRead(b"half", 1000)

    monkeypatch.setattr(urllib.request, "urlopen", lambda url, timeout: Broken())
    with pytest.raises(OSError, match="broke off"):
        fetch("https://example.org")


def test_a_short_answer_fails_its_checksum(
    no_data: Path, monkeypatch: pytest.MonkeyPatch, server: str, refused
) -> None:
    monkeypatch.setattr(files, "fetch", fetch)
    found = refused(obtain, Remote("thing.bin", f"{server}/short", REMOTE.digest))
    assert found.code in ("GF072", "GF073")
    assert not no_data.exists()


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


def test_files_that_cannot_be_read(tmp_path: Path, refused) -> None:
    assert refused(read_bytes, tmp_path).code == "GF072"
    assert refused(decode, b"caf\xe9", "menu.txt").code == "GF073"
    assert decode(b"\xef\xbb\xbfa\r\nb\rc", "menu.txt") == "a\nb\nc"
