"""Published pictures on small files of their formats: CIFAR-10, hot dogs, bananas, VOC, Pokemon."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from graphflow.data import load, split
from graphflow.data.cifar import CIFAR10, PARTS
from graphflow.data.pictures import BANANAS, HOTDOG, POKEMON, VOC2012, VOC_CLASSES, palette
from tests.data.conftest import png

FORMS = ("archive", "folder")
RANDOM = np.random.default_rng(0)


# -- CIFAR-10 (binary version: a byte of label, 1,024 of red, 1,024 of green, 1,024 of blue) ----
def batch(labels: list[int]) -> bytes:
    """Images whose red is 10 times the label, green 100, blue 200."""
    planes = [bytes([n]) + bytes([10 * n]) * 1024 + b"\x64" * 1024 + b"\xc8" * 1024 for n in labels]
    return b"".join(planes)


@pytest.mark.parametrize("form", FORMS)
def test_cifar_keeps_its_order_and_parts(place, form) -> None:
    contents = {name: batch([i, i + 1]) for i, name in enumerate(PARTS["train"])}
    contents |= {"test_batch.bin": batch([9]), "batches.meta.txt": b"airplane\n"}
    place(CIFAR10, contents, form)
    data = load("cifar10")
    image, label = data.columns["image"], data.columns["label"]
    assert (image.shape, image.dtype) == ((11, 3, 32, 32), np.uint8)
    assert label.tolist() == [0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 9]
    assert image[10].mean(axis=(1, 2)).tolist() == [90, 100, 200]
    assert {name: len(rows) for name, rows in split(data, None, 0).items()} == {
        "train": 10, "test": 1
    }  # fmt: skip
    assert data.tokenizers["label"].tokens[9] == "truck"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data_batch_3.bin": batch([1])[:-1]}, "3,072 bytes, not images of 3,073"),
        ({"data_batch_3.bin": b""}, "holds 0 bytes"),
        ({"test_batch.bin": batch([10])}, "a label that is not 0 to 9"),
        ({"test_batch.bin": None}, "has no file 'test_batch.bin'"),
    ],
)
def test_damaged_cifar_is_refused(place, refused, change, message) -> None:
    whole = {name: batch([1]) for names in PARTS.values() for name in names}
    place(CIFAR10, {n: c for n, c in (whole | change).items() if c is not None})
    found = refused(load, "cifar10")
    assert found.code == "GF073" and message in found.message


# -- pictures in folders ------------------------------------------------------------------------
def plain(colour: tuple[int, int, int], height: int = 20, width: int = 30) -> bytes:
    return png(np.full((height, width, 3), colour))


@pytest.mark.parametrize("form", FORMS)
def test_hot_dogs_are_resized_and_labelled_by_folder(place, form) -> None:
    red, blue = (255, 0, 0), (0, 0, 255)
    place(HOTDOG, {
        "train/hotdog/1.png": plain(red), "train/hotdog/2.png": plain(red, 50, 10),
        "train/not-hotdog/0.png": plain(blue), "test/hotdog/5.png": plain(red),
        "test/not-hotdog/9.png": plain(blue), "train/hotdog/notes.txt": b"no picture",
    }, form)  # fmt: skip
    data = load("hotdog", size=[8, 12])
    assert (data.columns["image"].shape, data.columns["image"].dtype) == ((5, 3, 8, 12), np.uint8)
    assert data.columns["label"].tolist() == [0, 0, 1, 0, 1]
    assert data.columns["image"][2].mean(axis=(1, 2)).tolist() == [0, 0, 255]
    assert {n: r.tolist() for n, r in (data.splits or {}).items()} == {
        "train": [0, 1, 2], "test": [3, 4]
    }  # fmt: skip
    assert data.tokenizers["label"].tokens == ("hotdog", "not hotdog")


def test_resizing_averages(place) -> None:
    stripes = np.zeros((8, 8, 3))
    stripes[:, ::2] = 200
    place(POKEMON, {"bulbasaur/a.png": png(stripes), "mew/b.png": plain((5, 6, 7), 4, 4)})
    image = load("pokemon", size=[4, 4]).columns["image"]
    assert abs(image[0, :, 1:3, 1:3].astype(float) - 100).max() <= 15  # antialiased
    assert (image[1].reshape(3, -1) == [[5], [6], [7]]).all()


@pytest.mark.parametrize("part", [slice(50), slice(8), slice(1, None), slice(0)])
def test_what_is_no_picture_is_refused(place, refused, part: slice) -> None:
    content = plain((0, 0, 0))[part]
    place(POKEMON, {"a/b.png": content})
    found = refused(load, "pokemon")
    assert found.code == "GF073" and "a/b.png" in found.message
    place(POKEMON, {"a/b.txt": b"nothing"})
    assert "no pictures" in refused(load, "pokemon").message


# -- bananas (14.6) -----------------------------------------------------------------------------
LABELS = "img_name,label,xmin,ymin,xmax,ymax\n0.png,0,104,20,143,58\n1.png,0,68,175,118,223\n"


@pytest.mark.parametrize("form", FORMS)
def test_boxes_are_shares_of_the_side(place, form) -> None:
    picture = plain((1, 2, 3), 256, 256)
    contents = {f"bananas_train/images/{i}.png": picture for i in range(2)}
    contents |= {
        "bananas_train/label.csv": LABELS.encode(),
        "bananas_val/label.csv": LABELS[: LABELS.index("1.png")].encode(),
        "bananas_val/images/0.png": picture,
    }
    place(BANANAS, contents, form)
    data = load("bananas")
    assert data.columns["image"].shape == (3, 3, 256, 256)
    assert data.columns["boxes"].shape == (3, 1, 5)
    assert data.columns["boxes"][1, 0].tolist() == [0, 68 / 256, 175 / 256, 118 / 256, 223 / 256]
    assert {name: len(rows) for name, rows in (data.splits or {}).items()} == {"train": 2, "val": 1}


@pytest.mark.parametrize("labels", ["img_name\n", "img_name,a\n0.png,zero,1,2,3,4\n", "n\n0,1,2\n"])
def test_tables_without_boxes_are_refused(place, refused, labels: str) -> None:
    place(BANANAS, {f"bananas_{p}/label.csv": labels.encode() for p in ("train", "val")})
    assert "not a table of names and five numbers" in refused(load, "bananas").message


# -- VOC 2012 (14.9) ----------------------------------------------------------------------------
BOOK_COLOURS = [
    [0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0], [0, 0, 128], [128, 0, 128], [0, 128, 128],
    [128, 128, 128], [64, 0, 0], [192, 0, 0], [64, 128, 0], [192, 128, 0], [64, 0, 128],
    [192, 0, 128], [64, 128, 128], [192, 128, 128], [0, 64, 0], [128, 64, 0], [0, 192, 0],
    [128, 192, 0], [0, 64, 128],
]  # fmt: skip


def test_the_colours_are_those_of_the_book() -> None:
    assert palette(len(VOC_CLASSES)).tolist() == BOOK_COLOURS


def jpeg(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(out, "JPEG", quality=95)
    return out.getvalue()


def indexed(classes: np.ndarray) -> bytes:
    """Masks as VOC has them: a palette of 256 colours, 255 white for borders."""
    image = Image.fromarray(classes.astype(np.uint8))
    colours = [*palette(255).ravel().tolist(), 224, 224, 192]
    image.putpalette(colours)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def voc(sizes: dict[str, tuple[int, int]]) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    for name, size in sizes.items():
        classes = RANDOM.integers(0, 21, size)
        classes[0] = 255
        grey = np.where(classes == 255, 0, classes) * 10
        contents[f"JPEGImages/{name}.jpg"] = jpeg(np.repeat(grey[..., None], 3, axis=2))
        contents[f"SegmentationClass/{name}.png"] = indexed(classes)
    return contents


@pytest.mark.parametrize("form", FORMS)
def test_pictures_and_masks_are_cut_at_one_place(place, form) -> None:
    contents = voc({"a": (12, 16), "b": (9, 16), "c": (10, 14)})
    contents["ImageSets/Segmentation/train.txt"] = b"a\nb\n"
    contents["ImageSets/Segmentation/val.txt"] = b"c\n"
    place(VOC2012, contents, form)
    data = load("voc2012", crop=[10, 14], seed=1)  # b is too low
    image, mask = data.columns["image"], data.columns["mask"]
    assert (image.shape, mask.shape, mask.dtype) == ((2, 3, 10, 14), (2, 10, 14), np.uint8)
    assert {name: len(rows) for name, rows in (data.splits or {}).items()} == {"train": 1, "val": 1}
    # Pictures were made of their masks: brightness is ten times the class, up to JPEG.
    error = np.abs(image[:, 0].astype(float) - 10.0 * mask)
    assert np.median(error) <= 6
    assert (mask[1][0] == 0).all()  # the border is background
    assert data.tokenizers["mask"].tokens[1] == "aeroplane"
    other = load("voc2012", crop=[6, 6], seed=2).columns["mask"]
    assert len(other) == 3


def test_crops_that_fit_nowhere_are_refused(place, refused) -> None:
    contents = voc({"a": (5, 5)})
    contents |= {f"ImageSets/Segmentation/{part}.txt": b"a\n" for part in ("train", "val")}
    place(VOC2012, contents)
    found = refused(load, "voc2012", crop=[6, 5])
    assert found.code == "GF075" and "6 x 5" in found.message
