from __future__ import annotations

import importlib.metadata
import json
import tomllib
from pathlib import Path

from streamlit.components.v2.manifest_scanner import _is_likely_streamlit_component_package

from graphflow.diagnostics import Diagnostic, Mark
from graphflow.view.editing import words
from ui.widgets.editor import COMPONENT, Buffer, Reveal, payload

ROOT = Path(__file__).parents[2]


def test_the_browser_says_what_the_text_is():
    buffer = Buffer("a", serial=2, count=3)
    buffer.take({"text": "b", "serial": 2, "count": 4})
    assert (buffer.text, buffer.count) == ("b", 4)


def test_what_the_browser_says_of_a_text_that_was_replaced_does_not_count():
    buffer = Buffer("a", serial=2, count=3)
    buffer.take({"text": "b", "serial": 1, "count": 9})
    buffer.take({"text": "late", "serial": 2, "count": 2})
    buffer.take({"text": 5, "serial": 2, "count": 9})
    buffer.take(None)
    assert (buffer.text, buffer.count) == ("a", 3)


def test_going_to_the_same_place_twice_is_two_wishes():
    buffer = Buffer("a\nb")
    buffer.go_to(2)
    first = buffer.reveal
    buffer.go_to(2)
    assert first == Reveal(2, 1, True, 1) and buffer.reveal == Reveal(2, 1, True, 2)


def test_findings_go_to_the_browser_as_plain_data():
    found = Diagnostic("GF020", "unknown name 'w'", Mark("f", 3, 7, 2, "  y: ww"), help="say it")
    data = payload(Buffer("text", 1), [found], "YAML", words(), [3], "9em")
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["findings"] == [
        {"line": 3, "column": 7, "length": 2, "severity": "error", "code": "GF020",
         "message": "unknown name 'w'", "help": "say it"}
    ]  # fmt: skip


def test_a_message_is_small():
    assert len(json.dumps(payload(Buffer(), [], "YAML", words(), [], "9em"))) < 16_000


def test_streamlit_finds_the_packaged_component():
    """Its scanner looks at distributions that need streamlit, for this table of pyproject.toml."""
    assert _is_likely_streamlit_component_package(importlib.metadata.distribution("graphflow"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    (component,) = project["tool"]["streamlit"]["component"]["components"]
    assert f"{project['project']['name']}.{component['name']}" == COMPONENT
    assert (ROOT / "graphflow" / component["asset_dir"] / "editor.js").is_file()
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"]["pyproject.toml"] == "graphflow/pyproject.toml"
