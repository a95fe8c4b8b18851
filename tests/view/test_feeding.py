"""What is fed to a file that nobody trains."""

import numpy as np
import pytest

from graphflow.api import loads
from graphflow.diagnostics import GraphflowError
from graphflow.training.images import image_shapes
from graphflow.view.feeding import own_feed, usual_feed
from graphflow.view.study import Study
from graphflow.view.workspace import Workspace

NET = """
graphflow: 1
name: net
inputs: {{image: [B, 1, 28, 28], label: {{shape: [B], dtype: int}}}}
layers: {{net: linear(10)}}
nodes:
  loss: cross_entropy(net(flatten(image)), label)
data: {data}
train: {{minimize: loss, optimizer: sgd(lr=0.1)}}
"""


@pytest.mark.parametrize("walk", ["gradient", "training"])
def test_random_numbers_stand_for_published_data_that_are_not_here(walk, tmp_path, monkeypatch):
    def away(*_: object, **__: object) -> None:
        raise PermissionError("no network")

    monkeypatch.setenv("GRAPHFLOW_DATA", str(tmp_path))
    monkeypatch.setenv("GRAPHFLOW_CACHE", str(tmp_path))
    monkeypatch.setattr("graphflow.data.download.connect", away)
    monkeypatch.setattr("graphflow.data.download.PAUSE", 0)
    study = Study(Workspace(text=NET.format(data="{source: mnist}"), walk=walk))
    overview = study.overview()
    assert overview.fed == "random numbers"
    assert overview.warnings == (
        "random numbers are fed to image, label: their data are not on this machine: "
        "graphflow fetch mnist",
    )
    assert np.isfinite(study.value(len(study.steps) - 1, "loss"))


def test_a_file_of_ones_own_that_is_not_there_is_an_error():
    with pytest.raises(GraphflowError) as raised:
        Study(Workspace(text=NET.format(data="{source: csv, path: away.csv}")))
    assert "GF072" in {d.code for d in raised.value.diagnostics}


def test_random_numbers_stand_where_nothing_is_fed():
    study = Study(Workspace(text="{graphflow: 1, name: n, inputs: {x: [3]}, nodes: {f: sum(x)}}"))
    assert study.overview().fed == "random numbers"
    assert study.overview().warnings
    values = study.value(len(study.steps) - 1, "x")
    np.testing.assert_array_equal(values, np.random.default_rng(0).normal(size=3))


FED = """
graphflow: 1
name: fed
inputs: {x: [B, 64]}
params: {w: {shape: [64, 64], init: normal()}}
nodes: {f: mean(x)}
data: {source: digits, feed: {x: FEED}}
"""


@pytest.mark.parametrize(
    ("feed", "shapes"),
    [
        ("pixels", {"x": (1, 8, 8)}),
        ("1 - 2 * (pixels / 16)", {"x": (1, 8, 8)}),
        ("'pixels[:, ::-1]'", {}),
        ("'reshape(image, [-1, 64])'", {}),
    ],
)
def test_what_the_data_call_images_is_one_where_pixels_stay_in_their_places(feed, shapes):
    study = Study(Workspace(text=FED.replace("FEED", feed)))
    assert image_shapes(study.model.elaborated) == shapes


def test_digits_in_rows_are_shown_as_images():
    """Four digits of scikit-learn side by side, a line of one cell between them, each cell 10
    pixels: 384 // (4 * 9 - 1)."""
    from io import BytesIO

    from PIL import Image

    study = Study(Workspace(graph="mlp"))
    rows = study.value(0, "x").reshape(4, 8, 8)
    operands = (part for step in study.steps for part in study.detail(step.index).operands)
    for shown in (study.shown("x", -1), next(part for part in operands if part.name == "x")):
        assert shown.name == "x" and shown.caption == "4 rows as images of 8 x 8"
        seen = np.asarray(Image.open(BytesIO(shown.picture)).convert("L"))
        assert seen.shape == (80, 350)
        for i, row in enumerate(rows):
            digit = seen[5::10, 5 + 90 * i : 85 + 90 * i : 10]
            assert np.abs(digit - 255 * row).max() <= 1


SIZED = """
graphflow: 1
name: sized
let: {n: 2}
inputs: {x: [n]}
params: {w: {shape: [n], init: ones}}
nodes: {f: sum(w * x)}
check:
  - {feed: {x: [1, 2]}, params: {w: [3, 4]}, expect: {f: 11}}
"""


def test_a_check_feeds_the_sizes_it_was_written_for():
    study = Study(Workspace(text=SIZED))
    assert study.overview().fed == "a check's feed"
    assert float(study.value(len(study.steps) - 1, "f")) == 11


def test_a_check_is_left_aside_where_other_sizes_are_set():
    study = Study(Workspace(text=SIZED.replace("n: 2", "n: 3")))
    assert study.overview().fed == "random numbers"
    assert study.overview().warnings == (
        "random numbers are fed to x: the file's checks are written for other sizes",
    )
    assert study.value(len(study.steps) - 1, "w").shape == (3,)


DATA = """
graphflow: 1
name: data
inputs: {x: [B, 64]}
nodes: {f: "sum(relu(x))"}
data: {source: digits, feed: {x: pixels / 16}}
check:
  - {feed: {x: 'zeros([1, 64])'}, expect: {f: 0}}
"""


def test_gradients_are_checked_at_data_rather_than_at_the_corners_that_checks_feed():
    model = loads(DATA)
    assert own_feed(model, model.graph).source == "a check's feed"
    assert usual_feed(model, model.graph).source == "data"
    assert usual_feed(loads(SIZED), loads(SIZED).graph).source == "a check's feed"


@pytest.mark.parametrize(("declared", "rows"), [("[B, 64]", 4), ("[64, 64]", 64)])
def test_few_rows_of_data_are_fed_unless_an_input_has_all_of_a_batch(declared, rows):
    model = loads(DATA.replace("[B, 64]", declared).replace("digits", "digits, batch: 64"))
    assert len(usual_feed(model, model.graph).values["x"]) == rows
