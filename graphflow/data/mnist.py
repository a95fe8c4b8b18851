"""MNIST (LeCun, Cortes and Burges) and Fashion-MNIST (Xiao et al.), from their IDX files."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt

from graphflow.data.dataset import Array, Dataset, Indices
from graphflow.data.files import Remote, data_folders, obtain, read_bytes
from graphflow.data.registry import register
from graphflow.data.tokenizers import Words
from graphflow.diagnostics import fail

Bytes = npt.NDArray[np.uint8]

Parts = dict[str, tuple[Bytes, Bytes]]

COLUMNS = {
    "pixels": "float32 (N, 784), 0 to 255",
    "image": "float32 (N, 1, 28, 28), 0 to 255",
    "label": "int64 (N,), 0 to 9",
}
IMAGES = {"pixels": (1, 28, 28)}
PARTS = {"train": "train", "test": "t10k"}  # part -> how its files begin
LARGEST = 2**30  # bytes of one array
INSTEAD = "source: digits"
MIRROR = "https://storage.googleapis.com/cvdf-datasets/mnist/"
FILES = {
    name: Remote(f"mnist/{name}.gz", f"{MIRROR}{name}.gz", f"sha256:{digest}", size, INSTEAD)
    for name, size, digest in (
        ("train-images-idx3-ubyte", 9_912_422,
         "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        ("train-labels-idx1-ubyte", 28_881,
         "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        ("t10k-images-idx3-ubyte", 1_648_877,
         "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        ("t10k-labels-idx1-ubyte", 4_542,
         "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    )
}  # fmt: skip
FASHION_MIRROR = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
FASHION_FILES = {
    name: Remote(f"fashion-mnist/{name}.gz", f"{FASHION_MIRROR}{name}.gz", f"md5:{md5}", size,
                 INSTEAD)
    for name, size, md5 in (
        ("train-images-idx3-ubyte", 26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        ("train-labels-idx1-ubyte", 29_515, "25c81989df183df01b3e8a0aad5dffbe"),
        ("t10k-images-idx3-ubyte", 4_422_102, "bef4ecab320f06d8554ea6380940ec79"),
        ("t10k-labels-idx1-ubyte", 5_148, "bb300cfdad3c16e7a12a480ee83cd310"),
    )
}  # fmt: skip
CLOTHES = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag",
           "ankle boot")  # fmt: skip


@register("mnist", columns=COLUMNS, files=tuple(FILES.values()), images=IMAGES)
def mnist() -> Dataset:
    """Handwritten digits of 28 x 28 pixels (MNIST), from files you have or downloaded.

    What the folder $GRAPHFLOW_DATA (or mnist/ in it) holds is used as it is: with the files of
    one part only, the dataset is that part. Where it holds none, both parts are downloaded.
    """
    parts = _parts(FILES, ("", "mnist"))
    return _dataset("mnist", "MNIST handwritten digits", parts)


@register("fashion_mnist", columns=COLUMNS, files=tuple(FASHION_FILES.values()), images=IMAGES)
def fashion_mnist() -> Dataset:
    """Clothes of ten kinds, 28 x 28 pixels (Fashion-MNIST): 60,000 to train, 10,000 to test.

    Files in fashion-mnist/ (or FashionMNIST/raw/, where torchvision puts them) in the folder
    $GRAPHFLOW_DATA are used as they are, one part or both. The classes are t-shirt, trouser,
    pullover, dress, coat, sandal, shirt, sneaker, bag, ankle boot. Xiao et al. 2017; Dive into Deep
    Learning 4.2.
    """
    parts = _parts(FASHION_FILES, ("fashion-mnist", "fashion_mnist", "FashionMNIST/raw"))
    found = _dataset("fashion_mnist", "Fashion-MNIST clothes", parts)
    return replace(found, tokenizers={"label": Words(CLOTHES)})


def _dataset(name: str, what: str, parts: Parts) -> Dataset:
    images = np.concatenate([images for images, _ in parts.values()])
    pixels = images.astype(np.float32).reshape(len(images), 784)
    label = np.concatenate([labels for _, labels in parts.values()]).astype(np.int64)
    columns: dict[str, Array] = {
        "pixels": pixels,
        "image": pixels.reshape(-1, 1, 28, 28),
        "label": label,
    }
    counts = " and ".join(f"{len(labels):,} {part}" for part, (_, labels) in parts.items())
    about = f"{what} of 28 x 28 pixels: {counts} images"
    return Dataset(name, columns, about, splits=_splits(parts) if len(parts) > 1 else None)


def _splits(parts: Parts) -> dict[str, Indices]:
    ends = np.cumsum([len(labels) for _, labels in parts.values()])
    return dict(zip(parts, np.split(np.arange(ends[-1]), ends[:-1]), strict=True))


def _parts(files: Mapping[str, Remote], below: Sequence[str]) -> Parts:
    """The parts in the first of the user's folders that holds images, or the published ones."""
    for base in data_folders():
        for folder in (base / name for name in below):
            present = [part for part in PARTS if _beside(folder, _file_names(PARTS[part])[0])]
            if present:
                return {part: _local_part(folder, PARTS[part]) for part in present}
    return {part: _published_part(files, PARTS[part]) for part in PARTS}


