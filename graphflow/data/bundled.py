"""Sources that come with scikit-learn: digits, photographs, and small tables of measurements."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import numpy.typing as npt

from graphflow.data.dataset import Array, Dataset
from graphflow.data.options import Between
from graphflow.data.registry import register
from graphflow.data.tokenizers import Words
from graphflow.diagnostics import fail

if TYPE_CHECKING:
    from sklearn.utils import Bunch

TABLE = {"x": "float32 (N, features)", "label": "int64 (N,)"}
Side = Annotated[int, Between(1, 4096)]


@register(
    "digits",
    columns={
        "pixels": "float32 (N, 64), 0 to 16",
        "image": "float32 (N, 1, 8, 8), 0 to 16",
        "label": "int64 (N,), 0 to 9",
    },
    images={"pixels": (1, 8, 8)},
)
def digits() -> Dataset:
    """1,797 handwritten digits of 8 x 8 pixels, bundled with scikit-learn."""
    rows = np.loadtxt(_file("digits.csv.gz"), np.float32, delimiter=",")
    pixels, label = np.ascontiguousarray(rows[:, :-1]), rows[:, -1].astype(np.int64)
    columns: dict[str, Array] = {
        "pixels": pixels,
        "image": pixels.reshape(-1, 1, 8, 8),
        "label": label,
    }
    about = "1,797 handwritten digits of 8 x 8 pixels (UCI, test part), from scikit-learn"
    names = Words(tuple("0123456789"))
    return Dataset("digits", columns, about, tokenizers={"label": names})


def _file(name: str) -> Path:
    """A file of scikit-learn's, found without loading scikit-learn, which takes a second."""
    package = find_spec("sklearn")
    assert package is not None and package.origin is not None
    return Path(package.origin).parent / "datasets" / "data" / name


@register("iris", columns=TABLE)
def iris() -> Dataset:
    """150 iris flowers of three species: lengths and widths of sepals and petals in cm."""
    from sklearn.datasets import load_iris

    return _classified("iris", load_iris(), "150 irises of three species (Fisher, 1936)")


@register("wine", columns=TABLE)
def wine() -> Dataset:
    """178 wines of three growers: 13 chemical quantities, in their own units."""
    from sklearn.datasets import load_wine

    return _classified("wine", load_wine(), "178 wines of three growers (UCI)")


@register("breast_cancer", columns=TABLE)
def breast_cancer() -> Dataset:
    """569 tumours, malignant (0) or benign (1): 30 measures of cell nuclei, in their own units."""
    from sklearn.datasets import load_breast_cancer

    about = "569 tumours, malignant or benign (UCI, Wisconsin)"
    return _classified("breast_cancer", load_breast_cancer(), about)


@register("diabetes", columns={"x": "float32 (N, 10)", "y": "float32 (N, 1), 25 to 346"})
def diabetes() -> Dataset:
    """442 patients: ten measures and the progression of diabetes a year later.

    The measures are centred and scaled to unit length of each column over all rows.
    """
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes()
    columns: dict[str, Array] = {
        "x": bunch.data.astype(np.float32),
        "y": bunch.target.astype(np.float32).reshape(-1, 1),
    }
    return Dataset("diabetes", columns, "442 patients with diabetes (Efron et al., 2004)")


def _classified(name: str, bunch: Bunch, about: str) -> Dataset:
    """A table of scikit-learn with classes."""
    columns: dict[str, Array] = {
        "x": bunch.data.astype(np.float32),
        "label": bunch.target.astype(np.int64),
    }
    names = Words(tuple(str(n) for n in bunch.target_names))
    return Dataset(name, columns, about, tokenizers={"label": names})


@register(
    "photographs",
    columns={
        "china": "float32 (1, 3, H, W), 0 to 1",
        "flower": "float32 (1, 3, H, W), 0 to 1",
    },
)
def photographs(size: tuple[Side, Side] = (427, 640)) -> Dataset:
    """Two colour photographs, a temple in China and a flower, bundled with scikit-learn."""
    height, width = size
    columns = {name: photograph(name, height, width) for name in ("china", "flower")}
    about = f"two photographs from scikit-learn, resized to {height} x {width} by area averaging"
    return Dataset("photographs", columns, about)


def photograph(name: str, height: int, width: int) -> npt.NDArray[np.float32]:
    """One of the two, (1, 3, height, width)."""
    from sklearn.datasets import load_sample_image

    try:
        pixels = load_sample_image(f"{name}.jpg")
    except ImportError:
        fail("GF076", "reading photographs needs Pillow", help="install it: pip install pillow")
    return resized(pixels, height, width)[None] / np.float32(255)


def resized(pixels: npt.NDArray[np.uint8], height: int, width: int) -> npt.NDArray[np.float32]:
    """An image (h, w, c) as (c, height, width): each new pixel is the mean of its area.

    The mean over a rectangle separates: R image C^T with the rows' and the columns' shares.
    """
    rows, columns = _shares(pixels.shape[0], height), _shares(pixels.shape[1], width)
    image = np.moveaxis(pixels.astype(np.float64), 2, 0)
    return (rows @ image @ columns.T).astype(np.float32)


def _shares(old: int, new: int) -> npt.NDArray[np.float64]:
    """(new, old): the share of each old pixel in each new one along an axis; rows sum to 1."""
    edges = np.arange(new + 1)[:, None] * (old / new)
    pixel = np.arange(old)
    overlap = np.minimum(edges[1:], pixel + 1) - np.maximum(edges[:-1], pixel)
    return np.asarray(np.maximum(overlap, 0) * (new / old), dtype=np.float64)
