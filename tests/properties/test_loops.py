"""Loops that are written wrong end in an error with its place, whatever is wrong about them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphflow.api import loads
from graphflow.diagnostics import GraphflowError
from graphflow.training.checks import run_checks

STARTS = ["0.0", "0", "true", "zeros([2])", "zeros([3, 2])", "h", "xs", "xs[0]", "w"]
ONE = ["{a}", "{a} + 1", "sum({a})", "{a}[0]", "{a} > 0", "argmax({a})", "transpose({a})",
       "concat([{a}, {a}])", "stack([{a}, {a}])", "linear({a}, 2)", "missing"]  # fmt: skip
TWO = ["{a} + {b}", "{a} @ {b}", "{a} * mean({b})", "where({a} > 0, {a}, {b})"]
GIVEN = {"[3]": "[1, 2, 3]", "[N, 2]": "[[1, 2], [3, 4], [5, 6]]", "scalar": "1", "[0]": "[]"}


@st.composite
def expressions(draw, names):
    a, b = draw(st.sampled_from(names)), draw(st.sampled_from(names))
    return draw(st.sampled_from(ONE + TWO)).format(a=a, b=b)


@st.composite
def loops(draw, around, depth=0):
    """The lines of a loop, and what it gives."""
    carries = draw(st.lists(st.sampled_from("cd"), min_size=1, max_size=2, unique=True))
    names, lines = [*around, *carries, *carries], []
    kind = draw(st.sampled_from(["scan: {x: xs}", "scan: {x: xs, y: w}", "scan: {steps: 2}",
                                 "while: 'sum(c) < 3'"]))  # fmt: skip
    names += [name for name in "xy" if f"{name}: " in kind]
    for name in draw(st.sampled_from([[], ["p"], ["p", "q"]])):
        lines.append(f"  {name}: '{draw(expressions(names))}'")
        names.append(name)
    if depth == 0 and draw(st.booleans()):
        inner, given_back = draw(loops(names, 1))
        lines += ["  inner:", *(f"    {line}" for line in inner)]
        names += [f"inner.{name}" for name in given_back]
    starts = ", ".join(f"{name}: '{draw(st.sampled_from(STARTS))}'" for name in carries)
    after = ", ".join(f"{name}: '{draw(expressions(names))}'" for name in carries)
    collect = draw(st.lists(st.sampled_from(names), max_size=2))
    lines = [kind, *(["nodes:", *lines] if lines else []), f"carry: {{{starts}}}",
             f"next: {{{after}}}"]  # fmt: skip
    lines += [f"collect: [{', '.join(collect)}]"] if kind.startswith("scan") else ["max_steps: 3"]
    return lines, [f"final.{name}" for name in carries]


@st.composite
def files(draw):
    shape = draw(st.sampled_from(sorted(GIVEN)))
    lines, given_back = draw(loops(["xs", "w", "h"]))
    return "\n".join([
        "graphflow: 1", "name: loops", f"inputs: {{xs: {{shape: {shape}}}}}",
        "params: {w: {shape: [2, 2], init: ones}}", "state: {h: {shape: [2], init: zeros}}",
        "nodes:", "  loop:", *(f"    {line}" for line in lines),
        f"  y: sum(loop.{given_back[0]})", "outputs: [y]",
        f"check: [{{feed: {{xs: {GIVEN[shape]}}}, expect: {{y: 0}}}}]",
    ])  # fmt: skip


@given(files())
@settings(max_examples=60, deadline=None)
def test_a_loop_runs_or_says_where_it_is_wrong(text):
    try:
        run_checks(loads(text))
    except GraphflowError as error:
        assert all(found.mark is not None for found in error.diagnostics)


@pytest.mark.parametrize("collect", ["c", "d"])
def test_a_loop_in_a_loop_that_reads_a_mistake_adds_none(collect):
    text = f"""
graphflow: 1
name: mistake
inputs: {{xs: [3]}}
nodes:
  loop:
    scan: {{steps: 2}}
    carry: {{a: 0.0}}
    nodes:
      wrong: xs @ zeros([2])
      inner:
        scan: {{x: xs}}
        carry: {{c: 0.0, d: 0.0}}
        next: {{c: c + x, d: d + sum(wrong)}}
        collect: [{collect}]
    next: {{a: a + inner.final.d}}
"""
    with pytest.raises(GraphflowError) as caught:
        loads(text)
    assert [(d.code, d.mark.line) for d in caught.value.diagnostics] == [("GF030", 10)]
