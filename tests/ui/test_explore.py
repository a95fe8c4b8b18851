import json
import re
from dataclasses import replace

import psutil
import pytest
from streamlit.testing.v1 import AppTest

from graphflow.view.steps import Step
from graphflow.view.workspace import Workspace
from tests.ui.explore_page import asked, assert_good, opened, press, session, words
from ui.explore.check import value_at
from ui.state import KEY, Session

NAN = "{graphflow: 1, name: bad, inputs: {x: scalar}, nodes: {y: log(x), z: y * x}, outputs: [z]," \
      " check: [{feed: {x: -1}, expect: {}}]}"  # fmt: skip


@pytest.fixture
def xyz():
    return opened(graph="xyz")


def test_before_the_first_step_the_page_says_what_to_do_and_what_is_given(xyz):
    assert_good(xyz)
    text = words(xyz)
    assert "Nothing has run yet" in text and "Step" in text
    assert "**x** = `-2`" in text and "**y** = `5`" in text and "**z** = `-4`" in text


def test_the_head_of_the_page_says_how_large_the_model_is():
    """Two slopes and an offset: 3 parameters."""
    text = words(opened(graph="linear_regression_scratch"))
    assert "3 parameters" in text and re.search(r"· [\d.]+ k?B in [\d.]+ [mµ]?s ·", text)


def test_memory_says_how_the_two_plans_differ(xyz):
    xyz.session_state["explore_tab"] = "Memory"
    xyz.run()
    assert "plain plan" in words(xyz) and "in float64" in words(xyz)
    assert "fast plan" in words(xyz) and "uses float32" in words(xyz)


def test_stepping_reads_the_value_and_then_the_gradients_off_the_page(xyz):
    """f = (x + y) z at (-2, 5, -4): f = -12, df/dx = df/dy = z = -4, df/dz = x + y = 3."""
    seen = []
    for _ in range(len(steps(xyz))):
        press(xyz, "step")
        assert_good(xyz)
        seen.append(words(xyz))
    assert "**f** = `-12`" in seen[1]
    last = {name: next(t for t in reversed(seen) if f"**{name}** = " in t)
            for name in ("x.grad", "y.grad", "z.grad")}  # fmt: skip
    assert "**x.grad** = `-4`" in last["x.grad"]
    assert "**y.grad** = `-4`" in last["y.grad"]
    assert "**z.grad** = `3`" in last["z.grad"]
    assert xyz.button(key="step").disabled


def steps(page):
    return asked(page, "steps")


def test_steps_go_back_and_to_both_ends(xyz):
    press(xyz, "last")
    assert session(xyz).cursor == len(steps(xyz)) - 1
    press(xyz, "back")
    assert session(xyz).cursor == len(steps(xyz)) - 2
    press(xyz, "first")
    assert session(xyz).cursor == -1 and "Nothing has run yet" in words(xyz)


def test_an_edited_input_changes_what_follows_and_undo_takes_it_back(xyz):
    """x = 1: q = 6, f = -24, df/dz = 6."""
    press(xyz, "last").run()  # what a fragment's run left out is there again
    xyz.number_input(key="edit x").set_value(1.0).run()
    assert_good(xyz)
    assert session(xyz).overlay == "changes" and "1 edit" in words(xyz)
    for _ in range(len(steps(xyz)) - 2):
        press(xyz, "back")
    assert "**f** = `-24`" in words(xyz) and "changed" in words(xyz)
    press(xyz.run(), "undo")
    assert "**f** = `-12`" in words(xyz)


LINE = """
graphflow: 1
name: line
inputs: {x: [B, 2], i: {shape: [1], dtype: int64}}
params: {w: {shape: [3], init: full(2)}}
nodes: {p: sum(x) * w, q: "p[i]", loss: sum(q)}
check: [{feed: {x: [[1, 2], [3, 4]], i: [1]}, gradient_of: loss, gradients: {w: [0, 10, 0]}}]
"""


@pytest.fixture
def line():
    from graphflow.view.workspace import Workspace

    page = opened()
    session(page).workspace = Workspace(text=LINE)
    return press(page.run(), "last").run()


def write(page, name, place, number):
    page.selectbox(key="edit_array").select(name).run()
    page.text_input(key=f"entry {name}").input(place)
    page.number_input(key=f"becomes {name}").set_value(number)
    return press(page, f"write {name}")


def shown(page, name):
    return asked(page, "shown", name, session(page).cursor, 0)


