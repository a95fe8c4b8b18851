"""``graphflow report``, and the report that ``graphflow run`` leaves."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from graphflow.diagnostics import GraphflowError
from graphflow.figures import Chart, Report, Series, draw, report_html, write_png

from .conftest import SMALL

FIGURES = """\
figures:
  curves: {kind: line, y: [train/loss, test/loss], log: y}
  digits: {kind: images, of: x, labels: [y, logits], count: 4}
"""
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)


class Requests(HTMLParser):
    """What a page would ask of the network when it is opened."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        loads = {"src", "srcset", "data", "poster"} | ({"href"} if tag == "link" else set())
        self.asked += [value for name, value in attrs if name in loads and value]


def held(page: str) -> dict[str, object]:
    """The figures inside a page."""
    return json.loads(re.search(r"^const FIGURES = (.*);$", page, re.M)[1])


def cells(page: str) -> list[list[str]]:
    """The rows of the tables of a page."""
    rows = re.findall(r"<tr>(.*?)</tr>", page)
    return [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row) for row in rows]


def numbers(values) -> list[float]:
    """Values of a trace; plotly writes arrays as base64."""
    if isinstance(values, dict):
        return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"]).tolist()
    return values


@pytest.fixture
def drawn(small: Path) -> Path:
    small.write_text(SMALL + FIGURES)
    return small


@pytest.fixture
def run(cli, drawn: Path, tmp_path: Path) -> Path:
    assert cli("run", drawn, "--set", "hidden=8", "--out", tmp_path / "one").code == 0
    return tmp_path / "one"


def test_a_run_with_figures_leaves_its_report(run: Path):
    page = (run / "report.html").read_text()
    figures = held(page)
    assert list(figures) == ["figure-curves", "figure-digits"]
    metrics = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    train, test = figures["figure-curves"]["data"]
    assert (train["name"], test["name"]) == ("train/loss", "test/loss")
    assert "a small net with dropout" in page
    assert f"{metrics[-1]['metrics']['test/loss']:.4g}" in page
    assert ["set hidden", "8"] in cells(page)


def test_a_report_asks_nothing_of_the_network(run: Path):
    page = (run / "report.html").read_text()
    assert Requests(page).asked == []
    assert "default-src 'none'" in page
    assert page.count("plotly.js v") == 1
    assert not re.search(r"@import|url\((?!data:)", page.partition("<script>")[0])


def test_a_run_without_figures_leaves_none_but_can_be_asked_for_one(cli, small, tmp_path):
    assert cli("run", small, "--out", tmp_path / "two").code == 0
    assert not (tmp_path / "two" / "report.html").exists()
    answer = cli("report", tmp_path / "two", "--json")
    assert answer.code == 0
    assert answer.json["figures"] == ["train-loss", "train-accuracy"]
    assert (tmp_path / "two" / "report.html").exists()


def test_a_report_can_be_made_of_a_run_that_has_just_begun(cli, run: Path):
    shutil.rmtree(run / "checkpoints")
    (run / "metrics.jsonl").write_bytes(b"")
    answer = cli("report", run, "--json")
    assert (answer.code, answer.json["figures"]) == (0, ["curves", "digits"])


def test_several_runs_lie_over_each_other(cli, run, small, tmp_path):
    other = tmp_path / "two"
    assert cli("run", small, "--set", "hidden=4", "--epochs", 1, "--out", other).code == 0
    assert cli("report", run, other, "--out", tmp_path / "both.html").code == 0
    page = (tmp_path / "both.html").read_text()
    names = [trace["name"] for trace in held(page)["figure-train-loss"]["data"]]
    assert names == ["one: train/loss", "one: test/loss", "two: train/loss", "two: test/loss"]
    assert ["set hidden", "8", "4"] in cells(page)
    assert ["epochs", "-", "1"] in cells(page)


def test_the_folds_of_a_run_lie_over_each_other_in_order(cli, run: Path, tmp_path):
    folds = shutil.copytree(run, tmp_path / "folds")
    for number in range(1, 12):
        shutil.copytree(run, folds / f"fold-{number}")
    assert cli("report", folds).code == 0
    page = (folds / "report.html").read_text()
    names = list(dict.fromkeys(row[0].partition(":")[0] for row in cells(page) if ":" in row[0]))
    assert names == [f"fold-{number}" for number in range(1, 12)]


def test_an_iteration_without_figures_shows_what_it_reports(cli, tmp_path):
    file = tmp_path / "halving.yaml"
    file.write_text("""
graphflow: 1
name: halving
state: {x: {shape: scalar, init: ones}}
nodes: {half: x / 2}
updates: {x: half}
run: {steps: 4, report: [half]}
""")
    assert cli("run", file, "--out", tmp_path / "halves").code == 0
    assert cli("report", tmp_path / "halves").code == 0
    page = (tmp_path / "halves" / "report.html").read_text()
    (trace,) = held(page)["figure-train-half"]["data"]
    assert trace["name"] == "half"
    assert "<td>half</td>" in page


KEEPING = """
graphflow: 1
name: halving
let: {rate: 2}
state: {x: {shape: [2], init: ones}, w: {shape: [9], init: ones}}
nodes: {half: x / rate, length: sum(half), rest: w / rate}
updates: {x: half, w: rest}
run: {steps: 3, history: [x, length, w]}
"""


