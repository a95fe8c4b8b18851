"""The headers of .npz files."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from graphflow.data import load
from graphflow.data import packed as packed_module
from graphflow.data.packed import packed


def lying(file: Path, shape: tuple[int, ...], content: bytes) -> Path:
    """An .npz file whose array ``x`` has a header of its own choice."""
    header = {"descr": "<f8", "fortran_order": False, "shape": shape}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(
        "x.npy", "w"
    ) as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        stream.write(content)
    return file


def test_shapes_come_before_numbers(tmp_path: Path) -> None:
    x = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    np.savez_compressed(tmp_path / "a.npz", x=x, n=np.array(3, np.int16))
    found = packed(tmp_path / "a.npz")
    assert {n: (p.shape, p.dtype) for n, p in found.items()} == {
        "x": ((2, 3), np.float64), "n": ((), np.int16)}  # fmt: skip
    np.testing.assert_array_equal(np.asarray(found["x"]), x)


def test_a_header_that_promises_more_than_is_there(tmp_path: Path, refused) -> None:
    lying(tmp_path / "lie.npz", (10**13,), bytes(8))
    found = refused(packed, tmp_path / "lie.npz")
    assert found.code == "GF073" and "80,000,000,000,000 bytes, but 8 are there" in found.message
    assert refused(load, "npz", path="lie.npz", folder=tmp_path).code == "GF073"
    assert refused(packed, lying(tmp_path / "minus.npz", (-1,), bytes(8))).code == "GF073"


def test_what_unpacks_to_too_much_is_refused(tmp_path: Path, refused, monkeypatch) -> None:
    monkeypatch.setattr(packed_module, "LARGEST", 10_000)
    zeros = np.zeros(2000)
    np.savez_compressed(tmp_path / "bomb.npz", x=zeros)
    found = refused(load, "npz", path="bomb.npz", folder=tmp_path)
    assert found.code == "GF073" and "unpacks to 16,000 bytes, more than 10,000" in found.message
    np.savez(tmp_path / "plain.npz", x=zeros)  # as large as its file
    assert len(load("npz", path="plain.npz", folder=tmp_path)) == 2000
