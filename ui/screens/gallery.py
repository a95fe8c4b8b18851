"""Gallery: all canned graphs, what each teaches, and other ways to open one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from graphflow.gallery import TOPICS
from graphflow.view.cards import Card, matching, sourced
from graphflow.view.workspace import Workspace
from ui.gallery import opening
from ui.gallery.shelf import STYLE, all_cards, grid, thumbnails
from ui.going import go
from ui.messages import escaped
from ui.state import open_workspace

FIRST = "xyz"
BY_TOPIC, BY_SOURCE = "By topic", "By source"
LOOK_AGAIN = 0.7
"""Seconds between looks for pictures that are being made."""
AT_ONCE = 24
"""Cards that are drawn at first, and with every further click: a browser takes seconds for all."""
WAITING = "graphflow_waiting"
SOUGHT = "graphflow_sought"
DRAWN = "graphflow_drawn"
PICKED = "graphflow_picked"


def page() -> None:
    """The page."""
    _leave()
    st.html(STYLE)
    _welcome()
    _shelf()


def pick(name: str) -> None:
    """Open a canned graph. A click calls this before the page is drawn: while pictures are looked
    for, that run may be cut short by the next one, which then leaves for Explore.
    """
    open_workspace(Workspace(graph=name))
    st.session_state[PICKED] = True


def _leave() -> None:
    if st.session_state.pop(PICKED, False):
        go("explore")


def _welcome() -> None:
    st.markdown("## See a model work, step by step")
    st.markdown(
        "Pick a graph: it is drawn, and you step through it forward and backward, node by node, "
        "with every number, shape and derivative there. Change a number and see what follows; edit "
        "the file; train it. **New here? Start with the smallest graph.**"
    )
    with st.container(horizontal=True, gap="small"):
        st.button("Start with f = (x + y) z", type="primary", icon=":material/play_arrow:",
                  on_click=pick, args=(FIRST,))  # fmt: skip
        opening.others()


def _shelf() -> None:
    """Search, and the cards; as long as pictures are being made it looks again."""
    found = all_cards()
    search, order = st.columns([3, 1], vertical_alignment="bottom")
    wanted = search.text_input(
        "Search", type="search", live=True, icon=":material/search:",
        placeholder="dropout, chain rule, residual, 12.6 …",
    )  # fmt: skip
    by = order.segmented_control("Order", [BY_TOPIC, BY_SOURCE], default=BY_TOPIC, required=True)
    topics = list(dict.fromkeys(card.topic for card in found))
    counts = Counter(card.topic for card in found)
    topic = st.pills("Topic", topics, label_visibility="collapsed",
                     format_func=lambda topic: f"{titled(topic)} {counts[topic]}")  # fmt: skip
    if st.session_state.get(SOUGHT) != (sought := (wanted, by, topic)):
        st.session_state[SOUGHT], st.session_state[DRAWN] = sought, AT_ONCE
    shown = [c for c in matching(found, wanted or "") if topic in (None, c.topic)]
    if not shown:
        st.info(f"No graph here speaks of “{escaped(wanted or '')}”. Fewer or shorter words, or "
                "another topic, find more.")  # fmt: skip
        return
    again = LOOK_AGAIN if thumbnails().working else None
    st.fragment(_cards, run_every=again)(shown, by == BY_SOURCE)
    st.caption(f"{len(shown)} of {len(found)} graphs")


def titled(topic: str) -> str:
    """What a topic is called; one that is new by the name of its folder."""
    return TOPICS.get(topic, topic.capitalize())


def _cards(shown: Sequence[Card], by_source: bool) -> None:
    """The cards. Once all pictures are there, the page is drawn as a whole and looks no more."""
    _leave()
    working = thumbnails().working
    if not working and st.session_state.get(WAITING):
        st.session_state[WAITING] = False
        st.rerun()
    st.session_state[WAITING] = working
    words = sourced(shown) if by_source else [(titled(card.topic), card) for card in shown]
    drawn = st.session_state[DRAWN]
    grid(words[:drawn], pick)
    if drawn < len(words):
        st.button(f"Show more: {len(words) - drawn} are left", on_click=_more)


def _more() -> None:
    st.session_state[DRAWN] += AT_ONCE