def test_one_entry_of_an_array_is_edited_by_its_place(line):
    """The sum of x becomes 20, and with it the gradient by the one entry of w that is chosen."""
    write(line, "x", "1, 0", 13.0)
    assert_good(line)
    assert "x[1, 0] = 13" in words(line) and "1 edit" in words(line)
    session(line).selected = "w"
    line.run()
    assert shown(line, "w.grad").cells == (("0", "20", "0"),)
    press(line, "undo")
    assert shown(line, "w.grad").cells == (("0", "10", "0"),)


def test_all_entries_are_edited_where_no_place_is_named(line):
    write(line, "x", "", 1.0)
    assert_good(line)
    assert "all of x = 1" in words(line)
    press(line, "reset")
    assert "all of x" not in words(line) and session(line).workspace.edits == ()


def test_an_edit_that_cannot_be_is_told_and_nothing_is_lost(line):
    write(line, "x", "0, 0", 5.0)
    before = session(line).workspace
    for name, place, number, code in [
        ("x", "1", 2.0, "GF080"), ("x", "one", 2.0, "GF080"), ("x", "-1, 0", 2.0, "GF080"),
        ("i", "0", 0.5, "GF031"), ("i", "0", 1e30, "GF031"), ("i", "0", 3.0, "GF"),
    ]:  # fmt: skip
        write(line, name, place, number)
        assert not line.exception
        assert session(line).workspace == before
        assert f"**{code}" in line.error[0].value
    assert_good(line.run())


@pytest.mark.parametrize(
    "tab", ["Chain", "Check", "YAML", "Memory", "Time", "Watch", "Maps", "Table"]
)
def test_every_tab_opens_at_every_step(xyz, tab):
    xyz.session_state["explore_tab"] = tab
    xyz.run()
    assert_good(xyz)
    for _ in range(len(steps(xyz))):
        press(xyz, "step")
        assert_good(xyz)


def test_the_chain_rule_is_shown_in_numbers(xyz):
    """The product hands z its other factor, q = 3, times the upstream gradient 1."""
    xyz.session_state["explore_tab"] = "Chain"
    press(xyz, "last")
    while "z.grad" not in words(xyz):
        press(xyz, "back")
    text = words(xyz)
    assert "Upstream" in text and "local" in text and "contribution" in text
    assert "**z.grad** = `3`" in text


def test_the_value_at_the_cursor_is_proposed_for_the_check():
    steps = [
        Step(0, 0, "y", "add", "forward", "y"), Step(1, 0, "c", "identity", "forward", "c"),
        Step(2, 0, "y.grad", "mul", "backward", "y"),
        Step(3, 0, "h.grad", "mul", "backward", "h", (("scan", 0),)),
    ]  # fmt: skip
    assert [value_at(steps, cursor) for cursor in (-1, 0, 1, 2, 3)] == ["", "y", "", "y", ""]


def test_a_gradient_is_checked_against_differences(xyz):
    xyz.session_state["explore_tab"] = "Check"
    press(xyz, "last")
    press(xyz, "check")
    assert_good(xyz)
    assert "agrees" in words(xyz)


def test_a_row_of_the_table_is_the_cursor(xyz):
    xyz.session_state["explore_tab"] = "Table"
    xyz.run()
    (table,) = xyz.dataframe
    assert list(table.value["step"]) == list(range(1, len(steps(xyz)) + 1))
    assert "f = q × z = 3 × (-4) = -12" in list(table.value["what happened"])


def test_watched_values_follow_the_cursor(xyz):
    xyz.session_state["explore_tab"] = "Watch"
    xyz.run()
    xyz.multiselect(key="watched").select("f").run()
    assert "not there yet" in words(xyz)
    press(xyz, "step")
    press(xyz, "step")
    assert "**f** = `-12`" in words(xyz)


def test_a_breakpoint_is_run_to(xyz):
    xyz.session_state["explore_tab"] = "Watch"
    xyz.run()
    xyz.multiselect(key="stops").select("f").run()
    press(xyz, "run")
    assert session(xyz).cursor == 1


def test_a_large_gradient_is_run_to(xyz):
    """The gradients of f, z, q, x, y are 1, 3, -4, -4, -4, after two forward steps."""
    session(xyz).stop_above = 3.0
    xyz.run()
    press(xyz, "run")
    assert session(xyz).cursor == 4
    press(xyz, "run")
    assert session(xyz).cursor == 5


def payload(page, half="schedule_rev"):
    """What one half of the graph is sent: the picture's, which names a schedule, or the panel's,
    which counts moves.
    """
    (component,) = [c for c in page.get("bidi_component") if half in c.proto.json]
    return json.loads(component.proto.json)


