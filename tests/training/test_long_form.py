"""A run keeps the long form: it goes on with the blocks that its optimizer and its feed call."""

from pathlib import Path

import numpy as np
import pytest

import graphflow as gf

HEAD = "graphflow: 1\nname: line\n"
BLOCKS = """\
let: {share: 0.5, top: 16}
blocks:
  half:
    args: [lr]
    inputs: [parameter, gradient]
    nodes: {rate: part(lr)}
    updates: {parameter: parameter - rate * gradient}
  part: {args: [x], nodes: {y: x * share}, outputs: [y]}
  scaled: {inputs: [x], nodes: {y: x / top}, outputs: [y]}
  unused: {inputs: [x], nodes: {y: x + 1}, outputs: [y]}
"""
REST = """\
inputs: {x: {shape: [B, 64]}, y: {shape: [B], dtype: int}}
nodes: {loss: 'cross_entropy(linear(x, 10), y)'}
outputs: [loss]
data:
  source: digits
  feed: {x: scaled(pixels), y: label}
  split: {train: 0.1, test: 0.9}
  batch: 60
train: {minimize: loss, optimizer: half(0.1), epochs: 2}
"""
LIBRARY = HEAD + REST.replace("scaled(pixels)", "pixels / 16").replace("half(0.1)", "sgd(0.05)")


def of_a_used_file(folder: Path, place: str) -> str:
    """The file, whose blocks stand in another one: used at once, or by a file that is used."""
    (folder / "b.yaml").write_text(HEAD + BLOCKS)
    (folder / "a.yaml").write_text(HEAD + "use: {b: b.yaml}\nblocks: {}\n")
    prefix, file = ("b.", "b.yaml") if place == "used" else ("a.b.", "a.yaml")
    called = REST.replace("scaled(", f"{prefix}scaled(").replace("half(", f"{prefix}half(")
    return HEAD + f"use: {{{prefix[0]}: {file}, c: b.yaml}}\n" + called


@pytest.mark.parametrize("place", ["own", "used", "used by a used one"])
def test_a_run_goes_on_with_the_blocks_that_its_optimizer_and_feed_call(place, tmp_path):
    file = tmp_path / "line.yaml"
    file.write_text(HEAD + BLOCKS + REST if place == "own" else of_a_used_file(tmp_path, place))
    gf.train(gf.load(file), out=tmp_path / "run", epochs=1, seed=5)
    for written in tmp_path.glob("*.yaml"):
        written.unlink()
    gf.resume(tmp_path / "run", epochs=2)
    found = gf.load_run(tmp_path / "run")
    whole = gf.loads(LIBRARY)
    gf.train(whole, seed=5)
    for name in whole.parameters:
        np.testing.assert_allclose(found.parameters[name], whole.parameters[name], 1e-5, 1e-7)


def test_the_long_form_keeps_what_is_called_and_no_more(tmp_path):
    own = gf.loads(gf.loads(HEAD + BLOCKS + REST).expanded()).document
    assert set(own.blocks) == {"half", "part", "scaled"}
    assert set(own.let) == {"share", "top"}
    file = tmp_path / "line.yaml"
    file.write_text(of_a_used_file(tmp_path, "used"))
    long = gf.load(file).expanded()
    assert set(gf.loads(long).document.use) == {"b"}
    assert gf.loads(gf.loads(long).expanded()).document == gf.loads(long).document


@pytest.mark.parametrize("init", ["normal([])", "uniform([]) * 2", "normal", "3"])
def test_first_values_are_drawn_in_the_same_shape(init):
    text = f"{HEAD}params: {{w: {{shape: [2, 3], init: '{init}'}}}}\nnodes: {{y: sum(w)}}\n"
    model = gf.loads(text)
    long = gf.loads(model.expanded())
    np.testing.assert_array_equal(long.parameters["w"], model.parameters["w"])
    assert (len(np.unique(long.parameters["w"])) == 1) == (init != "normal")
