"""The YAML reader: what it accepts, what it refuses, and where it says so."""

from __future__ import annotations

import math
import os

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from graphflow.diagnostics import Diagnostic, GraphflowError
from graphflow.spec.values import Map, Scalar, Seq, Value, plain
from graphflow.spec.yaml12 import read, read_file


def findings(text: str) -> list[Diagnostic]:
    with pytest.raises(GraphflowError) as caught:
        read(text, "t.yaml")
    return list(caught.value.diagnostics)


def finding(text: str) -> tuple[str, str]:
    """Code and place of the only finding."""
    (found,) = findings(text)
    return found.code, str(found.mark)


def scalars(value: Value) -> list[Scalar]:
    if isinstance(value, Scalar):
        return [value]
    if isinstance(value, Seq):
        return [s for item in value.items for s in scalars(item)]
    return [s for key, item in value.items for s in (key, *scalars(item))]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001), ("-2", -2), ("0x1F", 31), ("0o17", 15), ("007", 7), ("+.5", 0.5),
        ("3.", 3.0), ("-.inf", -math.inf), (".INF", math.inf), ("true", True), ("False", False),
        ("~", None), ("", None), ("null", None), ("no", "no"), ("yes", "yes"), ("on", "on"),
        ("1_000", "1_000"), ("1:30", "1:30"), ("2001-01-01", "2001-01-01"), ("=", "="),
        ("'1'", "1"), ('"true"', "true"), ("0b11", "0b11"), ("1e", "1e"), ("none", "none"),
    ],
)  # fmt: skip
def test_scalars_follow_the_core_schema(text: str, value: object):
    read_back = plain(read(f"key: {text}"))
    assert read_back == {"key": value}
    assert type(read_back["key"]) is type(value)


def test_nan():
    assert math.isnan(plain(read("[.nan]"))[0])


def test_marks_of_keys_items_and_collections():
    tree = read("a:\n  - b\n  - {c: 'd'}\n", "t.yaml")
    assert isinstance(tree, Map)
    items = tree.get("a")
    assert isinstance(items, Seq)
    assert [str(s.mark) for s in scalars(tree)] == [
        "t.yaml:1:1", "t.yaml:2:5", "t.yaml:3:6", "t.yaml:3:9",
    ]  # fmt: skip
    assert str(items.items[1].mark) == "t.yaml:3:5"
    assert scalars(tree)[3].mark.length == 3
    assert scalars(tree)[3].mark.text == "  - {c: 'd'}"


@pytest.mark.parametrize(
    "document",
    [
        "k: abc + de",
        "k: 'a''b + ''c'''",
        'k: "a\\"b \\u03bb + \\x41 \\\n   cd"',
        "k: abc\n   + de\n\n   + f",
        "k: 'abc\n   + de'",
        "k: >\n  abc +\n  de\n   + f\n",
        "k: |2-  # note\n    abc\n  de\n\n  f\n",
        "- k: >-\n\n    abc\n    de\n",
        "[ 'a b',  c d ]",
        "k: αβ + γ",
    ],
)
def test_an_offset_in_the_text_is_a_place_in_the_file(document: str):
    lines = document.split("\n")
    for scalar in scalars(read(document)):
        for offset, char in enumerate(scalar.text):
            mark = scalar.at(offset)
            assert mark.text == lines[mark.line - 1]
            if char.isascii() and char.isalpha() and "\\x41" not in document[:99]:
                assert mark.text[mark.column - 1] == char
    assert scalars(read("k: >\n  ab\n  cd"))[1].at(3, 2).column == 3


def test_an_escape_takes_more_room_in_the_file():
    (scalar,) = scalars(read('"\\u03bb + \\x41"'))
    assert scalar.text == "λ + A"
    assert [scalar.at(o).column for o in (0, 2, 4)] == [2, 9, 11]
    assert scalar.at(4).length == 1


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("a: &b 1", "GF003", "1:4"),
        ("a: *b", "GF003", "1:4"),
        ("a: !!int 1", "GF003", "1:4"),
        ("a: !b {c: 1}", "GF003", "1:4"),
        ("%TAG ! tag:x,2000:\n---\na: 1", "GF003", "1:1"),
        ("a: 1\nb:\n  <<: {c: 1}", "GF003", "3:3"),
        ("a: 1\n---\nb: 1", "GF003", "2:1"),
        ("? [a]\n: b", "GF003", "1:3"),
        ("a: 1\nb: 2\n'a': 3", "GF011", "3:1"),
        ("a: 9007199254740992", "GF004", "1:4"),
        ("a: 0xfffffffffffffffffffffffffffffff", "GF004", "1:4"),
        (f"a: {'9' * 5000}", "GF004", "1:4"),
        ("a: -1e999", "GF004", "1:4"),
        ("a:\tb", "GF002", "1:3"),
        ("a: b\x00c", "GF001", "1:5"),
        ("a: b\u2028c", "GF001", "1:5"),
        ("a: [f(b, c), d]", "GF002", "1:5"),
        ("a: {b: f(c, d)}", "GF002", "1:8"),
        ("a: b: c", "GF002", "1:5"),
        ("a: 'b\nc: d", "GF002", "1:4"),
        ("a: 'b' + c", "GF002", "1:8"),
        ("a: [b", "GF002", "1:6"),
        ("a:\n  b: c\n d: e", "GF002", "3:2"),
        ("a: @b", "GF002", "1:4"),
        ('a: "\\q"', "GF002", "1:6"),
        ("", "GF002", "1:1"),
        ("# nothing\n", "GF002", "1:1"),
    ],
)
def test_refusals_say_where(text: str, code: str, place: str):
    assert finding(text) == (code, f"t.yaml:{place}")


