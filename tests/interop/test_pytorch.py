"""The source that is written for PyTorch, read as text: PyTorch itself is not needed."""

from __future__ import annotations

import ast

import pytest

import graphflow as gf
from graphflow.diagnostics import GraphflowError
from graphflow.interop.pytorch.body import RULES
from graphflow.interop.pytorch.file import source
from graphflow.ops.op import OPS
from graphflow.spec.elaborate.elaborator import Elaborator
from tests.canned import graphs

HEAD = """from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


"""

LINE = """
graphflow: 1
name: a straight line
about: guesses y
source: a book
inputs: {x: {shape: [B, 2]}, y: {shape: [B, 1]}}
params:
  w: {shape: [2, 1], init: zeros}
nodes:
  guess: x @ w
  loss: mean((guess - y) ** 2) / 2
outputs: [guess]
train: {minimize: loss, optimizer: sgd(0.1)}
"""
LINE_SOURCE = (
    '''"""a straight line.

guesses y

Source: a book.
"""

'''
    + HEAD
    + '''class Model(nn.Module):
    """a straight line.

    Feed the inputs; the result holds the outputs by name.
    """

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.zeros(2, 1))

    def forward(self, x, y=None):
        guess = x @ self.w
        if y is None:
            return {"guess": guess}
        loss = torch.mean((guess - y) ** 2) / 2
        return {"guess": guess, "loss": loss}
'''
)

PICTURES = """
graphflow: 1
name: pictures
inputs: {x: {shape: [B, 3, 8, 8]}}
blocks:
  step:
    about: a convolution that may halve the picture
    args: [channels, stride=1]
    inputs: [x]
    nodes:
      seen: conv2d(x, channels, 3, stride=stride, padding=1, activation=relu)
      out: batch_norm(seen)
    outputs: [out]
nodes:
  features:
    from: x
    through:
      - step(4)
      - step(8, stride=2)
      - dropout(0.1)
      - flatten
  scores: linear(features, 10)
outputs: [scores]
"""
PICTURES_SOURCE = (
    '"""pictures."""\n\n'
    + HEAD
    + '''class Step(nn.BatchNorm2d):
    """a convolution that may halve the picture"""

    def __init__(self, channels, in_channels):
        super().__init__(channels)
        self.seen = nn.Conv2d(in_channels, channels, 3, padding=1)

    def forward(self, x):
        seen = F.relu(self.seen(x))
        return super().forward(seen)


class Step2(nn.BatchNorm2d):
    """a convolution that may halve the picture"""
'''
)


def test_a_line_by_hand():
    assert source(gf.loads(LINE)) == LINE_SOURCE


def test_blocks_are_classes_and_pipelines_successive_lines():
    text = source(gf.loads(PICTURES.replace("step(8, stride=2)", "step(8)")))
    assert text.startswith(PICTURES_SOURCE.partition("\n\nclass Step2")[0])
    assert (
        """        self.features = nn.ModuleDict({"step1": Step(4, 3), "step2": Step(8, 4)})
        self.scores = nn.Linear(512, 10)
"""
        in text
    )
    assert (
        """    def forward(self, x):
        features = self.features.step1(x)
        features = self.features.step2(features)
        features = F.dropout(features, p=0.1, training=self.training)
        features = torch.flatten(features, start_dim=1)
        scores = self.scores(features)
        return {"scores": scores}
"""
        in text
    )


def test_what_training_leaves_alone_needs_no_gradient():
    text = LINE.replace("init: zeros}", "init: zeros, trainable: false}").partition("train: {m")[0]
    assert "self.w = nn.Parameter(torch.zeros(2, 1), requires_grad=False)" in source(gf.loads(text))


def test_arguments_that_change_the_structure_make_a_class_of_their_own():
    text = source(gf.loads(PICTURES))
    assert "class Step(nn.BatchNorm2d):" in text and "class Step2(nn.BatchNorm2d):" in text
    assert "nn.Conv2d(4, 8, 3, stride=2, padding=1)" in text


def test_what_is_computed_when_nothing_is_given_can_be_differentiated_by():
    text = source(gf.loads(
        "graphflow: 1\nname: slope\ninputs: {x: {shape: [2], default: 'arange(2) * 1.0'}}\n"
        "nodes: {f: sum(x * x), slope: 'gradient(f, x)'}\noutputs: [slope]\n"
    ))  # fmt: skip
    made, ready, slope = (text.index(words) for words in (
        "if x is None:", "x = differentiable(x)", "torch.autograd.grad(f, x"))  # fmt: skip
    assert made < ready < slope


