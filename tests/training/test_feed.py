"""Problems with data are placed at the option they are problems with."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import graphflow as gf
from graphflow.diagnostics import GraphflowError
from graphflow.training.feed import Feed

FILE = """graphflow: 1
name: a fit
inputs: {{x: {{shape: [B]}}}}
params: {{w: {{shape: [], init: ones}}}}
nodes: {{loss: mean((x - w) ** 2)}}
data:
  source: {source}
  {option}
  feed:
    x: '{column}'
train: {{minimize: loss, optimizer: sgd(0.1), epochs: 1}}
"""


def marked(source: str, option: str, column: str = "x") -> str:
    """The marked text of the first diagnostic."""
    text = FILE.format(source=source, option=option, column=column)
    with pytest.raises(GraphflowError) as caught:
        gf.train(gf.loads(text))
    mark = caught.value.diagnostics[0].mark
    assert mark is not None
    return mark.text.strip()


@pytest.mark.parametrize("source", ["csv", "npz", "text"])
def test_a_missing_file_is_placed_at_its_path(source):
    assert marked(source, "path: none.csv") == "path: none.csv"


@pytest.mark.parametrize("shares", ["train: 0.8, test: 0.3", "train: 1, test: 1e-9"])
def test_a_wrong_split_is_placed_at_the_split(shares):
    option = f"split: {{{shares}}}"
    assert marked("moons", option, "x[:, 0]") == option


def test_a_damaged_image_is_placed(tmp_path):
    option = f"path: {tmp_path}\n  mode: L"
    Image.new("L", (2, 2)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no image")
    assert marked("images", option, "image[:, 0, 0, 0] / 255") == "source: images"


# -- feeds that draw ----------------------------------------------------------------------------
FLIPPED = """graphflow: 1
name: flips
inputs: {image: {shape: [B, 1, 8, 8]}, label: {shape: [B], dtype: int}}
params: {w: {shape: [64, 10], init: zeros}}
nodes: {loss: 'cross_entropy(flatten(image) @ w, label)'}
data:
  source: digits
  batch: 300
  feed: {image: random_horizontal_flip(image / 16), label: label}
  split: {train: 0.5, test: 0.5}
train: {minimize: loss, optimizer: sgd(0.1), epochs: 1}
"""


def served(feed: Feed, epoch: int, start: int = 0) -> list[np.ndarray]:
    return [inputs["image"] for inputs, _ in feed.training(epoch, start)]


def test_a_feed_draws_by_seed_epoch_and_batch_alone():
    elaborated = gf.loads(FLIPPED).elaborated
    whole = served(Feed(elaborated, None, seed=3), epoch=1)
    resumed = served(Feed(elaborated, None, seed=3), epoch=1, start=1)
    assert len(whole) == 3
    for before, after in zip(whole[1:], resumed, strict=True):
        np.testing.assert_array_equal(before, after)


def test_every_epoch_and_every_sample_is_drawn_anew():
    one_order = FLIPPED.replace("batch: 300", "batch: 300\n  shuffle: false")
    feed = Feed(gf.loads(one_order).elaborated, None, seed=3)
    pixels = feed.dataset.columns["image"][feed.parts["train"]] / 16
    flips = []
    for epoch in range(2):
        images = np.concatenate(served(feed, epoch))
        same = (images == pixels).all(axis=(1, 2, 3))
        assert ((images == pixels[..., ::-1]).all(axis=(1, 2, 3)) | same).all()
        assert same.mean() == pytest.approx(0.5, abs=0.06)
        flips.append(same)
    assert (flips[0] == flips[1]).mean() == pytest.approx(0.5, abs=0.06)


def test_what_is_evaluated_or_looked_at_is_not_changed():
    feed = Feed(gf.loads(FLIPPED).elaborated, None, seed=3)
    pixels = feed.dataset.columns["image"][feed.parts["test"]] / 16
    found = np.concatenate([inputs["image"] for inputs, _ in feed.evaluation("test")])
    np.testing.assert_array_equal(found, pixels.astype(np.float32))
    first = feed.first(5, "test")
    np.testing.assert_array_equal(first["image"], found[:5])
    assert first["label"].shape == (5,)


def test_a_part_that_is_not_there_is_answered():
    feed = Feed(gf.loads(FLIPPED).elaborated, None, seed=3)
    with pytest.raises(GraphflowError, match="no part 'tests'") as caught:
        feed.first(5, "tests")
    assert caught.value.diagnostics[0].help == "did you mean 'test'?"


def test_an_unknown_column_is_answered_with_those_there_are():
    text = FLIPPED.replace("image / 16", "imag / 16")
    with pytest.raises(GraphflowError) as caught:
        served(Feed(gf.loads(text).elaborated, None, seed=3), epoch=0)
    (found,) = caught.value.diagnostics
    assert found.message == "unknown name 'imag'" and found.mark is not None
    assert [note.message for note in found.notes] == ["the columns are pixels, image, label"]


def test_a_block_of_the_file_serves_its_feed_in_the_long_form_too():
    blocks = (
        "let: {brightest: 16}\n"
        "blocks:\n"
        "  scaled: {inputs: [x], nodes: {y: x / brightest}, outputs: [y]}\n"
        "  changed: {inputs: [x], nodes: {y: random_horizontal_flip(scaled(x))}, outputs: [y]}\n"
        "  other: {inputs: [x], nodes: {y: x}, outputs: [y]}\n"
    )
    text = blocks + FLIPPED.replace("random_horizontal_flip(image / 16)", "changed(image)")
    model = gf.loads(text)
    long = gf.loads(model.expanded())
    assert set(long.document.blocks) == {"scaled", "changed"}
    before, after = (served(Feed(m.elaborated, None, seed=3), 0) for m in (model, long))
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_layer_with_parameters_is_no_transform():
    text = FLIPPED.replace("random_horizontal_flip(image / 16)", "'conv2d(image, 1, 1)'")
    with pytest.raises(GraphflowError, match="no parameters"):
        served(Feed(gf.loads(text).elaborated, None, seed=3), epoch=0)


def test_a_part_is_evaluated_in_batches_of_its_own_size_by_values_of_its_own() -> None:
    text = (
        "graphflow: 1\nname: n\ninputs: {x: {shape: [B, 4]}, y: {shape: [B], dtype: int}}\n"
        "nodes:\n  f: linear(x, 3)\n  loss: cross_entropy(f, y)\n  rows: dim(x, 0)\n"
        "data: {source: iris, feed: {x: x, y: label}, split: {train: 100, test: 50}, batch: 10,"
        " eval_batch: 50}\n"
        "train: {minimize: loss, optimizer: sgd(lr=0.1), epochs: 1, evaluate: [rows]}\n"
        "figures: {rows: {kind: line, y: test/rows}}\n"
    )
    metrics = gf.train(gf.loads(text)).metrics
    assert metrics["test/rows"] == 50 and set(metrics) == {"train/loss", "test/loss", "test/rows"}
    for rows in ("0", "1.5"):
        with pytest.raises(GraphflowError, match="'eval_batch' is a whole number") as caught:
            gf.loads(text.replace("eval_batch: 50", f"eval_batch: {rows}"))
        (found,) = caught.value.diagnostics
        assert found.code == "GF033" and found.mark is not None
        assert found.mark.text[found.mark.column - 1 :].startswith(rows)
