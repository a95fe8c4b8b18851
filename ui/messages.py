"""Errors and untrusted text on a page: always as text, never as Markdown or HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from graphflow.diagnostics import GraphflowError

_SIGNS = re.compile(r"([!-/:-@\[-`{-~])")
_ADDRESSES = re.compile(r"(?<=http:)(?=//)|(?<=https:)(?=//)|(?<=www)(?=\.)|(?<=@)", re.IGNORECASE)
"""Inside of what GitHub's Markdown, which Streamlit reads, makes a link of, escaped or not."""
_JOINER = "\u2060"
"""It is not seen, and nothing is a link across it."""


def escaped(text: str) -> str:
    r"""Text for a place that reads Markdown: every sign of its grammar is made an ordinary one, and
    addresses stay words.

    >>> escaped("![x](a) <b>")
    '\\!\\[x\\]\\(a\\) \\<b\\>'
    >>> escaped("http://a") == "http\\:\u2060\\/\\/a"
    True
    """
    return _SIGNS.sub(r"\\\1", _ADDRESSES.sub(_JOINER, text)).replace("\n", " ")


def label(text: str) -> str:
    """Text as the label of a control: a screen reader reads it out as it stands, so that signs of
    Markdown that no name has are left out, rather than escaped.

    >>> label("data.batch"), label("![x](a) <b>")
    ('data.batch', '  x (a)  b ')
    """
    return re.sub(r"[^\w .,()=/-]", " ", _ADDRESSES.sub(_JOINER, text))


def show(error: GraphflowError) -> None:
    """What is wrong and what to do; below it where, with a caret under the place."""
    for found in error.diagnostics:
        box = st.warning if found.severity == "warning" else st.error
        help = f"  \n{escaped(found.help)}" if found.help else ""
        box(f"**{found.code}** {escaped(found.message)}{help}")
        if where := found.where():
            st.code(where, language=None, wrap_lines=False)


@contextmanager
def show_errors() -> Iterator[None]:
    """What goes wrong in here is told on the page, and the rest of the page stays."""
    try:
        yield
    except GraphflowError as error:
        show(error)
