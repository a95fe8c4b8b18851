"""The studio: ``streamlit run ui/app.py``, from any folder."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

ROOT = str(Path(__file__).resolve().parent.parent)
if ROOT not in sys.path:  # so that `ui` and, in a checkout, `graphflow` are found
    sys.path.insert(0, ROOT)

ICON = Path(__file__).with_name("icon.svg")  # a Material icon in a tab's title would be fetched


@dataclass(frozen=True)
class Page:
    """A page: its module in ``ui/pages``, which is its address too, its title and its sign."""

    module: str
    title: str
    icon: str


# The pages in the order of learning; the first is the one that opens.
PAGES = (
    Page("explore", "Explore", ":material/account_tree:"),
    Page("train", "Train", ":material/trending_up:"),
)  # fmt: skip
STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding: 4.25rem 2rem 1rem; }
[data-testid="stTabs"] [data-baseweb="tab-list"] { gap: 0.75rem; }
</style>"""


def shower(page: Page) -> Callable[[], None]:
    """What shows a page: its module is imported when it is first looked at."""

    def show() -> None:
        importlib.import_module(f"ui.pages.{page.module}").page()

    return show


def main() -> None:
    """Set up the frame, and run the page that the address names."""
    st.set_page_config("graphflow studio", ICON, layout="wide")
    st.html(STYLE)
    pages = [
        st.Page(shower(p), title=p.title, icon=p.icon, url_path=p.module, default=p is PAGES[0])
        for p in PAGES
    ]
    st.navigation(pages, position="top").run()


if __name__ == "__main__":
    main()
