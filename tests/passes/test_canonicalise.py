"""Each rule of canonicalisation: graphs before and after, and values it must not touch."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from graphflow.ir import DType, Graph, InvalidGraph, TensorType
from graphflow.ir.text import from_text, to_text
from graphflow.ops import Builder, F
from graphflow.ops.evaluate import evaluate
from graphflow.passes.pipeline import canonicalise, dead
from graphflow.passes.rewrite import RewriteLoop, RuleSet, make, rewrite, rule
from graphflow.passes.rules import CANONICAL

from .canonicalise_cases import CASES

LEAVES = """
    x: float32[2, 3] = input()
    y: float32[2, 3] = input()
    i: int64[2, 3] = input()
    b: bool[2, 3] = input()
    key: int64[2] = rng()
"""


def graph(lines: str) -> Graph:
    text = "\n".join(line.strip() for line in (LEAVES + lines).splitlines() if line.strip())
    return from_text(text)


def parsed() -> list[tuple[str, Graph, Graph]]:
    found = []
    for case in CASES.strip().split("\n\n"):
        name, _, lines = case.partition("\n")
        before, after = lines.split("->\n")
        found.append((name, graph(before), graph(after)))
    return found


@pytest.mark.parametrize(("name", "before", "after"), parsed(), ids=[c[0] for c in parsed()])
def test_before_and_after(name: str, before: Graph, after: Graph) -> None:
    result = canonicalise.rewritten(before)
    assert result.fired[name] >= 1
    assert to_text(dead(result.graph)).partition("alias")[0] == to_text(dead(after))


@pytest.mark.parametrize(("name", "before", "after"), parsed(), ids=[c[0] for c in parsed()])
def test_values_stay_the_same(name: str, before: Graph, after: Graph) -> None:
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.5, 1e-45, 3e38]
    rng = np.random.default_rng(0)
    for _ in range(20):
        leaves = {
            "x": rng.choice(special, (2, 3)).astype(np.float32),
            "y": rng.choice(special, (2, 3)).astype(np.float32),
            "i": rng.integers(-5, 5, (2, 3)),
            "b": rng.integers(0, 2, (2, 3)).astype(bool),
            "key": rng.integers(0, 99, 2),
        }
        with np.errstate(all="ignore"):
            old = evaluate(before, leaves)[before.outputs[0]]
            new = evaluate(after, leaves)[after.outputs[0]]
        assert same_bits(old, new), (leaves, old, new)


def same_bits(a: object, b: object) -> bool:
    """Equal with the signs of zeros; a nan is a nan."""
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    equal = (a == b) | ((a != a) & (b != b))
    signs = np.signbit(a) == np.signbit(b) if a.dtype.kind == "f" else np.ones(a.shape, bool)
    return bool(np.all(equal & (signs | (a != a))))


def test_every_rule_has_a_case():
    assert {name for name, _, _ in parsed()} == {each.name for each in CANONICAL}


def test_every_rule_tells_its_story():
    assert all("->" in each.story for each in CANONICAL)


DECLINED = {
    "add_zero": "z: float32[] = constant(value=0, dtype=float32)\nr: float32[2, 3] = add(x, z)",
    "subtract_zero": (
        "zero: float32[] = constant(value=-0.0, dtype=float32)\nr: float32[2, 3] = sub(x, zero)"
    ),
    "times_zero": "z: float32[] = constant(value=0.0, dtype=float32)\nr: float32[2, 3] = mul(x, z)",
    "same_operands": "r: float32[2, 3] = sub(x, x)",
    "small_powers": (
        "h: float32[] = constant(value=0.5, dtype=float32)\nr: float32[2, 3] = pow(x, h)"
    ),
    "divide_by_power_of_two": (
        "h: float32[] = constant(value=1e-45, dtype=float32)\nr: float32[2, 3] = div(x, h)"
    ),
    "reduce_nothing": "r: float32[2, 3] = sum(x, axis=[], keepdims=false)",
}


@pytest.mark.parametrize("name", DECLINED)
def test_near_misses_say_why(name: str) -> None:
    before = graph(DECLINED[name] + "\nreturn r")
    result = canonicalise.rewritten(before)
    assert result.graph is before
    (refusal,) = result.declined
    assert (refusal.node, refusal.rule) == ("r", name) and refusal.reason


@pytest.mark.parametrize(
    "lines",
    [
        "c: float32[] = constant(value=3.0, dtype=float32)\nr: float32[2, 3] = div(x, c)",
        "c: float32[4, 2, 3] = full(shape=[4, 2, 3], value=4, dtype=float32)\n"
        "r: float32[4, 2, 3] = div(x, c)",
        "a: int32[2, 3] = cast(x, dtype=int32)\nr: float32[2, 3] = cast(a, dtype=float32)",
        "r: float32[2, 3] = div(x, y)",
        "r: float32[2, 3] = flip(x, axis=[0])",
        'r: float32[2, 3] = slice(x, index=[["slice", 1, none, -1], ["slice", 0, 3, 1]])',
        "r: float32[2, 3] = roll(x, shift=1, axis=1)",
    ],
)
def test_what_must_stay(lines: str) -> None:
    before = graph(lines + "\nreturn r")
    assert canonicalise(before) is before


def test_a_number_is_judged_in_its_own_type():
    """1e-60 is not zero, but as float32 it is."""
    lines = "c: float32[] = constant(value=1e-60, dtype=float32)\nr: float32[2, 3] = sub(x, c)"
    assert canonicalise(graph(lines + "\nreturn r")).outputs == ("x",)


def test_regions_are_rewritten():
    scalar = TensorType(DType.FLOAT32)
    inside = Builder()
    h = inside.input("h", scalar)
    body = inside.graph([inside.add("identity", -F.neg(h), name="next").name])
    b = Builder()
    out = b.add(
        "scan", b.input("start", scalar), body=body, carries=1, sequences=0, length=3, name="s"
    )
    after = canonicalise(b.graph([out.item(0).name]))
    assert after["s"].regions[0].outputs == ("h",)


def test_tables_follow():
    before = graph("a: float32[2, 3] = identity(x)\nr: float32[2, 3] = exp(a)\nreturn a, r")
    b = Builder(before)
    b.aliases["hidden"] = "a"
    after = canonicalise(b.graph(before.outputs))
    assert after.outputs == ("x", "r")
    assert after.aliases == {"hidden": "x", "a": "x"}
    assert "a" not in after.origins
    assert after["r"].inputs == ("x",)


@pytest.mark.parametrize("first", ["exp", "log"])
def test_a_loop_of_rules_is_named(first):
    @rule("exp")
    def there(node, view):
        "exp(x) -> log(x)"
        return make("log", *node.inputs)

    @rule("log")
    def back(node, view):
        "log(x) -> exp(x)"
        return make("exp", *node.inputs)

    b = Builder()
    out = b.add(first, b.input("x", TensorType(DType.FLOAT32)), name="y")
    with pytest.raises(RewriteLoop, match=r"in circles at 'y': .*there .*back|back .*there"):
        rewrite(b.graph([out.name]), RuleSet.of([there, back]))


def test_a_rule_that_changes_the_type_is_named():
    @rule("sum")
    def wrong(node, view):
        "sum(x) -> x"
        return node.inputs[0]

    b = Builder()
    y = b.add("sum", b.input("x", TensorType(DType.FLOAT32, (2,))))
    with pytest.raises(InvalidGraph, match="rule wrong"):
        rewrite(b.graph([y.name]), RuleSet.of([wrong]))


def test_signs_of_zero_tell_apart():
    assert not same_bits(np.zeros(1), -np.zeros(1))
    assert all(same_bits(a, b) is (repr(a) == repr(b)) for a, b in product([0.0, -0.0], repeat=2))
