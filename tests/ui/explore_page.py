"""The page Explore, driven without a browser."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from graphflow.studio.client import open_studio
from ui.state import KEY, Session


def script() -> None:
    from ui.app import restored
    from ui.screens import explore

    restored()
    explore.page()


def opened(**address: str) -> AppTest:
    """The page at an address."""
    page = AppTest.from_function(script, default_timeout=120)
    for name, value in address.items():
        page.query_params[name] = value
    return page.run()


def session(page: AppTest) -> Session:
    found = page.session_state[KEY]
    assert isinstance(found, Session)
    return found


def asked(page: AppTest, method: str, *arguments: object) -> object:
    """What the visitor's own process says of the workspace that the page shows."""
    here = session(page)
    assert here.workspace is not None
    return open_studio().client(here.id).ask(here.workspace, method, *arguments)


def words(page: AppTest) -> str:
    """All that stands on the page, escapes of Markdown taken away."""
    parts = [*page.subheader, *page.caption, *page.markdown, *page.error, *page.warning,
             *page.info, *page.code]  # fmt: skip
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


def press(page: AppTest, key: str) -> AppTest:
    return page.button(key=key).click().run()


def assert_good(page: AppTest) -> None:
    assert not page.exception, page.exception
    assert not page.error, [found.value for found in page.error]
