import pytest

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_page_opens_without_errors_or_calls_outside(visitor, scheme):
    page = visitor.open(scheme=scheme)
    page.get_by_test_id("stMarkdownContainer").first.wait_for()
    background = page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")
