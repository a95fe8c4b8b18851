"""Expressions: what is read, what is refused, and text that reads back as the same tree."""

from __future__ import annotations

import math
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphflow.diagnostics import Diagnostic, GraphflowError, Mark
from graphflow.spec.expression import (
    Argument,
    Binary,
    Bool,
    BoolOp,
    Call,
    Compare,
    EllipsisLiteral,
    Expr,
    IfElse,
    Keyword,
    ListExpr,
    Name,
    NoneLiteral,
    Number,
    Placeholder,
    Slice,
    String,
    Subscript,
    Unary,
    declared,
    free_names,
    parse,
    parse_value,
    signature,
    targets,
    unparse,
    walk,
)
from graphflow.spec.values import Map, Scalar
from graphflow.spec.yaml12 import read

AT = Mark("t", 1, 1)
X, Y, Z = (Name(name, AT) for name in "xyz")


def refusal(text: str) -> Diagnostic:
    with pytest.raises(GraphflowError) as caught:
        parse(text)
    (found,) = caught.value.diagnostics
    assert found.mark is not None
    return found


def number(value: float) -> Number:
    return Number(value, AT)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("x", X),
        ("  x ", X),
        ("x\n + y", Binary("+", X, Y, AT)),
        ("-x ** 2", Unary("-", Binary("**", X, number(2), AT), AT)),
        ("-2", number(-2)),
        ("- 2 ** x", Unary("-", Binary("**", number(2), X, AT), AT)),
        ("+x", X),
        ("1_000", number(1000)),
        ("true", Bool(True, AT)),
        ("False", Bool(False, AT)),
        ("none", NoneLiteral(AT)),
        ("None", NoneLiteral(AT)),
        ("-inf", number(-math.inf)),
        ("'a' 'b'", String("ab", AT)),
        ('"\\u03bb"', String("λ", AT)),
        ("_", Placeholder(AT)),
        ("decoder.0.a.weight", Name("decoder.0.a.weight", AT)),
        ("fx . relu4_1", Name("fx.relu4_1", AT)),
        ("x.0 == 'x.0'", Compare(
            "==", Name("x.0", AT), String("x.0", AT), AT)),
        ("θ.ϕ", Name("θ.ϕ", AT)),
        ("not x", Unary("not", X, AT)),
        ("x < y <= z and x", BoolOp("and", (
            Compare("<", X, Y, AT), Compare("<=", Y, Z, AT), X), AT)),
        ("x or (y or z)", BoolOp("or", (X, Y, Z), AT)),
        ("x if y else z", IfElse(Y, X, Z, AT)),
        ("resnet.basic(x, k=[1, 2])", Call(
            "resnet.basic", (X,), (Keyword("k", ListExpr((number(1), number(2)), AT), AT),), AT)),
        ("x[:, 1:y, ..., None, -1, ::2]", Subscript(X, (
            Slice(None, None, None, AT), Slice(number(1), Y, None, AT), EllipsisLiteral(AT),
            NoneLiteral(AT), number(-1), Slice(None, None, number(2), AT)), AT)),
        ("x[[0, 2]]", Subscript(X, (ListExpr((number(0), number(2)), AT),), AT)),
        ("f(x)[0]", Subscript(Call("f", (X,), (), AT), (number(0),), AT)),
        ("x ** 64", Binary("**", X, number(64), AT)),
    ],
)  # fmt: skip
def test_what_is_read(text: str, tree: Expr):
    assert parse(text) == tree
    assert repr(parse(text)) == repr(tree)  # 2 is not 2.0, true is not 1


