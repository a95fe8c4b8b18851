"""``graphflow list``, ``new``, ``explain`` and ``schema``."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from graphflow.cli.gallery import sentence
from graphflow.cli.output import WIDTH
from graphflow.codes import CODES
from graphflow.gallery import list_graphs
from graphflow.spec.values import plain
from graphflow.spec.yaml12 import read_file


def test_list_names_the_canned_graphs(cli):
    found = cli("list", "--json").json
    assert {g["name"] for g in found} == {entry.name for entry in list_graphs()}
    assert [g["topic"] for g in found] == [entry.topic for entry in list_graphs()]
    assert all(Path(g["path"]).is_file() and g["topic"] and g["about"] for g in found)
    assert all(isinstance(g["sources"], list) and g["sources"] for g in found)
    assert all(len(g["titles"]) == len(g["sources"]) for g in found)
    (resnet,) = (g for g in found if g["name"] == "resnet18")
    assert resnet["sources"][0] == "d2l/8.6/resnet18"
    assert resnet["titles"][0] == "Dive into Deep Learning 8.6, resnet18"
    text = cli("list").out
    assert all(g["name"] in text for g in found)


def test_a_topic_lists_its_own_graphs(cli):
    found = {g["name"] for g in cli("list", "optimization", "--json").json}
    assert found == {e.name for e in list_graphs() if e.topic == "optimization"}
    text = cli("list", "optimization").out
    assert "gd_1d" in text and "resnet18" not in text and "each name works" in text


def test_a_topic_is_listed_in_the_order_of_the_book(cli):
    names = [g["name"] for g in cli("list", "cnn", "--json").json]
    order = ["corr2d", "conv_padding_stride", "pool2d", "lenet_sigmoid", "alexnet", "resnet18"]
    assert [name for name in names if name in order] == order


def test_a_section_lists_its_graphs(cli):
    for name in ("7.4", "d2l/7.4"):
        rows = cli("list", name, "--json").json
        assert "corr2d_multi_in_out" in [row["name"] for row in rows]
        assert all(any(s.startswith("d2l/7.4/") for s in row["sources"]) for row in rows)
    chapter = [row["name"] for row in cli("list", "d2l/7", "--json").json]
    order = ["corr2d", "corr2d_multi_in_out", "lenet_sigmoid"]
    assert [name for name in chapter if name in order] == order
    assert "each name works" in cli("list", "sgugger").out
    assert "a section, such as 7.4" in cli("list", "77.1").err


@pytest.mark.parametrize(
    ("what", "name", "words"),
    [
        ("operators", "matmul", "family"),
        ("layers", "batch_norm", "arguments"),
        ("losses", "cross_entropy", "arguments"),
        ("optimizers", "adamw", "arguments"),
        ("activations", "relu", "arguments"),
        ("activations", "gelu", "arguments"),
        ("data", "digits", "options"),
    ],
)
def test_other_lists(cli, what, name, words):
    found = {row["name"]: row for row in cli("list", what, "--json").json}
    assert words in found[name] and found[name]["about"]
    assert name in cli("list", what).out


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("A net. Then more.", "A net."),
        ("The cosine of two vectors, a . b / |a| |b|. Further words.",
         "The cosine of two vectors, a . b / |a| |b|."),
        ("By H. G. Wells. As in the book.", "By H. G. Wells."),
        ("LeCun et al. Gradient-based learning. More.", "LeCun et al. Gradient-based learning."),
        ("Zhou et al. 2016, section 3. Then.", "Zhou et al. 2016, section 3."),
        ("one line\nand another\n\nA paragraph.", "one line and another"),
    ],
)  # fmt: skip
def test_the_first_sentence(text, first):
    assert sentence(text) == first


def test_tables_are_as_wide_as_there_is_room(cli, monkeypatch):
    for columns, width in (("60", 60), ("90", 90), (None, WIDTH)):
        if columns is None:
            monkeypatch.delenv("COLUMNS")
        else:
            monkeypatch.setenv("COLUMNS", columns)
        lines = cli("list", "data").out.splitlines()
        assert max(map(len, lines)) == width
        assert any(line.split()[:1] == ["synthetic_regression"] for line in lines)


def test_a_list_holds_its_own_only(cli):
    names = {row["name"] for row in cli("list", "layers", "--json").json}
    assert {"linear", "conv2d", "lstm", "multi_head_attention"} <= names
    assert not {"cross_entropy", "adam", "step_lr", "accuracy", "xavier_normal", "relu6"} & names
    assert "none are installed" in cli("list", "plugins").out


def test_an_unknown_list(cli):
    answer = cli("list", "layer")
    assert answer.code == 2 and "did you mean 'layers'?" in answer.err


@pytest.mark.parametrize(
    ("word", "found"), [("segmentation", "segmentation_scenes"), ("ring", "ring_allreduce")]
)
def test_a_word_like_the_name_of_a_list_finds_graphs(cli, word, found):
    assert found in {row["name"] for row in cli("list", word, "--json").json}


def test_new_writes_a_file_that_trains(cli, tmp_path):
    answer = cli("new", "digits")
    assert answer.out == "wrote digits.yaml; now: graphflow run digits.yaml\n"
    assert cli("run", "digits.yaml", "--epochs", 3, "--json").json["metrics"]["test/accuracy"] > 0.8
    assert "name: digits" in (tmp_path / "digits.yaml").read_text()


def test_new_writes_a_file_that_checks(cli):
    answer = cli("new", "small.yaml", "--template", "formulas")
    assert "graphflow check small.yaml" in answer.out
    assert cli("check", "small.yaml", "--gradients").code == 0


def test_new_overwrites_nothing(cli, tmp_path):
    (tmp_path / "mine.yaml").write_text("precious")
    answer = cli("new", "mine")
    assert answer.code == 2 and "exists already" in answer.err
    assert (tmp_path / "mine.yaml").read_text() == "precious"
    answer = cli("new", "mine.yaml/file")
    assert answer.code == 2 and "the folder 'mine.yaml' cannot be made" in answer.err
    assert cli("new", "no/such/folder/file").code == 0
    assert (tmp_path / "no/such/folder/file.yaml").is_file()
    assert "did you mean 'mlp'?" in cli("new", "x", "--template", "mpl").err


def test_fmt_puts_sections_in_order_and_check_writes_nothing(cli, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("nodes: {y: 1}  # one\nname: mine\ngraphflow: 1\n")
    answer = cli("fmt", "mine.yaml", "--check")
    assert answer.code == 1 and "not in order" in answer.out
    assert file.read_text().startswith("nodes")
    assert cli("fmt", "mine.yaml").code == 0
    assert file.read_text() == "graphflow: 1\nname: mine\nnodes: {y: 1}  # one\n"
    assert cli("fmt", "mine.yaml", "--check").code == 0
    assert cli("fmt", "yours.yaml").code == 2


def test_explain(cli):
    answer = cli("explain", "gf020")
    assert answer.code == 0 and answer.out.startswith("GF020: unknown name\n")
    assert all(cli("explain", code).code == 0 for code in CODES)
    close = cli("explain", "GF0200")
    assert close.code == 2 and "did you mean 'GF020'" in close.err


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("train", ["# train\n", "`epochs`: passes over the data"]),
        ("data", ["`source`: a data set's name", "iris, "]),
        ("groups", ["`train.groups`", "`params`: names or patterns (needed)"]),
        ("through", ["`nodes.NAME.through`"]),
        ("digits", ["data: {source: digits}", "`label`: int64 (N,), 0 to 9"]),
        ("blobs", ["`n`: a whole number, 1 to 10000000; 300 if absent"]),
        ("csv", ["`path`: text; needed"]),
        ("split", ["split(x, sections, axis=0)", "`data.split`"]),
        ("momentum", ["An argument of batch_norm", "nesterov, rmsprop, sgd"]),
        ("lr", ["`train.groups.lr`", "An argument of"]),
    ],
)
def test_explain_knows_what_a_file_may_name(cli, what, words):
    answer = cli("explain", what)
    assert answer.code == 0 and all(word in answer.out for word in words)


@pytest.mark.parametrize(
    ("what", "help"),
    [
        ("grups", "'groups'"), ("digit", "'digits'"), ("momentun", "'momentum'"),
        ("losses", "graphflow list losses"), ("qqq", "graphflow list graphs | operators | layers"),
    ],
)  # fmt: skip
def test_explain_says_what_may_be_meant(cli, what, help):
    answer = cli("explain", what)
    assert answer.code == 2 and help in answer.err


def test_schema_accepts_the_canned_graphs_and_offers_functions(cli):
    schema = json.loads(cli("schema").out)
    jsonschema.Draft202012Validator.check_schema(schema)
    names = schema["$defs"]["call"]["anyOf"][0]["enum"]
    assert {"conv2d", "linear", "batch_norm", "gradient", "adam"} <= set(names)
    assert not {"input", "by_mode"} & set(names)
    validator = jsonschema.Draft202012Validator(schema)
    for entry in list_graphs():
        _, document = read_file(entry.path)
        validator.validate(plain(document))


def test_a_word_that_is_no_topic_lists_the_graphs_that_speak_of_it(cli):
    assert "bert_toy" in [row["name"] for row in cli("list", "bert", "--json").json]
    assert "translator" in [row["name"] for row in cli("list", "TRANSLATION", "--json").json]
    assert "GF006" in cli("list", "oprators").err
