"""A text editor with findings at their lines: CodeMirror 6, or a plain text area in its place.

The editor's code is a packaged component (``graphflow/view/widget/codemirror``): the browser
fetches it once, and no message carries it. Streamlit finds packages that are installed; without,
as in a checkout that is only on the path, the page has a text area and says so.

The text lives in the browser. :class:`Buffer` is what Python knows of it: the browser replaces its
text only when ``serial`` differs, so nothing that Python answers moves the cursor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import streamlit as st
from streamlit.errors import StreamlitAPIException

from graphflow.diagnostics import Diagnostic
from graphflow.view.editing import Words

COMPONENT = "graphflow.editor"
HEIGHT = 620
PLAIN = (
    "This is a plain text area: the editor with colours, line numbers and completion comes with an "
    "installed graphflow (`pip install -e .` in a checkout)."
)
KEYS = (
    "Ctrl-S or Ctrl-Enter applies, Ctrl-F searches, Ctrl-Space completes, F8 goes to the next "
    "problem. Tab indents; Escape, then Tab leaves the editor."
)
HTML = '<div class="gf-editor"></div>'
CSS = """
.gf-editor {
  --gf-text: var(--st-text-color); --gf-paper: var(--st-background-color);
  --gf-side: var(--st-secondary-background-color); --gf-line: var(--st-border-color);
  --gf-accent: var(--st-primary-color); --gf-font: var(--st-code-font, monospace);
  --gf-quiet: color-mix(in srgb, var(--st-text-color) 72%, var(--st-background-color));
  --gf-active: color-mix(in srgb, var(--st-primary-color) 10%, transparent);
  --gf-selected: color-mix(in srgb, var(--st-primary-color) 30%, transparent);
  --gf-found: color-mix(in srgb, var(--st-primary-color) 18%, transparent);
  border: 1px solid var(--st-border-color); border-radius: 8px; overflow: hidden;
}
.gf-key { color: color-mix(in srgb, var(--st-primary-color) 85%, var(--st-text-color));
  font-weight: 600; }
.gf-value { color: var(--st-text-color); }
.gf-comment { color: var(--gf-quiet); font-style: italic; }
.gf-mark { color: var(--gf-quiet); }
.gf-word { color: var(--st-violet-text-color, var(--st-text-color)); }
"""


@dataclass
class Buffer:
    """A text under way. ``serial`` is the time that Python set it, ``count`` the change in the
    browser that it is as of; ``line`` is where the cursor stands, ``applied`` whether the keys for
    it were struck; ``reveal`` is a place to go to, with a number of its own.
    """

    text: str = ""
    serial: int = 0
    count: int = 0
    line: int = 1
    applied: bool = False
    reveal: tuple[int, int, int] | None = None

    def replace(self, text: str) -> None:
        """Another text, as after opening a file."""
        self.text, self.serial, self.line = text, self.serial + 1, 1

    def go_to(self, line: int, column: int = 1) -> None:
        """Have the editor show a place and take the focus."""
        self.reveal = (line, column, 1 if self.reveal is None else self.reveal[2] + 1)

    def take(self, told: Mapping[str, object] | None) -> None:
        """What the browser says the text is, unless it speaks of one that was replaced."""
        if told is None or told.get("serial") != self.serial:
            return
        text, count = told.get("text"), told.get("count")
        if isinstance(text, str) and isinstance(count, int) and count >= self.count:
            self.text, self.count = text, count


class Mount(Protocol):
    """How Streamlit puts a component on the page."""

    def __call__(self, **arguments: object) -> object: ...


def mount() -> Mount | None:
    """What puts the editor on the page; None where Streamlit does not find its code."""
    try:
        found = st.components.v2.component(COMPONENT, html=HTML, css=CSS, js="editor.js")
    except StreamlitAPIException:
        return None
    return cast(Mount, found)


def editor(
    buffer: Buffer,
    findings: Sequence[Diagnostic],
    *,
    key: str,
    label: str,
    words: Words,
    marked: Sequence[int] = (),
    height: int = HEIGHT,
) -> None:
    """Show the text of ``buffer``, which follows what is written.

    ``findings`` are shown at their places as far as they lie in this text; ``words`` are offered
    for completion; ``marked`` lines are those of a node that is shown elsewhere.
    """
    put = mount()
    if put is None:
        _plain(buffer, key, label, height)
        return

    def told() -> None:
        state = st.session_state[key]
        buffer.take(state.get("apply") or state.get("edited"))
        buffer.line = state.get("line") or buffer.line
        buffer.applied = bool(state.get("apply"))

    buffer.applied = False if f"{key}_apply" not in st.session_state else buffer.applied
    put(
        key=key,
        data=payload(buffer, findings, label, words, marked, height),
        on_edited_change=told,
        on_line_change=told,
        on_apply_change=told,
        height=height + 2,
    )
    st.caption(KEYS)


def payload(
    buffer: Buffer,
    findings: Sequence[Diagnostic],
    label: str,
    words: Words,
    marked: Sequence[int],
    height: int,
) -> dict[str, object]:
    """What the browser is given; see ``src.js``."""
    line, column, serial = buffer.reveal or (0, 0, 0)
    return {
        "text": buffer.text,
        "serial": buffer.serial,
        "count": buffer.count,
        "findings": [_placed(found) for found in findings],
        "marked": list(marked),
        "words": {"rev": 1, "keys": _lists(words.keys), "functions": _lists(words.functions)},
        "label": label,
        "height": height,
        "reveal": {"line": line, "column": column, "serial": serial} if serial else None,
    }


def _lists(table: Sequence[tuple[str, tuple[str, ...]]]) -> dict[str, list[str]]:
    return {name: list(inner) for name, inner in table}


def _placed(found: Diagnostic) -> dict[str, object]:
    mark = found.mark
    return {
        "line": mark.line if mark else 1,
        "column": mark.column if mark else 1,
        "length": mark.length if mark else 1,
        "severity": found.severity,
        "code": found.code,
        "message": found.message,
        "help": found.help or "",
    }


def _plain(buffer: Buffer, key: str, label: str, height: int) -> None:
    """The text area. Its own state is bound to ``serial``, so that another text replaces it."""
    st.caption(PLAIN)
    plain = f"{key}_{buffer.serial}"
    st.session_state.setdefault(plain, buffer.text)

    def told() -> None:
        buffer.text = st.session_state[plain]
        buffer.count += 1

    st.text_area(label, key=plain, height=height, on_change=told)
