"""bfloat16 against ``torch.autocast("cpu", dtype=torch.bfloat16)``: types, gradients, 20 steps.

The casts are the same but for single roundings (``linear`` of PyTorch rounds its product and bias
together), so numbers agree as far as bfloat16 goes: 2**-8 of the largest entry, a few times.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import graphflow as gf
from tests.parity.torch_floats import torch_floats

pytestmark = pytest.mark.parity

ULP = 2.0**-8
MLP = """
graphflow: 1
name: mlp
inputs: {x: {shape: [B, 20]}, y: {shape: [B], dtype: int}}
layers: {one: linear(32), two: linear(32), three: linear(4)}
nodes:
  h1: relu(one(x))
  h2: tanh(two(h1))
  logits: three(h2)
  loss: cross_entropy(logits, y)
train: {minimize: loss, optimizer: sgd(lr=0.1), precision: bf16}
"""
NET = """
graphflow: 1
name: net
inputs: {x: {shape: [B, 1, 12, 12]}, y: {shape: [B], dtype: int}}
layers: {one: 'conv2d(6, 3, padding=1)', bn: batch_norm(), two: 'conv2d(8, 3)', three: linear(4)}
nodes:
  h1: max_pool2d(relu(bn(one(x))), 2)
  h2: flatten(sigmoid(two(h1)))
  logits: three(h2)
  loss: cross_entropy(logits, y)
train: {minimize: loss, optimizer: sgd(lr=0.1), precision: bf16}
"""


class TorchMLP(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.three = nn.Linear(20, 32), nn.Linear(32, 32), nn.Linear(32, 4)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        h1 = F.relu(self.one(x))
        h2 = torch.tanh(self.two(h1))
        return {"h1": h1, "h2": h2, "logits": self.three(h2)}


class TorchNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.bn = nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6)
        self.two, self.three = nn.Conv2d(6, 8, 3), nn.Linear(8 * 4 * 4, 4)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        h1 = F.max_pool2d(F.relu(self.bn(self.one(x))), 2)
        h2 = torch.sigmoid(self.two(h1)).flatten(1)
        return {"h1": h1, "h2": h2, "logits": self.three(h2)}


NOTHING = {TorchMLP: "", TorchNet: "one.bias"}
"""A parameter that the norm behind it takes off again: its gradient is rounding alone."""
CASES = {"mlp": (MLP, TorchMLP, (20,)), "net": (NET, TorchNet, (1, 12, 12))}


@pytest.fixture(autouse=True)
def single():
    """PyTorch's float type is float32 here, whatever another test has left it at."""
    with torch_floats(torch.float32):
        yield


@pytest.fixture(params=CASES)
def pair(request, single):
    """A model, its twin with the same parameters, and a batch."""
    text, twin, shape = CASES[request.param]
    rng = np.random.default_rng(7)
    batch = {"x": rng.standard_normal((32, *shape)).astype("f4"), "y": rng.integers(0, 4, 32)}
    torch.manual_seed(0)
    theirs, ours = twin(), gf.loads(text)
    ours.compile()(batch)
    for name, value in theirs.named_parameters():
        ours.parameters[name] = value.detach().numpy()
    return ours, theirs, batch


def loss_of(model: nn.Module, batch: dict[str, np.ndarray], narrow: bool = True) -> Tensor:
    x, y = torch.as_tensor(batch["x"]), torch.as_tensor(batch["y"])
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=narrow):
        return F.cross_entropy(model(x)["logits"], y)


def gradients(model: nn.Module, batch: dict[str, np.ndarray], narrow: bool) -> dict[str, Tensor]:
    model.zero_grad()
    loss_of(model, batch, narrow).backward()
    return {name: p.grad.clone() for name, p in model.named_parameters()}


def distance(ours: np.ndarray, theirs: Tensor) -> float:
    """The norm of the difference, in units of the norm."""
    expected = theirs.detach().float().numpy()
    return float(np.linalg.norm(ours - expected) / np.linalg.norm(expected))


def test_gradients_are_float32_and_as_good_as_those_of_autocast(pair):
    """Behind a kink a rounding may let another entry through: there the errors are compared."""
    ours, theirs, batch = pair
    names = [name for name in dict(theirs.named_parameters()) if name != NOTHING[theirs.__class__]]
    exact, narrow = gradients(theirs, batch, False), gradients(theirs, batch, True)
    found = ours.compile(of="loss", wrt=names, mode="train", precision="bf16")(batch).gradients
    for name in names:
        assert found[name].dtype == np.float32
        allowed = 2 * distance(narrow[name].numpy(), exact[name]) + 4 * ULP
        assert distance(found[name], exact[name]) < allowed, name
        if name.startswith(("two", "three")):
            assert distance(found[name], narrow[name]) < 4 * ULP, name


def test_losses_of_20_steps_are_those_of_autocast(pair):
    ours, theirs, batch = pair
    trainer = ours.trainer()
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.1)
    for step in range(20):
        found = float(trainer.step(batch).values["loss"])
        optimizer.zero_grad()
        loss = loss_of(theirs, batch)
        loss.backward()
        optimizer.step()
        assert found == pytest.approx(loss.item(), rel=ULP), step
    for name, value in theirs.named_parameters():
        if name != NOTHING[theirs.__class__]:
            assert distance(np.array(ours.parameters[name]), value) < 2 * ULP, name


def test_types_are_those_of_autocast_but_after_a_norm(pair):
    ours, theirs, batch = pair
    with torch.autocast("cpu", dtype=torch.bfloat16):
        expected = {n: str(v.dtype)[6:] for n, v in theirs(torch.as_tensor(batch["x"])).items()}
    (graph,) = ours.trainer().graphs(batch)
    found = {name: str(graph[name].tensor.dtype) for name in expected}
    if hasattr(theirs, "bn"):
        assert (expected.pop("h1"), found.pop("h1")) == ("bfloat16", "float32")
    assert found == expected
