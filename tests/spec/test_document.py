"""The document: every section read, everything wrong reported at once and in its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphflow.diagnostics import GraphflowError
from graphflow.spec.document import (
    Annotated,
    Branch,
    Cond,
    Document,
    NodeDecl,
    Pipeline,
    Repeat,
    Scan,
    While,
    read_document,
)
from graphflow.spec.expression import Call, Expr, Name, Number, parse, unparse
from graphflow.spec.values import plain
from graphflow.spec.yaml12 import read, read_file

EXAMPLES = Path(__file__).parent.parent / "examples"
HEAD = "graphflow: 1\nname: t\n"


def document(text: str) -> Document:
    return read_document(read(HEAD + text, "t.yaml"))


def node(text: str) -> NodeDecl:
    """The last node of a text that stands under ``nodes:``."""
    return document("nodes:\n" + text).nodes[-1]


def texts(exprs: dict[str, Expr]) -> dict[str, str]:
    return {name: unparse(expr) for name, expr in exprs.items()}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda p: p.name)
def test_every_example_reads(path: Path):
    found = read_document(read_file(path)[1])
    assert found.version == 1
    assert found.nodes
    assert all(n.mark.text in path.read_text().split("\n") for n in found.nodes)


@pytest.mark.parametrize(
    ("name", "code", "place", "message", "help"),
    [
        ("1_key", "GF010", "17:5", "a pipeline has no key 'throgh'", "did you mean 'through'?"),
        ("5_evil", "GF023", "12:6", "'__import__' is not a name of the language", "no Python"),
        ("6_comp", "GF023", "12:7", "a comprehension is not part", "needs no loop"),
        ("7_dup", "GF011", "14:3", "'q' is written twice", None),
        ("11_key", "GF010", "50:7", "a player has no key 'minimise'", "did you mean 'minimize'?"),
        ("13_flow", "GF002", "17:15", "inside [ ] a comma ends the item", "one item per line"),
        ("14_anchor", "GF003", "12:6", "anchor '&lab' is not allowed", "'let:'"),
    ],
)
def test_what_is_wrong_in_the_text_is_refused(
    name: str, code: str, place: str, message: str, help: str | None
):
    path = EXAMPLES / "bad" / f"{name}.yaml"
    with pytest.raises(GraphflowError) as caught:
        read_document(read_file(path)[1])
    (found,) = caught.value.diagnostics
    assert (found.code, str(found.mark)) == (code, f"{path}:{place}")
    assert message in found.message
    assert help is None or help in (found.help or "")
    assert found.mark is not None
    assert found.mark.text == path.read_text().split("\n")[found.mark.line - 1]


@pytest.mark.parametrize(
    "name", ["2_fn", "3_name", "4_shape", "8_arg", "9_carry", "10_loss", "12_out"]
)
def test_what_is_wrong_in_the_meaning_reads(name: str):
    assert read_document(read_file(EXAMPLES / "bad" / f"{name}.yaml")[1]).nodes


def test_formula_and_unpacking():
    found = node("  i, f: split(z, 2)")
    assert found.names == ("i", "f")
    assert found.body == parse("split(z, 2)")
    assert (found.mark.line, found.mark.column, found.mark.length) == (4, 3, 4)


def test_a_list_is_an_expression():
    assert node("  x: [1, a + 1]").body == parse("[1, a + 1]")


def test_annotated():
    body = node("  x: {is: d @ w, shape: [B, 2 * n], dtype: int}").body
    assert isinstance(body, Annotated)
    assert body.shape is not None
    assert [unparse(size) for size in body.shape] == ["B", "2 * n"]
    assert body.dtype == "int"
    scalar = node("  x: {is: y, shape: scalar}").body
    assert isinstance(scalar, Annotated)
    assert scalar.shape == ()


def test_pipeline_with_repetitions():
    body = node("""\
  x:
    from: y
    through:
      - relu
      - repeat: depth - 1
        share: true
        through: [linear(_), dropout(p)]
      - repeat: {i: 3}
        through: [f(i)]
      - for: {dilation: [1, 2, 4]}
        through:
          - for: {"channels, depth": [[64, 2], [128, n]]}
            through: ["g(channels, depth)"]
