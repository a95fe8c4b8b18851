"""What a recording may take, and what it lets go."""

import numpy as np
import pytest

from graphflow.diagnostics import GraphflowError
from graphflow.view.recording import kept
from graphflow.view.recording.limits import Limits
from graphflow.view.study import Study
from graphflow.view.workspace import Workspace

WIDE = """
graphflow: 1
name: wide
inputs: {x: [1000]}
nodes:
  a: 2 * x
  b: a + 1
  c: sqrt(b)
  d: c * c
  f: sum(d)
outputs: [f]
check:
  - {feed: {x: 'arange(1000) / 7'}, expect: {f: 0}}
"""


@pytest.mark.parametrize(
    ("limits", "code", "says"),
    [(Limits(bytes=10_000), "GF060", "10,000 bytes"), (Limits(steps=3), "GF004", "3 steps"),
     (Limits(seconds=0.0), "GF004", "0 seconds")],
)  # fmt: skip
def test_beyond_a_limit_the_study_says_what_to_do(limits, code, says):
    with pytest.raises(GraphflowError) as raised:
        Study(Workspace(text=WIDE), limits)
    (found,) = raised.value.diagnostics
    assert found.code == code
    assert says in found.message
    assert found.help


def test_values_let_go_are_computed_again_bit_for_bit(monkeypatch):
    whole = Study(Workspace(text=WIDE))
    monkeypatch.setattr(kept, "LARGE", 1000)
    tight = Study(Workspace(text=WIDE), Limits(bytes=60_000))
    values = tight.recording.turns[0].values
    assert values._gone
    assert tight.recording.bytes < whole.recording.bytes
    assert set(values) == set(whole.recording.turns[0].values)
    for name in values:
        np.testing.assert_array_equal(values[name], whole.recording.turns[0].values[name])
    assert [s.text for s in tight.steps] == [s.text for s in whole.steps]


def test_a_view_takes_no_bytes():
    text = WIDE.replace("a: 2 * x", "t: reshape(x, [10, 100])\n  u: transpose(t)\n  a: 2 * x")
    text = text.replace("f: sum(d)", "f: sum(d) + sum(u)")
    study = Study(Workspace(text=text))
    held = {
        step.node: ran.bytes for step, ran in zip(study.steps, study.recording.ran, strict=True)
    }
    assert (held["t"], held["u"], held["a"]) == (0, 0, 8000)
