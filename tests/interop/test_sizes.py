"""Open sizes mean the same in every program that is written as in the engine."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable, Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphflow as gf
from graphflow.diagnostics import GraphflowError
from graphflow.interop.numpy_script.script import script
from graphflow.interop.pytorch.file import source
from tests.interop.onnx.running import run

Array = np.ndarray
Feed = Mapping[str, Array]
SOME = settings(max_examples=40, deadline=None)
HEAD = "graphflow: 1\nname: sizes\n"
FORMULAS = ("B", "2*B + T", "(B + T) // 2 + 1", "B*T", "(3*T + 1) // B", "T*T - T + B // 3")


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, Feed, Mapping[str, int]]:
    """A file with x of a*B + b elements and z of c*T + d*B, a feed, and the sizes it shows."""
    sizes = {"B": draw(st.integers(1, 5)), "T": draw(st.integers(1, 4))}
    ours = [f"{draw(st.integers(1, 3))}*B + {draw(st.integers(0, 2))}", "7 - B", "B"]
    theirs = [f"{draw(st.integers(1, 3))}*T + {draw(st.integers(0, 2))}*B", "(B + 1)*T", "T", "B*T"]
    shapes = {"x": draw(st.sampled_from(ours)), "z": draw(st.sampled_from(theirs))}
    read = [name for name in shapes if draw(st.booleans())]
    inputs = ", ".join(f"{name}: {{shape: [{shape}]}}" for name, shape in shapes.items())
    nodes = [f"  y: arange({draw(st.sampled_from(FORMULAS))})"]
    nodes += [f"  {name}_sum: sum({name}) / B" for name in read]
    outputs = ", ".join(["y", *(f"{name}_sum" for name in read)])
    text = f"{HEAD}inputs: {{{inputs}}}\nnodes:\n" + "\n".join(nodes) + f"\noutputs: [{outputs}]\n"
    return text, {n: np.ones(eval(s, dict(sizes))) for n, s in shapes.items()}, sizes


def in_onnx(model: gf.Model, feed: Feed, sizes: Mapping[str, int]) -> dict[str, Array]:
    proto = gf.to_onnx(model, dtype="float64")
    return run(proto, {leaf.name: feed[leaf.name] for leaf in proto.graph.input})


def in_numpy(model: gf.Model, feed: Feed, sizes: Mapping[str, int]) -> dict[str, Array]:
    names: dict[str, Callable] = {}
    exec(script(model, "eval", "float64", {}), names)
    values, _ = names["run"](feed, names["initial"](None, feed), None)
    return values


def in_pytorch(model: gf.Model, feed: Feed, sizes: Mapping[str, int]) -> dict[str, Array]:
    """Sizes that only unread inputs show are arguments there."""
    torch = pytest.importorskip("torch", reason="the parity extra is not installed")
    names: dict[str, type] = {}
    exec(source(model), names)
    module = list(names.values())[-1]()
    known = {n: torch.tensor(a) for n, a in feed.items()}
    known |= {f"size_{n}": size for n, size in sizes.items()}
    asked = inspect.signature(module.forward).parameters
    return {n: v.numpy() for n, v in module(**{n: known[n] for n in asked}).items()}


PROGRAMS = [in_onnx, in_numpy, pytest.param(in_pytorch, marks=pytest.mark.parity)]


@pytest.mark.parametrize("program", PROGRAMS)
@SOME
@given(case=cases())
def test_a_size_is_what_the_engine_takes_it_for(program, case):
    text, feed, sizes = case
    model = gf.loads(text)
    ours = model.compile(dtype="float64")(feed).values
    theirs = program(model, feed, sizes)
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        np.testing.assert_allclose(theirs[name], value, rtol=1e-12, err_msg=name)


HIDDEN = HEAD + "inputs: {x: {shape: [B*T], dtype: int}}\nnodes: "


@pytest.mark.parametrize("program", PROGRAMS[:2])
def test_a_size_that_no_input_shows_is_refused(program):
    model = gf.loads(HIDDEN + "{y: sum(x) * T}")
    with pytest.raises(GraphflowError, match="no input has the size T") as caught:
        program(model, {"x": np.ones(6, int)}, {})
    assert caught.value.diagnostics[0].code == "GF026"
    assert "--sizes T=4" in (caught.value.diagnostics[0].help or "")


def test_a_script_takes_such_a_size_from_who_exports_it():
    names: dict[str, Callable] = {}
    exec(script(gf.loads(HIDDEN + "{y: sum(x) * T + 100 * B}"), "eval", "float64", {"T": 3}), names)
    values, _ = names["run"]({"x": np.ones(6)}, {}, None)
    assert values["y"] == 6 * 3 + 100 * 2


def test_a_size_that_nothing_reads_need_not_be_known():
    assert in_numpy(gf.loads(HIDDEN + "{y: sum(x)}"), {"x": np.ones(6, int)}, {})["y"] == 6


def test_a_size_that_the_file_does_not_have_is_refused():
    model = gf.loads(f"{HEAD}inputs: {{x: {{shape: [B]}}}}\nnodes: {{y: sum(x)}}\n")
    with pytest.raises(GraphflowError, match="no size called 'Q'"):
        script(model, "eval", "float64", {"Q": 3})


def test_a_script_refuses_an_axis_that_its_formula_cannot_give():
    model = gf.loads(f"{HEAD}inputs: {{x: {{shape: [2*B]}}}}\nnodes: {{y: sum(x) / B}}\n")
    with pytest.raises(ValueError, match="an axis of size 9"):
        in_numpy(model, {"x": np.ones(9)}, {})
    assert in_numpy(model, {"x": np.ones(8)}, {})["y"] == 2


def test_a_feed_from_a_file_is_never_completed_by_what_is_drawn(tmp_path):
    inputs = "inputs: {x: {shape: [B]}, z: {shape: [B]}}"
    model = gf.loads(f"{HEAD}{inputs}\nnodes: {{y: sum(x) / B, w: sum(z)}}\noutputs: [y, w]\n")
    (tmp_path / "model.py").write_text(script(model, "eval", "float64", {}))
    model.save_weights(tmp_path / "weights.safetensors")
    np.savez(tmp_path / "feed.npz", z=np.ones(8))
    command = [sys.executable, "model.py", "weights.safetensors", "feed.npz"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "KeyError: 'x'" in done.stderr
