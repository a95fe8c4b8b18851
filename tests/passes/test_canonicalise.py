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

# rule, lines before, lines after; x and y are float32[2, 3], i and j int64[2, 3], b bool[2, 3]
CASES = """
add_zero
    zero: int64[] = constant(value=0, dtype=int64)
    r: int64[2, 3] = add(i, zero)
    return r
->
    return i

add_zero
    zero: float32[] = constant(value=-0.0, dtype=float32)
    r: float32[2, 3] = add(zero, x)
    return r
->
    return x

add_zero
    zero: int64[4, 2, 3] = full(shape=[4, 2, 3], value=0, dtype=int64)
    r: int64[4, 2, 3] = add(i, zero)
    return r
->
    r: int64[4, 2, 3] = broadcast_to(i, shape=[4, 2, 3])
    return r

subtract_zero
    zero: float32[] = constant(value=0.0, dtype=float32)
    r: float32[2, 3] = sub(x, zero)
    return r
->
    return x

times_one
    one: float32[] = constant(value=1, dtype=float32)
    a: float32[2, 3] = mul(one, x)
    r: float32[2, 3] = div(a, one)
    return r
->
    return x

times_one
    minus: float32[] = constant(value=-1.0, dtype=float32)
    r: float32[2, 3] = mul(x, minus)
    return r
->
    r: float32[2, 3] = neg(x)
    return r

times_zero
    zero: int64[] = constant(value=0, dtype=int64)
    r: int64[2, 3] = mul(i, zero)
    return r
->
    r: int64[2, 3] = full(shape=[2, 3], value=0, dtype=int64)
    return r

double_negative
    a: float32[2, 3] = neg(x)
    r: float32[2, 3] = neg(a)
    return r
->
    return x

add_negative
    a: float32[2, 3] = neg(y)
    r: float32[2, 3] = add(x, a)
    return r
->
    r: float32[2, 3] = sub(x, y)
    return r

add_negative
    a: float32[2, 3] = neg(y)
    r: float32[2, 3] = add(a, x)
    return r
->
    r: float32[2, 3] = sub(x, y)
    return r

subtract_negative
    a: float32[2, 3] = neg(y)
    r: float32[2, 3] = sub(x, a)
    return r
->
    r: float32[2, 3] = add(x, y)
    return r

two_negatives
    a: float32[2, 3] = neg(x)
    b2: float32[2, 3] = neg(y)
    r: float32[2, 3] = div(a, b2)
    return r
->
    r: float32[2, 3] = div(x, y)
    return r

same_operands
    r: int64[2, 3] = sub(i, i)
    return r
->
    r: int64[2, 3] = full(shape=[2, 3], value=0, dtype=int64)
    return r

divide_by_power_of_two
    c: float32[] = constant(value=-8.0, dtype=float32)
    r: float32[2, 3] = div(x, c)
    return r
->
    r.constant: float32[] = constant(value=-0.125, dtype=float32)
    r: float32[2, 3] = mul(x, r.constant)
    return r

small_powers
    c: float32[] = constant(value=2, dtype=float32)
    r: float32[2, 3] = pow(x, c)
    return r
->
    r: float32[2, 3] = mul(x, x)
    return r

small_powers
    c: float32[] = constant(value=0.0, dtype=float32)
    r: float32[2, 3] = pow(x, c)
    return r
->
    r: float32[2, 3] = full(shape=[2, 3], value=1, dtype=float32)
    return r

small_powers
    c: float32[] = constant(value=1.0, dtype=float32)
    r: float32[2, 3] = pow(x, c)
    return r
->
    return x

twice_the_same
    a: float32[2, 3] = relu(x)
    r: float32[2, 3] = relu(a)
    return r
->
    a: float32[2, 3] = relu(x)
    return a

absolute_of_negative
    a: float32[2, 3] = neg(x)
    r: float32[2, 3] = abs(a)
    return r
->
    r: float32[2, 3] = abs(x)
    return r

extreme_of_one
    r: float32[2, 3] = maximum(x, x)
    return r
->
    return x

hand_on
    a: float32[2, 3] = identity(x)
    r: float32[2, 3] = stop_gradient(a)
    return r
->
    return x

cast_to_own_type
    r: float32[2, 3] = cast(x, dtype=float32)
    return r
->
    return x

cast_twice
    a: float64[2, 3] = cast(x, dtype=float64)
    r: int32[2, 3] = cast(a, dtype=int32)
    return r
->
    r: int32[2, 3] = cast(x, dtype=int32)
    return r

known_choice
    c: bool[] = constant(value=false, dtype=bool)
    r: float32[2, 3] = where(c, x, y)
    return r
->
    return y

known_choice
    r: float32[2, 3] = where(b, x, x)
    return r
->
    return x

double_not
    a: bool[2, 3] = logical_not(b)
    r: bool[2, 3] = logical_not(a)
    return r
->
    return b

not_equal
    a: bool[2, 3] = equal(x, y)
    r: bool[2, 3] = logical_not(a)
    return r
->
    r: bool[2, 3] = not_equal(x, y)
    return r

logic_of_one
    r: bool[2, 3] = logical_and(b, b)
    return r
->
    return b

named_fill
    r: float32[2] = ones(shape=[2], dtype=float32)
    return r
->
    r: float32[2] = full(shape=[2], value=1, dtype=float32)
    return r

filled_scalar
    r: float32[] = full(shape=[], value=2.5, dtype=float32)
    return r
->
    r: float32[] = constant(value=2.5, dtype=float32)
    return r

moved_fill
    a: float32[2, 3] = full(shape=[2, 3], value=2, dtype=float32)
    r: float32[3, 2] = transpose(a, axes=[1, 0])
    return r
->
    r: float32[3, 2] = full(shape=[3, 2], value=2, dtype=float32)
    return r

stretched_operand
    a: float32[2, 3] = full(shape=[2, 3], value=2, dtype=float32)
    r: float32[2, 3] = mul(a, x)
    return r
->
    r.constant: float32[] = constant(value=2, dtype=float32)
    r: float32[2, 3] = mul(r.constant, x)
    return r

stretched_operand
    s: float32[3] = sum(x, axis=[0], keepdims=false)
    a: float32[2, 3] = broadcast_to(s, shape=[2, 3])
    r: float32[2, 3] = where(b, x, a)
    return r
->
    s: float32[3] = sum(x, axis=[0], keepdims=false)
    r: float32[2, 3] = where(b, x, s)
    return r

moves_nothing
    r: float32[2, 3] = reshape(x, shape=[2, 3])
    return r
->
    return x

moves_nothing
    r: float32[2, 3] = transpose(x, axes=[0, 1])
    return r
->
    return x

moves_nothing
    r: float32[2, 3] = slice(x, index=[["slice", 0, 2, 1], ["slice", 0, 3, 1]])
    return r
->
    return x

moves_nothing
    r: float32[2, 3] = concat(x, axis=0)
    return r
->
    return x

reshape_twice
    a: float32[2, 3, 1] = expand_dims(x, axis=[2])
    r: float32[6] = reshape(a, shape=[6])
    return r
->
    r: float32[6] = reshape(x, shape=[6])
    return r

transpose_twice
    a: float32[3, 2] = transpose(x, axes=[1, 0])
    r: float32[2, 3] = transpose(a, axes=[1, 0])
    return r
->
    return x

transpose_twice
    w: float32[1, 2, 3] = expand_dims(x, axis=[0])
    a: float32[3, 1, 2] = transpose(w, axes=[2, 0, 1])
    r: float32[3, 2, 1] = transpose(a, axes=[0, 2, 1])
    return r
->
    w: float32[1, 2, 3] = expand_dims(x, axis=[0])
    r: float32[3, 2, 1] = transpose(w, axes=[2, 1, 0])
    return r

broadcast_twice
    a: float32[4, 2, 3] = broadcast_to(x, shape=[4, 2, 3])
    r: float32[5, 4, 2, 3] = broadcast_to(a, shape=[5, 4, 2, 3])
    return r
->
    r: float32[5, 4, 2, 3] = broadcast_to(x, shape=[5, 4, 2, 3])
    return r

flip_twice
    a: float32[2, 3] = flip(x, axis=[1])
    r: float32[2, 3] = flip(a, axis=[1])
    return r
->
    return x

reduce_nothing
    r: float32[2, 3] = max(x, axis=[], keepdims=false)
    return r
->
    return x
"""

LEAVES = """
    x: float32[2, 3] = input()
    y: float32[2, 3] = input()
    i: int64[2, 3] = input()
    b: bool[2, 3] = input()
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
