"""``transforms:`` as calls: arguments by name, each mistake at its place."""

import pytest

import graphflow as gf
from graphflow.spec.elaborate.transforms import TransformCall

TEXT = """
graphflow: 1
name: rows
let: {size: 2}
inputs: {x: {shape: [B, 1]}}
nodes: {y: 'x * 2'}
outputs: [y]
data:
  source: own
  transforms:
  - CALL
"""


def calls(call: str) -> tuple[TransformCall, ...]:
    plan = gf.loads(TEXT.replace("CALL", call)).elaborated.data
    assert plan is not None
    return plan.transforms


def test_arguments_are_known_by_name_words_are_columns_and_constants_have_their_value():
    assert calls("pad(text, size + 1)")[0].given == {"column": "text", "length": 3}
    assert calls("standardize([a, b], ddof=0)")[0].given == {"columns": ("a", "b"), "ddof": 0}
    assert calls("standardize")[0].given == {}


@pytest.mark.parametrize(
    ("call", "code", "column", "words"),
    [
        ("pad(text)", "GF022", 5, "pad needs 'length'"),
        ("standardize(x, dof=1)", "GF022", 20, "did you mean 'ddof'"),
        ("standardize(x, columns=y)", "GF022", 20, "is given twice"),
        ("standardise(x)", "GF070", 5, "did you mean 'standardize'"),
        ("standardize(x, ddof=2)", "GF071", 5, "0 to 1 for 'ddof'"),
        ("3 + 4", "GF013", 5, "a transform is a call"),
    ],
)
def test_a_wrong_call_is_placed(call: str, code: str, column: int, words: str):
    with pytest.raises(gf.GraphflowError) as caught:
        calls(call)
    (found,) = caught.value.diagnostics
    assert (found.code, found.mark.line, found.mark.column) == (code, 11, column)
    assert words in f"{found.message}; {found.help}"
