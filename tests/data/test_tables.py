from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphflow.data import OptionError, load
from graphflow.diagnostics import GraphflowError


# -- airfoil ------------------------------------------------------------------------------------
def test_airfoil_standardized_is_the_books(real_data: Path) -> None:
    data = load("airfoil", n=1500)
    features, target = data.columns["features"], data.columns["target"]
    assert (features.shape, features.dtype) == ((1500, 5), np.float32)
    assert (target.shape, target.dtype) == ((1500, 1), np.float32)
    # Half the mean squared error on the first 1,500 rows, at zero and at its minimum.
    design = np.column_stack([features, np.ones(1500)]).astype(float)
    _, (error,), *_ = np.linalg.lstsq(design, target[:, 0].astype(float), rcond=None)
    assert float((target**2).mean()) / 2 == pytest.approx(0.4933, abs=5e-5)
    assert error / 3000 == pytest.approx(0.2417, abs=5e-5)


def test_airfoil_as_measured(real_data: Path) -> None:
    data = load("airfoil", standardize=False)
    assert len(data) == 1503
    first = [800, 0, 0.3048, 71.3, 0.00266337]
    assert np.allclose(data.columns["features"][0], first)
    assert data.columns["target"][0, 0] == pytest.approx(126.201)
    whole = load("airfoil")
    assert np.allclose(whole.columns["features"].mean(axis=0), 0, atol=1e-5)
    assert np.allclose(whole.columns["features"].std(axis=0), 1, atol=1e-5)


@pytest.mark.parametrize("content", ["", "1 2\n3 4\n", "1 2 x\n", "1 2 3\n4 5\n"])
@pytest.mark.filterwarnings("ignore:loadtxt. input contained no data")
def test_another_table_is_not_airfoil(
    no_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused, content: str
) -> None:
    (tmp_path / "airfoil_self_noise.dat").write_text(content)
    monkeypatch.setenv("GRAPHFLOW_DATA", str(tmp_path))
    assert refused(load, "airfoil").code == "GF073"


# -- npz ----------------------------------------------------------------------------------------
def test_npz_arrays_are_columns(tmp_path: Path) -> None:
    x, label = np.arange(12.0).reshape(4, 3), np.array([0, 1, 1, 0])
    np.savez_compressed(tmp_path / "mine.npz", x=x, label=label)
    data = load("npz", path="mine.npz", folder=tmp_path)
    assert (data.name, len(data)) == ("mine", 4)
    assert np.array_equal(data.columns["x"], x)
    assert data.columns["x"].dtype == np.float64
    assert data.columns["label"].dtype == np.int64


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x": np.array([{"a": 1}])}, "plain arrays"),
        ({"x": np.array(["a", "b"])}, "numbers"),
        ({"x": np.array([1j])}, "numbers"),
        ({"x": np.array(3.0)}, "one row a sample"),
        ({"x": np.zeros(3), "y": np.zeros(2)}, "one common length"),
        ({}, "no columns"),
    ],
)
def test_npz_files_that_are_no_dataset(
    tmp_path: Path, refused, arrays: dict[str, np.ndarray], words: str
) -> None:
    np.savez(tmp_path / "mine.npz", **arrays)
    assert words in refused(load, "npz", path="mine.npz", folder=tmp_path).message


@pytest.mark.parametrize(
    ("file", "content", "help"),
    [
        ("mine.csv", b"a,b\n1,2\n", "source: csv"),
        ("mine.txt", b"once upon", "source: text"),
        ("mine.bin", b"\0\1", "np.savez"),
        ("mine.npz", b"PK\3\4 cut short", "np.savez"),
    ],
)
def test_other_files_are_no_npz(
    tmp_path: Path, refused, file: str, content: bytes, help: str
) -> None:
    (tmp_path / file).write_bytes(content)
    found = refused(load, "npz", path=file, folder=tmp_path)
    assert help in found.help and "pickle" not in f"{found.message} {found.help}"


def test_a_pickle_is_never_loaded(tmp_path: Path, refused) -> None:
    (tmp_path / "mine.npz").write_bytes(b"cos\nsystem\n(S'touch harmed'\ntR.")
    assert refused(load, "npz", path="mine.npz", folder=tmp_path).code == "GF073"
    np.save(tmp_path / "one.npy", np.zeros(3))
    found = refused(load, "npz", path="one.npy", folder=tmp_path)
    assert found.help == "save it by np.savez"


