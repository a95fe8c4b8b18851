from __future__ import annotations

import base64
import json
import random
import zlib
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphflow.diagnostics import GraphflowError
from graphflow.studio import permalink
from graphflow.studio.permalink import View, read, written
from graphflow.view.workspace import Edit, Look, Workspace

NAMES = st.text(st.characters(codec="utf-8"), max_size=8)
SOME = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
COUNTS = st.integers(0, 2**40)
EDITS = st.builds(
    Edit, NAMES, st.none() | st.lists(COUNTS, max_size=3).map(tuple), st.floats(allow_nan=False)
)


def several(values: st.SearchStrategy[object], most: int = 4) -> st.SearchStrategy[tuple[object]]:
    return st.lists(values, max_size=most).map(tuple)


WORKSPACES = st.builds(
    Workspace,
    overrides=several(st.tuples(NAMES, NAMES)), seed=st.none() | COUNTS, of=NAMES,
    walk=st.sampled_from(["gradient", "training"]), dtype=st.sampled_from(["float32", "float64"]),
    edits=several(EDITS), iteration=COUNTS, unrolled=several(NAMES),
)  # fmt: skip
LOOKS = st.builds(
    Look, direction=st.sampled_from(["TB", "LR"]),
    parameters=st.sampled_from(["inline", "shown"]), opened=st.none() | several(NAMES),
    folded=st.booleans(), shapes=st.booleans(), values=st.booleans(),
    moments=st.dictionaries(NAMES, COUNTS, max_size=3),
)  # fmt: skip


@st.composite
def views(draw: st.DrawFn) -> View:
    workspace = draw(WORKSPACES)
    sources = draw(st.sampled_from([["graph"], ["text"], ["run"], ["text", "run"]]))
    workspace = replace(workspace, **{source: draw(SOME) for source in sources})
    return View(workspace, draw(LOOKS), draw(st.integers(-1, 2**40)), draw(several(NAMES)),
                draw(several(NAMES)), draw(st.none() | st.floats(0, 1e9)))  # fmt: skip


@given(views())
def test_a_view_comes_back_from_its_address(view: View):
    query = urlencode(written(view))
    assert read(dict(parse_qsl(query, keep_blank_values=True))) == view


def test_what_people_read_stands_in_the_address_as_it_is():
    view = View(Workspace(graph="mlp", of="loss", seed=7, walk="training", iteration=2), cursor=12)
    assert urlencode(written(view)) == (
        "graph=mlp&of=loss&walk=training&seed=7&iteration=2&cursor=12"
    )


def test_an_address_without_fields_holds_no_view():
    assert read({}) is None


def test_the_text_of_a_changed_file_is_part_of_it_as_long_as_it_is_short():
    text = "graphflow: 1\nname: short\nnodes: {f: 1 + 1}\n"
    assert read(written(View(Workspace(text=text)))) == View(Workspace(text=text))
    noise = base64.b64encode(random.Random(0).randbytes(3000)).decode()
    with pytest.raises(GraphflowError, match="too long for an address"):
        written(View(Workspace(text=f"# {noise}")))


def test_what_grows_beyond_an_address_is_not_written():
    many = tuple(f"{i * 2654435761 % 2**32:x}{i * 40503 % 65536:x}" for i in range(3000))
    with pytest.raises(GraphflowError, match="more than an address does"):
        written(View(Workspace(graph="mlp"), watches=many))


def packed(value: object) -> str:
    return base64.urlsafe_b64encode(zlib.compress(json.dumps(value).encode())).decode().rstrip("=")


@pytest.mark.parametrize("fields", [
    {"graph": "xyz", "other": "1"},
    {"graph": "xyz", "cursor": "one"},
    {"graph": "xyz", "cursor": "9" * 5000},
    {"graph": "xyz", "seed": "1.5"},
    {"graph": "xyz", "walk": "sideways"},
    {"graph": "xyz", "run": "runs/a"},
    {"cursor": "3"},
    {"graph": "x" * 20_000},
    {"graph": "xyz", "more": "%%%"},
    {"graph": "xyz", "more": "abcd"},
    {"graph": "xyz", "more": packed([1])},
    {"graph": "xyz", "more": packed({"looks": {}})},
    {"graph": "xyz", "more": packed({"look": {"direction": "UP"}})},
    {"graph": "xyz", "more": packed({"look": {"direction": ["TB"]}})},
    {"graph": "xyz", "more": packed({"look": {"moments": {"lstm": "3"}}})},
    {"graph": "xyz", "more": packed({"look": {"folded": 1}})},
    {"graph": "xyz", "more": packed({"look": []})},
    {"graph": "xyz", "more": packed({"workspace": []})},
    {"graph": "xyz", "more": packed({"workspace": {"overrides": [["a"]]}})},
    {"graph": "xyz", "more": packed({"workspace": {"edits": [{"name": "x"}]}})},
    {"graph": "xyz", "more": packed({"workspace": {"edits": [{"name": "x", "index": None,
                                                              "value": True}]}})},
    {"graph": "xyz", "more": packed({"workspace": {"__class__": "os"}})},
    {"graph": "xyz", "more": packed({"watches": "loss"})},
    {"graph": "xyz", "more": packed({"watches": [None]})},
    {"graph": "xyz", "more": packed({"watches": ["\ud800"]})},
    {"graph": "xyz", "more": packed({"cursor": True})},
    {"graph": "xyz", "more": packed({"cursor": 2**80})},
    {"graph": "xyz", "more": packed({"workspace": {"edits": [{"name": "x", "index": [],
                                                              "value": 10**400}]}})},
    {"graph": "xyz", "more": packed("[" * 100_000)},
    {"graph": "xyz", "more": packed({"watches": ["a"]})[:-6]},
])  # fmt: skip
def test_anything_else_is_refused(fields: dict[str, str]):
    with pytest.raises(GraphflowError) as caught:
        read(fields)
    (found,) = caught.value.diagnostics
    assert found.code == "GF132" and "no view of the studio" in found.message


def test_json_that_nests_without_end_is_refused():
    deep = zlib.compress(b"[" * 100_000)
    with pytest.raises(GraphflowError, match="cannot be read"):
        read({"graph": "xyz", "more": base64.urlsafe_b64encode(deep).decode().rstrip("=")})


def test_what_would_grow_to_a_gigabyte_is_not_let_grow():
    bomb = base64.urlsafe_b64encode(zlib.compress(b"0" * 10_000_000, 9)).decode().rstrip("=")
    assert len(bomb) < permalink.LONGEST
    with pytest.raises(GraphflowError, match="grows beyond"):
        read({"graph": "xyz", "more": bomb})


@given(st.dictionaries(st.sampled_from([*permalink.READABLE, "cursor", "more"]), st.text()))
def test_whatever_an_address_holds_ends_in_a_view_or_a_diagnostic(fields: dict[str, str]):
    try:
        found = read(fields)
    except GraphflowError:
        return
    assert found is None or found.workspace.graph or found.workspace.run
