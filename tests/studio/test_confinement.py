"""What a graph from a stranger cannot do: every way in, through a real worker process."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import graphflow
from graphflow import loads, train
from graphflow.diagnostics import Diagnostic, GraphflowError
from graphflow.gallery import find
from graphflow.studio.client import Studio
from graphflow.studio.limits import Limits
from graphflow.view.overview import Overview
from graphflow.view.workspace import Workspace

TABLE = """graphflow: 1
name: a table
inputs: {{x: [B], y: [B]}}
params: {{w: {{shape: scalar, init: 1}}}}
nodes: {{f: mean((w * x - y) ** 2)}}
data: {{source: {source}, path: '{path}', batch: 2, feed: {{x: {x}, y: {y}}}}}
"""
LAYER = """graphflow: 1
name: a layer
params:
  w: {{shape: [2], init: ones, weights: '{path}'}}
nodes: {{f: sum(w ** 2)}}
"""
BLOCKS = """graphflow: 1
name: blocks of another file
use: {{other: '{path}'}}
params: {{w: {{shape: scalar, init: 1}}}}
nodes: {{f: w ** 2}}
"""


@pytest.fixture(scope="module", autouse=True)
def files(grounds: Path) -> None:
    """The same files inside and outside, links from inside to outside."""
    for folder in ("models", "outside"):
        place = grounds / folder
        (place / "rows.csv").write_text("a,b\n1,2\n3,4\n")
        (place / "secret.txt").write_text("seven hills\nof rome\n")
        np.savez(place / "rows.npz", a=np.ones(4), b=np.ones(4))
        save_file({"w": np.ones(2)}, place / "w.safetensors")
        shutil.copyfile(find("xyz"), place / "graph.yaml")
    for name in ("rows.csv", "w.safetensors", "graph.yaml"):
        (grounds / "models" / f"link-{name}").symlink_to(grounds / "outside" / name)
    (grounds / "models" / "links").symlink_to(grounds / "outside")


def refused(studio: Studio, workspace: Workspace) -> Diagnostic:
    with pytest.raises(GraphflowError) as caught:
        studio.client("stranger").ask(workspace, "overview")
    return caught.value.diagnostics[0]


def opened(studio: Studio, workspace: Workspace) -> None:
    assert studio.client("stranger").ask(workspace, "overview")


def table(path: Path | str, source: str = "csv") -> Workspace:
    text = TABLE.format(source=source, path=path, x="a", y="b")
    return Workspace(text=text, of="f")


def test_a_table_in_an_allowed_folder_is_read(studio: Studio, grounds: Path):
    opened(studio, table(grounds / "models" / "rows.csv"))
    opened(studio, table(grounds / "models" / "rows.npz", "npz"))


def test_babel_may_ask_for_the_time_zone():
    pytest.importorskip("babel")
    code = (
        "from graphflow.studio.confinement import Confinement\n"
        "from graphflow.studio.limits import Limits\n"
        "Confinement(Limits()).install()\n"
        "import babel.dates"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("place", [
    "outside/rows.csv", "models/link-rows.csv", "models/../outside/rows.csv",
    "models/links/rows.csv",
])  # fmt: skip
def test_a_table_outside_is_not_read_and_the_line_is_told(
    studio: Studio, grounds: Path, place: str
):
    found = refused(studio, table(grounds / place))
    assert "does not read outside the folders" in found.message
    assert found.mark is not None and found.mark.line == 6


@pytest.mark.parametrize(("source", "file"), [("npz", "rows.npz"), ("csv", "/etc/passwd")])
def test_no_reader_of_data_gets_around_it(studio: Studio, grounds: Path, source: str, file: str):
    found = refused(studio, table(grounds / "outside" / file, source))
    assert "does not read outside" in found.message


def test_a_text_outside_is_not_read(studio: Studio, grounds: Path):
    place = grounds / "outside" / "secret.txt"
    text = f"""graphflow: 1