@given(noise=st.binary(min_size=1, max_size=8), at=st.integers(0, 700), packed=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_npz_files_are_answered(
    tmp_path: Path, noise: bytes, at: int, packed: bool
) -> None:
    buffer = io.BytesIO()
    (np.savez_compressed if packed else np.savez)(buffer, x=np.arange(40.0), y=np.arange(40))
    content = buffer.getvalue()
    at %= len(content)
    (tmp_path / "mine.npz").write_bytes(content[:at] + noise + content[at + len(noise) :])
    try:
        load("npz", path="mine.npz", folder=tmp_path)
    except GraphflowError as error:
        assert {d.code for d in error.diagnostics} <= {"GF073", "GF075"}


# -- csv ----------------------------------------------------------------------------------------
IRIS = "sepal, petal,count,species\n5.1,1.4,3,setosa\n\n6.0,4.5,-4,versicolor\n5.9,1.5,5,setosa\n"


@pytest.fixture
def iris(tmp_path: Path) -> Path:
    (tmp_path / "iris.csv").write_text(IRIS)
    return tmp_path


def test_csv_columns_by_kind(iris: Path) -> None:
    columns = load("csv", path="iris.csv", folder=iris).columns
    assert list(columns) == ["sepal", "petal", "count", "species"]
    assert columns["sepal"].dtype == np.float64
    assert columns["count"].dtype == np.int64
    assert np.allclose(columns["petal"], [1.4, 4.5, 1.5])
    assert columns["count"].tolist() == [3, -4, 5]
    assert columns["species"].tolist() == ["setosa", "versicolor", "setosa"]


@pytest.mark.parametrize("stream", [False, True])
def test_cells_may_be_missing(tmp_path: Path, stream: bool) -> None:
    (tmp_path / "mine.csv").write_text('n,word,code\n1,NA,007\nNA,"a\nb",-\n\n,c,012\n')
    options = {"stream": stream, "text": ["code"], "missing": ["NA", "", "-"]}
    data = load("csv", path="mine.csv", folder=tmp_path, **options)
    n, word, code = (data.array(name) for name in ("n", "word", "code"))
    assert (n.dtype, np.isnan(n).tolist(), n[0]) == (np.float64, [False, True, True], 1)
    assert word.tolist() == [None, "a\nb", "c"]
    assert code.tolist() == ["007", None, "012"]


def test_a_streamed_table_is_the_table(iris: Path) -> None:
    wanted = {"x": ["sepal", "count"], "count": "count", "label": "species"}
    whole = load("csv", path="iris.csv", folder=iris, columns=wanted)
    stream = load("csv", path="iris.csv", folder=iris, columns=wanted, stream=True)
    for indices in (np.array([2, 0, 2]), np.array([[1], [0]])):
        for name, rows in stream.take(indices).items():
            expected = whole.take(indices)[name]
            assert (rows.dtype, rows.shape) == (expected.dtype, expected.shape)
            assert (rows == expected).all()
            assert stream.columns[name].dtype == rows.dtype
            assert stream.columns[name].shape == whole.columns[name].shape


def test_an_underscore_makes_no_number(tmp_path: Path, refused) -> None:
    (tmp_path / "a.csv").write_text("n\n1_000\n2\n")
    assert "'1_000' is not a number" in refused(load, "csv", path="a.csv", folder=tmp_path).message


def test_csv_columns_chosen_and_joined(iris: Path) -> None:
    wanted = {"x": ["sepal", "count"], "label": "species"}
    data = load("csv", path="iris.csv", folder=iris, columns=wanted)
    assert list(data.columns) == ["x", "label"]
    assert data.columns["x"].dtype == np.float64
    assert np.allclose(data.columns["x"], [[5.1, 3], [6.0, -4], [5.9, 5]])


def test_csv_without_header_and_with_another_delimiter(tmp_path: Path) -> None:
    (tmp_path / "plain.csv").write_text("1;2.5\n3;4.5\n")
    data = load("csv", path="plain.csv", folder=tmp_path, header=False, delimiter=";")
    assert data.columns["column1"].tolist() == [1, 3]
    assert data.columns["column2"].tolist() == [2.5, 4.5]


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        ("a,b\n1,2\n3\n", {}, "line 3: 1 cells, not 2"),
        ("a\n1\nx\n", {}, "line 3, column 'a': 'x' is not a number"),
        ("a,b\n1,2\n,3\n", {"missing": []}, "column 'a': '' is not a number"),
        ("a,b\n1,2\n", {"text": ["c"]}, "no column 'c'"),
        ("a,b\nu,2\nv,3\n", {"columns": {"x": ["a", "b"]}}, "'u' is not a number"),
        ("a,b\n", {}, "no rows"),
        ("", {}, "no rows"),
        ("a,a\n1,2\n", {}, "two columns of one name"),
        ('a\n"1\n', {}, "line"),
        ("a\n1\n", {"columns": {"x": "b"}}, "no column 'b'"),
        ("a\n1\n", {"columns": {"x": []}}, "at least one column"),
        ("a\n1\n", {"columns": {}}, "no columns"),
        ("a\n1\n", {"delimiter": "::"}, "wants"),
        ("a\n1\n", {"header": "no"}, "true or false"),
    ],
)
def test_csv_files_that_are_no_dataset(
    tmp_path: Path, refused, content: str, options: dict[str, object], words: str
) -> None:
    (tmp_path / "mine.csv").write_text(content)
    found = refused(load, "csv", path="mine.csv", folder=tmp_path, **options)
    assert words in found.message


