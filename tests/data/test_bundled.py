from __future__ import annotations

import sys

import numpy as np
import pytest

from graphflow.data import load
from graphflow.data.bundled import resized


def test_digits() -> None:
    data = load("digits")
    pixels, image, label = (data.columns[name] for name in ("pixels", "image", "label"))
    assert (pixels.shape, pixels.dtype) == ((1797, 64), np.float32)
    assert (image.shape, image.dtype) == ((1797, 1, 8, 8), np.float32)
    assert (label.shape, label.dtype) == ((1797,), np.int64)
    assert (pixels.min(), pixels.max()) == (0, 16)
    assert np.array_equal(image[5, 0].ravel(), pixels[5])
    assert np.bincount(label).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert data.axis == 0
    assert data.splits is None
    assert "1,797" in data.about


@pytest.mark.parametrize(
    ("name", "shape", "counts"),
    [  # as the UCI repository describes them
        ("iris", (150, 4), [50, 50, 50]),
        ("wine", (178, 13), [59, 71, 48]),
        ("breast_cancer", (569, 30), [212, 357]),
    ],
)
def test_tables_with_classes(name: str, shape: tuple[int, int], counts: list[int]) -> None:
    data = load(name)
    assert (data.columns["x"].shape, data.columns["x"].dtype) == (shape, np.float32)
    assert np.bincount(data.columns["label"]).tolist() == counts
    assert np.isfinite(data.columns["x"]).all()


def test_first_iris() -> None:
    assert load("iris").columns["x"][0].tolist() == pytest.approx([5.1, 3.5, 1.4, 0.2])


def test_classes_have_names() -> None:
    iris, digits = load("iris"), load("digits")
    assert iris.tokenizers["label"].tokens == ("setosa", "versicolor", "virginica")
    assert digits.tokenizers["label"].tokens == tuple("0123456789")


def test_diabetes() -> None:
    data = load("diabetes")
    x, y = data.columns["x"], data.columns["y"]
    assert (x.shape, y.shape) == ((442, 10), (442, 1))
    assert np.allclose((x.astype(float) ** 2).sum(axis=0), 1, atol=1e-4)
    assert (y.min(), y.max()) == (25, 346)


def test_photographs_in_their_own_size_are_unchanged() -> None:
    pytest.importorskip("PIL", reason="reading photographs needs Pillow")
    from sklearn.datasets import load_sample_image

    data = load("photographs")
    assert len(data) == 1
    for name in ("china", "flower"):
        column = data.columns[name]
        assert (column.shape, column.dtype) == ((1, 3, 427, 640), np.float32)
        original = np.moveaxis(load_sample_image(f"{name}.jpg"), 2, 0) / 255
        assert np.allclose(column[0], original, atol=1e-6)


def test_photographs_resized() -> None:
    pytest.importorskip("PIL", reason="reading photographs needs Pillow")
    whole, small = load("photographs"), load("photographs", size=[61, 64])
    for name in ("china", "flower"):
        column = small.columns[name]
        assert (column.shape, column.dtype) == ((1, 3, 61, 64), np.float32)
        assert column.min() >= 0
        assert column.max() <= 1
        # 427 = 7 * 61 and 640 = 10 * 64: each pixel is the mean of a block.
        blocks = whole.columns[name].reshape(1, 3, 61, 7, 64, 10).mean(axis=(3, 5))
        assert np.allclose(column, blocks, atol=1e-5)


def test_area_averaging_by_hand() -> None:
    row = np.array([[[0], [30], [60]]], dtype=np.uint8)
    assert np.allclose(resized(row, 1, 2), [[[10, 50]]])
    assert np.allclose(resized(row, 1, 6), [[[0, 0, 30, 30, 60, 60]]])
    assert np.allclose(resized(row, 2, 1), [[[30], [30]]])


def test_without_pillow_the_photographs_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch, refused
) -> None:
    for module in [name for name in sys.modules if name.split(".")[0] == "PIL"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "PIL", None)
    found = refused(load, "photographs", size=[4, 4])
    assert found.code == "GF076"
    assert "pillow" in found.help


@pytest.mark.parametrize("size", [[0, 4], [4], [4, 5000], 4, ["4", 4]])
def test_a_size_is_two_whole_numbers(refused, size: object) -> None:
    assert refused(load, "photographs", size=size).code == "GF071"