name: a text
inputs: {{x: {{shape: [B, 4], dtype: int64}}}}
params: {{w: {{shape: scalar, init: 1}}}}
nodes: {{f: 'w * mean(cast(x, float))'}}
data: {{source: text, path: '{place}', steps: 4, batch: 2, feed: {{x: x}}}}
"""
    assert "does not read outside" in refused(studio, Workspace(text=text, of="f")).message


@pytest.mark.parametrize("place", [
    "/proc/self/maps", "/proc/cpuinfo", "/etc", "/etc/passwd", "/etc/there-is-none", np.__file__,
    graphflow.__file__,
])  # fmt: skip
@pytest.mark.parametrize("kind", ["text", "csv", "npz", "npy", "images", "lines", "weights",
                                  "use", "graph", "run"])  # fmt: skip
def test_what_lies_outside_has_one_answer_whether_it_is_there_or_not(
    studio: Studio, kind: str, place: str
):
    if kind in ("graph", "run"):
        shown = Workspace(**{kind: place})
    elif kind in ("weights", "use"):
        shown = Workspace(text=(LAYER if kind == "weights" else BLOCKS).format(path=place), of="f",
                          folder="/" if kind == "use" else "")  # fmt: skip
    else:
        shown = table(place, kind)
    found = refused(studio, shown)
    assert found.code == "GF131"
    expected = "the studio does not read outside the folders that it was given"
    assert found.message == f"'{place}': {expected}"


def test_a_link_to_the_outside_does_not_tell_where_it_leads(studio: Studio, grounds: Path):
    link = str(grounds / "models" / "link-rows.csv")
    found = refused(studio, table(link))
    assert found.message.startswith(f"'{link}'") and "outside/" not in found.message


def test_a_path_that_an_override_gives_is_held_to_the_same(studio: Studio, grounds: Path):
    shown = replace(table(grounds / "models" / "rows.csv"),
                    overrides=(("data.path", str(grounds / "outside" / "rows.csv")),))  # fmt: skip
    assert "does not read outside" in refused(studio, shown).message


@pytest.mark.parametrize("place", ["outside/w.safetensors", "models/link-w.safetensors"])
def test_weights_are_read_by_a_library_and_held_to_the_same(
    studio: Studio, grounds: Path, place: str
):
    opened(studio, Workspace(text=LAYER.format(path=grounds / "models" / "w.safetensors"), of="f"))
    found = refused(studio, Workspace(text=LAYER.format(path=grounds / place), of="f"))
    assert found.code == "GF131" and "does not read outside" in found.message
    assert found.mark is not None and found.mark.line == 4


def test_blocks_of_a_file_outside_are_not_used(studio: Studio, grounds: Path):
    for place in ("outside/graph.yaml", "models/link-graph.yaml"):
        found = refused(studio, Workspace(text=BLOCKS.format(path=grounds / place), of="f"))
        assert "does not read outside" in found.message or found.code in ("GF001", "GF074")


@pytest.mark.parametrize("place", ["outside/graph.yaml", "models/link-graph.yaml",
                                   "models/../outside/graph.yaml"])  # fmt: skip
def test_a_graph_outside_is_not_opened(studio: Studio, grounds: Path, place: str):
    opened(studio, Workspace(graph=str(grounds / "models" / "graph.yaml")))
    found = refused(studio, Workspace(graph=str(grounds / place)))
    assert found.code == "GF131" and "does not read outside" in found.message


def trained(folder: Path) -> None:
    model = loads("""