def test_the_widget_is_sent_drawing_and_schedule_once(xyz):
    first = payload(xyz)
    assert {node["id"] for node in first["drawing"]["nodes"]} == {"x", "y", "z", "q", "f"}
    assert len(first["schedule"]["steps"]) == len(steps(xyz))
    press(xyz, "step")
    later = payload(xyz)
    assert "drawing" not in later and "schedule" not in later
    panel = payload(xyz, half="move")
    assert panel["cursor"] == 0 and panel["move"] == 1
    assert panel["turn"] > later["turn"] and panel["rev"] == later["rev"]


def test_what_is_not_finite_is_told_and_harms_nothing():
    page = opened()
    from graphflow.view.workspace import Workspace

    session(page).workspace = Workspace(text=NAN)
    page.run()
    assert_good(page)
    assert "nan" in words(page)
    press(page, "step")
    assert_good(page)
    assert "not finite" in words(page)
    assert "y (log, forward) is the first value that is not finite" in words(page.run())
    press(page, "last")
    press(page.run(), "first_nan")
    assert session(page).cursor == 0
    json.dumps(payload(page), allow_nan=False)


@pytest.mark.parametrize("address", [{"graph": "no_such_graph"}, {"more": "abc"},
                                     {"graph": "xyz", "cursor": "first"}])  # fmt: skip
def test_a_wrong_address_is_told(address):
    page = opened(**address)
    assert not page.exception
    assert page.error and "GF" in page.error[0].value


def test_an_address_opens_the_view_it_was_made_of(xyz):
    from urllib.parse import parse_qsl, urlsplit

    press(xyz, "step").run()
    xyz.number_input(key="edit x").set_value(1.0).run()
    xyz.session_state["share"] = True
    xyz.run()
    (link,) = [c.value for c in xyz.code if "graph=xyz" in c.value]
    again = opened(**dict(parse_qsl(urlsplit(link).query)))
    assert_good(again)
    assert session(again).workspace == session(xyz).workspace
    assert session(again).cursor == 0 and "**q** = `6`" in words(again)


def test_a_killed_worker_is_told_and_the_next_action_works(xyz):
    from graphflow.studio.client import open_studio

    client = open_studio().client(session(xyz).id)
    first = client.process
    assert first is not None
    psutil.Process(first).kill()
    psutil.wait_procs([psutil.Process(first)], 5)
    press(xyz, "step")
    press(xyz, "step")
    assert_good(xyz)
    assert "**f** = `-12`" in words(xyz)


LONG = """
graphflow: 1
name: long
inputs: {x: [7000]}
nodes:
  s: {scan: {v: x}, carry: {h: 0.0}, nodes: {n: tanh(h + v)}, next: {h: n}}
  y: s.final.h
outputs: [y]
"""


def unrolling() -> None:
    """Explore, after a loop was asked to be unrolled."""
    from graphflow.view.workspace import Look
    from ui.app import restored
    from ui.explore.graph import HANDLERS
    from ui.screens import explore
    from ui.state import session

    restored()
    if session().look == Look():
        HANDLERS.toggle("s@")
    explore.page()


def test_a_loop_that_is_too_long_to_be_walked_is_not_unrolled_and_that_is_told_at_once():
    page = AppTest.from_function(unrolling, default_timeout=60)
    page.session_state[KEY] = Session(Workspace(text=LONG))
    page.run()
    assert "more than 20,000 steps" in words(page)
    assert session(page).look.spread == () and session(page).workspace == Workspace(text=LONG)


def test_a_walked_loop_shows_how_far_back_its_gradient_reaches():
    page = opened(graph="rnn_cell")
    page.session_state["explore_tab"] = "Time"
    page.run()
    assert "carries a value from one time step to the next" in words(page)
    here = session(page)
    here.workspace = replace(here.workspace, unrolled=("net",))
    page.run()
    assert_good(page)
    assert "**net**" in words(page) and "enters time 0" in words(page)


def test_attention_is_looked_at_by_layer_and_head():
    page = opened(graph="transformer_decoder")
    page.session_state["explore_tab"] = "Maps"
    page.run()
    assert "has no value yet" in words(page)
    press(page, "last")
    assert_good(page)
    assert page.selectbox(key="map").options == [
        "Among the words so far", "Among what the encoder gave",
    ]  # fmt: skip
    drawn = page.get("plotly_chart")[0].proto.spec
    page.slider(key="map_head_1").set_value(1).run()
    assert_good(page)
    assert page.get("plotly_chart")[0].proto.spec != drawn
