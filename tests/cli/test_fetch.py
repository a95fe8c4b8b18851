"""``graphflow fetch``, and what ``list data`` and ``explain`` say of files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import graphflow as gf
from graphflow.cli.app import _answered as called
from graphflow.data import download, files, pretrained


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The user's data folder, empty; no cache, no network."""

    def refuse(url: str, start: int) -> None:
        raise OSError("no network in a test")

    monkeypatch.setenv("GRAPHFLOW_DATA", str(tmp_path / "data"))
    for module in (files, pretrained):
        monkeypatch.setattr(module, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(download, "connect", refuse)
    monkeypatch.setattr(download, "PAUSE", 0)
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def test_files_that_are_here_are_named(folder: Path, capsys) -> None:
    (folder / "timemachine.txt").write_text("the time")
    assert called(["fetch", "timemachine", "digits"]) == 0
    place = str(folder / "timemachine.txt")
    assert capsys.readouterr().out == f"timemachine: {place}\ndigits: needs no file\n"
    assert called(["fetch", "timemachine", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"timemachine": [place]}


def test_without_a_network_the_alternative_is_named(folder: Path, capsys) -> None:
    assert called(["fetch", "fashion_mnist"]) == 2
    told = capsys.readouterr().err
    assert "GF072" in told and "no network in a test" in told
    assert "put fashion-mnist/train-images-idx3-ubyte.gz into the folder" in told
    assert "source: digits" in told


def test_an_unknown_name_is_answered_before_anything_is_fetched(folder: Path, capsys) -> None:
    assert called(["fetch", "fashion_mnist", "fashionmnist"]) == 2
    told = capsys.readouterr().err
    assert "GF070" in told and "did you mean 'fashion_mnist'" in told, told
    assert "downloading" not in told


def test_the_list_says_what_is_here(folder: Path, capsys) -> None:
    (folder / "timemachine.txt").write_text("the time")
    (folder / "mnist").mkdir()
    (folder / "mnist" / "t10k-labels-idx1-ubyte.gz").write_bytes(b"")
    assert called(["list", "data", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["timemachine"]["files"] == "179 kB, here"
    assert rows["mnist"]["files"] == "12 MB, some here"
    assert rows["fashion_mnist"]["files"] == "31 MB, not here"
    assert rows["digits"]["files"] == "built in"
    assert rows["csv"]["files"] == "yours"


def test_a_source_is_explained_with_its_files(folder: Path, capsys) -> None:
    (folder / "airfoil_self_noise.dat").write_text("1")
    assert called(["explain", "airfoil"]) == 0
    told = capsys.readouterr().out
    assert "https://d2l-data.s3-accelerate.amazonaws.com/airfoil_self_noise.dat" in told
    assert "sha1:76e5be1548fd8222e5074cf0faae75edff8cf93f" in told
    assert f"here as {folder / 'airfoil_self_noise.dat'}" in told


def test_one_file_of_several_may_be_asked_for(folder: Path, capsys) -> None:
    (folder / "glove.6B.50d.zip").write_bytes(b"here")
    assert called(["fetch", "glove/6b.50d"]) == 0
    assert str(folder / "glove.6B.50d.zip") in capsys.readouterr().out
    assert called(["fetch", "glove/6b.50"]) == 2
    told = capsys.readouterr().err
    assert "'glove' has no file '6b.50'" in told and "did you mean" in told
    assert called(["fetch", "digits/x"]) == 2
    assert "its files are none" in capsys.readouterr().err
    (folder / "kaggle_house_pred_test.csv").write_text("Id")
    assert called(["fetch", "house_prices/kaggle_house_pred_test.csv"]) == 0
    (folder / "mnist").mkdir()
    (folder / "mnist" / "t10k-labels-idx1-ubyte.gz").write_bytes(b"here")
    assert called(["fetch", "mnist/t10k-labels-idx1-ubyte.gz"]) == 0


TEXT_MODEL = """
graphflow: 1
name: words
inputs: {t: {shape: [T, B], dtype: int}}
layers:
  embed: {is: "embedding(4, 2)", weights: out.safetensors, trainable: false}
nodes:
  y: embed(t)
outputs: [y]
data: {source: text, path: words.txt, level: word, steps: 2, feed: {t: tokens}}
"""


def test_an_embedding_starts_from_published_vectors(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    (folder / "glove.6B.50d").mkdir()
    (folder / "glove.6B.50d" / "vec.txt").write_text("the 1 2\ncat 3 4\nis 5 6\n")
    (tmp_path / "words.txt").write_text("the cat purrs the cat")
    (tmp_path / "g.yaml").write_text(TEXT_MODEL)
    monkeypatch.chdir(tmp_path)
    command = ["fetch", "glove/6b.50d", "--tokens", "g.yaml", "--out", "out.safetensors"]
    assert called(command) == 0
    told = capsys.readouterr().out
    assert "weight [4, 2], 2 of 4 tokens have a vector" in told
    table = gf.load("g.yaml").parameters["embed.weight"]
    assert table.tolist() == [[0, 0], [3, 4], [0, 0], [1, 2]]  # <unk> cat purrs the
    assert called(command) == 2
    assert "GF007" in capsys.readouterr().err
    assert called([*command[:-1], "new.npz", "--column", "word"]) == 2
    assert "columns with one are tokens, targets" in capsys.readouterr().err
    assert called(["fetch", "mnist", "--tokens", "g.yaml"]) == 2
    assert "glove/6b.50d" in capsys.readouterr().err


def test_weights_are_listed_and_fetched(folder: Path, capsys) -> None:
    small = Path(__file__).parents[1] / "data" / "torch" / "state.pth"
    (folder / "resnet18-f37072fd.pth").write_bytes(small.read_bytes())
    assert called(["list", "weights", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["torchvision/resnet18"]["files"] == "47 MB, here"
    assert rows["torchvision/vgg19"]["files"] == "575 MB, not here"
    assert called(["fetch", "torchvision/resnet18"]) == 0
    assert "resnet18-f37072fd.safetensors" in capsys.readouterr().out
    assert called(["fetch", "torchvision/resnet"]) == 2
    assert "did you mean 'torchvision/resnet" in capsys.readouterr().err