@pytest.mark.parametrize(
    ("text", "code", "column", "said"),
    [
        ("lambda x: x", "GF023", 1, "a lambda"),
        ("1 + [v for v in x]", "GF023", 5, "a comprehension"),
        ("f(v for v in x)", "GF023", 2, "a comprehension"),
        ("{v for v in x}", "GF023", 1, "a comprehension"),
        ("{v: v for v in x}", "GF023", 1, "a comprehension"),
        ("x + f'{y}'", "GF023", 5, "'f' before a text"),
        ("b'x'", "GF023", 1, "'b' before a text"),
        ("'''x'''", "GF023", 1, "one quote"),
        ("f(x).shape", "GF023", 1, "only a name has parts"),
        ("(x).shape", "GF023", 1, "only a name has parts"),
        ("'a'.upper()", "GF023", 1, "only a name has parts"),
        ("_.x", "GF023", 1, "only a name has parts"),
        ("x.1a", "GF023", 1, "only a name has parts"),
        ("f(x)(y)", "GF023", 1, "only a name can be called"),
        ("x[0](y)", "GF023", 1, "only a name can be called"),
        ("none(x)", "GF023", 1, "cannot be called"),
        ('q * __import__("os").system("id")', "GF023", 5, "'__import__'"),
        ("x.__class__", "GF023", 1, "'x.__class__'"),
        ("f(x, *y)", "GF023", 6, "a star"),
        ("f(x, **y)", "GF023", 6, "a star"),
        ("x[*y]", "GF023", 3, "a star"),
        ("(x := 1)", "GF023", 2, "an assignment"),
        ("(x, y)", "GF023", 1, "a comma"),
        ("x, y", "GF023", 1, "a comma"),
        ("()", "GF023", 1, "a comma"),
        ("{x, y}", "GF023", 1, "a set"),
        ("{'a': x}", "GF023", 1, "a dict"),
        ("(yield x)", "GF023", 2, "'yield'"),
        ("(yield from x)", "GF023", 2, "'yield'"),
        ("await x", "GF023", 1, "'await'"),
        ("x ^ 2", "GF023", 1, "'^'"),
        ("x & y", "GF023", 1, "'&'"),
        ("x | y", "GF023", 1, "'|'"),
        ("x << y", "GF023", 1, "'<<'"),
        ("x >> y", "GF023", 1, "'>>'"),
        ("~x", "GF023", 1, "'~'"),
        ("x is y", "GF023", 1, "'is'"),
        ("x is not y", "GF023", 1, "'is not'"),
        ("x in y", "GF023", 1, "'in'"),
        ("x not in y", "GF023", 1, "'not in'"),
        ("...", "GF023", 1, "'...' outside [ ]"),
        ("'a' + 'b'", "GF023", 1, "texts have no arithmetic"),
        ("-'a'", "GF023", 2, "texts have no arithmetic"),
        ("import os", "GF023", 1, "'import'"),
        ("x + lambda", "GF023", 5, "'lambda'"),
        ("", "GF025", 1, "missing"),
        ("   ", "GF025", 1, "missing"),
        ("x +", "GF025", 4, "ends too early"),
        ("x if", "GF025", 5, "ends too early"),
        ("x if y", "GF025", 1, "'if' needs an 'else'"),
        ("x y", "GF025", 3, "'y' is not expected"),
        ("x = y", "GF025", 3, "'=' is not expected"),
        ("x; y", "GF025", 2, "';' is not expected"),
        ("relu(x @ w + b", "GF025", 5, "'(' is not closed"),
        ("f([x)", "GF025", 5, "')' closes the '[' of column 3"),
        ("f(x))", "GF025", 5, "')' closes nothing"),
        ("f('x)", "GF025", 3, "a quote is left open"),
        ("x + 1if", "GF025", 5, "'1if' is not a number"),
        ("1.2.3", "GF025", 1, "not a number"),
        ("0777", "GF025", 1, "not a number"),
        ("1__0", "GF025", 1, "not a number"),
        ("2j", "GF025", 1, "not a number"),
        ("x # y", "GF025", 3, "'#' has no meaning"),
        ("x ? y : z", "GF025", 3, "'?' has no meaning"),
        ("!x", "GF025", 1, "'!' has no meaning"),
        ("x \\ y", "GF025", 3, "has no meaning"),
        ("α × β", "GF025", 3, "'×' cannot be read"),
        ("f(a=1, a=2)", "GF025", 8, "'a' is given twice"),
        ("x[()]", "GF025", 3, "an index is missing"),
        ("'\\q'", "GF025", 2, "a backslash"),
        ("'\\ud800'", "GF025", 1, "surrogate"),
        ("x\x00", "GF025", 2, "has no meaning"),
        ("9007199254740992", "GF004", 1, "2^53"),
        ("9" * 1999, "GF004", 1, "2^53"),
        ("1e999", "GF004", 1, "too large"),
        ("x ** 65", "GF004", 6, "exponent"),
        ("x ** -65", "GF004", 6, "exponent"),
        ("9**9**9", "GF004", 4, "exponent"),
        ("2**(8*9)", "GF004", 5, "exponent"),
        ("2**(1/0)", "GF004", 5, "exponent"),
        ("2**-(9**9)", "GF004", 4, "exponent"),
    ],
)
def test_what_is_refused_and_where(text: str, code: str, column: int, said: str):
    found = refusal(text)
    assert found.mark is not None
    assert (found.code, found.mark.column) == (code, column), found.render()
    assert said in found.message