@pytest.mark.parametrize(
    ("content", "options", "option", "help"),
    [
        ("5.1,1.4,setosa\n6.0,4.5,other\n", {}, "header", "add header: false"),
        ("1\n2\n3\n", {}, "header", "add header: false"),
        ("a;b\n1;2\n", {}, "delimiter", 'add delimiter: ";"'),
        ("a;b\n1,5;2,5\n", {}, "delimiter", 'add delimiter: ";"'),
        ("a\tb\n1\t2\n", {}, "delimiter", 'add delimiter: "\\t"'),
        ("1,2\n", {"header": False, "delimiter": ";"}, "delimiter", 'add delimiter: ","'),
        ("size,price\n1,2\n", {"columns": {"y": "prize"}}, "columns", "did you mean 'price'"),
    ],
)
def test_a_file_read_the_wrong_way_says_which_option_to_change(
    tmp_path: Path, content: str, options: dict[str, object], option: str, help: str
) -> None:
    (tmp_path / "mine.csv").write_text(content)
    with pytest.raises(OptionError) as caught:
        load("csv", path="mine.csv", folder=tmp_path, **options)
    (found,) = caught.value.diagnostics
    assert (caught.value.option, help in (found.help or "")) == (option, True)


def test_columns_that_look_like_data_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "years.csv").write_text("2019,2020\n1,2\n3,4\n")
    wanted = {"x": ["2019", "2020"]}
    data = load("csv", path="years.csv", folder=tmp_path, columns=wanted)
    assert data.columns["x"].tolist() == [[1, 2], [3, 4]]
    (tmp_path / "ids.csv").write_text("id,2019\n7,1\n8,3\n")
    assert list(load("csv", path="ids.csv", folder=tmp_path).columns) == ["id", "2019"]


@pytest.mark.parametrize("source", ["csv", "npz", "text"])
def test_a_missing_file_is_a_problem_with_the_path(tmp_path: Path, source: str) -> None:
    with pytest.raises(OptionError, match="there is no file") as caught:
        load(source, path="none.csv", folder=tmp_path)
    assert caught.value.option == "path"


@given(content=st.text(alphabet='a1.-, "\n\t;eN\0', max_size=60), header=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_csv_file_breaks_the_reader(tmp_path: Path, content: str, header: bool) -> None:
    (tmp_path / "mine.csv").write_text(content)
    try:
        data = load("csv", path="mine.csv", folder=tmp_path, header=header)
    except GraphflowError as error:
        assert error.diagnostics[0].code in ("GF073", "GF075")
    else:
        assert len(data) > 0


@pytest.mark.parametrize("source", ["csv", "npz"])
def test_files_outside_the_folder_are_refused(iris: Path, refused, source: str) -> None:
    (iris / "inner").mkdir()
    found = refused(load, source, path="../iris.csv", folder=iris / "inner")
    assert found.code == "GF074"