def _local_part(folder: Path, prefix: str) -> tuple[Bytes, Bytes]:
    contents = []
    for name in _file_names(prefix):
        path = _beside(folder, name)
        if path is None:
            fail("GF072", f"'{folder}' holds the images but not '{name}' or '{name}.gz'")
        contents.append((str(path), read_bytes(path)))
    return _part(contents)


def _beside(folder: Path, name: str) -> Path | None:
    paths = (folder / name, folder / f"{name}.gz")
    return next((path for path in paths if path.is_file()), None)


def _published_part(files: Mapping[str, Remote], prefix: str) -> tuple[Bytes, Bytes]:
    remotes = [files[name] for name in _file_names(prefix)]
    return _part([(remote.file, obtain(remote, folders=())) for remote in remotes])


def _file_names(prefix: str) -> tuple[str, str]:
    return f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte"


def _part(contents: list[tuple[str, bytes]]) -> tuple[Bytes, Bytes]:
    (images_name, images_bytes), (labels_name, labels_bytes) = contents
    images = read_idx(images_bytes, images_name, axes=3)
    labels = read_idx(labels_bytes, labels_name, axes=1)
    if images.shape != (len(labels), 28, 28):
        fail("GF073", f"'{images_name}' is {images.shape}, not ({len(labels)}, 28, 28)")
    if len(labels) == 0 or labels.max() > 9:
        fail("GF073", f"'{labels_name}' holds no labels from 0 to 9")
    return images, labels


def read_idx(content: bytes, name: str, axes: int) -> Bytes:
    """The array in an IDX file of unsigned bytes, compressed by gzip or not.

    IDX: two zero bytes, the type (8 for unsigned bytes), the number of axes, each axis as a
    big-endian 32-bit integer, then the values in row-major order.
    """
    try:
        if content[:2] == b"\x1f\x8b":
            with gzip.open(BytesIO(content)) as stream:
                content = stream.read(LARGEST)
    except (OSError, EOFError, zlib.error) as error:
        fail("GF073", f"'{name}' is damaged: {error}")
    header = 4 + 4 * axes
    if content[:4] != bytes((0, 0, 8, axes)) or len(content) < header:
        fail("GF073", f"'{name}' is not an IDX file of unsigned bytes with {axes} axes")
    shape = [int(size) for size in np.frombuffer(content[4:header], ">u4")]
    if len(content) - header != math.prod(shape):
        fail("GF073", f"'{name}' announces {shape} values and holds {len(content) - header} bytes")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)
