"""The user's own images in folders, decoded as batches need them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np

from graphflow.data.columns import Array, Column, Indices
from graphflow.data.dataset import Dataset
from graphflow.data.decoding import Bytes, Fit, Mode, decoded
from graphflow.data.files import user_folder
from graphflow.data.options import Between, concerning
from graphflow.data.registry import register
from graphflow.data.tokenizers import Words
from graphflow.diagnostics import fail

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
PARTS = ("train", "training", "valid", "val", "validation", "test")
THREADS = min(4, os.cpu_count() or 1)
Side = Annotated[int, Between(1, 4096)]


@register(
    "images",
    columns={
        "image": "uint8 (N, C, H, W), 0 to 255",
        "label": "int64 (N,), the folder's number",
        "file": "text (N,), the path within the folder",
    },
)
def images(
    path: str,
    size: tuple[Side, Side] | Side | None = None,
    mode: Mode = "RGB",
    fit: Fit = "stretch",
    folder: str | Path | None = None,
) -> Dataset:
    """Images of your own (PNG, JPEG, ...) in a folder for each class, or all in one folder.

    The folders' names in sorted order are the classes; images that lie in no class have no label.
    Folders called train, valid and test that hold the folders of classes are the parts. ``size``
    is [height, width] or one number for both: images are resized to it (bilinear), as they are
    (``fit: stretch``) or the middle of them (``fit: crop``); without it all must have one size.
    ``mode`` L is grey. Images are decoded when they are needed: they may be more than fit into
    memory.
    """
    with concerning("path"):
        root = user_folder(path, folder)
        inside = None if folder is None else Path(folder).resolve()
        parts = _parts(root)
        files = {part: _files(place, inside) for part, place in parts.items()}
        found = [(part, file) for part, names in files.items() for file in names]
        if not found:
            fail("GF073", f"there are no images in '{root}'",
                 help=f"they end in {', '.join(ENDINGS)}")  # fmt: skip
    places = [file for _, file in found]
    sides = (size, size) if isinstance(size, int) else size
    with concerning("size"):
        height, width = sides or decoded(places[0], str(places[0]), mode).shape[:2]
    columns: dict[str, Column] = {
        "image": Decoded(places, mode, (height, width), None if sides is None else fit)
    }
    labels = [file.relative_to(parts[part]).parts[:-1] for part, file in found]
    names: dict[str, Words] = {}
    if all(labels):
        classes = sorted({label[0] for label in labels})
        number = {name: i for i, name in enumerate(classes)}
        columns["label"] = np.array([number[label[0]] for label in labels], dtype=np.int64)
        names["label"] = Words(tuple(classes))
    words = np.empty(len(places), dtype=object)
    words[:] = [str(file.relative_to(root)) for file in places]
    columns["file"] = words
    own = np.array([part for part, _ in found])
    splits = {part: np.flatnonzero(own == part) for part in parts} if len(parts) > 1 else None
    about = f"{len(places):,} images in '{root.name}'"
    return Dataset(root.name, columns, about, splits=splits, tokenizers=names)


def _parts(root: Path) -> dict[str, Path]:
    """The folders of parts, where a folder holds nothing but such; else the folder itself."""
    inner = sorted(place for place in root.iterdir() if place.is_dir())
    names = [place.name for place in inner]
    if names and all(name in PARTS for name in names):
        order = sorted(inner, key=lambda place: PARTS.index(place.name))
        if all(any(below.is_dir() for below in place.iterdir()) for place in order):
            return {place.name: place for place in order}
    return {"train": root}


def _files(root: Path, inside: Path | None) -> list[Path]:
    """The images in a folder and below, in sorted order; links lead to nowhere outside."""
    found = []
    for place, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            file = Path(place, name)
            if file.suffix.lower() not in ENDINGS or name.startswith("."):
                continue
            linked = inside is not None and file.is_symlink()
            if linked and not file.resolve().is_relative_to(inside or root):
                fail("GF074", f"'{file}' is a link to a file outside of the graph file's folder")
            found.append(file)
    return found


@dataclass(frozen=True, eq=False)
class Decoded:
    """Images in files as bytes (N, C, H, W), decoded by a few threads when they are taken.

    ``fit`` says how they come to the size; with None they must have it.
    """

    files: Sequence[Path]
    mode: Mode
    size: tuple[int, int]
    fit: Fit | None

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.files), 1 if self.mode == "L" else 3, *self.size)

    @property
    def dtype(self) -> np.dtype[np.generic]:
        return np.dtype(np.uint8)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, indices: Indices, /) -> Array:
        wanted = [self.files[i] for i in indices.ravel().tolist()]
        with ThreadPoolExecutor(max_workers=THREADS) as pool:
            rows = list(pool.map(self._pixels, wanted))
        found = np.stack(rows) if rows else np.zeros((0, *self.shape[1:]), np.uint8)
        return found.reshape(*indices.shape, *self.shape[1:])

    def _pixels(self, file: Path) -> Bytes:
        pixels = _read(file, self.mode, self.size, self.fit)
        return pixels[None] if self.mode == "L" else np.moveaxis(pixels, 2, 0)


def _read(file: Path, mode: Mode, size: tuple[int, int], fit: Fit | None) -> Bytes:
    """A file as an image of a mode and size. GF073 where it has another size and none is asked."""
    if fit is not None:
        return decoded(file, str(file), mode, size, fit)
    pixels = decoded(file, str(file), mode)
    if pixels.shape[:2] != size:
        shown = f"{pixels.shape[0]} x {pixels.shape[1]}"
        fail("GF073", f"'{file}' has {shown} pixels, the first image {size[0]} x {size[1]}",
             help=f"size: [{size[0]}, {size[1]}] resizes all images")  # fmt: skip
    return pixels
