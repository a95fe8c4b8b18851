import pytest

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_page_opens_without_errors_or_calls_outside(visitor, scheme):
    page = visitor.open(scheme=scheme)
    page.get_by_test_id("stMarkdownContainer").first.wait_for()
    background = page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")


@pytest.mark.parametrize("name", ["gallery", "explore", "edit", "train", "check"])
def test_each_page_has_an_address_of_its_own(visitor, name):
    page = visitor.open("" if name == "gallery" else name)
    page.get_by_test_id("stTopNavLink").nth(4).wait_for()
    assert page.get_by_text("Page not found").count() == 0
    assert page.get_by_test_id("stSidebar").count() == 0
