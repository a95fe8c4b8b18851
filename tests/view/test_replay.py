"""A walk as one page: what it holds, and that it asks nothing of anybody."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from graphflow.view import replay as module
from graphflow.view.study import Study
from graphflow.view.workspace import Look, Workspace

STRANGER = """\
graphflow: 1
name: "</script><img src=x onerror=alert(1)>"
about: "<b>bold</b>"
inputs: {x: scalar}
nodes:
  f: x * x
check:
  - feed: {x: 3}
    expect: {f: 9}
    gradient_of: f
    gradients: {x: 6}
"""
LAYERS = """\
graphflow: 1
name: two layers
inputs: {x: {shape: [2, 3]}}
nodes:
  h: linear(x, 4)
  y: linear(relu(h), 2)
  loss: sum(y)
check:
  - feed: {x: [[1, 2, 3], [4, 5, 6]]}
    gradient_of: loss
"""


def page(study: Study) -> str:
    return study.replay(Look()).decode()


def held(text: str) -> dict:
    return json.loads(re.search(r'id="held">(.*?)</script>', text, re.S)[1])


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def xyz() -> str:
    return page(Study(Workspace(graph="xyz")))


def test_every_step_is_told_with_its_numbers(xyz):
    details = held(xyz)["details"]
    results = {step["node"]: step["value"][0][1] for step in details}
    assert {name: results[name] for name in ("q", "f", "z.grad", "x.grad", "y.grad")} == {
        "q": "3", "f": "-12", "z.grad": "3", "x.grad": "-4", "y.grad": "-4"}  # fmt: skip
    chain = next(step["chain"] for step in details if step["node"] == "x.grad")
    assert chain == ["q.grad × ∂q/∂x = contribution to x.grad", "-4 × 1 = -4"]


def test_no_pictures_are_painted_for_it(monkeypatch):
    def refuse(*_):
        raise AssertionError("a picture was painted")

    monkeypatch.setattr("graphflow.view.details.values.picture", refuse)
    study = Study(Workspace(graph="mlp"))
    with pytest.raises(AssertionError, match="painted"):
        [study.detail(step.index) for step in study.steps]
    assert len(held(page(study))["details"]) == len(study.steps)


def test_nothing_is_asked_of_a_network_and_only_its_own_script_runs(xyz):
    tags = Tags(xyz).found
    assert [tag for tag, attrs in tags if {"src", "href", "srcset"} & attrs.keys()] == []
    policy = next(a["content"] for _, a in tags if a.get("http-equiv"))
    assert policy.startswith("default-src 'none'")
    script = re.search(r'<script type="module">(.*?)</script>', xyz, re.S)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy


def test_a_strangers_words_are_text():
    text = page(Study(Workspace(text=STRANGER)))
    assert [tag for tag, _ in Tags(text).found if tag in ("img", "b")] == []
    assert ["f", "9"] in [step["value"][0] for step in held(text)["details"]]


def test_groups_can_be_toggled_as_far_as_there_is_room(monkeypatch):
    study = Study(Workspace(text=LAYERS))
    groups = held(page(study))["toggled"]
    drawing = study.drawing(Look())
    opened = {group.id for group in drawing.groups}
    closed = {node.id for node in drawing.nodes if node.kind == "group"}
    assert set(groups) == opened | closed
    for name, other in groups.items():
        assert (name in {group["id"] for group in other["groups"]}) == (name in closed)
    monkeypatch.setattr(module, "TOGGLED", 4_000)
    few = held(page(study))["toggled"]
    assert 0 < len(few) < len(groups)
    assert len(json.dumps(few)) < 4_000


def test_it_opens_at_the_step_that_was_seen(xyz):
    assert held(xyz)["cursor"] == -1
    study = Study(Workspace(text=LAYERS))
    last = len(study.steps) - 1
    assert held(study.replay(Look(), last).decode())["cursor"] == last
    assert held(study.replay(Look(), last + 9).decode())["cursor"] == last


def test_it_says_where_there_is_more_to_see_of_an_array(xyz):
    assert not any(step["short"] for step in held(xyz)["details"])
    steps = held(page(Study(Workspace(graph="mlp"))))["details"]
    assert any(step["short"] for step in steps)
