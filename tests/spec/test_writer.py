"""Plain data written as YAML reads back as the same data."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphflow.spec.values import Plain, plain
from graphflow.spec.writer import dump
from graphflow.spec.yaml12 import read, read_file

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.yaml"))
TEXTS = st.text(max_size=12) | st.text(st.sampled_from("ab :-#'\"\n[]{},.()1e&*!|>%@`?~<=\\"))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(1 - 2**53, 2**53 - 1),
    st.floats(),
    TEXTS,
    st.sampled_from(["no", "true", "1e3", "0x1", "---", "...", "a: b", "f(a, b)", "f(a", "x[:]"]),
)
DATA = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(TEXTS.filter(lambda key: key != "<<"), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(DATA)
def test_what_is_written_reads_back(data: Plain):
    assert repr(plain(read(dump(data)))) == repr(data)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name)
def test_examples_survive(path: Path):
    data = plain(read_file(path)[1])
    text = dump(data)
    assert plain(read(text)) == data
    assert dump(plain(read(text))) == text


LAYOUT: Plain = {
    "about": "Two lines,\n  one indented.\n",
    "let": {"hidden": 256, "on": "no", "rate": 1e-05, "none": None, "empty": {}},
    "nodes": {
        "i, f": "split(z, 2)",
        "x": {"from": "y", "through": ["linear(2, bias=false)", {"repeat": 2, "through": []}]},
    },
    "rows": [[64, 2], [128, 2]],
    "calls": ["f(a, b)"],
    "outputs": ["a", "b c"],
    "check": [{"feed": {"x": -2}}, [{"y": 1}]],
    "long": ["x" * 50, "y" * 50],
}


def test_layout():
    assert (
        dump(LAYOUT)
        == f"""\
about: |
  Two lines,
    one indented.
let:
  hidden: 256
  on: no
  rate: 1e-05
  none: null
  empty: {{}}
nodes:
  i, f: split(z, 2)
  x:
    from: y
    through:
      - linear(2, bias=false)
      - repeat: 2
        through: []
rows: [[64, 2], [128, 2]]
calls:
  - f(a, b)
outputs: [a, b c]
check:
  - feed:
      x: -2
  - - y: 1
long:
  - {"x" * 50}
  - {"y" * 50}
"""
    )


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("hidden // 2", "hidden // 2"),
        ("x - y", "x - y"),
        ("-x", "-x"),
        ("- x", "'- x'"),
        ("1", "'1'"),
        ("true", "'true'"),
        ("", "''"),
        ("it's", "it's"),
        ("'quoted'", "'''quoted'''"),
        ("a: b", "'a: b'"),
        ("a #b", "'a #b'"),
        ("[x]", "'[x]'"),
        ("tab\there", '"tab\\x09here"'),
        ("λ", "λ"),
        ("\u2028", '"\\u2028"'),
        (" x", "' x'"),
        ("x\n", '"x\\n"'),
    ],
)
def test_quotes_only_where_needed(text: str, written: str):
    assert dump({"k": text}) == f"k: {written}\n"
