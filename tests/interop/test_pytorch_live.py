"""Exported source of PyTorch against the models it came from, in PyTorch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import graphflow as gf
from graphflow.ir.types import DType
from tests.interop.pytorch_run import compare, drawn, module_of
from tests.library.cases import CASES

torch = pytest.importorskip("torch", reason="the parity extra is not installed")
from tests.parity.torch_floats import torch_floats  # noqa: E402

pytestmark = pytest.mark.parity
ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "tests" / "examples"

SMALL: dict[str, dict[str, float]] = {
    "style_transfer": {"H": 24, "W": 28, "width": 2},
    "mlp": {"p_drop": 0},
    "mlp_math": {"p_drop": 0},
    "b_mlp": {"p_drop": 0},
    "b2_mlp_math": {"p_drop": 0},
    "e_transformer": {"p_drop": 0, "d": 32, "heads": 4, "ffn": 48, "depth": 2, "vocab": 60},
    "c_resnet18": {},
}
GRAPHS = [
    "xyz", "sigmoid_neuron", "linear_regression_scratch", "softmax_regression", "mlp", "mlp_math",
    "resnet18", "lstm", "style_transfer", "b_mlp", "b2_mlp_math", "c_resnet18", "d_lstm",
    "e_transformer", "lenet", "lenet_search", "gpt", "translator", "airfoil", "gd_1d", "gd_2d",
    "gd_local_minimum", "sgd_2d", "momentum_2d", "adagrad_2d", "rmsprop_2d", "newton_1d",
    "newton_nonconvex", "optimizers_2d", "power_iteration", "value_iteration", "q_learning",
]  # fmt: skip
"""Graphs of every kind. Those that draw what they compute with are given the same draws below."""


@pytest.fixture
def float_type():
    """PyTorch's default float type, as the test sets it, afterwards as before."""
    with torch_floats():
        yield torch.set_default_dtype


def opened(name: str) -> gf.Model:
    example = EXAMPLES / f"{name}.yaml"
    return gf.load(example if example.exists() else name, SMALL.get(name))


def has_doubles(model: gf.Model) -> bool:
    """Whether the file asks for float64 somewhere, whatever the program's float type is."""
    return any(leaf.type.dtype is DType.FLOAT64 for leaf in model.elaborated.leaves.values())


def loss_of(model: gf.Model) -> str | None:
    training = model.elaborated.training
    return training.objectives[0].loss if training else None


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["eval", "train"])
@pytest.mark.parametrize("name", GRAPHS)
def test_a_canned_graph_gives_the_same_values_and_gradients(name, mode, float_type):
    model = opened(name)
    feed = drawn(model)
    if "image" in model.parameters:
        shape = model.elaborated.leaves["image"].type.shape
        model.parameters["image"] = np.random.default_rng(1).standard_normal(shape)
    for dtype in ("float64", "float32"):
        if dtype == "float32" and ("resnet" in name or has_doubles(model)):
            continue  # batch norm of 3 small pictures is too sensitive for 1e-5
        float_type(getattr(torch, dtype))
        compare(model, feed, of=loss_of(model), dtype=dtype, mode=mode)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mlp", "resnet18", "lstm", "style_transfer"])
def test_the_long_form_of_a_graph_has_the_same_names_and_values(name, float_type):
    float_type(torch.float64)
    model = gf.loads(opened(name).expanded())
    if "image" in model.parameters:
        shape = model.elaborated.leaves["image"].type.shape
        model.parameters["image"] = np.random.default_rng(1).standard_normal(shape)
    compare(model, drawn(model), of=loss_of(model), mode="train")


@pytest.mark.slow
def test_draws_are_those_of_pytorch(float_type, monkeypatch):
    float_type(torch.float64)
    model = gf.load("gan")
    z = np.random.default_rng(1).standard_normal((3, 16))
    monkeypatch.setattr(torch, "randn", lambda *sizes: torch.tensor(z))
    for loss in ("d_loss", "g_loss"):
        compare(model, drawn(model), of=loss, set_nodes={"z": z})


@pytest.mark.slow
def test_a_transformer_that_draws_its_sentences(float_type, monkeypatch):
    float_type(torch.float64)
    model = gf.load("transformer", {"d": 16, "ffn": 24, "batch": 3})
    source = np.random.default_rng(1).integers(1, 16, (3, 8))
    monkeypatch.setattr(torch, "randint", lambda *_: torch.tensor(source))
    compare(model, {}, of="loss", set_nodes={"src": source})


@pytest.mark.parametrize("drawn_number", [0.2, 0.8])
def test_a_coin_that_falls_on_either_side(drawn_number, float_type, monkeypatch):
    float_type(torch.float64)
    monkeypatch.setattr(torch, "rand", lambda *_: torch.tensor(drawn_number))
    head = np.array(float(drawn_number < 0.5))
    compare(gf.load("coin_toss"), {}, of=None, set_nodes={"head": head})


