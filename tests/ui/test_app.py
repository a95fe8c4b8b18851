from pathlib import Path

from streamlit.testing.v1 import AppTest

APP = Path(__file__).parents[2] / "ui" / "app.py"


def test_the_studio_opens():
    page = AppTest.from_file(str(APP), default_timeout=20).run()
    assert not page.exception and not page.error
