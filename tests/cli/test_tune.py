"""``graphflow tune``: what it prints, writes and refuses."""

from __future__ import annotations

import json
import sys

import pytest

TUNE = """\
tune:
  space:
    hidden: choice(8, 16)
    train.optimizer: choice(sgd(lr=0.1), adam(lr=1e-2))
  metric: test/accuracy
  mode: max
  trials: 3
"""


@pytest.fixture
def search(small):
    small.write_text(small.read_text() + TUNE)
    return small


@pytest.mark.slow
def test_a_search_says_how_to_train_its_best(cli, search, tmp_path):
    answer = cli("tune", search, "--set", "train.epochs=2", "--out", "t", "--json")
    found = answer.json
    assert answer.code == 0 and found["tune"] == "t" and not found["interrupted"]
    assert [t["state"] for t in found["trials"]] == ["complete"] * 3
    assert found["value"] == max(t["value"] for t in found["trials"])
    best = json.loads((tmp_path / "t" / "best.json").read_text())
    assert best == found["best"] and best["train.epochs"] == "2"
    assert "trial 0   begins to 2: hidden=" in answer.err
    again = cli("run", search, "--overrides", "t/best.json", "--epochs", found["epoch"], "--json")
    assert again.json["metrics"]["test/accuracy"] == found["value"]
    assert found["command"].startswith("graphflow run '") and "small net.yaml'" in found["command"]
    page = (tmp_path / "t" / "report.html").read_text()
    assert "Trials on their workers" in page and "default-src 'none'" in page
    resumed = cli("run", "--resume", "t/trials/0001", "--epochs", 3, "--json")
    assert (resumed.code, resumed.json["epochs"]) == (0, 3)
    more = cli("tune", "--resume", "t", "--trials", 4, "--json")
    assert [t["configuration"] for t in more.json["trials"]][:3] == [
        t["configuration"] for t in found["trials"]
    ]
    assert len(more.json["trials"]) == 4
    shown = cli("tune", "--show", "t", "--show", "t", "--out", "both.html")
    assert shown.code == 0 and "drawn in both.html" in shown.out
    assert cli("tune", "--show", "t", "--json").json[0]["value"] == more.json["value"]


def test_overrides_come_from_a_file_and_those_of_the_line_win(cli, small, tmp_path):
    (tmp_path / "o.json").write_text('{"hidden": 8, "train.epochs": 1, "data.batch": 100}')
    given = ("run", small, "--overrides", "o.json", "--set", "train.epochs=0", "--out", "r")
    assert cli(*given, "--json").json["epochs"] == 0
    assert json.loads((tmp_path / "r" / "run.json").read_text())["overrides"] == {
        "hidden": "8", "train.epochs": "0", "data.batch": "100",
    }  # fmt: skip


@pytest.mark.parametrize(("text", "code"), [(None, "GF001"), ("{", "GF013"), ("[1]", "GF013")])
def test_overrides_that_cannot_be_read(cli, small, tmp_path, text, code):
    if text is not None:
        (tmp_path / "o.json").write_text(text)
    answer = cli("run", small, "--overrides", "o.json")
    assert answer.code == 2 and code in answer.err and "o.json" in answer.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("tune",), "a search needs either FILE or --resume DIR"),
        (("tune", "FILE", "--resume", "t"), "a search needs either FILE or --resume DIR"),
        (("tune", "--resume", "t", "--out", "u"), "keeps its folder"),
        (("tune", "--resume", "nowhere"), "is not the folder of a search"),
        (("tune", "--show", "nowhere"), "is not the folder of a search"),
        (("tune", "FILE", "--set", "hidden=4"), "'hidden' is searched"),
        (("tune", "FILE", "--set", "tune.metric=tset/accuracy"), "did you mean 'test'"),
        (("tune", "FILE", "--set", "tune.space.hidden=choice(8, wide)"), "hidden: wide does not"),
        (("tune", "FILE", "--set", "tune.space.hidden=uniform(8, 9)"), "hidden: 8.618"),
        (("tune", "FILE", "--set", "data.source=nothing"), "GF070"),
        (("tune", "FILE", "--set", "data.folds=3"), "not 3 times"),
        (("tune", "FILE", "--dtype", "float31"), "float31"),
        (("tune", "xyz"), "the file has no 'tune:' section"),
    ],
)
def test_what_is_refused_leaves_no_folder(cli, search, tmp_path, arguments, words):
    answer = cli(*(search if a == "FILE" else a for a in arguments))
    assert answer.code == 2 and words in answer.err
    assert not (tmp_path / "tunes").exists() and not (tmp_path / "t").exists()


def test_without_optuna_the_package_is_named(cli, search, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    answer = cli("tune", search)
    assert answer.code == 2 and "pip install 'graphflow[tune]'" in answer.err
    assert not (search.parent / "tunes").exists()


def test_without_torch_the_gaussian_process_is_refused(cli, search, monkeypatch):
    monkeypatch.setattr("graphflow.tuning.study.find_spec", lambda name: None)
    answer = cli("tune", search, "--set", "tune.sampler=gp")
    assert answer.code == 2 and "pip install scipy torch" in answer.err
    assert not (search.parent / "tunes").exists()


@pytest.mark.slow
def test_a_search_goes_on_with_the_file_as_it_was(cli, search):
    first = cli("tune", search, "--set", "train.epochs=1", "--trials", 1, "--out", "t", "--json")
    search.write_text("something else")
    more = cli("tune", "--resume", "t", "--trials", 2, "--json").json
    assert [t["state"] for t in more["trials"]] == ["complete", "complete"]
    assert more["trials"][0] == first.json["trials"][0]


def test_a_folder_holds_one_search(cli, search):
    from graphflow.tuning import Limits, begun

    begun(str(search), {}, Limits(), search.parent / "t")
    answer = cli("tune", search, "--out", "t")
    assert answer.code == 2 and "holds a search already" in answer.err
