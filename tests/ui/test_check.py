"""The page Check, without a browser."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from graphflow.view.details.checks.report import Row
from graphflow.view.steps import Step
from graphflow.view.study import Study
from ui.screens.check import step_of
from ui.state import opened as opened_workspace


def opened(text: str) -> None:
    """A page with a workspace open, as the app shows it."""
    from graphflow.view.workspace import Workspace
    from ui.screens.check import page
    from ui.state import open_workspace, session

    if session().workspace is None:
        open_workspace(Workspace(text=text) if text else Workspace(graph="xyz"))
    page()


def nothing() -> None:
    """The page before anything is open."""
    from ui.screens.check import page

    page()


@pytest.fixture(autouse=True)
def answers(monkeypatch):
    """A study answers in this very process; what was asked is listed."""
    asked = []

    def ask(kind, method, *arguments):
        asked.append(arguments)
        return getattr(Study(opened_workspace()), method)(*arguments)

    monkeypatch.setattr("ui.screens.check.ask", ask)
    return asked


def run(text: str) -> AppTest:
    return AppTest.from_function(opened, args=(text,), default_timeout=60).run()


def words(app: AppTest) -> str:
    return " ".join(found.value for found in (*app.markdown, *app.caption))


WRONG = """graphflow: 1
name: t
inputs: {x: scalar}
nodes: {y: x * x}
check: [{about: nine, feed: {x: 3}, expect: {y: 10}}]
"""


def test_without_a_model_it_says_what_to_do():
    app = AppTest.from_function(nothing, default_timeout=20).run()
    assert not app.exception and "No model is open" in app.info[0].value


def test_nothing_runs_until_it_is_asked_for():
    app = run("")
    assert not app.exception and words(app).count("not run yet") == 4


def test_all_four_run_with_one_button():
    app = run("")
    app.button[0].click().run()
    assert not app.exception and not app.error
    assert words(app).count("all well") == 4 and len(app.dataframe) == 4


def test_failing_rows_stand_first_and_lead_to_their_node():
    app = run(WRONG)
    app.button(key="check_run_golden").click().run()
    assert not app.exception and "1 of 1 expected value is missed" in words(app).replace("\\", "")
    table = app.dataframe[0].value
    assert (table["node"][0], table["expected"][0], table["found"][0]) == ("y", "10", "9")
    assert app.button(key="check_open_golden").label == "Open y in Explore"


HELD = """graphflow: 1
name: a tanh
params: {z: {shape: [3], init: 'full(0.5)'}}
nodes:
  t: tanh(z)
  slope: stop_gradient(1 - t)
  mine: stop_gradient(t) + slope * (z - stop_gradient(z))
  loss: sum(square(mine))
"""


def test_stop_gradients_are_told_with_the_verdict_and_a_text_by_its_name():
    app = run(HELD)
    app.button(key="check_run_gradients").click().run()
    found = words(app).replace("\\", "")
    assert not app.exception and "Is **a tanh** right?" in found
    assert "agrees only with 3 stop_gradients held still" in found and "all well" not in found


def test_explore_tells_the_direction_its_entries_and_what_was_held():
    def shown(text: str) -> None:
        from graphflow.view.study import Study
        from graphflow.view.workspace import Workspace
        from ui.explore.check import report

        report(Study(Workspace(text=text, of="loss")).gradient_check("z"))

    app = AppTest.from_function(shown, args=(HELD,), default_timeout=60).run()
    found = words(app).replace("\\", "")
    assert not app.exception
    assert ":orange-badge[≈ agrees only with 3 stop_gradients held still]" in found
    assert "3 entries" in found and "(seed 0)" in found and "let go" in found
    assert list(app.dataframe[0].value["entry"]) == ["[0]", "[1]", "[2]"]
    spec = app.get("vega_lite_chart")[0].proto
    assert [each.name for each in spec.datasets] == ["points"]  # there before the first picture


def test_an_error_stands_in_its_card_and_is_not_asked_again(answers):
    app = run(WRONG.replace("nine", "none").replace("{y: 10}", "{q: 10}"))
    app.button(key="check_run_golden").click().run()
    assert not app.exception and "GF020" in app.error[0].value
    asked = len(answers)
    app.button(key="check_run_gradients").click().run()
    assert len(answers) == asked + 1
    assert "GF020" in app.error[0].value and "all well" in words(app)


@pytest.mark.parametrize(
    ("name", "what", "step"), [("q", "value", 0), ("w", "gradient", 1), ("x", "value", 0)]
)
def test_a_row_leads_to_its_step(name, what, step):
    steps = [
        Step(0, 0, "q", "add", "forward", "x" if name == "x" else "q"),
        Step(1, 0, "w.grad", "identity", "backward", "w"),
    ]
    row = Row(name, what, "wrong", "", "", None, None, "")
    assert step_of(steps, row) == step