@pytest.mark.parametrize("name", CASES)
def test_a_call_of_the_library(name, float_type):
    float_type(torch.float64)
    case = CASES[name]
    model = gf.loads(case.text())
    for parameter, value in case.weights().items():
        model.parameters[parameter] = value
    compare(model, case.feed(), of="total", by=case.wrt, mode=case.mode)


FEATURES = {
    "a derivative in the loss": """
inputs: {x: {shape: [B, 4]}}
params: {w: {shape: [4, 4], init: xavier_uniform}}
nodes:
  y: sum(tanh(x @ w) ** 2)
  slope: gradient(y, x)
  loss: sum(slope ** 2)
outputs: [slope, loss]
""",
    "second derivatives": """
inputs: {x: {shape: [3]}, v: {shape: [3]}}
nodes:
  f: sum(x ** 4) + x[0] * x[1]
  h: hessian(f, x)
  g: x * sum(x)
  j: jacobian(g, x)
  d: jvp(g, x, v)
  loss: sum(h) + sum(j) + sum(d)
outputs: [h, j, d, loss]
""",
    "a loop backwards in time over two sequences": """
inputs: {a: {shape: [T, B, 2]}, b: {shape: [T, B, 2]}}
nodes:
  run:
    scan: {x: a, y: b}
    reverse: true
    carry: {s: 'zeros([dim(a, 1), 2])'}
    nodes:
      s_next: tanh(x * y + s)
    next: {s: s_next}
    collect: [s_next]
  loss: sum(run.s_next * a) + sum(run.final.s)
outputs: [run.s_next, loss]
""",
    "a layer inside a loop": """
inputs: {x: {shape: [T, B, 3]}}
nodes:
  run:
    scan: {e: x}
    carry: {h: 'zeros([dim(x, 1), 4])'}
    nodes:
      h_next: rnn_cell(e, h)
    next: {h: h_next}
    collect: [h_next]
  loss: sum(run.h_next ** 2)
outputs: [loss]
""",
    "while and cond": """
inputs: {a: scalar}
nodes:
  root:
    while: abs(x * x - a) > 1e-6
    carry: {x: a * a + 1}
    next: {x: (x + a / x) / 2}
    max_steps: 100
  y:
    cond: root.x > 1
    then: root.x
    else:
      nodes: {inverse: 1 / root.x}
      out: inverse
outputs: [y]
""",
    "negative steps, margins, patterns": """
inputs: {x: {shape: [B, 6, 4]}}
nodes:
  a: x[:, ::-2, 1:]
  p: pad(x, [[0, 0], [2, 1], [0, 3]], mode='reflect')
  r: rearrange(x, 'b (h e) d -> (b d) h e', h=2)
  s: rearrange(x, 'b ... -> ... b')
  loss: sum(a ** 2) + sum(sin(p)) + sum(cos(r)) + sum(s * s)
outputs: [a, p, r, s, loss]
""",
    "a state of the batch's size": """
inputs: {x: {shape: [B, 3]}}
state: {h: {shape: [B, 3], init: ones}, n: {shape: scalar, init: zeros}}
nodes:
  y: x * h + n
  loss: sum(y ** 2)
updates: {h: y, n: n + 1}
outputs: [y, loss]
""",
    "an update that reads what nothing else reads": """
inputs: {x: {shape: [B, 3]}, rows: {shape: [B], dtype: int}}
state: {known: {shape: [4, 3], init: zeros}}
nodes:
  y: tanh(x)
  loss: sum(y @ transpose(known + 1))
updates: {known: 'known + scatter_add(y, rows % 4, 4, axis=0)'}
outputs: [y, loss]
""",
    "other values in the place of parameters": """
inputs: {x: {shape: [B, 4]}}
layers: {n: linear(4)}
nodes:
  l: sum(n(x) ** 2)
  g, h: gradient(l, n)
  y: n(x, params=[n.weight - 0.1 * g, n.bias - 0.1 * h])
  three: 3
  loss: sum(y ** 2)
outputs: [loss, three]
""",
    "calls inside calls own parts of each other": """
inputs: {x: {shape: [B, 8]}}
blocks:
  twice:
    args: [width]
    inputs: [x]
    nodes: {out: 'linear(tanh(linear(x, width)), width)'}
    outputs: [out]
nodes:
  a: linear(linear(x, 6, activation=relu), 4)
  b: twice(tanh(a), 3)
  loss: sum(b ** 2)
outputs: [b, loss]
""",
    "a call in the argument of a block that calls at the same place": """
inputs: {x: {shape: [B, 2]}}
blocks:
  twice:
    inputs: [x]
    nodes: {out: 'linear(linear(x, 3), 4)'}
    outputs: [out]
nodes:
  b: twice(linear(x, 5))
  loss: sum(b ** 2)
outputs: [b, loss]
""",
    "one value given twice, inside a loop as well": """
inputs: {x: {shape: [T, B, 3]}, z: {shape: [B, 3]}}
blocks:
  gate:
    inputs: [a, b, c]
    nodes: {out: 'sigmoid(linear(a, 3)) * b + tanh(c)'}
    outputs: [out]
nodes:
  run:
    scan: {e: x}
    carry: {h: 'zeros([dim(x, 1), 3])'}
    nodes: {u: 'gate(e, z, z)', h_next: 'gate(h, u, u)'}
    next: {h: h_next}
    collect: [h_next]
  y: gate(z, z, sin(z))
  w: gate(y, z, y)
  loss: sum(run.h_next * w)
outputs: [run.h_next, y, loss]
""",
    "one block with other sizes, inside another": """
inputs: {x: {shape: [B, 8]}, z: {shape: [N, 8]}}
blocks:
  gated:
    args: [width, scale=1]
    inputs: [x]
    nodes:
      value: linear(x, width)
      gate: sigmoid(linear(x, width))
      out: scale * value * gate
    outputs: [out, gate]
  twice:
    args: [width]
    inputs: [x]
    nodes:
      first: gated(x, width, scale=2)
      second: gated(first.out, width)
      out: layer_norm(second.out)
    outputs: [out]
layers: {shared: twice(5)}
nodes:
  a: shared(x)
  b: shared(z)
  c: twice(a, 7)
  loss: sum(a ** 2) + sum(b) + sum(sin(c))
outputs: [c, loss]
""",
    "a state deep inside of an instance that is called twice": """
inputs: {x: {shape: [B, 3]}, z: {shape: [B, 3]}}
blocks:
  normed: {inputs: [x], nodes: {y: tanh(batch_norm(x))}, outputs: [y]}
  scaled: {inputs: [x], nodes: {y: 2 * normed(x)}, outputs: [y]}
layers: {shared: scaled()}
nodes: {a: shared(x), b: shared(z), loss: sum(a ** 2) + sum(a * b)}
outputs: [b, loss]
""",
}


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_of_the_language(feature, float_type):
    float_type(torch.float64)
    model = gf.loads("graphflow: 1\nname: " + feature + FEATURES[feature])
    feed = {name: np.abs(a) + 0.5 if a.ndim == 0 else a for name, a in drawn(model).items()}
    of = "loss" if "loss" in model.graph else None
    compare(model, feed, of=of, by=[name for name, a in feed.items() if a.dtype.kind == "f"])


