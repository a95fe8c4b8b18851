"""Downloads from a server on this computer that behaves as servers do, and misbehaves."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from graphflow.data import download as module
from graphflow.data import files
from graphflow.data.download import download
from graphflow.data.files import Remote
from graphflow.diagnostics import GraphflowError

CONTENT = np.random.default_rng(0).bytes(1_000_003)
RANGE = re.compile(r"bytes=(\d+)-")


@dataclass
class Site:
    """One file, served as told; ``asked`` are the first bytes that were asked for."""

    url: str = ""
    content: bytes = CONTENT
    ranges: bool = True
    """Whether it answers requests for a part."""
    breaks: list[int] = field(default_factory=list)
    """After how many bytes the next answers break off."""
    statuses: list[int] = field(default_factory=list)
    """What the next answers are instead."""
    pause: float = 0
    """Seconds before every answer's second half."""
    length: bool = True
    asked: list[int] = field(default_factory=list)

    def remote(self, digest: str = "", **options: object) -> Remote:
        digest = digest or f"sha1:{hashlib.sha1(CONTENT).hexdigest()}"
        return Remote("thing.bin", self.url, digest, len(CONTENT), **options)  # type: ignore[arg-type]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        found = RANGE.match(handler.headers.get("Range", "")) if self.ranges else None
        start = int(found[1]) if found else 0
        self.asked.append(start)
        if self.statuses:
            handler.send_error(self.statuses.pop(0))
            return
        if found and start >= len(self.content):
            handler.send_response(416)
            handler.send_header("Content-Range", f"bytes */{len(self.content)}")
            handler.end_headers()
            return
        rest = self.content[start:]
        handler.send_response(206 if found else 200)
        if found:
            shown = f"bytes {start}-{len(self.content) - 1}/{len(self.content)}"
            handler.send_header("Content-Range", shown)
        if self.length:
            handler.send_header("Content-Length", str(len(rest)))
        handler.end_headers()
        half = len(rest) // 2
        sent = rest[: self.breaks.pop(0)] if self.breaks else rest
        handler.wfile.write(sent[:half])
        handler.wfile.flush()
        time.sleep(self.pause)
        handler.wfile.write(sent[half:])


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(module, "PAUSE", 0)
    served = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                served.answer(self)

        def log_message(self, format: str, *args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        served.url = f"http://127.0.0.1:{running.server_port}/thing.bin"
        yield served
        running.shutdown()
        thread.join()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "thing.bin"


def fails(remote: Remote, target: Path) -> str:
    with pytest.raises(GraphflowError) as caught:
        download(remote, target)
    (found,) = caught.value.diagnostics
    assert found.code in ("GF072", "GF073")
    assert "thing.bin" in found.help and "GRAPHFLOW_DATA" in found.help
    return f"{found.code} {found.message}"


def left(target: Path) -> list[str]:
    return sorted(p.name for p in target.parent.iterdir() if p.is_file())


def test_the_whole_file_comes_under_its_name_alone(site: Site, target: Path, capsys) -> None:
    download(site.remote(), target)
    assert target.read_bytes() == CONTENT
    assert left(target) == ["thing.bin"]
    assert site.asked == [0]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"downloading thing.bin (1.0 MB) from {site.url}\n"


def test_a_broken_connection_is_taken_up_where_it_broke(site: Site, target: Path) -> None:
    site.breaks = [300_000, 1, 500_000]
    download(site.remote(), target)
    assert target.read_bytes() == CONTENT
    assert site.asked == [0, 300_000, 300_001, 800_001]


def test_without_ranges_it_begins_anew(site: Site, target: Path) -> None:
    site.ranges, site.breaks = False, [300_000]
    download(site.remote(), target)
    assert target.read_bytes() == CONTENT
    assert len(site.asked) == 2


def test_without_an_announced_length_the_checksum_decides(site: Site, target: Path) -> None:
    site.length, site.breaks = False, [300_000]
    assert "wrong checksum" in fails(site.remote(), target)
    assert left(target) == []


def test_what_an_earlier_try_left_is_not_fetched_again(site: Site, target: Path) -> None:
    target.parent.mkdir()
    target.with_name("thing.bin.part").write_bytes(CONTENT[:700_000])
    download(site.remote(), target)
    assert site.asked == [700_000]
    assert target.read_bytes() == CONTENT


def test_a_part_that_is_all_of_it_needs_no_byte_more(site: Site, target: Path) -> None:
    target.parent.mkdir()
    target.with_name("thing.bin.part").write_bytes(CONTENT)
    download(site.remote(), target)
    assert site.asked == [len(CONTENT)]
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("part", [b"another file's first bytes", CONTENT + b"more"])
def test_a_part_of_something_else_is_thrown_away(site: Site, target: Path, part: bytes) -> None:
    target.parent.mkdir()
    target.with_name("thing.bin.part").write_bytes(part)
    download(site.remote(), target)
    assert site.asked == [len(part), 0]
    assert target.read_bytes() == CONTENT
    assert left(target) == ["thing.bin"]


def test_a_wrong_checksum_leaves_nothing(site: Site, target: Path) -> None:
    assert fails(site.remote("md5:" + "0" * 32), target).startswith("GF073")
    assert left(target) == []


@pytest.mark.parametrize("status", [404, 403])
def test_some_answers_are_final(site: Site, target: Path, status: int) -> None:
    site.statuses = [status, status]
    assert str(status) in fails(site.remote(), target)
    assert len(site.asked) == 1


def test_a_server_that_is_busy_is_asked_again_and_not_for_ever(site: Site, target: Path) -> None:
    site.statuses = [503, 503]
    download(site.remote(), target)
    assert len(site.asked) == 3
    site.statuses, site.asked = [503] * 9, []
    target.unlink()
    assert "503" in fails(site.remote(), target)
    assert len(site.asked) == module.TRIES


def test_what_came_before_it_is_given_up_is_kept(site: Site, target: Path) -> None:
    site.breaks, site.content = [400_000, 0, 0, 0, 0, 0], CONTENT
    message = fails(site.remote(), target)
    assert "400,000 of 1,000,003 bytes" in message and "400,000 bytes are kept" in message
    assert left(target) == ["thing.bin.part"]
    download(site.remote(), target)
    assert target.read_bytes() == CONTENT


def test_no_server_at_all(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE", 0)
    found = fails(Remote("thing.bin", "http://127.0.0.1:9/thing.bin", "md5:0", 1, ""), target)
    assert found.startswith("GF072") and "refused" in found


def test_without_a_network_it_is_not_tried_again(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def unknown(url: str, start: int) -> NoReturn:
        tries.append(start)
        raise urllib.error.URLError(socket.gaierror(-2, "Name or service not known"))

    monkeypatch.setattr(module, "connect", unknown)
    monkeypatch.setattr(module, "PAUSE", 0)
    remote = Remote("thing.bin", "https://example.org/thing.bin", "md5:0", 1, "")
    assert "not known" in fails(remote, target)
    assert tries == [0]
    target.with_name("thing.bin.part").write_bytes(b"begun")  # the network was there before
    assert "5 bytes are kept" in fails(remote, target)
    assert len(tries) == 1 + module.TRIES


def test_far_more_than_expected_is_refused(
    site: Site, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SPARE", 1000)
    site.content = CONTENT * 3
    assert "were expected" in fails(site.remote(), target)
    assert len(site.asked) == 1


def test_a_full_disk_is_not_tried_again(
    site: Site, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    target.parent.mkdir()
    target.with_name("thing.bin.part").symlink_to(full)
    assert "No space left" in fails(site.remote(), target)
    assert len(site.asked) == 1


def test_a_connection_that_is_reset_is_taken_up(
    site: Site, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, calls = module._read, []

    def reset(answer: object) -> bytes:
        calls.append(0)
        if len(calls) == 3:
            raise module._Broken("Connection reset by peer")
        return read(answer)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_read", reset)
    download(site.remote(), target)
    assert target.read_bytes() == CONTENT
    assert site.asked == [0, 2 * module.CHUNK]


def test_a_place_that_cannot_be_written_is_said_at_once(site: Site, target: Path) -> None:
    target.with_name("thing.bin.part").mkdir(parents=True)
    assert "could not be written" in fails(site.remote(), target)
    assert len(site.asked) == 1


def test_on_a_terminal_there_is_a_bar(
    site: Site, target: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    download(site.remote(), target)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "thing.bin" in captured.err and "\x1b[" in captured.err


# -- several processes --------------------------------------------------------------------------
CODE = """
import signal
import sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
from graphflow.data.download import download
from graphflow.data.files import Remote
download(Remote("thing.bin", sys.argv[1], sys.argv[2], 1_000_003, ""), Path(sys.argv[3]))
print("done", flush=True)
"""


def process(site: Site, target: Path) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", CODE, site.url, site.remote().digest, str(target)]
    pipe = subprocess.PIPE
    return subprocess.Popen(arguments, stdout=pipe, stderr=pipe, text=True, env=dict(os.environ))


def test_of_two_processes_one_downloads(site: Site, target: Path) -> None:
    site.pause = 0.5
    both = [process(site, target) for _ in range(2)]
    told = [p.communicate(timeout=60) for p in both]
    assert [out for out, _ in told] == ["done\n", "done\n"]
    assert site.asked == [0]
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_an_ended_process_leaves_what_it_had(site: Site, target: Path, sign: int) -> None:
    site.pause = 30
    first = process(site, target)
    part = target.with_name("thing.bin.part")
    wait = time.monotonic() + 60
    while not (part.is_file() and part.stat().st_size) and time.monotonic() < wait:
        time.sleep(0.02)
    first.send_signal(sign)
    first.communicate(timeout=60)
    had = part.stat().st_size
    site.pause = 0
    download(site.remote(), target)
    assert site.asked == [0, had] and 0 < had < len(CONTENT)
    assert target.read_bytes() == CONTENT


def test_obtain_uses_all_this(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GRAPHFLOW_DATA", raising=False)
    monkeypatch.setattr(files, "cache_folder", lambda: tmp_path)
    assert files.obtain(site.remote()) == CONTENT
    assert files.obtain_file(site.remote()) == tmp_path / "thing.bin"
    assert site.asked == [0]