def test_all_findings_of_a_file_in_one_go_in_its_order():
    found = findings("a: &x 1\nb: *x\nb: !t 2\nc: [f(a, b)]\nd: 'e")
    assert [(f.code, f.mark.line) for f in found if f.mark] == [  # the key stands before the tag
        ("GF003", 1), ("GF003", 2), ("GF011", 3), ("GF003", 3),
        ("GF002", 4), ("GF002", 5),
    ]  # fmt: skip


def test_a_duplicate_key_shows_the_first():
    (found,) = findings("a: 1\nb: 2\na: 3")
    assert str(found.notes[0].mark) == "t.yaml:1:1"


def test_a_split_call_says_what_to_write():
    (found,) = findings("through: [linear(hidden, activation=relu), dropout(p)]")
    assert found.message == "bracket left open: inside [ ] a comma ends the item"
    assert found.help == "write one item per line, or quote it"
    assert plain(read("[min(a), 'f(a, b)']")) == ["min(a)", "f(a, b)"]


@pytest.mark.parametrize("with_c", [True, False])
def test_errors_do_not_depend_on_the_parser(with_c: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(yaml, "__with_libyaml__", with_c and yaml.__with_libyaml__)
    said = [f.render() for t in ("a: b: c", "a: [b", "a: 'b", "- a\nb: 1") for f in findings(t)]
    assert len(said) == 4
    assert "mapping values are not allowed here" in said[0]
    assert plain(read("a: [1, {b: 2}]")) == {"a": [1, {"b": 2}]}


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 100_000, "{a: " * 100_000, "? " * 100_000])
def test_deep_nesting_is_refused(text: str):
    assert findings(text)[0].code == "GF004"


def test_nesting_at_the_limit_is_read():
    assert read("[" * 50 + "]" * 50)
    assert finding("[" * 51 + "]" * 51)[0] == "GF004"


def test_aliases_do_not_multiply():
    bomb = "a: &a [x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(9)
    )
    assert {f.code for f in findings(bomb)} == {"GF003"}


def test_line_ends_and_byte_order_mark():
    assert plain(read("\ufeffa: 1\r\nb:\r\n  - 2\r\n")) == {"a": 1, "b": [2]}


def test_files_that_cannot_be_read(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "garbage").write_bytes(bytes(range(256)))
    (tmp_path / "latin").write_bytes("a: 1\nb: \xe9".encode("latin-1"))
    (tmp_path / "nul").write_bytes(b"a\x00b")
    (tmp_path / "big").write_bytes(b"a: [" + b"[1], " * 2_000_000)
    os.mkfifo(tmp_path / "pipe")
    for name in ("missing.yaml", ".", "garbage", "latin", "nul", "pipe", "x" * 5000, "a\x00b"):
        with pytest.raises(GraphflowError) as caught:
            read_file(name)
        assert caught.value.diagnostics[0].code == "GF001", name
    with pytest.raises(GraphflowError, match="larger than 1,000,000 bytes"):
        read_file("big")


def test_an_unreadable_file(tmp_path):
    path = tmp_path / "closed.yaml"
    path.write_text("a: 1")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read every file")
    with pytest.raises(GraphflowError, match="cannot be read"):
        read_file(path)


def test_a_file_is_read(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("a: 1\n", encoding="utf-8-sig")
    text, tree = read_file(path)
    assert text == "a: 1\n"
    assert plain(tree) == {"a": 1}
    assert tree.mark.file == str(path)


@given(st.text(alphabet=st.sampled_from("ab:- \n'\"[]{},#|>&*!%@`?\\\t1.")))
def test_any_text_is_read_or_refused(text: str):
    try:
        tree = read(text)
    except GraphflowError as error:
        assert all(d.mark is not None and d.mark.line >= 1 for d in error.diagnostics)
        assert error.diagnostics
    else:
        for scalar in scalars(tree):
            for offset in range(len(scalar.text) + 1):
                mark = scalar.at(offset)
                assert mark.text == text.split("\n")[mark.line - 1]


def test_bytes_that_are_no_text_have_a_place(tmp_path):
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"graphflow: 1\nname: caf\xe9\n")
    with pytest.raises(GraphflowError) as caught:
        read_file(path)
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.mark.line, diagnostic.mark.column) == (2, 10)
    assert "^" in diagnostic.render()
    with pytest.raises(GraphflowError) as caught:
        read_file(tmp_path / "nowhere.yaml")
    assert str(caught.value.diagnostics[0].mark).endswith("nowhere.yaml:1:1")
