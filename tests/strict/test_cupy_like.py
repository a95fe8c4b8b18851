"""The strict namespace refuses what CuPy refuses, and its table is that of CuPy."""

from __future__ import annotations

import numpy as np
import pytest

from tests.strict.cupy_like import cupy_like as xp
from tests.strict.offered import offered_by, table
from tests.strict.recording import watched

X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], np.float32)

REFUSED = {
    "np.asarray(x)": "unasked",
    "np.linalg.norm(x)": "unasked",
    "x + X": "unsupported type",
    "xp.add(x, [1.0, 2.0, 3.0])": "unsupported type",
    "xp.where(x > 0, x, X)": "array of NumPy",
    "xp.concatenate([x, X])": "array of NumPy",
    "xp.sum(X)": "no array",
    "xp.max(x, initial=0)": "initial",
    "x.sum(where=x > 0)": "where",
    "xp.exp(x, where=x > 0)": "where",
    "xp.take(x, i, axis=1, mode='clip')": "mode",
    "xp.einsum('ij,kj->ik', x, x, out=x)": "out",
    "xp.block([[x, x]])": "no block",
    "xp.errstate": "no errstate",
    "xp.linalg.matvec": "no linalg.matvec",
    "x.resize((3, 2))": "no resize",
    "x.setflags(write=False)": "no setflags",
    "xp.maximum.reduce(x)": "not supported",
    "xp.multiply.at(x.reshape(-1), i, 2.0)": "does not take",
    "xp.maximum.at(x.astype(np.float16).reshape(-1), i, 2.0)": "does not take",
    "xp.left_shift(x, 1)": "left_shift",
    "x[: i[0]]": "slice indices",
    "x.__setitem__(0, [1.0, 2.0, 3.0])": "does not take",
    "x.__setitem__(0, X[0])": "does not take",
    "x.reshape(-1).__setitem__(i, xp.arange(3.0))": "one place",
}
"""What NumPy does and CuPy does not, and words of the error."""


@pytest.mark.parametrize("expression", REFUSED)
def test_refuses(expression: str) -> None:
    names = {"np": np, "xp": xp, "X": X, "x": xp.asarray(X), "i": xp.asarray(np.array([0, 1, 1]))}
    errors = (TypeError, AttributeError, NotImplementedError, ValueError)
    with pytest.raises(errors, match=REFUSED[expression]):
        eval(expression, names)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("xp.exp(x, out=xp.empty_like(x))", np.exp(X)),
        ("2 * x - x / 2", 2 * X - X / 2),
        ("np.float32(2) * x", 2 * X),
        ("x @ x.T", X @ X.T),
        ("xp.add.reduce(x, axis=1)", X.sum(1)),
        ("xp.asarray(X)", X),
        ("x[0, 1]", X[0, 1]),
        ("x.max()", np.float32(6)),
        ("xp.take(x, xp.asarray(np.array([4])), axis=1)", X[:, [1]]),
        ("x[:, xp.asarray(np.array([-1, 5]))]", X[:, [2, 2]]),
        ("xp.isnan(xp.arange(3))", np.zeros(3, bool)),
    ],
)
def test_does_what_cupy_does(expression: str, expected: np.ndarray) -> None:
    found = eval(expression, {"np": np, "xp": xp, "X": X, "x": xp.asarray(X)})
    assert isinstance(found, xp.ndarray)
    assert found.dtype == expected.dtype and found.tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("expression", "waits"),
    [
        ("float(x.sum())", 1),
        ("bool((x > 0).all())", 1),
        ("x[x > 2]", 1),
        ("xp.nonzero(x)", 1),
        ("x.tolist()", 1),
        ("x[i]", 0),
        ("x.__setitem__(x > 2, 0)", 0),
        ("xp.where(x > 2, 0, x)", 0),
    ],
)
def test_notes_what_waits(expression: str, waits: int) -> None:
    x, i = xp.asarray(X), xp.asarray(np.array([1, 0]))
    with watched() as noted:
        eval(expression, {"xp": xp, "x": x, "i": i})
        assert len(noted) == waits


def test_the_table_is_that_of_the_installed_cupy() -> None:
    cupy = pytest.importorskip("cupy", exc_type=ImportError)
    if cupy.__version__ != table()["about"]["cupy"]:
        pytest.skip(f"the table is that of {table()['about']['cupy']}")
    if cupy.cuda.is_available():
        pytest.skip("the table is compared where there is no GPU")
    assert offered_by(cupy) == table()
