"""The graph widget: a drawing, a schedule and a cursor that moves wholly in the browser.

``script()`` is one ES module whose default export is called with a host and called again whenever
the host's data change; ``style()`` is its style sheet. A host is what ``st.components.v2`` gives a
component: ``parentElement``, ``data``, ``setStateValue(name, value)`` and
``setTriggerValue(name, value)``. Nothing is asked of a network.

Data, next to what ``view.wire`` writes:

- ``cursor`` counts only at first and whenever ``move`` differs from the time before: whoever moves
  the cursor from outside sends another ``move``. All else is an echo, and the user's own cursor
  holds;
- ``schedule`` is None where there is nothing to step through, and left out where the widget has it
  already; then ``schedule_rev`` names the one it should have, and ``rev`` the drawing. What it
  lacks it asks for by the trigger ``need``;
- ``options.height`` is the height of the picture, in pixels or as CSS has it.

A host may come in two halves that are drawn by themselves: where ``halved`` is True, ``cursor``,
``move`` and the marks that the panel changes are told by a mount of ``panel_script()``, which hears
of ``cursor``, ``selected``, ``breakpoint``, ``watch``, ``open`` and the option ``stop_above``. Both
say ``turn``: of what both tell, that of the higher turn holds.

State: ``cursor`` (at most every 60 ms, in play every 500 ms), ``selected``. Triggers: ``toggle``
(an open group is to be closed; or whatever stands around a closed one, or around a node that was
searched, to be opened; ``loop@`` is to be unrolled in time or folded: see ``view.looking``),
``option`` (``{name, value}``; ``moment`` has ``{loop, t}``), ``breakpoint``, ``watch``, ``open``
(a node), ``need`` (``"drawing"``, ``"schedule"`` or both with a space between), ``iterate`` (1 or
-1).
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from graphflow.view.drawing import HUES

FOLDER = Path(__file__).parent
PARTS = (
    "dom", "schedule", "values", "figures", "scene", "camera", "ring", "transport", "toolbar",
    "picture", "controls", "halves", "graph",
)  # fmt: skip


COMMENT = re.compile(r"^[ \t]*/\*(?:(?!\*/).)*\*/[ \t]*$", re.MULTILINE | re.DOTALL)


@cache
def script() -> str:
    """The module: its parts one after another, without indentation and lines of comment.

    It travels with every message to the browser, so it is kept small.
    """
    return _joined(PARTS)


@cache
def panel_script() -> str:
    """The module of the panel's half of a host."""
    return bare(_text("panel.js"))


@cache
def replay_script() -> str:
    """The module of a page that is its own host, with all its data in the element ``held``."""
    return _joined((*PARTS, "replay"))


def page_of_a_replay() -> str:
    """The page around it, with ``$title``, ``$about``, ``$style``, ``$hash``, ``$held``,
    ``$script``.
    """
    return _text("replay.html")


@cache
def style() -> str:
    """The style sheet; colours come from the theme's ``--st-*`` variables, those of boxes from
    :data:`HUES`.
    """
    hues = [f".gf .node.{kind} {{ --hue: {hue}; }}" for kind, hue in HUES.items()]
    return "\n".join([*(line.strip() for line in _text("graph.css").splitlines()), *hues])


def _joined(parts: tuple[str, ...]) -> str:
    """Sources one after another, without what only a reader of them needs."""
    return "\n".join(bare(_text(f"{part}.js")) for part in parts)


def bare(source: str) -> str:
    r"""A source without indentation, empty lines and comments on lines of their own.

    >>> bare("/** Twice a number,\n * as a number. */\n  const twice = (x) => 2 * x;\n// end\n")
    'const twice = (x) => 2 * x;'
    """
    lines = (line.strip() for line in COMMENT.sub("", source).splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
