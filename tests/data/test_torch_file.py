"""Files that PyTorch saved, read without unpickling. Two lie beside this test, of both kinds:
``torch.save`` of PyTorch 2.13 wrote them.
"""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphflow.data.pickled import Refused, read_pickle
from graphflow.data.torch_file import read_torch
from graphflow.diagnostics import GraphflowError

FOLDER = Path(__file__).parent / "torch"
FILES = ("state.pth", "state_old.pth")
ROW = np.arange(12, dtype=np.float32) / 4
STATE = {
    "fc.weight": ROW[:6].reshape(2, 3),
    "fc.bias": np.array([-1.5, 2.5], np.float32),
    "bn.num_batches_tracked": np.array(7),
    "turned": ROW.reshape(3, 4).T,
    "tail": ROW[8:],
    "none": np.zeros((0, 3), np.float32),
    "half": np.array([0.5], np.float16),
    "mask": np.array([True, False]),
}


@pytest.mark.parametrize("file", FILES)
def test_a_state_dict_is_read_as_it_was_saved(file: str) -> None:
    found = read_torch(FOLDER / file)
    assert list(found) == list(STATE)
    for name, array in STATE.items():
        assert found[name].dtype == array.dtype and found[name].shape == array.shape, name
        assert np.array_equal(found[name], array), name


def refused(path: Path) -> str:
    with pytest.raises(GraphflowError) as caught:
        read_torch(path)
    (found,) = caught.value.diagnostics
    assert found.code == "GF077"
    return found.message


