"""Documents that are refused: where, with which code, and everything at once."""

from __future__ import annotations

import pytest

from graphflow.diagnostics import Diagnostic, GraphflowError
from graphflow.spec.document import read_document
from graphflow.spec.load import load_document
from graphflow.spec.yaml12 import read

HEAD = "graphflow: 1\nname: t\n"


def findings(text: str, head: str = HEAD) -> list[Diagnostic]:
    with pytest.raises(GraphflowError) as caught:
        read_document(read(head + text, "t.yaml"))
    return list(caught.value.diagnostics)


def finding(text: str, head: str = HEAD) -> tuple[str, str]:
    (found,) = findings(text, head)
    return found.code, str(found.mark).removeprefix("t.yaml:")


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("node: {y: x}", "GF010", "3:1"),
        ("nodes: {y: x}\ninput: {}", "GF010", "4:1"),
        ("about: x", "GF012", "1:1"),
        ("nodes: {y: {shape: [1]}}", "GF012", "3:9"),
        ("nodes: {y: {a: b}}", "GF013", "3:9"),
        ("nodes: {y: {form: x, through: [f]}}", "GF010", "3:13"),
        ("nodes: [a]", "GF013", "3:8"),
        ("nodes:", "GF013", "3:7"),
        ("nodes: {y: }", "GF025", "3:12"),
        ("nodes: {y: {from: x, through: f}}", "GF013", "3:31"),
        ("nodes: {y: {from: x, through: [[f]]}}", "GF013", "3:32"),
        ("nodes: {y: {from: x, through: [{repeat: 2}]}}", "GF012", "3:32"),
        ("nodes: {y: {from: x, through: [{through: [f]}]}}", "GF012", "3:32"),
        (
            "nodes: {y: {from: x, through: [{repeat: 2, for: {a: [1]}, through: [f]}]}}",
            "GF010",
            "3:44",
        ),
        ("nodes: {y: {from: x, through: [{repat: 2, through: [f]}]}}", "GF010", "3:33"),
        (
            "nodes: {y: {from: x, through: [{for: {'a, b': [[1]]}, through: [f]}]}}",
            "GF013",
            "3:48",
        ),
        ("nodes: {y: {scan: {x: e}, carry: {h: a}, nodes: {z: x}}}", "GF012", "3:38"),
        ("nodes: {y: {while: x, carry: {h: a}, next: {h: a, g: b}}}", "GF012", "3:54"),
        ("nodes: {y: {scan: {}, nodes: {z: x}}}", "GF013", "3:19"),
        ("nodes: {y: {cond: a, then: b}}", "GF012", "3:9"),
        ("nodes: {true: x}", "GF025", "3:9"),
        ("nodes: {for: x}", "GF025", "3:9"),
        ("nodes: {y: x}\nlet: {a: {b: 1}}", "GF013", "4:10"),
        ("nodes: {y: x}\nlet: {a.b: 1}", "GF025", "4:7"),
        ("nodes: {y: x}\ninputs: {a: B}", "GF013", "4:13"),
        ("nodes: {y: x}\ninputs: {a: {dtype: int}}", "GF012", "4:10"),
        ("nodes: {y: x}\nparams: {a: {shape: [1]}}", "GF012", "4:10"),
        ("nodes: {y: x}\nstate: {a: {shape: [1], init: 0, reset: epochs}}", "GF013", "4:41"),
        ("nodes: {y: x}\nlayers: {a: {is: f(), trainable: maybe}}", "GF013", "4:34"),
        ("nodes: {y: x}\nblocks: {a: {nodes: {y: x}}}", "GF012", "4:10"),
        ("nodes: {y: x}\nblocks: {a: {nodes: {y: x}, outputs: y}}", "GF013", "4:38"),
        ("nodes: {y: x}\nblocks: {a: {args: [b+], nodes: {y: x}, outputs: [y]}}", "GF025", "4:21"),
        ("nodes: {y: x}\ntrain: {maximize: y, optimizer: o}", "GF010", "4:9"),
        ("nodes: {y: x}\ntrain: {optimizer: o}", "GF012", "4:1"),
        ("nodes: {y: x}\ntrain: {minimize: y}", "GF012", "4:1"),
        ("nodes: {y: x}\ntrain: {minimize: y, optimizer: o, turns: [d]}", "GF020", "4:44"),
        ("nodes: {y: x}\ntrain: {minimize: y, optimizer: o, params: ['a b']}", "GF025", "4:45"),
        ("nodes: {y: x}\ndata: {sorce: digits}", "GF012", "4:1"),
        ("nodes: {y: x}\ncheck: [{expect: {y: a}}]", "GF013", "4:22"),
        ("nodes: {y: x}\ncheck: [{expect: {y: [[1], [1, 2]]}}]", "GF013", "4:28"),
        ("nodes: {y: x}\ncheck: [{gradients: {y: 1}}]", "GF012", "4:9"),
        ("nodes: {y: x}\ncheck: [{seed: 1.5}]", "GF013", "4:16"),
        ("nodes: {y: x}\ncheck: {}", "GF013", "4:8"),
        ("nodes: {y: x}\nabout: 3", "GF013", "4:8"),
    ],
)
def test_refusals_say_where(text: str, code: str, place: str):
    assert finding(text) == (code, place)


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("name: t\nnodes: {y: x}", "GF012", "1:1"),
        ("graphflow: 2\nname: t\nnodes: {y: x}", "GF013", "1:12"),
        ("graphflow: 1\nnodes: {y: x}", "GF012", "1:1"),
        ("- a", "GF013", "1:1"),
        ("graphflow:1", "GF013", "1:1"),
    ],
)
def test_the_head_is_needed(text: str, code: str, place: str):
    assert finding(text, head="") == (code, place)


