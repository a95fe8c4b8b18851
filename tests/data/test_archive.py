"""Published archives, read in place."""

from __future__ import annotations

import hashlib
import io
import stat
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from graphflow.data import archive
from graphflow.data.archive import opened
from graphflow.data.files import Remote
from graphflow.diagnostics import GraphflowError
from tests.data.conftest import packed

CONTENTS = {"a.txt": b"first", "b/c.txt": b"second", "b/d.bin": b""}
ZIP = Remote("set.zip", "https://example.org/set.zip", "md5:0", 1000, "source: digits", top="set")
TAR = replace(ZIP, file="set.tar.gz")
PLAIN = replace(ZIP, file="set.tar", top="dev/set")


def everything(remote: Remote) -> dict[str, bytes]:
    with opened(remote) as members:
        assert "a.txt" in members and "nothing" not in members
        assert dict(members.contents(lambda name: True)) == {n: members.read(n) for n in CONTENTS}
        return {name: members.read(name) for name in members.names}


@pytest.mark.parametrize("form", ["archive", "folder"])
@pytest.mark.parametrize("remote", [ZIP, TAR, PLAIN])
def test_files_are_named_from_the_top_folder(place, remote: Remote, form) -> None:
    place(remote, CONTENTS, form)
    assert everything(remote) == CONTENTS
    found = remote.place()
    assert found is not None and found.name == ("set" if form == "folder" else remote.file)


@pytest.mark.parametrize("remote", [ZIP, TAR])
def test_a_download_is_read_in_place(no_data: Path, published, remote: Remote) -> None:
    content = packed(remote.file, remote.top, CONTENTS)
    remote = replace(remote, digest=f"sha256:{hashlib.sha256(content).hexdigest()}")
    published({remote.url: content})
    assert everything(remote) == CONTENTS
    assert [path.name for path in no_data.iterdir() if path.is_file()] == [remote.file]


def test_the_unpacked_folder_comes_before_the_archive(place) -> None:
    place(ZIP, {"a.txt": b"older"}, "archive")
    place(ZIP, CONTENTS, "folder")
    assert everything(ZIP) == CONTENTS


def test_names_outside_the_folder_and_links_are_no_files(place, tmp_path: Path) -> None:
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w:gz") as writer:
        for name, type in (("set/link", tarfile.SYMTYPE), ("set/device", tarfile.CHRTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = type, "/etc/passwd"
            writer.addfile(info)
        writer.addfile(tarfile.TarInfo("../outside"))
        writer.addfile(tarfile.TarInfo("set/a.txt"))
    (tmp_path / "data" / TAR.file).write_bytes(tar.getvalue())
    with opened(TAR) as members:
        assert members.names == ["a.txt"]
    place(ZIP, {"a.txt": b"inside"}, "folder")
    (tmp_path / "data" / "set" / "link").symlink_to("/etc/passwd")
    with opened(ZIP) as members:
        assert members.names == ["a.txt"]


def test_a_name_is_never_a_path(place) -> None:
    place(ZIP, {"a.txt": b"inside"}, "folder")
    with opened(ZIP) as members:
        for name in ("../set/a.txt", "/etc/passwd", "", ".", "b/../a.txt"):
            with pytest.raises(GraphflowError, match="has no file"):
                members.read(name)


def damaged(remote: Remote) -> str:
    with pytest.raises(GraphflowError) as caught, opened(remote) as members:
        for name in members.names:
            members.read(name)
    (found,) = caught.value.diagnostics
    assert found.code == "GF073"
    return found.message


@pytest.mark.parametrize("remote", [ZIP, TAR, PLAIN])
def test_archives_that_are_cut_short_are_refused(place, tmp_path: Path, remote: Remote) -> None:
    many = {f"{i}.txt": bytes(range(256)) * 8 for i in range(20)}
    place(remote, many)
    path = tmp_path / "data" / remote.file
    whole = path.read_bytes()
    for part in (whole[: len(whole) // 2 - 99], whole[: len(whole) // 3 - 99], b"", b"neither"):
        path.write_bytes(part)
        assert str(path) in damaged(remote)


@pytest.mark.parametrize("remote", [ZIP, TAR])
def test_altered_bytes_are_a_diagnostic_or_harmless(place, tmp_path: Path, remote: Remote) -> None:
    place(remote, CONTENTS)
    path = tmp_path / "data" / remote.file
    whole = path.read_bytes()
    for at in range(0, len(whole), 3):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        try:
            with opened(remote) as members:
                for name in members.names:
                    members.read(name)
        except GraphflowError as error:
            assert [d.code for d in error.diagnostics] == ["GF073"]


def test_a_file_may_not_unpack_to_any_size(place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "LARGEST", 100)
    place(ZIP, {"a.txt": b"0" * 101})
    assert "larger than 100 bytes" in damaged(ZIP)
    place(TAR, {"a.txt": b"0" * 101})
    assert "larger than 100 bytes" in damaged(TAR)


def test_an_encrypted_archive_is_refused(place, tmp_path: Path) -> None:
    place(ZIP, {"a.txt": b"secret"})
    path = tmp_path / "data" / ZIP.file
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(io.BytesIO(content)) as archive_:
        start = archive_.getinfo("set/a.txt").header_offset
    content[start + 6] |= 1  # the flag in the file's own header, and in the list of files
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert "encrypted" in damaged(ZIP)


def test_a_file_that_cannot_be_read_is_a_diagnostic(place, tmp_path: Path) -> None:
    place(ZIP, CONTENTS, "folder")
    path = tmp_path / "data" / "set" / "a.txt"
    path.chmod(0)
    if path.stat().st_mode & stat.S_IRUSR or _is_root(path):
        pytest.skip("this user reads every file")
    assert "Permission" in damaged(ZIP)


def _is_root(path: Path) -> bool:
    try:
        path.read_bytes()
    except PermissionError:
        return False
    return True