def test_an_iteration_without_figures_shows_what_it_keeps(cli, tmp_path):
    """Numbers and short vectors over steps: x after k steps is 2^-k, half of it 2^-(k+1)."""
    file = tmp_path / "halving.yaml"
    file.write_text(KEEPING)
    assert cli("run", file, "--out", tmp_path / "one").code == 0
    assert cli("report", tmp_path / "one", "--json").json["figures"] == ["train-x", "train-length"]
    figures = held((tmp_path / "one" / "report.html").read_text())
    first, second = figures["figure-train-x"]["data"]
    assert (first["name"], second["name"]) == ("x[0]", "x[1]")
    assert numbers(first["x"]) == [0, 1, 2, 3] and numbers(first["y"]) == [1, 0.5, 0.25, 0.125]
    (length,) = figures["figure-train-length"]["data"]
    assert numbers(length["y"]) == [1, 0.5, 0.25]


def test_where_a_trajectory_is_drawn_only_what_is_reported_is_added(cli, tmp_path):
    file = tmp_path / "halving.yaml"
    grid = "{kind: contour, of: length, x: 'x[0]', y: 'x[1]', x_range: [0, 1], y_range: [0, 1]"
    text = KEEPING.replace("steps: 3,", "steps: 3, report: [length],")
    file.write_text(f"{text}figures:\n  way: {grid}, points: 3, trajectory: true}}\n")
    assert cli("run", file, "--out", tmp_path / "one").code == 0
    assert cli("report", tmp_path / "one", "--json").json["figures"] == ["train-length", "way"]


def test_histories_of_several_runs_lie_over_each_other(cli, tmp_path):
    file = tmp_path / "halving.yaml"
    file.write_text(KEEPING)
    one, two = tmp_path / "one", tmp_path / "two"
    assert cli("run", file, "--out", one).code == 0
    assert cli("run", file, "--set", "rate=4", "--out", two).code == 0
    page = tmp_path / "both.html"
    assert cli("report", one, two, "--out", page).code == 0
    drawn = held(page.read_text())["figure-train-length"]["data"]
    assert [(trace["name"], numbers(trace["y"])) for trace in drawn] == [
        ("one: length", [1, 0.5, 0.25]), ("two: length", [0.5, 0.125, 0.03125]),
    ]  # fmt: skip


def test_what_is_reported_and_kept_is_shown_once(cli, tmp_path):
    file = tmp_path / "halving.yaml"
    file.write_text(KEEPING.replace("steps: 3,", "steps: 3, report: [length],"))
    assert cli("run", file, "--out", tmp_path / "one").code == 0
    answer = cli("report", tmp_path / "one", "--json")
    assert answer.json["figures"] == ["train-length", "train-x"]


def test_a_figure_that_cannot_be_drawn_says_why_and_the_others_are_there(cli, run: Path):
    graph = run / "graph.yaml"
    graph.write_text(graph.read_text().replace("count: 4", "count: 4\n    shape: [7, 9]"))
    answer = cli("report", run)
    assert answer.code == 1
    assert "figure 'digits' cannot be drawn" in answer.err
    assert "64 pixels make no image of 7 x 9" in answer.err
    page = (run / "report.html").read_text()
    assert list(held(page)) == ["figure-curves"]
    assert "64 pixels make no image of 7 x 9" in page


def test_mistakes_of_the_command_line_are_told(cli, run: Path, tmp_path: Path):
    answer = cli("report", tmp_path / "none")
    assert (answer.code, "is not the folder of a run" in answer.err) == (2, True)
    answer = cli("report", run, "--out", run)
    assert (answer.code, "is a folder" in answer.err) == (2, True)


def test_nothing_of_a_file_becomes_a_tag_of_the_page():
    figure = draw(Chart([Series("</script><b>", [1.0, 2.0])]))
    text = "<script>alert(1)</script>"
    page = report_html(Report(text, text, [text], shown={"a": figure, "b": text}))
    assert page.count("<script>") == 2 and "alert(1)</script>" not in page


def test_images_without_kaleido_say_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr("graphflow.figures.png.find_spec", lambda name: None)
    with pytest.raises(GraphflowError, match="'kaleido' is not installed") as caught:
        write_png({}, tmp_path)
    assert caught.value.diagnostics[0].help == "pip install 'graphflow[png]'"


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chrome or Chromium is installed")
def test_the_page_draws_every_figure_in_a_browser_without_a_network(run: Path):
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=8000",
        "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", "--dump-dom",
        (run / "report.html").as_uri(),
    ]  # fmt: skip
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    drawn = re.findall(r'id="figure-(\w+)" class="js-plotly-plot"', answer.stdout)
    assert drawn == ["curves", "digits"]
    assert answer.stdout.count('class="main-svg"') >= 2
    assert "CONSOLE" not in answer.stderr, answer.stderr


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chrome or Chromium is installed")
def test_figures_become_images(cli, run: Path):
    pytest.importorskip("kaleido")
    answer = cli("report", run, "--png", "--json")
    assert answer.err.endswith("is written; a browser draws 2 images, it takes a while\n")
    images = [Path(path) for path in answer.json["images"]]
    assert [path.name for path in images] == ["curves.png", "digits.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in images)


@pytest.mark.browser
def test_images_without_a_browser_say_so(monkeypatch, tmp_path):
    pytest.importorskip("kaleido")
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "no browser"))
    with pytest.raises(GraphflowError, match="needs a Chrome or Chromium"):
        write_png({"a": draw(Chart([Series("a", [1.0, 2.0])]))}, tmp_path)
