"""``graphflow data``: what a file is fed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

HOUSES = """graphflow: 1
name: houses
inputs: {x: {shape: [B, 3]}, y: {shape: [B, 1]}, kind: {shape: [B], dtype: int}}
nodes:
  loss: mse_loss(linear(x, 1), y) + 0 * mean(kind * 1.0)
data:
  source: csv
  path: houses.csv
  batch: 2
  split: {train: 4, test: 2}
  ordered: true
  transforms:
    - one_hot(roof, dummy_na=true)
    - fill_missing(rooms, mean)
    - standardize(rooms)
    - column_stack(x, [rooms, roof])
  feed:
    x: x
    y: price[:, None] / 1000
    kind: kind
train: {minimize: loss, optimizer: sgd(0.1), epochs: 2, seed: 0}
"""
TABLE = (
    "rooms,roof,price,kind\nNA,NA,1000,old\n2,NA,2000,new\n4,Slate,3000,old\nNA,NA,4000,old\n"
    "9,Thatch,5000,new\n3,Slate,6000,new\n"
)


@pytest.fixture
def houses(tmp_path: Path) -> Path:
    (tmp_path / "houses.csv").write_text(TABLE)
    (tmp_path / "houses.yaml").write_text(HOUSES)
    return tmp_path / "houses.yaml"


def test_all_that_is_fed_is_told(cli, houses: Path) -> None:
    found = cli("data", houses, "--json").json
    columns = {column["name"]: column for column in found["columns"]}
    assert list(columns) == ["price", "kind", "x"]
    assert (columns["price"]["low"], columns["price"]["high"]) == (1000, 4000)
    assert columns["x"]["shape"] == [6, 3] and columns["x"]["fed"]
    assert [(p["name"], p["rows"], p["batches"]) for p in found["parts"]] == [
        ("train", 4, 2), ("test", 2, 1),
    ]  # fmt: skip
    assert found["classes"] == {
        "kind": {"new": {"train": 1, "test": 2}, "old": {"train": 3, "test": 0}}
    }
    inputs = {i["name"]: i for i in found["inputs"]}
    assert inputs["x"]["shape"] == [2, 3] and inputs["kind"]["dtype"] == "int64"
    assert found["transforms"][0] == ["one_hot", {"roof": ["Slate", None]}]
    # (2 + 4) / 2 = 3 rooms fill the gaps; then mean 3 and deviation sqrt(1/2) of 3, 2, 4, 3.
    assert found["rows"][1]["x"] == pytest.approx([-np.sqrt(2), 0, 1], abs=1e-4)
    assert len(found["rows"]) == 4


def test_people_see_tables(cli, houses: Path) -> None:
    answer = cli("data", houses, "--rows", "2")
    assert answer.code == 0
    for words in ("trained on", "float32", "houses.csv", "row 1", "old"):
        assert words in answer.out
    assert "row 2" not in answer.out


@pytest.mark.parametrize(
    ("old", "new", "marked", "words"),
    [
        ("fill_missing(rooms", "fill_missing(room", "fill_missing", "no column 'room'"),
        ("standardize(rooms)", "standardise(rooms)", "standardise", "unknown transform"),
        ("standardize(rooms)", "standardize(rooms, 3)", "standardize", "'exclude'"),
        ("one_hot(roof, dummy_na=true)", "encode(roof)", "encode", "missing values"),
        ("ordered: true", "stratify: knd", "csv", "no column 'knd'"),
        ("ordered: true", "bucket: x", "csv", "holds no lengths"),
        ("ordered: true", "sampling: random", "csv", "holds samples"),
    ],
)
def test_mistakes_are_placed(
    cli, houses: Path, old: str, new: str, marked: str, words: str
) -> None:
    houses.write_text(HOUSES.replace(old, new))
    answer = cli("data", houses, "--json")
    assert answer.code == 2
    (error,) = answer.json["errors"]
    assert words in error["message"]
    assert marked in houses.read_text().splitlines()[error["line"] - 1]


def test_all_wrong_calls_are_told_at_once(cli, houses: Path) -> None:
    text = HOUSES.replace("standardize", "standardise").replace("one_hot", "onehot")
    houses.write_text(text)
    for command in ("data", "check"):
        assert len(cli(command, houses, "--json").json["errors"]) == 2


def test_a_run_keeps_what_its_transforms_have_learned(cli, houses: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert cli("run", houses, "--out", run).code == 0
    assert "Slate" in (run / "transforms.json").read_text()
    # New rows would change mean and categories: the run goes on with what it has learned.
    (tmp_path / "houses.csv").write_text(TABLE.replace("4,Slate", "4,Straw"))
    assert "GF064" in cli("run", "--resume", run, "--epochs", "3").err  # unless they are meant
    answer = cli("run", houses, "--resume", run, "--epochs", "3")
    assert answer.code == 0
    assert "Straw" not in (run / "transforms.json").read_text()


def test_the_long_form_means_the_same(cli, houses: Path) -> None:
    found = cli("data", houses, "--json").json
    houses.write_text(cli("expand", houses).out)
    assert cli("data", houses, "--json").json == found


def test_a_table_that_is_too_small_for_what_is_fed_is_told(cli, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("abcd" * 100)
    file = tmp_path / "t.yaml"
    for rows in (3, 9):
        file.write_text(
            "graphflow: 1\nname: t\ninputs: {t: {shape: [B, T], dtype: int}}\n"
            f"nodes:\n  loss: mean(embedding(t, {rows}, 2))\n"
            "data: {source: text, path: t.txt, level: char, steps: 4, feed: {t: tokens}}\n"
            "train: {minimize: loss, optimizer: sgd(0.1)}\n"
        )
        assert ("has 3 rows, and 't' is fed" in cli("data", file).out) == (rows == 3)
