"""The cards of the canned graphs, in rows that follow the width of the window."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import streamlit as st

from graphflow.studio.client import open_studio
from graphflow.studio.thumbnails import Thumbnails
from graphflow.view.cards import Card, Thumbnail, cards
from ui.messages import escaped

WIDTH = 290
"""Pixels of a card: four of them, or six, stand side by side."""
BLANK = '<svg xmlns="http://www.w3.org/2000/svg" width="258" height="150"/>'
"""What holds the place of a picture that is being made."""
STYLE = """<style>
[class*="st-key-card-"] { position: relative; min-height: 21.5rem; gap: .45rem;
  transition: border-color .12s, box-shadow .12s; }
[class*="st-key-card-"]:hover, [class*="st-key-card-"]:focus-within {
  border-color: var(--st-primary-color, #0b62c4); box-shadow: 0 2px 12px rgb(0 0 0 / .16); }
[class*="st-key-card-"] .stButton button::after { content: ""; position: absolute; inset: 0; }
[class*="st-key-card-"] .stButton, [class*="st-key-card-"] .stButton *,
[class*="st-key-card-"] .stElementContainer { position: static; }
[class*="st-key-card-"] .stButton button { text-align: left; padding: 0; min-height: 0;
  border: 0; background: none; }
[class*="st-key-card-"] .stButton button p { font-weight: 650; font-size: 1.02rem;
  line-height: 1.3; white-space: normal; }
[class*="st-key-card-"] .stButton button:focus-visible { outline: none; box-shadow: none; }
[class*="st-key-card-"] .stButton button:focus-visible::after {
  outline: 3px solid var(--st-primary-color, #0b62c4); outline-offset: -1px;
  border-radius: 8px; }
[class*="st-key-card-"] .stImage, [class*="st-key-card-"] [data-testid="stImage"],
[class*="st-key-card-"] [data-testid="stImageContainer"] { width: 100%; }
[class*="st-key-card-"] [data-testid="stElementToolbar"] { display: none; }
[class*="st-key-card-"] img { height: 150px; width: 100%; object-fit: contain; }
[class*="st-key-card-"] p { font-size: .9rem; line-height: 1.4; }
@media (prefers-reduced-motion: reduce) { [class*="st-key-card-"] { transition: none; } }
</style>"""


@st.cache_resource(show_spinner=False)
def thumbnails() -> Thumbnails:
    """The pictures, for all visitors: a worker of their own makes those that are not kept."""
    client = open_studio().client("gallery")

    def make(name: str) -> Thumbnail:
        made = client.call("thumbnail", name)
        assert isinstance(made, Thumbnail)
        return made

    found = Thumbnails(make)
    found.begin({card.name: card.path for card in all_cards()})
    return found


@st.cache_resource(show_spinner=False)
def all_cards() -> tuple[Card, ...]:
    """The canned graphs: they do not change while the studio runs."""
    return cards()


def grid(shown: Sequence[tuple[str, Card]], opened: Callable[[str], None]) -> None:
    """Cards side by side, each under a word: its topic or a source. ``opened`` is called with the
    name of the one that is picked.
    """
    with st.container(horizontal=True, gap="small"):
        for word, card in shown:
            _card(word, card, opened)


def _card(word: str, card: Card, opened: Callable[[str], None]) -> None:
    key = re.sub(r"[^\w-]+", "-", f"card-{card.name}-{word}")
    with st.container(border=True, width=WIDTH, key=key):
        picture = thumbnails().ready.get(card.name)
        st.markdown(f":blue-badge[{escaped(word)}]")
        if picture is None:
            st.image(BLANK, width="stretch", alt="The picture is being made")
        else:
            dark = st.context.theme.type == "dark"
            st.image(picture.dark if dark else picture.light, width="stretch", alt=picture.text)
        st.button(escaped(card.title), key=f"open-{key}", type="tertiary", on_click=opened,
                  args=(card.name,))  # fmt: skip
        st.markdown(escaped(first_sentence(card.about)))
        st.caption(f"{escaped(card.name)} · {_size(picture)}")


def _size(picture: Thumbnail | None) -> str:
    if picture is None:
        return "…"
    learned = f" · {picture.parameters:,} parameters" if picture.parameters else ""
    return f"{picture.nodes} nodes{learned}"


def first_sentence(about: str, longest: int = 120) -> str:
    """What a card has room for: the first sentence, or as many words as fit.

    >>> first_sentence("It learns. It is small.")
    'It learns.'
    """
    sentence = about.split(". ")[0].rstrip(".") + "."
    if len(sentence) <= longest:
        return sentence
    return sentence[:longest].rpartition(" ")[0].rstrip(",;:") + " …"
