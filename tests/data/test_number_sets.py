"""Published tables on small files of their formats: MovieLens and word vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graphflow.data import load, split
from graphflow.data.movielens import ML_100K
from graphflow.data.vectors import VECTORS, vectors_of

FORMS = ("archive", "folder")

# -- MovieLens: the first lines of u.data as the data set's own README shows them ---------------
RATINGS = "196\t242\t3\t881250949\n186\t302\t3\t891717742\n196\t1\t4\t881250950\n22\t1\t1\t9\n"
FILMS = "1|Toy Story (1995)|01-Jan-1995||http://\n2|Amélie (2001)|x||y\n"


@pytest.mark.parametrize("form", FORMS)
def test_ratings_count_from_zero(place, form) -> None:
    place(ML_100K, {"u.data": RATINGS.encode(), "u.item": FILMS.encode("latin-1")}, form)
    data = load("movielens_100k")
    assert data.columns["user"].tolist() == [195, 185, 195, 21]
    assert data.columns["item"].tolist() == [241, 301, 0, 0]
    assert data.columns["rating"].tolist() == [3, 3, 4, 1]
    assert data.columns["rating"].dtype == np.float32
    assert data.tokenizers["item"].tokens == ("Toy Story (1995)", "Amélie (2001)")
    assert data.splits is None
    last = split(load("movielens_100k", test="last"), None, 0)
    assert {name: rows.tolist() for name, rows in last.items()} == {
        "train": [0], "test": [1, 2, 3]
    }  # fmt: skip


@pytest.mark.parametrize("ratings", ["a\tb\tc\td\n", "1\t2\t3\n", "0\t1\t3\t4\n", "", "1\t2\n1\n"])
def test_other_tables_are_refused(place, refused, ratings: str) -> None:
    place(ML_100K, {"u.data": ratings.encode(), "u.item": b""})
    found = refused(load, "movielens_100k")
    assert found.code == "GF073" and "u.data" in found.message


# -- word vectors -------------------------------------------------------------------------------
GLOVE = "the 0.5 -1 2e-3\n, 1 1 1\nchip 3 4 5\n"


@pytest.mark.parametrize("form", FORMS)
def test_vectors_begin_with_zeros_for_the_unknown(place, form) -> None:
    place(VECTORS["6b.50d"], {"vec.txt": GLOVE.encode()}, form)
    data = load("glove")
    assert data.tokenizers["token"].tokens == ("<unk>", "the", ",", "chip")
    assert np.allclose(data.columns["vector"], [[0, 0, 0], [0.5, -1, 2e-3], [1, 1, 1], [3, 4, 5]])
    assert data.columns["vector"].dtype == np.float32
    assert len(load("glove", n=2)) == 3


def test_the_first_line_of_fasttext_is_no_word(place) -> None:
    place(VECTORS["wiki.en"], {"vec.txt": b"3 2\nthe 1 2\ncat 3 4\n"})
    assert load("glove", vectors="wiki.en").columns["vector"].tolist() == [[0, 0], [1, 2], [3, 4]]


def test_a_vocabulary_gets_its_rows(place) -> None:
    place(VECTORS["6b.100d"], {"vec.txt": GLOVE.encode()})
    found, known = vectors_of(("<pad>", "chip", "dale", "the"), "6b.100d")
    assert np.allclose(found, [[0, 0, 0], [3, 4, 5], [0, 0, 0], [0.5, -1, 2e-3]])
    assert known == 2


@pytest.mark.parametrize("content", ["", "3 2\n", "a 1 2\nb 1\n\nc 1 2 3\n", "a 1 x\n"])
def test_what_holds_no_vectors_is_refused(place, refused, content: str) -> None:
    place(VECTORS["6b.50d"], {"vec.txt": content.encode()})
    found = refused(load, "glove")
    assert found.code == "GF073" and "glove.6B.50d.zip" in found.message


# -- Ames: the first rows that the book prints (5.7), some columns ------------------------------
TRAIN = (
    "Id,MSSubClass,MSZoning,LotFrontage,1stFlrSF,SaleType,SalePrice\n"
    "1,60,RL,65,856,WD,208500\n2,20,RL,80,1262,WD,181500\n3,60,NA,NA,920,WD,223500\n"
)
TEST = "Id,MSSubClass,MSZoning,LotFrontage,1stFlrSF,SaleType\n1461,20,RH,80,896,WD\n"


@pytest.fixture
def houses(no_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("GRAPHFLOW_DATA", str(folder))
    (folder / "kaggle_house_pred_train.csv").write_text(TRAIN)
    (folder / "kaggle_house_pred_test.csv").write_text(TEST)
    return folder


def test_houses_keep_words_numbers_and_gaps(houses: Path) -> None:
    data = load("house_prices")
    assert data.splits is None and len(data) == 3
    assert data.array("MSSubClass").tolist() == [60, 20, 60]
    assert data.array("MSZoning").tolist() == ["RL", "RL", None]
    assert np.isnan(data.array("LotFrontage")[2]) and data.array("LotFrontage")[0] == 65
    assert data.array("SalePrice").dtype == np.float64
    assert data.array("FirstFlrSF").tolist() == [856, 1262, 920]


def test_houses_without_a_price_have_none(houses: Path) -> None:
    assert "SalePrice" not in load("house_prices", part="test").columns
    data = load("house_prices", part="both")
    assert {name: len(rows) for name, rows in (data.splits or {}).items()} == {
        "train": 3, "test": 1
    }  # fmt: skip
    assert data.array("SalePrice")[:3].tolist() == [208500, 181500, 223500]
    assert np.isnan(data.array("SalePrice")[3])
    assert data.array("MSZoning").tolist() == ["RL", "RL", None, "RH"]


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "Id,x\n1\n", 'Id,x\n1,"2\n'])
def test_other_tables_are_no_houses(houses: Path, refused, content: str) -> None:
    (houses / "kaggle_house_pred_train.csv").write_text(content)
    found = refused(load, "house_prices")
    assert found.code == "GF073" and "kaggle_house_pred_train.csv" in found.message
