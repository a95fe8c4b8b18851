from __future__ import annotations

import dataclasses
import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphflow.data import Batches, load, mnist, split
from graphflow.data.mnist import read_idx
from graphflow.diagnostics import GraphflowError


def idx(array: np.ndarray) -> bytes:
    shape = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes((0, 0, 8, array.ndim)) + shape + array.astype(np.uint8).tobytes()


def write_part(folder: Path, prefix: str, n: int, packed: bool) -> np.ndarray:
    """A small part in MNIST's format; image i is filled with i and labelled i % 10."""
    folder.mkdir(parents=True, exist_ok=True)
    images = np.repeat(np.arange(n, dtype=np.uint8), 784).reshape(n, 28, 28)
    for name, array in (("images-idx3", images), ("labels-idx1", np.arange(n) % 10)):
        content = gzip.compress(idx(array)) if packed else idx(array)
        (folder / f"{prefix}-{name}-ubyte{'.gz' if packed else ''}").write_bytes(content)
    return images


@pytest.fixture
def folder(no_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRAPHFLOW_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


# -- the published files ------------------------------------------------------------------------
def test_the_test_images_we_hold(real_data: Path) -> None:
    if (real_data / "mnist" / "train-images-idx3-ubyte.gz").exists():
        pytest.skip("the data folder holds the training images too")
    data = load("mnist")
    pixels, image, label = (data.columns[name] for name in ("pixels", "image", "label"))
    assert (pixels.shape, pixels.dtype) == ((10_000, 784), np.float32)
    assert (image.shape, image.dtype) == ((10_000, 1, 28, 28), np.float32)
    assert (label.shape, label.dtype) == ((10_000,), np.int64)
    assert (pixels.min(), pixels.max()) == (0, 255)
    counts = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert np.bincount(label).tolist() == counts
    assert label[:5].tolist() == [7, 2, 1, 0, 4]
    assert data.splits is None
    assert "10,000 test images" in data.about
    assert "train" not in data.about
    parts = split(data, {"train": 0.8, "test": 0.2}, seed=0)
    assert len(Batches(data, parts["train"], 64, shuffle=True, seed=0)) == 125


# -- which files are used -----------------------------------------------------------------------
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("below", ["", "mnist"])
def test_one_part_is_the_dataset(folder: Path, packed: bool, below: str) -> None:
    images = write_part(folder / below, "t10k", 12, packed)
    data = load("mnist")
    assert data.splits is None
    assert np.array_equal(data.columns["pixels"], images.reshape(12, 784))
    assert data.columns["label"].tolist() == [*range(10), 0, 1]
    assert "12 test images" in data.about


def test_both_parts_keep_the_sources_own_split(folder: Path) -> None:
    write_part(folder, "t10k", 4, packed=True)
    write_part(folder, "train", 6, packed=False)
    data = load("mnist")
    parts = split(data, None, seed=0)
    assert {name: len(part) for name, part in parts.items()} == {"train": 6, "test": 4}
    assert data.take(parts["test"])["label"].tolist() == [0, 1, 2, 3]
    assert "6 train and 4 test images" in data.about


def test_images_without_labels_are_refused(folder: Path, refused) -> None:
    write_part(folder, "t10k", 4, packed=True)
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    found = refused(load, "mnist")
    assert found.code == "GF072"
    assert "t10k-labels-idx1-ubyte" in found.message


def publish(published, source: str, parts: dict[str, int], tmp_path: Path) -> dict[str, bytes]:
    """Serve small files in place of the real ones, with their digests; name -> content."""
    for prefix, n in parts.items():
        write_part(tmp_path / "published", prefix, n, packed=True)
    contents = {path.name: path.read_bytes() for path in (tmp_path / "published").iterdir()}
    remotes = mnist.FILES if source == "mnist" else mnist.FASHION_FILES
    for name, remote in remotes.items():
        digest = hashlib.sha256(contents[f"{name}.gz"]).hexdigest()
        remotes[name] = dataclasses.replace(remote, digest=f"sha256:{digest}")
    published({remote.url: contents[f"{name}.gz"] for name, remote in remotes.items()})
    return contents


@pytest.mark.parametrize("source", ["mnist", "fashion_mnist"])
def test_all_files_are_downloaded_when_none_are_there(
    no_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, published, source: str
) -> None:
    monkeypatch.setattr(mnist, "FILES", dict(mnist.FILES))
    monkeypatch.setattr(mnist, "FASHION_FILES", dict(mnist.FASHION_FILES))
    contents = publish(published, source, {"train": 8, "t10k": 5}, tmp_path)
    data = load(source)
    assert len(data) == 13
    assert list(split(data, None, 0)) == ["train", "test"]
    folder = no_data / source.replace("_", "-")
    assert sorted(path.name for path in folder.glob("*.gz")) == sorted(contents)
    assert load(source).columns["label"].tolist() == data.columns["label"].tolist()


def test_a_download_that_is_something_else_is_refused(no_data: Path, published, refused) -> None:
    published({remote.url: b"<html>log in first</html>" for remote in mnist.FILES.values()})
    found = refused(load, "mnist")
    assert found.code == "GF073"
    assert "checksum" in found.message
    assert "source: digits" in found.help


def test_fashion_is_looked_for_in_its_own_folder_only(folder: Path, refused) -> None:
    write_part(folder, "t10k", 4, packed=True)
    assert refused(load, "fashion_mnist").code == "GF072"
    write_part(folder / "FashionMNIST" / "raw", "t10k", 6, packed=False)
    clothes = load("fashion_mnist")
    assert len(clothes) == 6
    assert clothes.tokenizers["label"].tokens[9] == "ankle boot"


def test_without_files_or_network_the_place_is_named(no_data: Path, refused) -> None:
    found = refused(load, "mnist")
    assert found.code == "GF072"
    assert "train-images-idx3-ubyte.gz" in found.help
    assert "GRAPHFLOW_DATA" in found.help


# -- damaged files ------------------------------------------------------------------------------
IMAGES = idx(np.arange(2 * 784).reshape(2, 28, 28) % 256)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x1f\x8b",
        b"\x1f\x8bnot gzip at all",
        IMAGES[:10],
        IMAGES[:-1],
        IMAGES + b"\0",
        gzip.compress(IMAGES)[:-9],
        gzip.compress(IMAGES)[:30] + b"\xff" * 200,
        b"\0\0\x0d\x03" + IMAGES[4:],
        b"\0\0\x08\x01" + IMAGES[4:],
        b"\0\0\x08\x03" + b"\xff" * 12,
        b"hello " * 200,
    ],
)
def test_damaged_images_are_refused(folder: Path, refused, content: bytes) -> None:
    write_part(folder, "t10k", 2, packed=True)
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(content)
    assert refused(load, "mnist").code == "GF073"


def test_images_and_labels_must_belong_together(folder: Path, refused) -> None:
    write_part(folder, "t10k", 4, packed=False)
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx(np.zeros(3)))
    assert "not (3, 28, 28)" in refused(load, "mnist").message
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx(np.array([0, 1, 2, 10])))
    assert "labels from 0 to 9" in refused(load, "mnist").message


@given(st.binary(max_size=64), st.integers(0, 1600), st.booleans())
def test_no_bytes_break_the_reader(noise: bytes, at: int, packed: bool) -> None:
    content = gzip.compress(IMAGES) if packed else IMAGES
    try:
        array = read_idx(content[:at] + noise + content[at + len(noise) :], "noise", axes=3)
    except GraphflowError as error:
        assert error.diagnostics[0].code == "GF073"
    else:
        assert array.ndim == 3