""").body
    assert isinstance(body, Pipeline)
    first, shared, counted, rows = body.through
    assert first == Name("relu", body.from_.mark)
    assert isinstance(shared, Repeat) and isinstance(counted, Repeat) and isinstance(rows, Repeat)
    assert shared.repeat is not None and counted.repeat is not None and rows.for_ is not None
    assert (shared.repeat.index, unparse(shared.repeat.times)) == (None, "depth - 1")
    assert (shared.share, counted.share) == (True, False)
    assert (counted.repeat.index, unparse(counted.repeat.times)) == ("i", "3")
    assert (rows.for_.names, unparse(rows.for_.values)) == (("dilation",), "[1, 2, 4]")
    (inner,) = rows.through
    assert isinstance(inner, Repeat) and inner.for_ is not None
    assert inner.for_.names == ("channels", "depth")
    assert unparse(inner.for_.values) == "[[64, 2], [128, n]]"


def test_scan():
    body = node("""\
  s:
    scan: {x: e, m: mask}
    carry: {h: h0}
    nodes:
      h_next: tanh(x + h)
    next: {h: h_next}
    collect: [h_next]
    reverse: true
""").body
    assert isinstance(body, Scan)
    assert texts(dict(body.over)) == {"x": "e", "m": "mask"}
    assert body.steps is None
    assert texts(dict(body.next)) == {"h": "h_next"}
    assert (body.collect, body.reverse) == (("h_next",), True)
    assert body.nodes[0].names == ("h_next",)
    counted = node("  s: {scan: {steps: n}, nodes: {a: b}}").body
    assert isinstance(counted, Scan)
    assert (counted.over, counted.steps and unparse(counted.steps)) == ({}, "n")


def test_while():
    body = node("""\
  root:
    while: abs(x * x - a) > 1e-6
    carry: {x: a}
    nodes:
      better: (x + a / x) / 2
    next: {x: better}
    max_steps: 100
""").body
    assert isinstance(body, While)
    assert unparse(body.condition) == "abs(x * x - a) > 1e-06"
    assert body.max_steps == Number(100, body.mark)
    assert [n.names for n in body.nodes] == [("better",)]


def test_cond():
    body = node("  y: {cond: sum(x) > 0, then: 2 * x, else: {nodes: {z: abs(x)}, out: z}}").body
    assert isinstance(body, Cond)
    assert isinstance(body.then, Branch)
    assert (unparse(body.if_), unparse(body.then.out)) == ("sum(x) > 0", "2 * x")
    assert body.then.nodes == ()
    assert (unparse(body.else_.out), body.else_.nodes[0].names) == ("z", ("z",))


def test_declarations():
    found = document("""\
about: a test
source: [d2l/3.1, cs231n]
let: {n: 2, m: 2 * n, betas: [0.9, 0.999]}
inputs:
  a: scalar
  b: [B, n]
  c: {shape: [T], dtype: int, default: normal}
params:
  w: {shape: [n], init: zeros, trainable: n > 1, when: m}
state:
  s: {shape: scalar, init: 0, dtype: int, reset: epoch}
use: {resnet: blocks/resnet.yaml}
layers:
  D: net()
  E: {is: net(), weights: w.npz, trainable: false, rename: {a.*: b.1}}
rename: {x: y}
nodes: {y: a}
updates: {s: s + 1}
outputs: [y, D.weight]
generate: {logits: b, token: c, length: 3}
paper: {n: 4}
""")
    assert found.source == ("d2l/3.1", "cs231n")
    assert texts(dict(found.let)) == {"n": "2", "m": "2 * n", "betas": "[0.9, 0.999]"}
    assert [len(i.shape) for i in found.inputs.values()] == [0, 2, 1]
    assert found.inputs["c"].dtype == "int"
    assert found.inputs["c"].default == Name("normal", found.mark)
    assert str(found.inputs["b"].mark) == "t.yaml:8:3"
    w, s, layer = found.params["w"], found.state["s"], found.layers["E"]
    assert not isinstance(w.trainable, bool) and unparse(w.trainable) == "n > 1"
    assert (s.shape, s.dtype, s.reset) == ((), "int", "epoch")
    assert found.use["resnet"].text == "blocks/resnet.yaml"
    assert isinstance(found.layers["D"].call, Call) and found.layers["D"].trainable
    assert layer.weights is not None and layer.weights.file == "w.npz"
    assert (layer.trainable, layer.rename) == (False, {"a.*": "b.1"})
    assert found.rename == {"x": "y"}
    assert found.outputs == ("y", "D.weight")
    assert found.paper is not None and plain(found.paper) == {"n": 4}


def test_block():
    block = document("""\