@pytest.mark.parametrize(
    "text",
    [
        "x" * 2001,
        "(" * 51 + "x" + ")" * 51,
        "f(" * 600 + "x" + ")" * 600,
        "-" * 1900 + "x",
        "not " * 400 + "x",
        "x**" * 600 + "x",
        "x if y else " * 150 + "z",
        "+".join("x" * 900),
        "x" + "[0]" * 600,
        "[" * 900 + "]" * 900,
        "x<" * 900 + "x",
        "- " * 900 + "x",
    ],
)
def test_bounds_hold_without_recursion(text: str):
    if "<" in text:
        assert parse(text)  # flat: one 'and' of comparisons
    else:
        assert refusal(text).code == "GF004"


def test_nesting_at_the_limit_is_read():
    text = "f(" * 50 + "x" + ")" * 50
    assert unparse(parse(text)) == text


def test_syntax_errors_say_what_to_write():
    assert refusal("x = y").help == "'==' compares; a value is named by its key: 'name: expression'"
    assert refusal("x ^ 2").help == "a power is written x ** 2"
    assert refusal("α × β").help == "write *"


def test_columns_are_the_files():
    text = "nodes:\n  h: relu(α, 'é') + bias\n  k: >\n    f(x) +\n    [v for v in y]\n  m: 'a +'\n"
    nodes = read(text, "t.yaml").get("nodes")
    assert isinstance(nodes, Map)
    h = parse_value(nodes.get("h"))
    assert isinstance(h, Binary)
    assert (str(h.right.mark), h.right.mark.length) == ("t.yaml:2:21", 4)
    with pytest.raises(GraphflowError) as caught:
        parse(nodes.get("k"))
    assert str(caught.value.diagnostics[0].mark) == "t.yaml:5:5"
    with pytest.raises(GraphflowError) as caught:
        parse(nodes.get("m"))
    assert str(caught.value.diagnostics[0].mark) == "t.yaml:6:10"


@pytest.mark.parametrize(
    ("yaml", "tree"),
    [
        ("1e-3", number(0.001)),
        ("-2", number(-2)),
        ("true", Bool(True, AT)),
        ("'5'", number(5)),
        ("none", NoneLiteral(AT)),
        (".inf", number(math.inf)),
        ("[1, x + y]", ListExpr((number(1), Binary("+", X, Y, AT)), AT)),
    ],
)
def test_yaml_values_are_expressions(yaml: str, tree: Expr):
    assert parse_value(read(yaml)) == tree


@pytest.mark.parametrize(("text", "code"), [("{a: 1}", "GF013"), ("~", "GF025")])
def test_a_mapping_or_nothing_is_no_expression(text: str, code: str):
    with pytest.raises(GraphflowError, match=code):
        parse_value(read(text))


def test_names_in_keys_and_arguments():
    assert targets("i, f,g , o") == ("i", "f", "g", "o")
    assert declared("λ_2") == "λ_2"
    assert signature(["channels", "stride = 1"]) == (
        Argument("channels", None, AT),
        Argument("stride", number(1), AT),
    )
    assert signature(["a=1", "*", "b"])[1:] == (Argument("b", None, AT, by_name=True),)


@pytest.mark.parametrize(
    ("read_names", "code", "column"),
    [
        (lambda: targets("a, a"), "GF024", 4),
        (lambda: targets("a,, b"), "GF025", 3),
        (lambda: targets("a b"), "GF025", 1),
        (lambda: targets("a, lambda"), "GF025", 4),
        (lambda: declared("true"), "GF025", 1),
        (lambda: declared("_"), "GF025", 1),
        (lambda: declared("__x"), "GF025", 1),
        (lambda: declared("1a"), "GF025", 1),
        (lambda: declared(""), "GF025", 1),
        (lambda: signature(["a", "a"]), "GF024", 1),
        (lambda: signature(["a=1", "b"]), "GF025", 1),
        (lambda: signature(["a="]), "GF025", 3),
        (lambda: signature(["a=1+"]), "GF025", 5),
        (lambda: signature(["a", "*"]), "GF025", 1),
        (lambda: signature(["a", "*", "b", "*"]), "GF024", 1),
        (lambda: signature(["a.b"]), "GF025", 1),
    ],
)
def test_names_that_are_refused(read_names, code: str, column: int):
    with pytest.raises(GraphflowError) as caught:
        read_names()
    (found,) = caught.value.diagnostics
    assert found.mark is not None
    assert (found.code, found.mark.column) == (code, column)


