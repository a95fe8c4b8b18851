"""``graphflow predict``: a table of answers, as competitions want one."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

import graphflow as gf
from graphflow.data import load

ROOMS = """graphflow: 1
name: prices by rooms
inputs: {x: {shape: [B, 1]}, price: {shape: [B]}, kind: {shape: [B], dtype: int}}
nodes:
  guess: linear(x, 1)[:, 0]
  likely: softmax(linear(x, 2))
  which: argmax(likely, axis=1)
  loss: mse_loss(guess, price) + cross_entropy(log(likely), kind)
outputs: [guess]
data:
  source: csv
  path: rooms.csv
  transforms:
    - standardize(rooms)
    - column_stack(x, [rooms])
  split: {train: 4, test: 2}
  ordered: true
  feed: {x: x, price: price / 1000, kind: kind}
  batch: 4
train: {minimize: loss, optimizer: sgd(0.1), epochs: 2, seed: 0}
"""
TABLE = "number,rooms,price,kind\n" + "".join(
    f"{100 + i},{i},{1000 * i},{'new' if i > 2 else 'old'}\n" for i in range(6)
)


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a table by heading."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def rooms(cli, tmp_path: Path) -> Path:
    """The run of a file with a table of its own."""
    (tmp_path / "rooms.csv").write_text(TABLE)
    (tmp_path / "rooms.yaml").write_text(ROOMS)
    assert cli("run", "rooms.yaml", "--out", "run").code == 0
    return tmp_path / "run"


def test_the_table_has_the_answers_that_the_run_was_judged_by(cli, small, tmp_path) -> None:
    metrics = cli("run", small, "--out", "run", "--json").json["metrics"]
    found = cli("predict", "run", "--part", "test", "--out", "out.csv", "--json").json
    table = rows_of(tmp_path / "out.csv")
    assert found["rows"] == len(table) == 359
    assert found["columns"] == ["row", *(f"logits_{i}" for i in range(10))] == list(table[0])
    labels = load("digits").array("label")
    right = [
        np.argmax([float(row[f"logits_{i}"]) for i in range(10)]) == labels[int(row["row"])]
        for row in table
    ]
    assert np.mean(right) == pytest.approx(metrics["test/accuracy"])


def test_ids_headings_and_words_are_those_of_the_data(cli, rooms, tmp_path) -> None:
    values = ("--values", "SalePrice=guess", "--values", "which", "--values", "likely")
    described = ("--id", "number", "--words", "kind")
    answer = cli("predict", rooms, "--out", "a/out.csv", *described, *values)
    assert answer.code == 0 and answer.out == "wrote a/out.csv: 2 rows\n"
    table = rows_of(tmp_path / "a/out.csv")
    assert list(table[0]) == ["number", "SalePrice", "which", "new", "old"]
    assert [row["number"] for row in table] == ["104", "105"]
    for row in table:
        assert row["which"] == max("new", "old", key=lambda word: float(row[word]))
    program = gf.load_run(rooms).compile()
    x = (np.array([[4.0], [5.0]]) - 1.5) / np.std(range(4))
    guesses = program({"x": x}).values["guess"]
    assert [float(row["SalePrice"]) for row in table] == pytest.approx(guesses, rel=1e-5)


def test_a_run_answers_for_other_data_by_what_its_own_have_taught(cli, rooms, tmp_path) -> None:
    (tmp_path / "new.csv").write_text("number,rooms,price,kind\n7,4,,old\n8,5,,old\n9,6,,old\n")
    assert cli("predict", rooms, "--out", "own.csv").code == 0
    answer = cli("predict", rooms, "--out", "other.csv", "--id", "number", "--part", "train",
                 "--set", "data.path=new.csv", "--set", "data.split={train: 1}")  # fmt: skip
    assert answer.code == 0, answer.err
    own, other = rows_of(tmp_path / "own.csv"), rows_of(tmp_path / "other.csv")
    assert [row["number"] for row in other] == ["7", "8", "9"]
    assert [row["guess"] for row in other[:2]] == [row["guess"] for row in own]


def test_a_file_that_is_not_trained_says_so(cli, rooms) -> None:
    answer = cli("predict", "rooms.yaml", "--out", "out.csv")
    assert answer.code == 0 and "nothing here is trained" in answer.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--values", "gues"], "GF020", "did you mean 'guess'"),
        (["--values", "guess.grad"], "GF020", "no node"),
        (["--values", "loss"], "GF030", "a row for each of 2 samples"),
        (["--values", "guess.linear.weight"], "GF030", "a row for each"),
        (["--values", "which", "--values", "which"], "GF006", "one heading"),
        (["--part", "tests"], "GF020", "did you mean 'test'"),
        (["--id", "numbr"], "GF071", "no column 'numbr'"),
        (["--words", "price"], "GF071", "no vocabulary"),
        (["--checkpoint", "best"], "GF064", "no best checkpoint"),
        (["--set", "train.epochs=3"], "GF006", "its data alone"),
        (["--set", "data.path=none.csv"], "GF072", "none.csv"),
    ],
)
def test_what_cannot_be_answered_is_refused(cli, rooms, arguments, code, words) -> None:
    answer = cli("predict", rooms, "--out", "out.csv", *arguments)
    assert answer.code == 2 and code in answer.err and words in answer.err
    assert not Path("out.csv").exists()


def test_a_table_is_not_written_over(cli, rooms) -> None:
    Path("out.csv").write_text("mine")
    assert "GF007" in cli("predict", rooms, "--out", "out.csv").err
    assert Path("out.csv").read_text() == "mine"
    assert cli("predict", rooms, "--out", "out.csv", "--force").code == 0


def test_a_text_has_no_samples(cli) -> None:
    answer = cli("predict", "lstm", "--out", "out.csv")
    assert answer.code == 2 and "GF078" in answer.err


def test_a_checkpoint_is_a_runs(cli, rooms) -> None:
    answer = cli("predict", "rooms.yaml", "--checkpoint", "best", "--out", "out.csv")
    assert answer.code == 2 and "GF006" in answer.err