def test_a_parameter_that_a_step_sets_is_set():
    text = source(gf.loads(
        "graphflow: 1\nname: by hand\nparams: {w: {shape: [2], init: ones}}\n"
        "nodes: {f: sum(w * w)}\nupdates: {w: w - 0.1 * w}\noutputs: [f]\nrun: {steps: 2}\n"
    ))  # fmt: skip
    assert "if self.training:\n            self.w.data = (self.w - 0.1 * self.w).detach()" in text


SCHEDULED = """
graphflow: 1
name: a rate beside
blocks: {rate: {nodes: {lr: 'one_cycle(0.1, 9)'}, outputs: [lr]}}
inputs: {x: scalar}
params: {w: {shape: [], init: ones}}
nodes: {y: x * w, lr: rate()}
outputs: [y]
train: {minimize: y, optimizer: sgd(lr=rate()), steps: 2}
"""


def test_a_schedule_among_the_nodes_is_refused_and_one_of_training_left_out():
    with pytest.raises(GraphflowError, match="counts none"):
        source(gf.loads(SCHEDULED))
    assert "lr" not in source(gf.loads(SCHEDULED.replace(", lr: rate()", "")))


@pytest.mark.parametrize("target", ["[1, 0]", "labels[1:]"])
def test_a_list_that_a_loss_is_given_is_a_tensor(target):
    text = source(
        gf.loads(f"""
graphflow: 1
name: listed
let: {{labels: [1, 1, 0]}}
params: {{w: {{shape: [2, 3], init: ones}}}}
nodes: {{y: "cross_entropy(w, {target})"}}
outputs: [y]
""")
    )
    assert "torch.tensor([1, 0]" in text and "cross_entropy" in text


def test_sources_are_called_what_people_call_them():
    assert "Source: Dive into Deep Learning 8.6, resnet18; He et al." in source(gf.load("resnet18"))


REFUSED = {
    name: why
    for why, names in {
        "'eigvals'": "eigendecomposition iterated_map momentum_convergence",
        "'categorical'": "label_shift_correction mdp noise_words softmax_exploration subsampling",
        "'gather_nd'": "bert_encode bert_heads bert_pretrain ngram_model",
        "'nms'": "nms rcnn tiny_ssd",
        "'roi_pool_indices'": "fast_rcnn faster_rcnn roi_align roi_pool",
        "'unique'": "zipf",
        "reads the step of training": "dropout_layer exploding_activations lr_schedules one_cycle "
        "one_cycle_schedules",
        "with inputs that need different code": "neumf seq2seq",
    }.items()
    for name in names.split()
}
"""The canned graphs that are no PyTorch module, and the reason in the message."""


@pytest.mark.parametrize("name", graphs())
def test_every_canned_graph_is_python_within_100_columns(name):
    if name in REFUSED:
        with pytest.raises(GraphflowError, match=REFUSED[name]):
            source(gf.load(name))
        return
    text = source(gf.load(name))
    module = ast.parse(text)
    assert max(map(len, text.splitlines())) <= 100
    imported = [n.names[0].name for n in ast.walk(module) if isinstance(n, ast.Import)]
    assert imported == ["torch", "torch.nn.functional"]


def test_what_only_the_update_of_a_state_reads_is_an_argument_that_may_be_missing():
    text = source(gf.loads(
        "graphflow: 1\nname: n\ninputs: {x: {shape: [B]}, k: {shape: [B]}}\n"
        "state: {h: {shape: [3], init: zeros}}\nnodes: {y: sum(x) * sum(h)}\n"
        "updates: {h: h + sum(k)}\noutputs: [y]\n"
    ))  # fmt: skip
    made, _, updated = text.partition("if k is None:")
    assert "def forward(self, x, k=None):" in made
    assert "self.h = " in updated and "sum(k)" not in made


def test_an_input_with_a_default_can_be_differentiated_by_fed_or_not():
    text = source(gf.loads(
        "graphflow: 1\nname: n\ninputs: {x: {shape: [3], default: normal}}\n"
        "nodes: {y: sum(x ** 2), slope: 'gradient(y, x)'}\noutputs: [slope]\n"
    ))  # fmt: skip
    given, made, ready = text.partition("if x is None:")[2].splitlines()[:3]
    assert (given, made.strip().startswith("x = "), ready.strip()) == (
        "", True, "x = differentiable(x)"
    )  # fmt: skip