def test_free_names_are_those_an_expression_reads():
    expr = parse("G(z)[i:n] + (a.b if not c else f(k=w)) * z @ [m] - -(q < r)")
    assert free_names(expr) == ("z", "i", "n", "a.b", "c", "w", "m", "q", "r")
    assert sum(isinstance(part, Call) for part in walk(expr)) == 2


WORDS = st.sampled_from(["x", "y1", "fx.relu4_1", "decoder.0.a", "θ"])


def trees(children: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    at = st.just(AT)
    item = children | st.builds(
        Slice, st.none() | children, st.none() | children, st.none() | children, at
    ) | st.builds(EllipsisLiteral, at)  # fmt: skip
    operand = children.filter(lambda e: not isinstance(e, String))
    keywords = st.lists(st.builds(Keyword, WORDS.filter(str.isidentifier), children, at),
                        max_size=2, unique_by=lambda k: k.name)  # fmt: skip
    return st.one_of(
        st.builds(Unary, st.just("-"), operand.filter(lambda e: not isinstance(e, Number)), at),
        st.builds(Unary, st.just("not"), children, at),
        st.builds(Binary, st.sampled_from(["+", "-", "*", "//", "%", "@"]), operand, operand, at),
        st.builds(Binary, st.just("**"), operand, st.builds(Name, WORDS, at) | st.builds(
            Number, st.integers(-64, 64), at), at),
        st.builds(Compare, st.sampled_from(["==", "!=", "<", "<=", ">"]), children, children, at),
        st.builds(bool_op, st.sampled_from(["and", "or"]), st.lists(
            children, min_size=2, max_size=3)),
        st.builds(IfElse, children, children, children, at),
        st.builds(Call, WORDS, st.lists(children, max_size=2).map(tuple), keywords.map(tuple), at),
        st.builds(ListExpr, st.lists(children, max_size=3).map(tuple), at),
        st.builds(Subscript, children, st.lists(item, min_size=1, max_size=3).map(tuple), at),
    )  # fmt: skip


def bool_op(op: str, operands: list[Expr]) -> Expr:
    """With operands of the same word taken in, as the reader gives it."""
    flat = [
        part
        for operand in operands
        for part in (
            operand.operands if isinstance(operand, BoolOp) and operand.op == op else (operand,)
        )
    ]
    return BoolOp(op, tuple(flat), AT)


LEAVES = st.one_of(
    st.builds(Number, st.integers(1 - 2**53, 2**53 - 1) | st.floats(allow_nan=False), st.just(AT)),
    st.builds(Bool, st.booleans(), st.just(AT)),
    st.builds(String, st.text(max_size=8), st.just(AT)),
    st.builds(Name, WORDS, st.just(AT)),
    st.just(NoneLiteral(AT)),
    st.just(Placeholder(AT)),
)


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@given(st.recursive(LEAVES, trees, max_leaves=12))
def test_text_of_a_tree_reads_back_as_the_tree(tree: Expr):
    text = unparse(tree)
    assert repr(parse(text)) == repr(tree)
    assert unparse(parse(f"(({text}))")) == text


@given(st.text(alphabet=st.sampled_from("xy01.e_ ()[]{}'\"+-*/%@<>=!,:#\\\nαfbif else not or")))
def test_any_text_is_read_or_refused(text: str):
    check_text(text)


TOKENS = [
    *string.punctuation, "x", "f(", "0", " if ", " else ", "lambda ", " for x in ", "1e3", "'a'",
    " and ", " not ", "...", "x.0", "None",
]  # fmt: skip


@given(st.lists(st.sampled_from(TOKENS)))
def test_any_tokens_are_read_or_refused(tokens: list[str]):
    check_text("".join(tokens))


def check_text(text: str) -> None:
    try:
        tree = parse(Scalar(text, text, Mark("t", 1, 1, 1, text)))
    except GraphflowError as error:
        (found,) = error.diagnostics
        assert found.code in {"GF004", "GF023", "GF025"}
        assert found.mark is not None
        assert 1 <= found.mark.column <= len(text) + 1
    else:
        assert repr(parse(unparse(tree))) == repr(tree)