graphflow: 1
name: w
params: {w: {shape: scalar, init: '4.0'}}
nodes: {f: w ** 2}
train: {minimize: f, optimizer: sgd(lr=0.25), steps: 2}
""")
    train(model, out=folder)


def test_the_run_folder_of_somebody_else_is_not_opened(studio: Studio, grounds: Path):
    trained(grounds / "runs" / "mine")
    trained(grounds / "outside" / "theirs")
    opened(studio, Workspace(run=str(grounds / "runs" / "mine")))
    (grounds / "runs" / "link").symlink_to(grounds / "outside" / "theirs")
    for place in ("outside/theirs", "runs/../outside/theirs", "runs/link"):
        found = refused(studio, Workspace(run=str(grounds / place)))
        assert "does not read outside" in found.message


def test_a_run_that_says_its_data_lie_elsewhere_does_not_reach_them(studio: Studio, grounds: Path):
    run = grounds / "runs" / "crafted"
    trained(run)
    about = json.loads((run / "run.json").read_text())
    about["folder"] = str(grounds / "outside")
    (run / "run.json").write_text(json.dumps(about))
    (run / "graph.yaml").write_text(TABLE.format(source="csv", path="rows.csv", x="a", y="b"))
    assert "does not read outside" in refused(studio, Workspace(run=str(run), of="f")).message


def test_a_checkpoint_is_one_of_the_run(studio: Studio, grounds: Path):
    trained(grounds / "runs" / "second")
    for name in ("../../../outside/w", "../../outside/w.safetensors", "best"):
        found = refused(studio, Workspace(run=str(grounds / "runs" / "second"), checkpoint=name))
        assert found.code == "GF064"


def test_nothing_is_downloaded_unless_the_network_is_allowed(
    limits: Limits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GRAPHFLOW_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    studio = Studio(limits)
    try:
        found = studio.client("stranger").ask(
            Workspace(graph="lenet_sigmoid", overrides=(("paper", "true"),)), "overview"
        )
    finally:
        studio.close()
    assert isinstance(found, Overview) and not (tmp_path / "cache").exists()
    assert any("their data are not on this machine" in warning for warning in found.warnings)


ATTEMPTS = {
    "a program": "__import__('subprocess').run(['true'])",
    "a shell": "os.system('true')",
    "a fork": "os.fork()",
    "another program": "os.execv('/bin/true', ['true'])",
    "a signal": "os.kill(os.getppid(), 0)",
    "a connection": "socket.create_connection(('127.0.0.1', 9))",
    "a name": "socket.getaddrinfo('localhost', 80)",
    "a server": "socket.socket().bind(('127.0.0.1', 0))",
    "a file": "open(outside / 'new', 'w')",
    "a file beside models": "open(models / 'new', 'w')",
    "a longer file": "open(models / 'rows.csv', 'a')",
    "a file through a link": "open(runs / 'out' / 'new', 'w')",
    "a shorter file": "os.truncate(models / 'rows.csv', 0)",
    "a file less": "os.remove(models / 'rows.csv')",
    "a folder less": "shutil.rmtree(models)",
    "another name": "os.rename(models / 'rows.csv', models / 'b.csv')",
    "a file out of the runs": "os.rename(runs / 'file', models / 'file')",
    "a file into the runs": "os.rename(models / 'rows.csv', runs / 'b.csv')",
    "a link into the runs": "os.symlink(runs / 'file', models / 'file')",
    "a hard link": "os.link(outside / 'rows.csv', runs / 'rows.csv')",
    "a folder": "os.mkdir(outside / 'new')",
    "other rights": "os.chmod(models / 'rows.csv', 0)",
    "another place": "os.chdir(outside)",
    "a listing": "os.listdir(outside)",
    "a walk": "list(os.scandir(outside))",
    "a look": "open(outside / 'rows.csv')",
    "a look by number": "os.open(outside / 'rows.csv', os.O_RDONLY)",
    "a look at our secrets": "open('/proc/self/environ')",
    "a look at our parent": "open(f'/proc/{os.getppid()}/environ')",
}
ALLOWED = {
    "a file in the runs": "open(runs / 'new', 'w').close()",
    "a folder in the runs": "os.mkdir(runs / 'folder')",
    "less in the runs": "shutil.rmtree(runs / 'folder')",
    "another name in the runs": "os.rename(runs / 'new', runs / 'newer')",
    "a model": "open(models / 'rows.csv').close()",
    "a canned graph": "graphflow.load('mlp')",
    "what Python imports": "__import__('sklearn.datasets')",
}
TRIED = """
import json, os, shutil, socket, sys, graphflow
from pathlib import Path
from graphflow.studio.confinement import Confinement, Refused
from graphflow.studio.limits import Limits
grounds, attempts = Path(sys.argv[1]), json.loads(sys.argv[2])
models, runs, outside = (grounds / name for name in ("models", "runs", "outside"))
Confinement(Limits((str(models),), str(runs)), training=True).install()
found = {}
for name, code in attempts.items():
    try:
        eval(code)
        found[name] = "done"
    except Refused:
        found[name] = "refused"
    except OSError as error:
        found[name] = str(error)
print(json.dumps(found))
"""


@pytest.mark.slow
def test_a_process_can_do_what_trainings_need_and_nothing_else(grounds: Path):
    (grounds / "runs" / "file").write_text("")
    (grounds / "runs" / "out").symlink_to(grounds / "outside")
    attempts = json.dumps(ATTEMPTS | ALLOWED)
    answer = subprocess.run(
        [sys.executable, "-c", TRIED, str(grounds), attempts],
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    found = json.loads(answer.stdout)
    assert found == dict.fromkeys(ATTEMPTS, "refused") | dict.fromkeys(ALLOWED, "done")
