"""Transforms of columns, against the book, scikit-learn, pandas' printed results and hand work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from graphflow.data import Dataset, load, split
from graphflow.data.columns import Lists, Mapped
from graphflow.data.transforms import Prepared, arguments, make, prepare
from graphflow.diagnostics import GraphflowError

RANDOM = np.random.default_rng(0)


def done(
    dataset: Dataset, *steps: tuple[object, ...], parts: dict[str, float] | None = None, **how: bool
) -> Prepared:
    """The dataset after transforms given as (name, args..., {kwargs})."""
    made = []
    for name, *args in steps:
        kwargs = args.pop() if args and isinstance(args[-1], dict) else {}
        named = dict(zip(arguments(str(name)), args, strict=False))
        made.append(make(str(name), {**named, **kwargs}))
    return prepare(dataset, lambda table: split(table, parts, seed=0, **how), made)


def table(**columns: object) -> Dataset:
    made = {n: np.array(c, dtype=object) if isinstance(c[0], str | None) else np.asarray(c)
            for n, c in columns.items()}  # type: ignore[index]
    return Dataset("mine", made, "a sketch")


# -- the book's house_tiny (Dive into Deep Learning 2.2) ------------------------------------------
HOUSES = "NumRooms,RoofType,Price\nNA,NA,127500\n2,NA,106000\n4,Slate,178100\nNA,NA,140000\n"


def test_the_books_table_of_four_houses(tmp_path: Path) -> None:
    (tmp_path / "house_tiny.csv").write_text(HOUSES)
    houses = load("csv", path="house_tiny.csv", folder=tmp_path)
    found = done(
        houses,
        ("one_hot", "RoofType", {"dummy_na": True}),
        ("fill_missing", "NumRooms", "mean"),
        ("column_stack", "inputs", ["NumRooms", "RoofType"]),
    )
    inputs = found.dataset.array("inputs")
    assert inputs.tolist() == [[3, 0, 1], [2, 0, 1], [4, 1, 0], [3, 0, 1]]
    assert found.dataset.array("Price").tolist() == [127500, 106000, 178100, 140000]
    assert found.fitted[0] == {"RoofType": ["Slate", None]}


def test_the_books_preparation_of_house_prices() -> None:
    """Numbers standardised by pandas' deviation, what is missing 0 after (section 5.7)."""
    area = [1.0, 2.0, np.nan, 6.0]
    found = done(
        table(Id=[1, 2, 3, 4], area=area, roof=["a", None, "b", "a"], SalePrice=[1.0, 2, 3, 4]),
        ("standardize", {"exclude": ["Id", "SalePrice"], "ddof": 1}),
        ("fill_missing", {"value": 0, "exclude": ["SalePrice"]}),
        ("one_hot", {"dummy_na": True}),
        ("column_stack", "x", {"exclude": ["Id", "SalePrice"]}),
    )
    std = np.std([1, 2, 6], ddof=1)
    expected = [
        [-2 / std, 1, 0, 0], [-1 / std, 0, 0, 1], [0, 0, 1, 0], [3 / std, 1, 0, 0],
    ]  # fmt: skip
    np.testing.assert_allclose(found.dataset.array("x"), expected, rtol=1e-6)
    assert sorted(found.dataset.columns) == ["Id", "SalePrice", "x"]


# -- numbers --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "scaler"), [("standardize", StandardScaler), ("min_max", MinMaxScaler)]
)
def test_scales_are_learned_from_the_training_part(name: str, scaler: type) -> None:
    x = RANDOM.normal(3, 5, (50, 4)).astype(np.float32)
    x[:, 3] = 2
    found = done(table(x=x), (name, "x"), parts={"train": 0.5, "test": 0.5})
    expected = scaler().fit(x[found.parts["train"]].astype(float)).transform(x.astype(float))
    np.testing.assert_allclose(found.dataset.array("x"), expected, rtol=1e-4, atol=1e-5)


