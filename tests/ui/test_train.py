"""The page Train, driven without a browser."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from graphflow.figures import Chart, Labels, Series
from graphflow.studio import client
from graphflow.studio.client import Studio
from graphflow.studio.limits import Limits
from graphflow.view.workspace import Workspace
from ui import going
from ui.state import KEY, Session
from ui.train.curves import points, specification

PARABOLA = """
graphflow: 1
name: a parabola
let: {lr: 0.25}
params: {w: {shape: scalar, init: '4.0'}}
nodes: {f: w ** 2}
train: {minimize: f, optimizer: sgd(lr=lr), steps: 3}
figures: {way: {kind: line, y: train/loss}}
"""


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    place = tmp_path_factory.mktemp("studio")
    before = client._opened
    found = client._opened = Studio(Limits((str(place),), str(place / "runs")))
    yield found
    found.close()
    client._opened = before


def opened(workspace: Workspace | None) -> AppTest:
    def script() -> None:
        from ui.screens import train

        train.page()

    page = AppTest.from_function(script, default_timeout=30)
    page.session_state[KEY] = Session(workspace)
    return page.run()


def button(page: AppTest, label: str):
    return next(each for each in page.button if each.label == label)


def texts(page: AppTest) -> str:
    return " ".join(each.value for kind in (page.markdown, page.error, page.info) for each in kind)


def trained(studio: Studio, text: str, folder: str = "") -> AppTest:
    page = opened(Workspace(text=text, folder=folder))
    button(page, "Start").click().run()
    (job,) = (j for j in studio.jobs._jobs.values() if str(j.folder) ==
              page.session_state["train_shown"])  # fmt: skip
    assert job.wait(20)
    return page.run()


def test_without_a_graph_the_page_says_what_to_do(studio: Studio):
    page = opened(None)
    assert not page.exception and "Open a graph in the gallery" in texts(page)


def test_a_training_is_started_and_its_curves_are_drawn(studio: Studio):
    page = trained(studio, PARABOLA)
    assert not page.exception and not page.error
    assert "**complete**" in texts(page)
    assert page.metric[0].value == "3 of 3" and page.metric[2].value == "1"
    assert [curves_of(chart) for chart in page.get("vega_lite_chart")] == [
        ["each update"], ["w"], ["0.001, a guide", "w"]
    ]  # fmt: skip


EPOCHS = """
graphflow: 1
name: a mean
params: {w: {shape: scalar, init: '0.0'}}
inputs: {x: {shape: [B]}}
nodes: {f: mean((x - w) ** 2)}
data: {source: csv, path: only.csv, batch: 1, shuffle: false, feed: {x: x}}
train: {minimize: f, optimizer: sgd(lr=0.5), epochs: 1}
"""


def test_the_metrics_are_of_the_last_epoch_and_the_last_update_is_named_so(studio: Studio):
    """w is 0, then 1, then 3: losses of the batches are (1 - 0)^2 and (3 - 1)^2, their mean 2.5."""
    folder = studio.limits.folders[0]
    (Path(folder) / "only.csv").write_text("x\n1.0\n3.0\n")
    page = trained(studio, EPOCHS, folder)
    found = {each.label: each.value for each in page.metric}
    assert found == {"updates": "2", "epochs": "1 of 1", r"train\/loss": "2.5"}
    (about,) = (each.value for each in page.caption if "last update" in each.value)
    assert "epoch 1" in about and "loss 4" in about


def test_labels_have_no_backslashes_and_no_picture_begins_without_numbers(studio: Studio):
    """Vega warns of a scale without numbers; numbers with a name are there from the first."""
    page = opened(Workspace(text=PARABOLA))
    labels = [each.label for kind in (page.text_input, page.number_input) for each in kind]
    assert "optimizer" in labels and not any("\\" in each for each in labels)
    drawn = trained(studio, PARABOLA).get("vega_lite_chart")
    assert drawn and all(
        [each.name for each in chart.proto.datasets] == ["points"]
        and not chart.proto.HasField("data")
        for chart in drawn
    )


def curves_of(chart) -> list[str]:
    return json.loads(chart.proto.spec)["encoding"]["color"]["scale"]["domain"]


def test_curves_that_grow_are_the_same_charts_with_other_numbers():
    """A new specification would be a new chart: what was zoomed would be lost."""
    def chart(count: int) -> Chart:
        y = np.linspace(0.0, 1.0, count)
        return Chart([Series("a", y, y), Series("b", y * np.nan)], Labels("t", "x", "y"), "y")

    assert specification(chart(3), "light") == specification(chart(4), "light")
    assert points(chart(3)) == {
        "curve": ["a", "a"], "place": [0, 0], "x": [0.5, 1.0], "y": [0.5, 1.0]
    }  # fmt: skip


def test_curves_that_are_too_many_to_name_are_coloured_in_their_order():
    series = [Series(str(number), np.ones(2), np.arange(2.0)) for number in range(60)]
    chart = Chart(series, Labels("t", "x", "y"), "y", legend=False)
    colour = specification(chart, "dark")["encoding"]["color"]
    assert colour["field"] == "place" and colour["scale"]["domain"] == [0, 59]
    assert points(chart)["place"][-1] == 59


def test_what_makes_no_sense_in_a_state_cannot_be_pressed_and_says_why(studio: Studio):
    page = trained(studio, PARABOLA)
    resume = button(page, "Resume")
    assert resume.disabled and "how far" in resume.help
    page.number_input(key="train_resume_updates").set_value(5).run()
    assert not button(page, "Resume").disabled


def test_an_order_that_is_delivered_again_is_no_second_one(studio: Studio):
    page = opened(Workspace(text=PARABOLA))
    first = button(page, "Start")
    first.click().run()
    count = len(studio.jobs._jobs)
    first.click().run()
    assert len(studio.jobs._jobs) == count and not page.exception
    assert next(reversed(studio.jobs._jobs.values())).wait(20)


def test_a_setting_of_the_file_is_changed(studio: Studio):
    page = opened(Workspace(text=PARABOLA))
    found = {each.label: each.value for each in page.text_input}
    assert found == {"lr": "0.25", "optimizer": "sgd(lr=lr)", "steps": "3"}
    page.text_input(key="train_set_lr").set_value("0.5")
    button(page, "Start").click().run()
    job = next(reversed(studio.jobs._jobs.values()))
    assert job.wait(20) and job.order.workspace.overrides == (("lr", "0.5"),)


def test_a_wrong_change_is_told_and_nothing_is_started(studio: Studio):
    page = opened(Workspace(text=PARABOLA))
    count = len(studio.jobs._jobs)
    page.text_area[0].set_value("no override")
    button(page, "Start").click().run()
    assert not page.exception and "GF025" in texts(page) and len(studio.jobs._jobs) == count


def test_what_is_wrong_with_a_training_is_told(studio: Studio):
    page = trained(studio, PARABOLA.replace("lr: 0.25", "lr: 1e9").replace("steps: 3", "steps: 99"))
    assert not page.exception and "GF062" in texts(page) and "**failed**" in texts(page)


def test_the_figures_of_the_file_are_drawn_when_asked_for(studio: Studio):
    page = trained(studio, PARABOLA)
    page.toggle[0].set_value(True).run()
    assert not page.exception and not page.error and len(page.get("plotly_chart")) == 1


def test_a_checkpoint_opens_in_explore(studio: Studio, monkeypatch: pytest.MonkeyPatch):
    gone: list[str] = []
    monkeypatch.setattr(going, "go", gone.append)
    page = trained(studio, PARABOLA)
    button(page, "last checkpoint, update 3").click().run()
    assert not page.exception and gone == ["explore"]
    workspace = page.session_state[KEY].workspace
    assert workspace.run == page.session_state["train_shown"]
    found = studio.client("x").ask(workspace, "overview")
    name = page.session_state["train_shown"].rpartition("/")[2]
    assert found.trained == f"run {name}, its last checkpoint, after 3 updates"


def test_a_file_without_training_says_so(studio: Studio):
    page = opened(Workspace(graph="xyz"))
    assert not page.exception and "nothing to train" in texts(page)


def test_a_killed_training_says_so_and_can_be_resumed(studio: Studio):
    text = PARABOLA.replace("steps: 3", "steps: 100000000")
    page = opened(Workspace(text=text))
    button(page, "Start").click().run()
    job = next(reversed(studio.jobs._jobs.values()))
    end = time.monotonic() + 20
    while job.report.step == 0 and time.monotonic() < end:
        time.sleep(0.02)
    page.run()
    button(page, "Pause").click().run()
    while job.report.state != "paused" and time.monotonic() < end:
        time.sleep(0.02)
    job.kill()
    assert job.wait(20)
    page.run()
    assert "**killed**" in texts(page) and "SIGKILL" in texts(page)
    step = job.report.step
    page.number_input(key="train_resume_updates").set_value(step + 2).run()
    button(page, "Resume").click().run()
    assert not page.exception
    again = studio.jobs.job(Path(page.session_state["train_shown"]))
    assert again is not None and again is not job and again.wait(20)
    assert again.report.step == step + 2
