"""Files out of the ordinary: each opens in Explore, and is stepped to its end and back."""

import json

import pytest

from graphflow.view.workspace import Workspace
from tests.ui.explore_page import assert_good, opened, press, session, words

HEAD = "graphflow: 1\nname: {name}\n"
LONG = "a_name_that_goes_on_and_on_" * 8


def chain(count: int) -> str:
    """A graph of so many nodes, one after another."""
    lines = "".join(f"  n{i}: tanh(n{i - 1}) + 1\n" for i in range(1, count // 2))
    return f"{HEAD.format(name='long')}inputs: {{x: [2]}}\nnodes:\n  n0: tanh(x)\n{lines}"


FILES = {
    "an input is all that is asked for":
        "inputs: {x: [2]}\nnodes: {y: x}\noutputs: [y]\n",
    "names in other scripts": "inputs: {größe: [2]}\nnodes: {'λ': größe * 2, 'сумма': sum(λ)}\n",
    "a scalar": "inputs: {x: scalar}\nnodes: {y: x * x}\ncheck: [{feed: {x: 3}, expect: {}}]\n",
    "an empty tensor": "inputs: {x: [0, 3]}\nnodes: {y: 'sum(x * 2)', z: x * 2}\n",
    "nothing finite":
        "inputs: {x: [2, 20]}\nnodes: {y: log(x - x - 1), z: exp(x) / 0.0, f: sum(y * z)}\n",
    "integers":
        "inputs: {i: {shape: [3], dtype: int}}\nnodes: {s: sum(i), t: i * i}\noutputs: [t]\n",
    "truth values": "inputs: {b: {shape: [3], dtype: bool}}\nnodes: {n: not b, a: all(n)}\n",
    "very long names": f"inputs: {{{LONG}: [2]}}\nnodes: {{{LONG}y: sum({LONG} * 2)}}\n",
}
TABS = ("Now", "Chain", "Check", "YAML", "Memory", "Time", "Watch", "Maps", "Table")


def shown(text):
    page = opened()
    session(page).workspace = Workspace(text=text)
    return page.run()


@pytest.mark.parametrize("name", FILES)
def test_a_weird_file_is_stepped_to_its_end_and_back(name):
    page = shown(HEAD.format(name=json.dumps(name)) + FILES[name])
    assert_good(page)
    if not page.button(key="last").disabled:
        press(page, "last")
    end = session(page).cursor
    for tab in TABS:
        page.session_state["explore_tab"] = tab
        page.run()
        assert_good(page)
    for _ in range(end + 1):
        press(page, "back")
        assert_good(page)
    assert session(page).cursor == -1
    page.session_state["explore_tab"] = "Now"
    for at in range(end + 1):
        press(page, "step")
        assert_good(page)
        assert f"step **{at + 1}** of {end + 1}" in words(page)


@pytest.mark.slow
def test_fifteen_hundred_nodes_are_stepped():
    page = shown(chain(1500))
    assert_good(page)
    press(page, "last")
    assert_good(page)
    end = session(page).cursor
    assert end > 1500
    for _ in range(3):
        press(page, "back")
        assert_good(page)
    assert session(page).cursor == end - 3
    press(page, "first")
    assert_good(page)