# -- what a pickle may not do -------------------------------------------------------------------
class Evil:
    """Pickled, it would make a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


def archive(path: Path, pickled: bytes, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("archive/data.pkl", pickled)
        for name, content in files.items():
            out.writestr(f"archive/data/{name.removeprefix('_')}", content)
    return path


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_that_would_run_code_is_refused_and_runs_nothing(
    tmp_path: Path, protocol: int
) -> None:
    evil = {"w": Evil(tmp_path / "made")}
    path = archive(tmp_path / "evil.pth", pickle.dumps(evil, protocol))
    assert "is no state dict that PyTorch saved" in refused(path)
    (tmp_path / "old.pth").write_bytes(pickle.dumps(evil, protocol))
    refused(tmp_path / "old.pth")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("pickled", "why"),
    [
        (b"cos\nsystem\n.", "it names os system"),
        (b"\x80\x02cbuiltins\neval\nX\x01\x00\x00\x001\x85R.", "it names builtins eval"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "it has the instruction"),  # by the stack
        (b"(S'ls'\nios\nsystem\n.", "it has the instruction"),  # INST
        (b"(cos\nsystem\nX\x02\x00\x00\x00lso.", "it names os system"),
        (b"\x80\x02\x82\x01.", "it has the instruction EXT1"),
        (b"\x80\x02ccollections\nOrderedDict\n)\x81.", "it has the instruction NEWOBJ"),
        (b"\x80\x02K\x01K\x02b.", "it sets attributes of an object"),
        (b"\x80\x02K\x01)R.", "it calls a value"),
        (b"\x80\x02ctorch\nFloatStorage\n)R.", "it calls torch FloatStorage"),
        (b"\x80\x02]Q.", "not kept as PyTorch keeps them"),
        (b"\x80\x02K\x01.", "it is no mapping"),
        (b"\x80\x02}X\x01\x00\x00\x00aK\x01s.", "it holds more than names and tensors"),
        (b"\x80\x02}K\x01]s.", "it holds more than names and tensors"),
        (b"\x80\x02}]K\x01s.", "a key is neither text nor number"),
        (b"\x80\x02R.", "do not fit together"),
        (b"\x80\x02t.", "do not fit together"),
        (b"\x80\x02q\x00.", "do not fit together"),
        (b"\x80\x02h\x05.", "do not fit together"),
        (b"\x80\x02(.", "do not fit together"),
        (b"\x80\x02.", "do not fit together"),
        (b"\x80\x02K", "damaged"),
        (b"", "damaged"),
        (b"\xff", "damaged"),
    ],
)
def test_instructions_that_a_state_dict_has_no_need_of(
    tmp_path: Path, pickled: bytes, why: str
) -> None:
    assert why in refused(archive(tmp_path / "x.pth", pickled))


def test_a_pickle_is_not_read_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphflow.data.pickled.MOST", 10)
    with pytest.raises(Refused, match="longer than"):
        read_pickle(io.BytesIO(b"\x80\x02" + b"N" * 20 + b"."), {})


def state(storage: str, offset: int, shape: bytes, strides: bytes, count: int = 4) -> bytes:
    """The pickle of ``{"w": a tensor}``."""
    return (
        b"\x80\x02}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storage"
        b"ctorch\n" + storage.encode() + b"\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK"
        + bytes([count]) + b"tQJ" + struct.pack("<i", offset) + shape + strides
        + b"\x89}tRs."
    )  # fmt: skip


def test_such_a_pickle_is_read_by_hand(tmp_path: Path) -> None:
    content = struct.pack("<4f", 1, 2, 3, 4)
    path = archive(tmp_path / "x.pth", state("FloatStorage", 1, b"K\x02\x85", b"K\x02\x85"),
                   _0=content)  # fmt: skip
    assert read_torch(path)["w"].tolist() == [2, 4]


@pytest.mark.parametrize(
    ("storage", "offset", "shape", "strides", "content"),
    [
        ("FloatStorage", 2, b"K\x03\x85", b"K\x01\x85", b"\0" * 16),  # past the end
        ("FloatStorage", -1, b"K\x02\x85", b"K\x01\x85", b"\0" * 16),
        ("FloatStorage", 0, b"J\xff\xff\xff\xff\x85", b"K\x01\x85", b"\0" * 16),
        ("FloatStorage", 3, b"K\x02\x85", b"J\xff\xff\xff\xff\x85", b"\0" * 16),
        ("FloatStorage", 0, b"K\x02\x85", b"K\x01K\x01\x86", b"\0" * 16),  # axes differ
        ("FloatStorage", 0, b"N\x85", b"K\x01\x85", b"\0" * 16),
        ("FloatStorage", 0, b"K\x02\x85", b"K\x01\x85", b"\0" * 15),  # fewer numbers than said
        ("BFloat16Storage", 0, b"K\x02\x85", b"K\x01\x85", b"\0" * 16),
        ("UntypedStorage", 0, b"K\x02\x85", b"K\x01\x85", b"\0" * 16),
    ],
)
def test_tensors_stay_within_their_numbers(
    tmp_path: Path, storage: str, offset: int, shape: bytes, strides: bytes, content: bytes
) -> None:
    refused(archive(tmp_path / "x.pth", state(storage, offset, shape, strides), _0=content))


# -- damaged files ------------------------------------------------------------------------------
@pytest.mark.parametrize("file", FILES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_altered_files_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, file: str, data: st.DataObject
) -> None:
    whole = (FOLDER / file).read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    new = data.draw(st.one_of(st.just(b""), st.binary(min_size=1, max_size=3)))
    path = tmp_path_factory.mktemp("torch") / "x.pth"
    path.write_bytes(whole[:at] + new + whole[at + 1 :] if new else whole[:at])
    try:
        for array in read_torch(path).values():
            array.sum()
    except GraphflowError as error:
        assert [d.code for d in error.diagnostics] == ["GF077"]


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    for content in (b"", b"<html>", b"\x80\x02", pickle.dumps(5, 2), pickle.dumps({}, 2)):
        path.write_bytes(content)
        refused(path)
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("other.txt", b"text")
    assert "no data.pkl" in refused(path)
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("a/data.pkl", b"\x80\x02}.")
        out.writestr("a/byteorder", b"big")
    assert "big-endian" in refused(path)
    refused(tmp_path / "nothing.pth")


# -- live ---------------------------------------------------------------------------------------
@pytest.mark.parity
@pytest.mark.parametrize("new", [True, False])
def test_what_pytorch_saves_today_is_read(tmp_path: Path, new: bool) -> None:
    import torch

    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.LSTM(4, 2)
    )
    shared = torch.randn(4, 5, dtype=torch.float64)
    state = {**net.state_dict(), "a": shared[1:, ::2], "b": shared.t(), "c": torch.tensor(3)}
    path = tmp_path / "x.pth"
    torch.save(state, path, _use_new_zipfile_serialization=new)
    found = read_torch(path)
    assert list(found) == list(state)
    for name, tensor in state.items():
        assert np.array_equal(found[name], tensor.numpy()) and found[name].shape == tensor.shape
    torch.save(net, path, _use_new_zipfile_serialization=new)
    with pytest.raises(GraphflowError):
        read_torch(path)


def test_a_text_that_is_longer_than_any_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "long.pkl"
    file.write_bytes(b"\x80\x04\x8d" + struct.pack("<Q", 2**62) + b"abc.")  # BINUNICODE8
    with file.open("rb") as stream, pytest.raises(Refused, match="longer than any file"):
        read_pickle(stream, {})
