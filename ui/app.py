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
    """A page: its module in ``ui/screens``, which is its address too, its title and its sign."""

    module: str
    title: str
    icon: str


# The pages in the order of learning; the first is the one that opens.
PAGES = (
    Page("gallery", "Gallery", ":material/grid_view:"),
    Page("explore", "Explore", ":material/account_tree:"),
    Page("edit", "Edit", ":material/edit_note:"),
    Page("train", "Train", ":material/trending_up:"),
    Page("check", "Check", ":material/rule:"),
)  # fmt: skip
VIEW = {"graph", "run", "more"}  # fields of an address that holds a view; see studio/permalink.py
STYLE = Path(__file__).with_name("studio.css")


def shower(page: Page) -> Callable[[], None]:
    """What shows a page: its module is imported when it is first looked at."""

    def show() -> None:
        importlib.import_module(f"ui.screens.{page.module}").page()

    return show


def started() -> bool:
    """Whether the studio stands, within the limits that the command line gives after ``--``."""
    from graphflow.cli.studio import given
    from graphflow.diagnostics import fail
    from graphflow.studio.client import open_studio, opened
    from ui.messages import show_errors

    if opened() is None:
        with show_errors():
            own = Path(sys.argv[0]).resolve() == Path(__file__).resolve()
            limits = given(sys.argv[1:] if own else [])
            taken = st.get_option("server.maxUploadSize")
            if own and limits.upload_megabytes > taken:
                wanted = f"--server.maxUploadSize {limits.upload_megabytes}"
                fail("GF006", f"--upload is {limits.upload_bytes:,} bytes, and the server that "
                     f"this studio runs on takes {taken} MB",
                     help=f"streamlit run ui/app.py {wanted} -- --upload ...; "
                     "'graphflow studio --upload ...' tells the server, too")  # fmt: skip
            open_studio(limits)
    return opened() is not None


def restored() -> None:
    """Open what the address names, whatever page it is of."""
    if VIEW & st.query_params.to_dict().keys():
        from ui.explore import addresses
        from ui.messages import show_errors

        with show_errors():
            addresses.restore()


def main() -> None:
    """Set up the frame, and run the page that the address names."""
    st.set_page_config("graphflow studio", ICON, layout="wide")
    st.html(STYLE)
    if not started():
        return
    pages = {
        p.module: st.Page(
            shower(p), title=p.title, icon=p.icon, url_path=p.module, default=p is PAGES[0]
        )
        for p in PAGES
    }
    importlib.import_module("ui.going").remember(pages)
    chosen = st.navigation(list(pages.values()), position="top")
    at_root = chosen is pages[PAGES[0].module] is not pages["explore"]
    if at_root and VIEW & st.query_params.to_dict().keys():
        st.switch_page(pages["explore"], query_params=st.query_params.to_dict())
    restored()
    chosen.run()
    importlib.import_module("ui.widgets.popovers").popovers()


if __name__ == "__main__":
    main()
