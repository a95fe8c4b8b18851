from streamlit.testing.v1 import AppTest

from ui.messages import escaped, label


def page_with_an_error() -> None:
    from graphflow.diagnostics import Diagnostic, GraphflowError, Mark
    from ui import messages

    mark = Mark("a.yaml", 3, 5, 2, "  x: yy")
    messages.show(GraphflowError(Diagnostic("GF020", "no ![a](http://b) <i>", mark, help="do so")))


def test_an_error_is_told_once_with_code_place_caret_and_help_and_as_text():
    page = AppTest.from_function(page_with_an_error).run()
    (box,), (code,) = page.error, page.code
    assert "GF020" in box.value and "![" not in box.value and "<i>" not in box.value
    assert "do so" in box.value
    assert code.value.splitlines()[0] == "a.yaml:3:5" and "^^" in code.value
    assert not any(words in code.value for words in ("GF020", "http", "do so"))


def test_no_link_is_made_of_an_address():
    """A link needs "http://", "www." or a name after "@" in one piece."""
    for text in ("see http://a.b", "HTTPS://a.b", "www.a.b", "WWW.a.b", "me@a.b"):
        shown = escaped(text).replace("\\", "")
        assert shown != text and shown.replace("\u2060", "") == text
        assert not any(link in shown.lower() for link in ("http://", "https://", "www.", "@a"))


def test_letters_digits_and_spaces_are_left_alone():
    assert escaped("size 3 é") == "size 3 é"


def test_labels_are_read_out_as_they_stand():
    assert label("data.batch") == "data.batch" and label("w_1 (parameter)") == "w_1 (parameter)"
    hostile = label("![x](http://b) <i> `c` *d* :red[e] $f$ www.g")
    assert not set("![]<>`*:$\\") & set(hostile) and "www.g" not in hostile
