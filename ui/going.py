"""From one page to another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn, cast

import streamlit as st
from streamlit.navigation.page import StreamlitPage

KEY = "graphflow_pages"


def remember(pages: Mapping[str, StreamlitPage]) -> None:
    """Know the pages of this visit by their modules."""
    st.session_state[KEY] = dict(pages)


def go(module: str) -> NoReturn:
    """Show another page."""
    pages = cast(Mapping[str, StreamlitPage], st.session_state[KEY])
    st.switch_page(pages[module])