blocks:
  net:
    about: a block
    args: [width, bias=true]
    inputs: [x]
    params:
      bias: {shape: [width], init: zeros, when: bias}
    state: {n: {shape: scalar, init: 0}}
    require:
      - {that: width % 2 == 0, else: width must be even}
    nodes: {y: x + bias}
    updates: {n: n + 1}
    outputs: [y]
nodes: {z: net(q)}
""").blocks["net"]
    assert [(a.name, a.default and unparse(a.default)) for a in block.args] == [
        ("width", None), ("bias", "true"),
    ]  # fmt: skip
    assert block.params["bias"].when == Name("bias", block.mark)
    assert block.params["bias"].trainable is True
    assert block.require[0].message == "width must be even"
    assert (block.inputs, block.outputs, list(block.updates)) == (("x",), ("y",), ["n"])


def test_data_and_training():
    found = document("""\
nodes: {y: x}
data:
  source: digits
  feed: {x: pixels / 16}
  split: {train: 0.8, test: 0.2}
  batch: 64
  shuffle: false
  columns: [a, b]
train:
  minimize: y
  optimizer: adam(lr=1e-3)
  params: [net, "head.*"]
  groups:
    - {params: [net.*.bias], lr: 1e-4}
    - {params: [embed], frozen: true, optimizer: sgd(lr=1)}
  epochs: 2
  seed: 0
  clip_value: 1
  report: [y, net.0.z]
""")
    data, train = found.data, found.train
    assert data is not None and train is not None
    assert (data.source.text, data.shuffle, data.drop_last) == ("digits", False, None)
    assert texts(dict(data.split)) == {"train": "0.8", "test": "0.2"}
    assert list(data.options) == ["columns"]
    assert train.params == ("net", "head.*")
    assert [(g.params, g.frozen) for g in train.groups] == [
        (("net.*.bias",), False), (("embed",), True),
    ]  # fmt: skip
    assert train.report == ("y", "net.0.z")
    assert train.steps is None and train.epochs == Number(2, train.mark)


def test_players_and_turns():
    train = document("""\
nodes: {y: x}
train:
  players:
    d: {minimize: y, params: [D], optimizer: sgd(lr=1)}
    g: {minimize: -y, params: [G], optimizer: sgd(lr=1), clip_norm: 1}
  turns: [{player: d, times: n, batch: new}, g]
""").train
    assert train is not None
    assert [(t.player, t.times and unparse(t.times), t.batch_new) for t in train.turns] == [
        ("d", "n", True), ("g", None, False),
    ]  # fmt: skip
    assert unparse(train.players["g"].minimize) == "-y"


def test_checks():
    first, second = document("""\
nodes: {y: x}
check:
  - about: by hand
    feed: {x: [[1, 2], [3, 4.5]], z: "ones([2])"}
    params: {net.0.weight: [1]}
    expect: {y: -12}
    gradient_of: y
    gradients: {x: [true]}
    updated: {w: .inf}
    tolerance: {rtol: 1e-5}
    mode: train
    seed: 3
  - tolerance: 1e-4
""").check
    assert first.feed["x"] == [[1, 2], [3, 4.5]]
    assert first.feed["z"] == parse("ones([2])")
    assert first.params == {"net.0.weight": [1]}
    assert first.tolerance is not None and second.tolerance is not None
    assert (first.tolerance.rtol, first.tolerance.atol) == (1e-5, None)
    assert (second.tolerance.rtol, second.tolerance.atol) == (1e-4, 1e-4)
    assert (first.mode, first.seed, second.mode, second.seed) == ("train", 3, "eval", 0)


def test_a_file_of_blocks_needs_no_nodes():
    tree = read(HEAD + "blocks: {f: {inputs: [x], nodes: {y: x}, outputs: [y]}}")
    assert list(read_document(tree, blocks_only=True).blocks) == ["f"]
    with pytest.raises(GraphflowError, match="needs the key 'nodes'"):
        read_document(tree)


def nested(turns: int) -> str:
    text = "x"
    for _ in range(turns):
        text = f"{{cond: a, then: {{nodes: {{z: {text}}}, out: z}}, else: y}}"
    return f"  y: {text}"


def test_nodes_inside_nodes_to_the_limit():
    assert isinstance(node(nested(16)).body, Cond)  # three levels each, and two around them
    with pytest.raises(GraphflowError, match="GF004: nesting deeper than 50"):
        node(nested(17))
