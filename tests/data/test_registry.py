from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from typing import Annotated, Literal

import numpy as np
import pytest

from graphflow.data import Between, Dataset, Option, find, load, register, registry, sources
from graphflow.diagnostics import GraphflowError

BUILT_IN = {
    "airfoil", "blobs", "csv", "digits", "mnist", "moons", "npz", "photographs",
    "sentences", "synthetic_regression", "text", "timemachine",
}  # fmt: skip


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test registers goes when it ends."""
    monkeypatch.setattr(registry, "_SOURCES", dict(registry._SOURCES))
    monkeypatch.setattr(registry, "_LOADED", set(registry._LOADED))
    return


def countdown(n: int = 3, folder: str | None = None) -> Dataset:
    """Whole numbers, downwards.

    More words.
    """
    return Dataset("countdown", {"x": np.arange(n)[::-1]}, str(folder))


def test_every_built_in_source_is_described() -> None:
    known = sources()
    assert set(known) >= BUILT_IN
    for name in BUILT_IN:
        assert known[name].name == name
        assert known[name].about.endswith(".")
        assert "folder" not in known[name].options
    assert known["digits"].columns["image"].startswith("float32 (N, 1, 8, 8)")
    assert known["moons"].options["noise"].default == 0.1
    assert known["csv"].options["path"].required


def test_the_registry_cannot_be_changed_through_its_view() -> None:
    with pytest.raises(TypeError):
        sources()["mine"] = sources()["digits"]  # type: ignore[index]


def test_a_registered_source_is_loaded_with_its_options_and_the_folder() -> None:
    register("countdown", columns={"x": "int64 (N,)"})(countdown)
    assert find("countdown").about == "Whole numbers, downwards."
    assert list(find("countdown").options) == ["n"]
    data = load("countdown", folder="here", n=2)
    assert data.columns["x"].tolist() == [1, 0]
    assert data.about == "here"


def test_a_name_is_registered_once(refused) -> None:
    register("countdown")(countdown)
    register("countdown")(countdown)
    assert refused(register("countdown"), lambda: None).code == "GF076"


def test_an_unknown_source_is_answered_with_the_closest(refused) -> None:
    found = refused(load, "phtographs")
    assert found.code == "GF070"
    assert found.help == "did you mean 'photographs'?"
    assert "timemachine" in refused(load, "zzz").help


def test_every_wrong_option_is_reported(refused) -> None:
    found = find("blobs").problems({"center": 3, "n": 0, "std": 1, "seed": 1.5})
    assert list(found) == ["center", "n", "seed"]
    assert found["center"].help == "did you mean 'centers'?"
    assert "a whole number, 1 to 10000000" in found["n"].message
    assert {d.code for d in found.values()} == {"GF071"}
    with pytest.raises(GraphflowError) as caught:
        load("blobs", center=3, n=0)
    assert len(caught.value.diagnostics) == 2
    assert "no options" in refused(load, "digits", n=3).help
    assert "needs the option 'path'" in refused(load, "npz").message
    found = find("csv").problems({"path": "a", "folder": "/"})
    assert "no option 'folder'" in found["folder"].message


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (int, [0, -3, np.int64(4)], [1.0, True, "1", None]),
        (float, [0.5, 3, np.float32(1)], [float("nan"), float("inf"), 10**400, False, "1"]),
        (bool, [True], [1, "yes"]),
        (str, ["a"], [1, None]),
        (Literal["char", "word"], ["char"], ["chr", ["char"], 0]),
        (int | None, [None, 2], ["2"]),
        (Annotated[int, Between(1, 3)], [1, 3], [0, 4, "2"]),
        (tuple[int, int], [[1, 2], (3, 4)], [[1], [1, 2, 3], "12", 1]),
        (Sequence[float], [[], [1, 2.5]], [[1, "a"], "abc", 1.0]),
        (Mapping[str, str], [{"a": "b"}], [{"a": 1}, {1: "b"}, ["a"]]),
        (object, [1, None], []),
    ],
)
def test_kinds_of_options(kind: object, good: list[object], bad: list[object]) -> None:
    option = Option(kind, None, required=True)
    assert option.expected
    assert [value for value in good if not option.accepts(value)] == []
    assert [value for value in bad if option.accepts(value)] == []


def plugins(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    entries = [
        metadata.EntryPoint(name, value, registry.ENTRY_POINTS) for name, value in values.items()
    ]
    monkeypatch.setattr(metadata, "entry_points", lambda group: entries)


def test_packages_offer_sources_by_entry_point(monkeypatch: pytest.MonkeyPatch, refused) -> None:
    monkeypatch.setitem(sys.modules, "a_package", sys.modules[__name__])
    plugins(monkeypatch, countdown="a_package:countdown")
    assert len(load("countdown")) == 3
    assert "countdown" in sources()


@pytest.mark.parametrize("value", ["no_such_package:countdown", "math:no_such_name", "math:pi"])
def test_a_broken_package_is_named(monkeypatch: pytest.MonkeyPatch, refused, value: str) -> None:
    plugins(monkeypatch, mine=value)
    found = refused(load, "mine")
    assert found.code == "GF076"
    assert value in found.message
    assert len(load("synthetic_regression", n=5)) == 5


def test_importing_the_room_is_light() -> None:
    program = "import graphflow.data, sys; print({'sklearn', 'scipy', 'PIL'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr
