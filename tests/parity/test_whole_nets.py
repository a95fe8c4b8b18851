"""The library's whole nets start from files that PyTorch saved under torchvision's names.

torchvision's own modules are not needed: what matters of them (order, names, sizes) is written out.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import graphflow as gf
from graphflow.data.pretrained import PRETRAINED

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from tests.parity.torch_floats import torch_floats  # noqa: E402

pytestmark = pytest.mark.parity


class Basic(nn.Module):
    expansion = 1

    def __init__(self, into: int, planes: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(into, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = shortcut(into, planes, stride)

    def forward(self, x):
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (y + self.downsample(x)).relu()


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, into: int, planes: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(into, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, 4 * planes, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * planes)
        self.downsample = shortcut(into, 4 * planes, stride)

    def forward(self, x):
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu())).relu()
        return (self.bn3(self.conv3(y)) + self.downsample(x)).relu()


def shortcut(into: int, out: int, stride: int) -> nn.Module:
    if stride == 1 and into == out:
        return nn.Sequential()
    return nn.Sequential(nn.Conv2d(into, out, 1, stride, bias=False), nn.BatchNorm2d(out))


class ResNet(nn.Module):
    def __init__(self, block: type[Basic] | type[Bottleneck], depths: list[int]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        into = 64
        for stage, depth in enumerate(depths):
            planes, blocks = 64 * 2**stage, []
            for i in range(depth):
                blocks.append(block(into, planes, 2 if stage and not i else 1))
                into = planes * block.expansion
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(into, 1000)

    def forward(self, x):
        x = nn.functional.max_pool2d(self.bn1(self.conv1(x)).relu(), 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


NETS = {
    "resnet18": lambda: ResNet(Basic, [2, 2, 2, 2]),
    "resnet34": lambda: ResNet(Basic, [3, 4, 6, 3]),
    "resnet50": lambda: ResNet(Bottleneck, [3, 4, 6, 3]),
}


@pytest.fixture(autouse=True)
def single():
    """PyTorch's float type is float32 here, whatever another test has left it at."""
    with torch_floats(torch.float32):
        yield


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("name", NETS)
def test_a_saved_net_says_the_same_here(
    name: str, old: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    twin = NETS[name]().eval()
    for module in twin.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.0)
            nn.init.normal_(module.bias, std=0.1)
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    file = tmp_path / PRETRAINED[f"torchvision/{name}"].file
    torch.save(twin.state_dict(), file, _use_new_zipfile_serialization=not old)
    monkeypatch.setenv("GRAPHFLOW_DATA", str(tmp_path))
    monkeypatch.setattr("graphflow.data.pretrained.cache_folder", lambda: tmp_path / "cache")
    model = gf.loads(
        "graphflow: 1\nname: n\ninputs: {x: {shape: [B, 3, 64, 64]}}\nlayers:\n"
        f"  net: {{is: {name}(), weights: torchvision/{name}}}\n"
        "nodes:\n  y: net(x)\noutputs: [y]\n"
    )
    x = np.random.default_rng(0).normal(size=(2, 3, 64, 64)).astype(np.float32)
    with torch.no_grad():
        expected = twin(torch.from_numpy(x)).numpy()
    found = model.compile("y")({"x": x}).values["y"]
    assert np.allclose(found, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())
    report = gf.loads(
        f"graphflow: 1\nname: n\ninputs: {{x: {{shape: [B, 3, 64, 64]}}}}\nlayers:\n"
        f"  net: {name}()\nnodes:\n  y: net(x)\noutputs: [y]\n"
    ).load_weights(f"torchvision/{name}", rename={k: f"net.{k}" for k in tops(twin)})
    assert len(report.matched) == len(model.weights()) and not report.missing


def tops(twin: nn.Module) -> list[str]:
    return [name for name, _ in twin.named_children()]
