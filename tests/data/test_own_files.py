"""Images in folders, .npy files and lines of text: the user's own data by path."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graphflow.data import OptionError, load
from graphflow.diagnostics import GraphflowError

RANDOM = np.random.default_rng(0)


def picture(file: Path, height: int = 6, width: int = 8) -> np.ndarray:
    """A random image, saved without loss."""
    pixels = RANDOM.integers(0, 256, (height, width, 3), dtype=np.uint8)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file)
    return pixels


# -- images ---------------------------------------------------------------------------------------
def test_a_folder_for_each_class(tmp_path: Path) -> None:
    dog, cat = picture(tmp_path / "pets/dog/1.png"), picture(tmp_path / "pets/cat/a.png")
    picture(tmp_path / "pets/cat/b.PNG")
    (tmp_path / "pets/cat/notes.txt").write_text("no image")
    data = load("images", path="pets", folder=tmp_path)
    assert data.array("label").tolist() == [0, 0, 1]
    assert data.tokenizers["label"].tokens == ("cat", "dog")
    assert data.array("file").tolist() == ["cat/a.png", "cat/b.PNG", "dog/1.png"]
    assert (data.columns["image"].shape, data.columns["image"].dtype) == ((3, 3, 6, 8), np.uint8)
    taken = data.take([2, 0])["image"]
    np.testing.assert_array_equal(taken, [dog.transpose(2, 0, 1), cat.transpose(2, 0, 1)])


def test_a_flat_folder_has_no_labels(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    data = load("images", path=".", folder=tmp_path, mode="L")
    assert list(data.columns) == ["image", "file"]
    grey = np.asarray(Image.open(tmp_path / "a.png").convert("L"))
    np.testing.assert_array_equal(data.take([0])["image"], grey[None, None])


def test_folders_of_parts(tmp_path: Path) -> None:
    for name in ("train/x/1.png", "train/y/2.png", "test/y/3.png"):
        picture(tmp_path / name)
    data = load("images", path=".", folder=tmp_path)
    assert data.splits is not None
    assert {n: p.tolist() for n, p in data.splits.items()} == {"train": [0, 1], "test": [2]}
    assert data.array("label").tolist() == [0, 1, 1]


@pytest.mark.parametrize("fit", ["stretch", "crop"])
def test_images_are_resized_as_pillow_does(tmp_path: Path, fit: str) -> None:
    pixels = picture(tmp_path / "a.png", 12, 8)
    picture(tmp_path / "b.png", 5, 5)
    data = load("images", path=".", folder=tmp_path, size=4, fit=fit)
    assert data.columns["image"].shape == (2, 3, 4, 4)
    box = (0, 2, 8, 10) if fit == "crop" else None  # the middle square
    expected = Image.fromarray(pixels).resize((4, 4), Image.Resampling.BILINEAR, box=box)
    found = data.take([0])["image"][0]
    np.testing.assert_array_equal(found, np.asarray(expected).transpose(2, 0, 1))


def test_a_damaged_image_is_named(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:60])
    data = load("images", path=".", folder=tmp_path)
    with pytest.raises(GraphflowError, match="is no image that can be read") as caught:
        data.take([0, 1])
    (found,) = caught.value.diagnostics
    assert found.code == "GF073" and "b.png" in found.message


def test_a_format_that_starts_a_program_is_no_image(tmp_path: Path, refused) -> None:
    """Pillow gives EPS to Ghostscript, whatever the file is called."""
    picture(tmp_path / "a.png")
    Image.new("RGB", (8, 6)).save(tmp_path / "b.png", format="EPS")
    found = refused(load("images", path=".", folder=tmp_path).take, [0, 1])
    assert found.code == "GF073" and "it is none of PNG, JPEG" in found.message
    assert "b.png" in found.message and "object at" not in found.message


def test_images_of_another_size_say_what_to_do(tmp_path: Path, refused) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png", 5, 5)
    data = load("images", path=".", folder=tmp_path)
    found = refused(data.take, [0, 1])
    assert "5 x 5 pixels, the first image 6 x 8" in found.message
    assert "size: [6, 8]" in found.help


def test_folders_that_hold_no_images(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path, words in (("empty", "there are no images"), ("none", "there is no"),
                        ("..", "outside")):  # fmt: skip
        with pytest.raises(OptionError, match=words) as caught:
            load("images", path=path, folder=tmp_path)
        assert caught.value.option == "path"


def test_a_link_to_an_image_elsewhere_is_refused(tmp_path: Path) -> None:
    picture(tmp_path / "secret/a.png")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/a.png").symlink_to(tmp_path / "secret/a.png")
    with pytest.raises(OptionError, match="outside"):
        load("images", path=".", folder=tmp_path / "mine")
    assert len(load("images", path=str(tmp_path / "mine"))) == 1


# -- npy ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("small", [0, 1000])
def test_arrays_are_columns_and_large_ones_stay_in_their_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: int
) -> None:
    monkeypatch.setattr("graphflow.data.arrays.SMALL", small)
    x, label = RANDOM.random((6, 3)), np.arange(6)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "label.npy", label)
    data = load("npy", path=".", folder=tmp_path)
    assert sorted(data.columns) == ["label", "x"]
    assert isinstance(data.columns["x"], np.ndarray) == (small > 0)
    assert data.columns["x"].shape == (6, 3) and len(data.columns["x"]) == 6
    for indices in ([3, 0, 3], [[1, 2], [5, 4]], [2, 3, 4, 0], np.zeros(0, int).tolist()):
        taken = data.take(np.array(indices, dtype=np.int64))
        np.testing.assert_array_equal(taken["x"], x[np.array(indices, dtype=np.int64)])
        assert taken["label"].flags.writeable and taken["label"].tolist() == indices
    assert list(load("npy", path="x.npy", folder=tmp_path).columns) == ["x"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda f: np.save(f, np.array([{"a": 1}])), "is no .npy file of numbers"),
        (lambda f: np.save(f, np.array(["a"])), "a column holds numbers"),
        (lambda f: np.save(f, np.array(1.0)), "a column holds numbers"),
        (lambda f: np.save(f, np.ones((2, 3), order="F")), "column by column"),
        (lambda f: f.write_bytes(b"PK\3\4"), "is no .npy file"),
        (lambda f: f.write_bytes(b""), "is no .npy file"),
        (lambda f: f.write_bytes(b"\x93NUMPY\1"), "is no .npy file of numbers"),
    ],
)
def test_files_that_are_no_arrays(tmp_path: Path, make, words: str) -> None:
    make(tmp_path / "x.npy")
    with pytest.raises(OptionError, match=words):
        load("npy", path="x.npy", folder=tmp_path)


# -- lines ----------------------------------------------------------------------------------------
def test_a_label_and_a_text_on_each_line(tmp_path: Path) -> None:
    (tmp_path / "reviews.txt").write_text('1\tGood, "very" good\n\n0\tbad\tand long\r\n')
    data = load("lines", path="reviews.txt", columns=["label", "text"], folder=tmp_path)
    assert data.array("label").tolist() == [1, 0]
    assert data.array("text").tolist() == ['Good, "very" good', "bad\tand long"]


def test_lines_of_text_that_are_partly_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1984\nEmma\n")
    assert load("lines", path="a.txt", folder=tmp_path).array("text").tolist() == ["1984", "Emma"]


@pytest.mark.parametrize(
    ("content", "columns", "words"),
    [
        ("go\tva\nwait\n", ["a", "b"], "line 2: 1 of 2 parts"),
        ("\n \n", ["a"], "no lines"),
        ("a\n", [], "names what stands"),
        ("a\n", ["a", "a"], "each once"),
    ],
)
def test_lines_that_are_no_samples(tmp_path: Path, content: str, columns, words: str) -> None:
    (tmp_path / "a.txt").write_text(content)
    with pytest.raises(OptionError, match=words):
        load("lines", path="a.txt", columns=columns, folder=tmp_path)
