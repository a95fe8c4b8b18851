"""Overrides: where they reach, what they refuse, and that they say where a value came from."""

from __future__ import annotations

import pytest

from graphflow.diagnostics import Diagnostic, GraphflowError
from graphflow.spec.document import Document, read_document
from graphflow.spec.expression import unparse
from graphflow.spec.load import load_document
from graphflow.spec.overrides import apply, parse_assignment
from graphflow.spec.values import Plain, plain
from graphflow.spec.yaml12 import read

FILE = """\
graphflow: 1
name: t
let: {hidden: 256, p_drop: 0.5}
inputs: {x: [B, 4], s: scalar}
layers: {net: f(hidden), D: {is: g(), trainable: false}}
nodes: {y: net(x)}
data: {source: digits, batch: 64}
train:
  minimize: y
  optimizer: sgd(lr=0.1)
  groups: [{params: [net], lr: 1e-4}]
  epochs: 20
"""


def changed(overrides: dict[str, Plain]) -> Document:
    return read_document(apply(read(FILE, "t.yaml"), overrides))


def finding(overrides: dict[str, Plain]) -> Diagnostic:
    with pytest.raises(GraphflowError) as caught:
        changed(overrides)
    (found,) = caught.value.diagnostics
    return found


def test_constants_and_sections():
    found = changed({
        "hidden": 512,
        "let.p_drop": "hidden / 1024",
        "train.epochs": "2",
        "train.optimizer": "adam(lr=1e-3, betas=[0.9, 0.98])",
        "train.seed": 3,
        "train.groups.0.lr": 0.5,
        "data.source": "moons",
        "data.noise": 0.25,
        "run.steps": 7,
    })  # fmt: skip
    train, data = found.train, found.data
    assert train is not None and data is not None
    assert {n: unparse(e) for n, e in found.let.items()} == {
        "hidden": "512", "p_drop": "hidden / 1024",
    }  # fmt: skip
    assert train.optimizer and unparse(train.optimizer) == "adam(lr=0.001, betas=[0.9, 0.98])"
    assert [unparse(e) for e in (train.epochs, train.seed) if e] == ["2", "3"]
    assert train.groups[0].lr and unparse(train.groups[0].lr) == "0.5"
    assert data.source.text == "moons"
    assert plain(data.options["noise"]) == 0.25
    assert found.run and found.run.steps and unparse(found.run.steps) == "7"


def test_short_forms_are_written_out_to_hold_more():
    found = changed({"layers.net.weights": "w.npz", "layers.D.weights": "none",
                     "inputs.x.dtype": "int", "inputs.s.default": "normal"})  # fmt: skip
    assert unparse(found.layers["net"].call) == "f(hidden)"
    weights = found.layers["net"].weights
    assert weights is not None
    assert (weights.file, found.layers["D"].weights) == ("w.npz", None)
    assert found.layers["D"].trainable is False
    assert (len(found.inputs["x"].shape), found.inputs["x"].dtype) == (2, "int")
    assert found.inputs["s"].shape == ()


@pytest.mark.parametrize(
    "value", [None, True, -3, 1e-7, float("inf"), "text", [1, [2, "a, b"]], {"a": {"b": [1]}}]
)
def test_data_of_every_kind(value: Plain):
    tree = apply(read(FILE), {"data.extra": value})
    data = plain(tree)
    assert isinstance(data, dict) and isinstance(data["data"], dict)
    assert data["data"]["extra"] == value


def test_texts_are_yaml():
    tree = apply(read(FILE), {"data.a": "[1, x]", "data.b": "'1'", "data.c": "no", "data.d": "~"})
    data = plain(tree)
    assert isinstance(data, dict) and isinstance(data["data"], dict)
    assert [data["data"][k] for k in "abcd"] == [[1, "x"], "1", "no", None]


def test_the_file_is_left_alone():
    tree = read(FILE)
    before = plain(tree)
    apply(tree, {"hidden": 1, "train.epochs": 1})
    assert plain(tree) == before
    assert apply(tree, {}) is tree


def test_marks_say_what_was_set():
    assert str(changed({"hidden": 512}).let["hidden"].mark) == "--set hidden=512:1:1"
    found = finding({"train.optimizer": "adam(lr=)"})
    assert (found.code, str(found.mark)) == ("GF025", "--set train.optimizer=adam(lr=):1:9")
    found = finding({"train.epoch": 3})
    assert (found.code, found.help) == ("GF010", "did you mean 'epochs'?")
    assert found.mark is not None and found.mark.file == "--set train.epoch=3"


