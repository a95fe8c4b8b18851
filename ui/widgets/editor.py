"""A text editor with findings at their lines: CodeMirror 6, or a plain text area in its place.

The editor's code is a packaged component (``graphflow/view/widget/codemirror``): the browser
fetches it once, and no message carries it. Streamlit finds packages that are installed; without,
as in a checkout that is only on the path, the page has a text area and says so.

The text lives in the browser. :class:`Buffer` is what Python knows of it: the browser replaces its
text only when ``serial`` differs, so nothing that Python answers moves the cursor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol, cast

import streamlit as st
from streamlit.errors import StreamlitAPIException

from graphflow.diagnostics import Diagnostic
from graphflow.view.editing import Words

COMPONENT = "graphflow.editor"
HEIGHT = "clamp(420px, 100vh - 235px, 1400px)"
PLAIN_HEIGHT = 620
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


@dataclass(frozen=True)
class Reveal:
    """A place to be shown; ``serial`` tells a second wish for the same place from the first."""

    line: int
    column: int
    focus: bool
    serial: int


@dataclass
class Buffer:
    """A text under way. ``serial`` is the time that Python set it, ``count`` the change in the
    browser that it is as of; ``applied`` says that the keys for it were struck; ``reveal`` is a
    place to be shown.
    """

    text: str = ""
    serial: int = 0
    count: int = 0
    applied: bool = False
    reveal: Reveal | None = None

    def replace(self, text: str) -> None:
        """Another text, as after opening a file."""
        self.text, self.serial = text, self.serial + 1

    def go_to(self, line: int, column: int = 1, focus: bool = True) -> None:
        """Have the editor show a place, and take the ``focus``."""
        self.reveal = Reveal(line, column, focus, self.reveal.serial + 1 if self.reveal else 1)

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
    on_line: Callable[[int], None],
    draft: str,
    marked: Sequence[int] = (),
    height: str = HEIGHT,
) -> None:
    """Show the text of ``buffer``, which follows what is written.

    ``findings`` are shown at their places as far as they lie in this text; ``words`` are offered
    for completion; ``marked`` lines are those of a node that is shown elsewhere. ``on_line`` is
    called with the line that the cursor goes to. What is written is kept under ``draft`` in the
    browser's tab, and put back when this is shown there again with another text.
    """
    put = mount()
    if put is None:
        _plain(buffer, key, label)
        return

    def told() -> None:
        buffer.take(st.session_state[key].get("edited"))

    def applied() -> None:
        said = st.session_state[key].get("apply")
        buffer.take(said)
        buffer.applied = bool(said)

    def moved() -> None:
        line = st.session_state[key].get("line")
        if isinstance(line, int):
            on_line(line)

    put(
        key=key,
        data={**payload(buffer, findings, label, words, marked, height), "draft": draft},
        on_line_change=moved,
        on_edited_change=told,
        on_apply_change=applied,
    )
    st.caption(KEYS)


def payload(
    buffer: Buffer,
    findings: Sequence[Diagnostic],
    label: str,
    words: Words,
    marked: Sequence[int],
    height: str,
) -> dict[str, object]:
    """What the browser is given; see ``src.js``."""
    return {
        "text": buffer.text,
        "serial": buffer.serial,
        "count": buffer.count,
        "findings": [_placed(found) for found in findings],
        "marked": list(marked),
        "words": {"rev": 1, "keys": _lists(words.keys), "functions": _lists(words.functions)},
        "label": label,
        "height": height,
        "reveal": None if buffer.reveal is None else asdict(buffer.reveal),
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


def _plain(buffer: Buffer, key: str, label: str) -> None:
    """The text area. Its own state is bound to ``serial``, so that another text replaces it."""
    st.caption(PLAIN)
    plain = f"{key}_{buffer.serial}"
    st.session_state.setdefault(plain, buffer.text)

    def told() -> None:
        buffer.text = st.session_state[plain]
        buffer.count += 1

    st.text_area(label, key=plain, height=PLAIN_HEIGHT, on_change=told)
