"""Operators and blocks that come from Python."""

from __future__ import annotations

import pytest

import graphflow as gf
from graphflow.ops import F
from graphflow.ops.elementwise import Float
from graphflow.ops.op import OPS
from graphflow.spec.elaborate import plugins

HEAD = "graphflow: 1\nname: t\n"
BLOCKS = HEAD + "blocks: {cubed: {inputs: [x], nodes: {y: x * x * x}, outputs: [y]}}\n"
USER = HEAD + "inputs: {x: scalar}\nnodes: {y: NAME(x)}\n"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(plugins, "_registered", {})
    yield
    plugins.installed_blocks.cache_clear()
    plugins.load_operators.cache_clear()


def value(name: str) -> float:
    model = gf.loads(USER.replace("NAME", name))
    return float(model.compile(of="y", dtype="float64")({"x": 2.0})["y"])


def test_registered_blocks_are_called_like_ours():
    with pytest.raises(gf.GraphflowError, match="GF021"):
        value("cubed")
    gf.register_blocks("mine", BLOCKS)
    assert value("cubed") == 8
    with pytest.raises(gf.GraphflowError, match="two plugins"):
        gf.register_blocks("theirs", BLOCKS)
        value("cubed")


def test_our_own_blocks_keep_their_names():
    gf.register_blocks("mine", BLOCKS.replace("cubed", "silu"))
    with pytest.raises(gf.GraphflowError, match="graphflow has one"):
        value("silu")


def test_a_broken_text_is_refused_when_it_is_registered():
    with pytest.raises(gf.GraphflowError, match="plugin mine"):
        gf.register_blocks("mine", "graphflow: 1\nname: t\nblock: {}\n")


def test_a_registered_operator_is_called_by_its_name():
    class Half(Float):
        """x / 2."""

        def forward(self, xp, x):
            return x / 2

        def vjp(self, g, y, x):
            return (g / F.exp(x * 0) / 2,)

    gf.register(Half)
    try:
        assert value("half") == 1
    finally:
        del OPS["half"]


class Entry:
    name = "pack"
    value = "pack:thing"

    def __init__(self, loaded: object) -> None:
        self.loaded = loaded

    def load(self) -> object:
        if isinstance(self.loaded, Exception):
            raise self.loaded
        return self.loaded


def test_entry_points_are_found(monkeypatch: pytest.MonkeyPatch):
    groups = {plugins.BLOCKS: [Entry(lambda: BLOCKS)]}
    monkeypatch.setattr(plugins, "entry_points", lambda group: groups.get(group, []))
    plugins.installed_blocks.cache_clear()
    assert value("cubed") == 8


def test_an_entry_point_that_cannot_be_loaded_is_named(monkeypatch: pytest.MonkeyPatch):
    groups = {plugins.OPERATORS: [Entry(ImportError("no such module"))]}
    monkeypatch.setattr(plugins, "entry_points", lambda group: groups.get(group, []))
    plugins.load_operators.cache_clear()
    with pytest.raises(gf.GraphflowError, match="'pack'"):
        value("exp")
