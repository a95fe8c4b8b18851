"""The house rules that no linter checks: see CONTRIBUTING.md."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("graphflow", "tests", "benchmarks", "ui")
HEAVY = ("streamlit", "sklearn", "numba", "torch", "plotly", "networkx", "cupy", "cudnn", "scipy",
         "ray", "optuna")
MACHINE_PATH = re.compile(r"(?<![\w.~*/-])/(?:" + "work|home|Users|root|tmp|opt" + r")/(?!me\b)\w")

MERGE_MARK = re.compile(r"^(?:<<<<<<<|>>>>>>>) ")

PRAGMA = re.compile(r"  # (type: ignore|noqa|fmt: skip).*")


def python_files() -> list[Path]:
    return sorted(p for folder in FOLDERS for p in (ROOT / folder).rglob("*.py"))


def yaml_files() -> list[Path]:
    return sorted(p for folder in (*FOLDERS, "graphs") for p in (ROOT / folder).rglob("*.yaml"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def place(path: Path, node: ast.stmt | ast.ExceptHandler) -> str:
    return f"{path.relative_to(ROOT)}:{node.lineno}"


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function's body, without its docstring."""
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def caught(handler: ast.ExceptHandler) -> Iterator[str]:
    if handler.type is None:
        yield "everything"
        return
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    yield from (ast.unparse(kind) for kind in kinds)


def sources_of_pages() -> list[Path]:
    """Scripts and style sheets, without what was bundled from others' and ours."""
    files = (p for folder in FOLDERS for p in (ROOT / folder).rglob("*") if p.is_file())
    ours = (p for p in files if not {"built", "node_modules"} & {*p.parts})
    return sorted(p for p in ours if p.suffix in {".js", ".css"})


def test_files_stay_under_400_lines():
    files = [*python_files(), *sources_of_pages()]
    assert ROOT / "graphflow/view/widget/scene.js" in files
    lengths = {p.relative_to(ROOT): len(p.read_text("utf-8").splitlines()) for p in files}
    assert {path: length for path, length in lengths.items() if length >= 400} == {}


def test_functions_stay_within_40_lines():
    functions = (
        (path, node)
        for path in python_files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert [f"{place(p, f)} {f.name}" for p, f in functions if body_lines(f) > 40] == []


def test_lines_of_python_and_yaml_stay_within_100_columns():
    files = [*python_files(), *yaml_files()]
    assert ROOT / "graphs/mlp.yaml" in files
    wide = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if len(PRAGMA.sub("", line)) > 100
    ]
    assert wide == []


def test_nothing_catches_every_exception():
    broad = [
        place(path, node)
        for path in python_files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler)
        and not {"everything", "Exception", "BaseException"}.isdisjoint(caught(node))
    ]
    assert broad == []


def test_no_file_names_a_place_on_one_machine_or_holds_a_merge_under_way():
    kinds = {".py", ".yaml", ".md", ".toml", ".json"}
    files = [p for f in (*FOLDERS, "graphs", "docs") for p in (ROOT / f).rglob("*")]
    files += [*ROOT.glob("*.md"), *ROOT.glob("*.toml"), ROOT / ".ci" / "run"]
    named = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files
        if path.is_file() and (path.suffix in kinds or path.name == "run")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if MACHINE_PATH.search(line) or MERGE_MARK.match(line)
    ]
    assert named == []


def test_importing_graphflow_leaves_heavy_modules_for_later():
    code = "import graphflow, json, sys; print(json.dumps(sorted(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    assert set(HEAVY).isdisjoint(json.loads(answer.stdout))


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("def f():\n    'about'\n    return 1", 1),
        ("@cache\ndef f(\n    x,\n):\n    y = x\n\n    return y", 3),
        ("def f():\n    '''about\n    more'''", 0),
    ],
)
def test_the_length_of_a_function_is_that_of_its_body(source, lines):
    (function,) = ast.parse(source).body
    assert isinstance(function, ast.FunctionDef)
    assert body_lines(function) == lines


@pytest.mark.parametrize("text", ["open('/" + "home/ann/x')", "see /" + "tmp/run.log"])
def test_machine_paths_are_recognised(text):
    assert MACHINE_PATH.search(text)
    assert not MACHINE_PATH.search(text.replace("/home", "runs/home").replace("/tmp", "a/tmp"))


def rows_of_rooms() -> list[tuple[set[str], set[str]]]:
    """The rooms of each row of docs/architecture.md, and those that it says they see."""
    text = (ROOT / "docs/architecture.md").read_text("utf-8")
    rows: list[tuple[set[str], set[str]]] = []
    for names, sees in re.findall(r"^\| (`.*?) \|.*\| (.*?) \|$", text, re.MULTILINE):
        above = set[str]().union(*(rooms for rooms, _ in rows))
        seen = above if sees == "all of it" else set(sees.split(", ")) - {"nothing"}
        rows.append((set(re.findall(r"`(\w+)`", names)), seen))
    return rows


def imported_rooms(room: str) -> set[str]:
    """The rooms that the files of one import."""
    files = (ROOT / "graphflow").glob(f"{room}/**/*.py")
    names = set[str]()
    for path in (*files, *(ROOT / "graphflow").glob(f"{room}.py")):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ImportFrom) and node.module == "graphflow":
                names |= {f"graphflow.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(node.module or "")
    rooms = {name.split(".")[1] for name in names if name.startswith("graphflow.")}
    return {r for r in rooms if r != room and not r.startswith("_")}


def test_rooms_import_what_the_architecture_says_they_see():
    rows = rows_of_rooms()
    known = set[str]().union(*(rooms for rooms, _ in rows))
    package = (p for p in (ROOT / "graphflow").iterdir() if p.suffix == ".py" or p.is_dir())
    assert known == {p.stem for p in package if not p.name.startswith("_")}
    below: dict[str, set[str]] = {}
    for rooms, sees in rows:
        reached = rooms.union(sees, *(below[room] for room in sees))
        below |= dict.fromkeys(rooms, reached)
        imported = set[str]().union(*map(imported_rooms, rooms))
        assert imported <= reached, rooms
        assert sees <= imported or rooms == {"cli"}, rooms