def test_maximize_is_answered_with_minimize():
    (found,) = findings("nodes: {y: x}\ntrain: {maximize: y, optimizer: o}")
    assert found.help == "did you mean 'minimize'?"


def test_everything_wrong_is_said_at_once_deepest_first():
    found = findings("""\
inputs: {x: {dtype: int}}
nodes:
  a: f(x
  b: {from: lambda, throgh: [g]}
  c:
    from: x
    through: [h, "x ^ 2", {repeat: 2, trough: [k]}]
train: {minimise: a, epochs: {}}
""")
    assert [(d.code, d.mark.line, d.mark.column) for d in found if d.mark] == [
        ("GF012", 3, 10),
        ("GF025", 5, 7),
        ("GF023", 6, 13),
        ("GF010", 6, 21),
        ("GF023", 9, 19),
        ("GF010", 9, 39),
        ("GF013", 10, 30),
        ("GF010", 10, 9),
    ]


def test_the_text_and_its_meaning_are_judged_together():
    text = HEAD + "inputs: {x: &a scalar}\nnodes:\n  y: x\n  y: *a\n  z: f(\ntrain: {minimise: y}\n"
    with pytest.raises(GraphflowError) as caught:
        load_document(text, "t.yaml", overrides={"q": 1})
    assert [(d.code, str(d.mark)) for d in caught.value.diagnostics] == [
        ("GF003", "t.yaml:3:13"),
        ("GF011", "t.yaml:6:3"),
        ("GF003", "t.yaml:6:6"),
        ("GF020", "--set q=1:1:1"),
    ]
    with pytest.raises(GraphflowError) as caught:
        load_document(text, "t.yaml")
    assert [d.code for d in caught.value.diagnostics[3:]] == ["GF025", "GF010"]


@pytest.mark.parametrize("text", ["", "a: [", "a: 1\n---\nb: 1", "[" * 60])
def test_what_cannot_be_read_is_not_judged_further(text: str):
    with pytest.raises(GraphflowError) as caught:
        load_document(text, "t.yaml")
    assert len(caught.value.diagnostics) == 1