def test_states_move_on_in_training(float_type):
    float_type(torch.float64)
    model = gf.loads("graphflow: 1\nname: s" + FEATURES["a state of the batch's size"])
    module = module_of(model, "float64").train()
    x = torch.ones(2, 3)
    first, second = (module(x)["y"] for _ in range(2))
    # y1 = x h + n = 1; then h = y1 = 1 and n = 1, so that y2 = 2
    assert first.tolist() == [[1.0] * 3] * 2 and second.tolist() == [[2.0] * 3] * 2
    module.eval()
    assert module(x)["y"].tolist() == module(x)["y"].tolist() == [[4.0] * 3] * 2


def test_an_instance_called_twice_keeps_the_averages_of_both_calls(float_type):
    float_type(torch.float64)
    text = FEATURES["a state deep inside of an instance that is called twice"]
    module = module_of(gf.loads("graphflow: 1\nname: s" + text), "float64").train()
    x, z = torch.arange(6.0).reshape(2, 3), torch.arange(6.0).reshape(2, 3) ** 2
    module(x=x, z=z)
    norm = torch.nn.BatchNorm1d(3)
    norm(x), norm(z)
    (mean,) = (b for name, b in module.named_buffers() if name.endswith("running_mean"))
    assert torch.allclose(mean, norm.running_mean)


def test_names_of_modules_are_refused_as_parts():
    from graphflow.interop.pytorch.reserved import OF_DICTIONARIES, RESERVED

    taken = {n for n in dir(torch.nn.Module()) if not n.startswith("_")}
    assert taken <= RESERVED | {"forward"}
    further = {n for n in dir(torch.nn.ModuleDict()) if not n.startswith("_")}
    assert further <= RESERVED | OF_DICTIONARIES


def test_initial_values_have_the_files_distribution():
    model = gf.load("mlp_math")
    module = module_of(model, "float32")
    again = type(module)()
    assert again.w1.std().item() == pytest.approx(np.sqrt(2 / 64), rel=0.05)
    assert again.b1.tolist() == [0.0] * 256