def test_a_column_read_in_chunks_has_the_same_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    x = RANDOM.normal(100, 0.5, (1000, 3))
    whole = done(table(x=x), ("standardize", "x")).fitted[0]["x"]
    monkeypatch.setattr("graphflow.data.columns.CHUNK_BYTES", 24 * 7)
    lazy = Dataset("mine", {"x": Mapped(x, lambda rows: rows, np.dtype(np.float64))}, "a sketch")
    found = done(lazy, ("standardize", "x"))
    assert isinstance(found.dataset.columns["x"], Mapped)
    for key in ("mean", "std"):
        np.testing.assert_allclose(found.fitted[0]["x"][key], whole[key], rtol=1e-12)
    np.testing.assert_allclose(whole["mean"], x.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(whole["std"], x.std(axis=0), rtol=1e-12)


@pytest.mark.parametrize(
    ("value", "expected"), [(0, 0), (-1.5, -1.5), ("mean", 4), ("median", 2), ("most_frequent", 2)]
)
def test_missing_numbers_are_filled(value: object, expected: float) -> None:
    found = done(table(x=[2.0, np.nan, 2.0, 8.0, np.nan]), ("fill_missing", "x", value))
    assert found.dataset.array("x").tolist() == [2, expected, 2, 8, expected]


def test_missing_words_are_filled() -> None:
    words = table(w=["b", None, "a", "b"])
    for value, expected in (("none", "none"), ("most_frequent", "b")):
        found = done(words, ("fill_missing", "w", value), ("encode", "w", {"unknown": True}))
        column = found.dataset.tokenizers["w"].tokens[found.dataset.array("w")[1]]
        assert column == expected


def test_logarithms() -> None:
    found = done(table(x=[0, 1, 9]), ("log", "x", {"add": 1})).dataset.array("x")
    np.testing.assert_allclose(found, np.log([1, 2, 10]), rtol=1e-6)
    with pytest.raises(GraphflowError, match="logarithm of 0 is asked for"):
        done(table(x=[0, 1, 9]), ("log", "x"))
    with pytest.raises(GraphflowError, match=r"logarithm of 3 .* with add=-4 is not positive"):
        done(table(x=[3.0, np.nan, 9.0]), ("log", "x", {"add": -4}))
    gaps = done(table(x=[1.0, np.nan]), ("log", "x")).dataset.array("x")
    assert gaps[0] == 0 and np.isnan(gaps[1])


# -- categories -----------------------------------------------------------------------------------
def test_a_category_that_training_has_not_seen_is_a_row_of_zeros() -> None:
    words = table(w=["a", "b", "a", "c", None])
    found = done(words, ("one_hot", "w"), parts={"train": 3, "test": 2}, ordered=True)
    assert found.dataset.array("w").tolist() == [[1, 0], [0, 1], [1, 0], [0, 0], [0, 0]]


def test_numbers_of_categories() -> None:
    words, how = table(w=["b", "a", "b", "c", None]), {"parts": {"train": 3, "test": 2}}
    found = done(words, ("encode", "w", {"unknown": True}), **how, ordered=True)
    assert found.dataset.array("w").tolist() == [2, 1, 2, 0, 0]
    assert found.dataset.tokenizers["w"].tokens == ("<unk>", "a", "b")
    with pytest.raises(GraphflowError, match="'c' in column 'w' does not occur"):
        done(words, ("encode", "w"), **how, ordered=True)
    whole_numbers = done(table(w=[30, 10, 30]), ("encode", "w")).dataset
    assert whole_numbers.array("w").tolist() == [1, 0, 1]


def test_words_that_are_fed_as_they_are_become_labels_of_all_parts() -> None:
    found = done(table(w=["b", "a", "c"]), parts={"train": 2, "test": 1})
    assert found.dataset.array("w").tolist() == [1, 0, 2]
    assert found.dataset.tokenizers["w"].tokens == ("a", "b", "c")
    with pytest.raises(GraphflowError, match="missing values") as caught:
        done(table(w=["b", None]))
    assert "fill_missing(w, 'none')" in (caught.value.diagnostics[0].help or "")


# -- rows -----------------------------------------------------------------------------------------
def test_windows_of_a_series_are_the_books() -> None:
    """tau = 4 of 1,000 steps: 996 samples, of which the first 600 are trained on (section 9.1)."""
    x = np.sin(0.01 * np.arange(1, 1001)).astype(np.float32)
    parts = {"train": 600, "val": 396}
    found = done(table(x=x), ("windows", "x", 4), parts=parts, ordered=True)
    batch = found.dataset.take(found.parts["train"][:2])
    np.testing.assert_array_equal(batch["x"], [x[:4], x[1:5]])
    np.testing.assert_array_equal(batch["x_ahead"], [x[4:5], x[5:6]])
    assert len(found.dataset) == 996
    assert (found.parts["val"][0], len(found.parts["val"])) == (600, 396)


def test_a_window_lies_in_one_part() -> None:
    """The series is scaled by its training part first: the parts are cut before the windows."""
    found = done(
        table(x=np.arange(10.0)), ("standardize", "x"), ("windows", "x", 2, {"ahead": 1}),
        parts={"train": 6, "test": 4}, ordered=True,
    )  # fmt: skip
    assert found.parts["train"].tolist() == [0, 1, 2, 3]
    assert found.parts["test"].tolist() == [6, 7]


def test_keep_takes_the_rows_with_one_of_the_values() -> None:
    data = table(label=[3, 5, 9, 5], roof=["a", "d", "b", "c"])
    assert done(data, ("keep", "label", [5, 9])).dataset.array("label").tolist() == [5, 9, 5]
    assert done(data, ("keep", "roof", ["a", "b"])).dataset.array("label").tolist() == [3, 9]
    with pytest.raises(GraphflowError, match="'label' has none of the values"):
        done(data, ("keep", "label", [4]))


def test_rows_with_gaps_are_left_out() -> None:
    data = table(x=[1.0, np.nan, 3, 4], w=["a", "b", None, "d"], y=[0, 1, 2, 3])
    assert done(data, ("drop_missing",)).dataset.array("y").tolist() == [0, 3]
    assert done(data, ("drop_missing", "x"), ("drop", "w")).dataset.array("y").tolist() == [0, 2, 3]
    assert done(data, ("head", 1), ("drop", "w")).dataset.array("y").tolist() == [0]
    after = done(
        data, ("standardize", "x"), ("drop_missing",), parts={"train": 2, "test": 2}, ordered=True
    )
    assert {n: p.tolist() for n, p in after.parts.items()} == {"train": [0], "test": [1]}


# -- texts ----------------------------------------------------------------------------------------
def test_texts_become_lists_of_tokens() -> None:
    texts = table(text=["a cat", "a", "the cat sat on a cat", None])
    found = done(
        texts, ("tokenize", "text", {"eos": True}), parts={"train": 2, "test": 2}, ordered=True
    ).dataset
    names = found.tokenizers["text"].tokens
    assert sorted(names) == ["<eos>", "<pad>", "<unk>", "a", "cat"]
    assert isinstance(found.columns["text"], Lists)
    batch = found.take(np.arange(3))
    shown = [[names[i] for i in row] for row in batch["text"]]
    assert shown[0] == ["a", "cat", "<eos>", *["<pad>"] * 4]
    assert shown[2] == ["<unk>", "cat", "<unk>", "<unk>", "a", "cat", "<eos>"]
    assert found.array("text_length").tolist() == [3, 2, 7, 1]
    assert found.take([1, 0])["text"].shape == (2, 3)


def test_lists_are_filled_or_cut_to_one_length() -> None:
    texts = table(text=["b a b", "a"])
    found = done(texts, ("tokenize", "text"), ("pad", "text", 2, {"value": -1})).dataset
    a, b = (found.tokenizers["text"].numbers[w] for w in "ab")
    assert found.array("text").tolist() == [[b, a], [a, -1]]
    assert found.array("text_length").tolist() == [2, 1]


# -- what is learned is kept ----------------------------------------------------------------------
def test_what_an_earlier_run_has_learned_is_used_again() -> None:
    steps = [make("standardize", {"columns": "x"}), make("one_hot", {"columns": "w"})]
    first = prepare(table(x=[1.0, 3.0], w=["a", "b"]), lambda t: split(t, None, 0), steps)
    other = table(x=[5.0, 5.0, 5.0], w=["b", "z", "a"])
    again = prepare(other, lambda t: split(t, None, 0), steps, fitted=first.fitted)
    assert again.dataset.array("x").tolist() == [3, 3, 3]
    assert again.dataset.array("w").tolist() == [[0, 1], [0, 0], [1, 0]]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (("standardise", {}), "unknown transform 'standardise'"),
        (("standardize", {"ddof": 2}), "wants a whole number, 0 to 1 for 'ddof'"),
        (("tokenize", {"level": "letters"}), "'char' or 'word' or 'bpe'"),
    ],
)
def test_wrong_calls_are_answered(call, words: str) -> None:
    with pytest.raises(GraphflowError) as caught:
        make(*call)
    assert words in caught.value.diagnostics[0].message


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (("standardize", "z"), "no column 'z'"),
        (("standardize", "w"), "holds text, not numbers"),
        (("standardize", "x", ["w"]), "'exclude' leaves columns out"),
        (("one_hot", "x"), "no column of categories"),
        (("fill_missing", "w", "mean"), "filled with a word"),
        (("fill_missing", "x", "middle"), "mean, median"),
        (("pad", "x", 3), "rows of one shape"),
        (("tokenize", "x"), "not text"),
        (("windows", "x", 9), "no window of 9"),
        (("column_stack", "x", []), "no columns to put"),
    ],
)
def test_calls_that_do_not_fit_the_data_are_answered(step, words: str) -> None:
    with pytest.raises(GraphflowError) as caught:
        done(table(x=[1.0, 2.0], w=["a", "b"]), step)
    assert words in caught.value.diagnostics[0].message


def test_seconds_since_1970_keep_their_differences(tmp_path: Path) -> None:
    """As pandas has it: (x - mean) / std of 1600000000, ...10, ...30, ...40."""
    (tmp_path / "t.csv").write_text(
        "when,y\n1600000000,1\n1600000010,2\n,3\n1600000030,4\n1600000040,5\n"
    )
    data = load("csv", path="t.csv", folder=tmp_path)
    scaled = done(data, ("drop_missing", "when"), ("standardize", "when")).dataset.array("when")
    assert scaled.tolist() == pytest.approx([-1.2649, -0.6325, 0.6325, 1.2649], abs=1e-4)
