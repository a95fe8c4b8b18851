"""The table of benchmarks: every row is a file that loads and trains."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import graphflow as gf
from graphflow.bench import ours
from graphflow.bench.rows import EVERY, FOR_GPUS, MODELS, ROWS, chosen, find

TABLE = re.compile(r"^\| `([\w-]+)` \| (.+?) \| (\d+) \| ([\d.]*) ?\|$", re.MULTILINE)
TAKES_LONG = {
    "googlenet", "densenet", "vgg11", "resnet18", "resnet18-wide", *(row.name for row in FOR_GPUS),
}  # fmt: skip


def marked(row):
    return pytest.param(row, marks=[pytest.mark.slow] * (row.name in TAKES_LONG), id=row.name)


@pytest.mark.parametrize("row", [*map(marked, EVERY)])
def test_a_row_makes_a_finite_step(row):
    model = ours.model(row, 2)
    before = {name: np.array(value) for name, value in model.parameters.items()}
    (loss,) = model.trainer().step(row.feed(2)).values.values()
    assert np.isfinite(loss)
    moved = [name for name, value in model.parameters.items() if np.any(value != before[name])]
    assert moved and all(np.isfinite(value).all() for value in model.parameters.values())


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_numbas_kernels_make_the_step_that_numpys_make(row):
    feed = row.feed(4)
    plain, fast = ours.model(row, 4), ours.model(row, 4)
    losses = [
        model.trainer(dtype="float64", kernels=kernels).step(feed).values["loss"]
        for model, kernels in ((plain, "numpy"), (fast, "numba"))
    ]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-9)
    for name, value in plain.parameters.items():
        np.testing.assert_allclose(fast.parameters[name], value, rtol=1e-7, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("row", EVERY, ids=lambda row: row.name)
def test_a_file_says_what_its_row_says(row):
    text = row.path.read_text(encoding="utf-8")
    (rate,) = re.findall(r"optimizer: sgd\(lr=(.+?)\)", text)
    assert float(rate) == row.rate
    assert re.findall(r"batch: (\d+)", text) == [str(row.batch)] * row.fixed
    assert re.findall(r"precision: (\w+)", text) == [row.precision] * (row.precision != "fp32")


def test_rows_have_names_of_their_own_and_use_every_file():
    assert len({row.name for row in EVERY}) == len(EVERY)
    assert {row.path for row in EVERY} == {*MODELS.glob("*.yaml")}


def test_the_page_of_the_benchmarks_lists_the_rows():
    page = Path(__file__).parent.parent.parent / "benchmarks/README.md"
    rows = TABLE.findall(page.read_text(encoding="utf-8"))
    titles = [row.path.read_text("utf-8").split("name: ")[1].splitlines()[0] for row in EVERY]
    assert rows == [
        (row.name, title, str(row.batch), "" if row.target is None else f"{row.target:.2f}")
        for row, title in zip(EVERY, titles, strict=True)
    ]


def test_a_feed_is_the_same_whenever_it_is_drawn():
    row = find("word2vec")
    first, again, other = row.feed(3), row.feed(3), row.feed(3, seed=1)
    assert {name: array.shape for name, array in first.items()} == {
        "center": (3, 1), "context": (3, 60), "label": (3, 60), "mask": (3, 60),
    }  # fmt: skip
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["context"], other["context"])
    assert set(np.unique(first["mask"])) == {0.0, 1.0} and first["context"].max() < 10_000


def test_rows_are_chosen_by_name():
    assert [row.name for row in chosen(["lstm", "xyz"])] == ["lstm", "xyz"]
    assert chosen([]) == ROWS and chosen([], FOR_GPUS) == FOR_GPUS
    with pytest.raises(gf.GraphflowError) as refused:
        chosen(["lenet-rleu"])
    (diagnostic,) = refused.value.diagnostics
    assert diagnostic.code == "GF006" and "'lenet-relu'" in str(diagnostic.help)
