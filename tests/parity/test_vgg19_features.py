"""What style transfer compares: VGG-19's features and all their gradients beside PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

VGG = """graphflow: 1
name: features of VGG-19
inputs: {x: {shape: [1, 3, 32, 32]}}
layers: {net: vgg19_features(2)}
nodes:
  f: net(x)
  loss: sum(f.relu1_1) + sum(f.relu2_1) + sum(f.relu3_1) + sum(f.relu4_1) + 9 * sum(f.relu5_1 ** 2)
outputs: [loss]
"""
PLAN = [2, 2, "M", 4, 4, "M", 8, 8, 8, 8, "M", 16, 16, 16, 16, "M", 16]


def test_the_features_of_vgg_19_and_every_gradient_are_those_of_pytorch():
    layers, into = [], 3
    for width in PLAN:
        if width == "M":
            layers.append(torch.nn.MaxPool2d(2))
            continue
        layers += [torch.nn.Conv2d(into, width, 3, padding=1), torch.nn.ReLU()]
        into = width
    twin = torch.nn.Sequential(*layers).double()
    x = np.random.default_rng(0).standard_normal((1, 3, 32, 32))
    value, taps = torch.from_numpy(x), []
    for layer in twin:
        value = layer(value)
        taps.append(value)
    loss = sum(taps[n].sum() for n in (1, 6, 11, 20)) + 9 * (taps[29] ** 2).sum()
    loss.backward()
    weights = {f"net.features.{name}": p for name, p in twin.named_parameters()}
    model = gf.loads(VGG)
    assert set(model.parameters) == set(weights)
    for name, parameter in weights.items():
        model.parameters[name] = parameter.detach().numpy()
    found = model.compile("loss", wrt=list(weights), dtype="float64")({"x": x})
    assert float(found.values["loss"]) == pytest.approx(loss.item(), rel=1e-12)
    for name, parameter in weights.items():
        np.testing.assert_allclose(found.gradients[name], parameter.grad.numpy(), rtol=1e-9,
                                   atol=1e-12)  # fmt: skip