@pytest.mark.parametrize(
    ("path", "value", "code", "help"),
    [
        ("hiden", 1, "GF020", "did you mean 'hidden'?"),
        ("epochs", 1, "GF020", "write train.epochs"),
        ("seed", 1, "GF020", "write train.seed"),
        ("trian", 1, "GF020", "did you mean 'train'?"),
        ("trian.epochs", 1, "GF020", "did you mean 'train'?"),
        ("nodes.y", "x", "GF020", "an override reaches let, inputs"),
        ("let.hiden", 1, "GF020", "did you mean 'hidden'?"),
        ("layers.nt.weights", "w", "GF020", "did you mean 'net'?"),
        ("train.groups.1.lr", 1, "GF020", None),
        ("train.epochs.x", 1, "GF013", None),
        ("hidden", "  ", "GF013", None),
        ("hidden", "[1", "GF002", "bracket"),
        ("hidden", "*x", "GF003", None),
        ("hidden", "{a: 1}", "GF013", None),
        ("data.batch", "x if", "GF025", None),
    ],
)
def test_refusals(path: str, value: Plain, code: str, help: str | None):
    found = finding({path: value})
    assert found.code == code
    assert help is None or help in (found.help or "")
    assert found.mark is not None
    assert found.mark.file.startswith(f"--set {path}=")


def test_all_wrong_overrides_are_reported():
    with pytest.raises(GraphflowError) as caught:
        apply(
            read(FILE),
            {
                "a": 1,
                "hidden": 2,
                "b.c": 3,
                "hidden_": "[",
            },
        )
    assert [d.code for d in caught.value.diagnostics] == ["GF020", "GF020", "GF002"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a=1", ("a", "1")),
        (" train.epochs = 2 ", ("train.epochs", "2")),
        ("opt=sgd(lr=0.1)", ("opt", "sgd(lr=0.1)")),
        ("train.groups.0.lr=1", ("train.groups.0.lr", "1")),
        ("a=", ("a", "")),
    ],
)
def test_assignments(text: str, parts: tuple[str, str]):
    assert parse_assignment(text) == parts


@pytest.mark.parametrize("text", ["", "a", "=1", "a b=1", "a..b=1", "1=2"])
def test_assignments_that_are_none(text: str):
    with pytest.raises(GraphflowError, match="write --set name=value"):
        parse_assignment(text)


PAPER = FILE + "paper: {hidden: 4096, data.batch: 128, train.epochs: 90, p_drop: 0.1}\n"


def on_paper(overrides: dict[str, Plain], text: str = PAPER) -> Document:
    return load_document(text, overrides=overrides)


def test_the_sizes_of_the_source_are_set_together():
    document = on_paper({"paper": True})
    assert {n: unparse(v) for n, v in document.let.items()} == {"hidden": "4096", "p_drop": "0.1"}
    assert document.train is not None and unparse(document.train.epochs) == "90"


def test_what_else_is_set_goes_over_the_sizes_of_the_source():
    document = on_paper({"hidden": 8, "paper": "true"})
    assert {n: unparse(v) for n, v in document.let.items()} == {"hidden": "8", "p_drop": "0.1"}


def test_the_sizes_of_the_source_stay_away_unasked():
    for overrides in ({}, {"paper": False}):
        assert unparse(on_paper(overrides).let["hidden"]) == "256"


@pytest.mark.parametrize(
    ("text", "overrides", "message", "place"),
    [
        (FILE + "paper: {hiden: 4}\n", {}, "'let' has no 'hiden'", "<text>:13:9"),
        (FILE + "paper: 3\n", {}, "'paper' holds overrides", "<text>:13:8"),
        (PAPER, {"paper": "big"}, "'paper' is true or false, not 'big'", "--set paper=big:1:1"),
        (FILE, {"paper": True}, "no section 'paper:'", "--set paper=true:1:1"),
    ],
)
def test_what_is_wrong_with_the_sizes_of_the_source_is_said(text, overrides, message, place):
    with pytest.raises(GraphflowError) as caught:
        on_paper(overrides, text)
    found = caught.value.diagnostics[0]
    assert message in found.message
    assert f"{found.mark.file}:{found.mark.line}:{found.mark.column}" == place


def test_another_source_of_data_leaves_the_options_that_it_has_not():
    tree = read("data: {source: digit_scenes, batch: 8, size: 16, seed: 1, unknown: 2}")
    changed = apply(tree, {"data.source": "airfoil", "data.n": 4})
    assert plain(changed) == {"data": {"source": "airfoil", "batch": 8, "unknown": 2, "n": 4}}
    assert plain(apply(tree, {"data.source": "own.csv"})) == {
        "data": {"source": "own.csv", "batch": 8, "size": 16, "seed": 1, "unknown": 2}
    }
