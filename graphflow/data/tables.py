"""Numbers from files: airfoil self-noise, and the user's own NumPy arrays."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Annotated

import numpy as np

from graphflow.data.dataset import Array, Dataset
from graphflow.data.files import Remote, decode, obtain, user_path
from graphflow.data.options import Between, concerning
from graphflow.data.packed import packed
from graphflow.data.registry import register
from graphflow.diagnostics import fail

AIRFOIL = Remote(
    "airfoil_self_noise.dat",
    "https://d2l-data.s3-accelerate.amazonaws.com/airfoil_self_noise.dat",
    "sha1:76e5be1548fd8222e5074cf0faae75edff8cf93f",
    size=58_481,
    instead="source: diabetes, or synthetic_regression",
)
SAVE = "save arrays of numbers by np.savez('data.npz', x=x, y=y)"


@register(
    "airfoil",
    columns={"features": "float32 (N, 5)", "target": "float32 (N, 1)"},
    files=[AIRFOIL],
)
def airfoil(n: Annotated[int, Between(1, 1503)] = 1503, standardize: bool = True) -> Dataset:
    """NASA airfoil self-noise: 1,503 wind tunnel measurements, sound level from five quantities.

    ``standardize`` shifts and scales every column, the target too, to mean 0 and variance 1 over
    all rows; ``n`` then keeps the first rows (Dive into Deep Learning 12.5 uses 1,500).
    """
    content = decode(obtain(AIRFOIL), AIRFOIL.file)
    try:
        table = np.loadtxt(StringIO(content), dtype=np.float64, ndmin=2)
    except ValueError as error:
        fail("GF073", f"'{AIRFOIL.file}' is not a table of numbers: {error}")
    if table.shape != (1503, 6):
        fail("GF073", f"'{AIRFOIL.file}' is a table {table.shape}, not (1503, 6)")
    if standardize:
        table = (table - table.mean(axis=0)) / table.std(axis=0)
    rows = table[:n].astype(np.float32)
    about = f"NASA airfoil self-noise, {n:,} of 1,503 rows" + ", standardized" * standardize
    return Dataset("airfoil", {"features": rows[:, :5], "target": rows[:, 5:]}, about)


@register("npz")
def npz(path: str, folder: str | Path | None = None) -> Dataset:
    """Arrays from your own NumPy .npz file, each a column; never unpickled."""
    with concerning("path"):
        file = user_path(path, folder)
        columns = _arrays(file, path)
    return Dataset(file.stem, columns, f"{file.name}: arrays {', '.join(columns)}")


def _arrays(file: Path, path: str) -> dict[str, Array]:
    """The arrays of an archive; GraphflowError for anything else."""
    try:
        with file.open("rb") as stream:
            start = stream.read(6)
    except OSError as error:
        fail("GF072", f"'{file}' cannot be read: {error.strerror}")
    if start == b"\x93NUMPY":
        fail("GF073", f"'{path}' is one array, not an .npz file", help="save it by np.savez")
    if not start.startswith(b"PK"):
        other = {".csv": "csv", ".tsv": "csv", ".txt": "text"}.get(Path(path).suffix.lower())
        help = f"source: {other} reads such files" if other else SAVE
        fail("GF073", f"'{path}' is not an .npz file", help=help)
    columns = packed(file)
    for name, column in columns.items():
        if column.dtype.kind not in "biuf" or not column.shape:
            fail(
                "GF073",
                f"array '{name}' in '{path}' is {column.dtype} {column.shape}: a column holds "
                "numbers, one row a sample",
            )
    return {name: np.asarray(column) for name, column in columns.items()}