HOSTILE = """
graphflow: 1
name: "x\\"\\"\\"\\nimport os  # \\\\"
about: "ends with a quote \\" and a backslash \\\\"
source: ["\\"\\"\\" + evil() + \\"\\"\\"", "\\u2028 \\u202e line"]
inputs: {torch: {shape: [B, 3]}, F: {shape: [3]}, self: {shape: [3]}}
blocks:
  super:
    about: "\\"\\"\\" ; evil()"
    args: [nn]
    inputs: [x]
    nodes: {range: x * nn, zip: 'linear(range, 2)', y: zip * zip}
    outputs: [y]
nodes:
  nn: torch * F + self
  super_: super(nn, 2)
  float_: super(nn, 3)
  len: sum(super_) + sum(float_)
outputs: [len]
"""


def test_text_of_the_file_never_becomes_code():
    text = source(gf.loads(HOSTILE))
    module = ast.parse(text)
    names = {n.id for n in ast.walk(module) if isinstance(n, ast.Name)}
    assert not names & {"os", "evil", "exec", "eval"}
    assert text.isascii()
    assert ast.get_docstring(module) is not None
    assert [type(n).__name__ for n in module.body[:4]] == [
        "Expr", "ImportFrom", "Import", "Import"
    ]  # fmt: skip


def test_the_models_own_graph_is_written_and_no_file_is_read_again(monkeypatch):
    model = gf.loads(PICTURES)
    monkeypatch.delattr(Elaborator, "compute")
    assert source(model).startswith('"""pictures."""')


def test_a_loss_that_has_no_line_is_a_result():
    text = LINE.replace("minimize: loss", "minimize: sum(guess * y)")
    assert '"minimize": torch.sum(guess * y)' in source(gf.loads(text))


def test_an_input_is_needed_from_the_start_only_where_its_own_size_is_read():
    text = """
graphflow: 1
name: f
inputs: {ax: {shape: [B, 2]}, x: {shape: [B, 2]}, m: {shape: [N]}}
nodes: {y: 'sum(ax, axis=1) + ones([B])', loss: sum(x) + sum(y) + w * sum(m)}
outputs: [y]
train: {minimize: loss, optimizer: sgd(0.1)}
params: {w: {shape: [], init: zeros}}
"""
    assert "def forward(self, ax, x=None, m=None):" in source(gf.loads(text))
    wide = source(gf.loads(text.replace("ones([B])", "ones([B]) * N")))
    assert "def forward(self, ax, m, x=None):" in wide and "m.shape[0]" in wide


def test_a_part_may_not_have_the_name_of_a_method():
    text = "graphflow: 1\nname: f\ninputs: {x: {shape: [B, 2]}}\nnodes: {train: 'linear(x, 2)'}\n"
    with pytest.raises(GraphflowError, match="cannot have a part called 'train'"):
        source(gf.loads(text))


def test_an_operator_without_counterpart_is_refused_with_its_line():
    text = (
        "graphflow: 1\nname: f\ninputs: {b: {shape: [5, 4]}, s: {shape: [5]}}\n"
        "nodes:\n  kept: nms(b, s, 0.5, max_output=3)\n"
    )
    with pytest.raises(GraphflowError) as caught:
        source(gf.loads(text))
    (found,) = caught.value.diagnostics
    assert found.code == "GF103" and found.mark is not None and found.mark.line == 5
    assert "'kept' cannot be exported" in found.message and "'nms'" in found.message


ELSEWHERE = {
    "input", "parameter", "state", "rng", "rng_split", "item", "scan", "while_loop", "cond",
    "gradients", "jvp", "jacobian", "hessian",
}  # fmt: skip
WITHOUT = {
    # nodes of a derivative, which PyTorch makes itself
    "max_pool_indices", "avg_unpool", "adaptive_avg_unpool", "adaptive_max_pool_indices",
    "conv_weight_grad", "unslice", "unpad", "roi_pool_indices", "adjugate",
    "fused",  # stands in plans for kernels alone
    "affine", "attending",  # stand in plans for devices alone
    "all_reduce_mean",  # stands in the graphs of workers alone
    # refused
    "categorical", "eigvals", "gather_nd", "nms", "scatter_nd", "unique",
}  # fmt: skip


def test_every_operator_is_written_or_known_to_be_refused():
    assert set(OPS) - set(RULES) - ELSEWHERE == WITHOUT
