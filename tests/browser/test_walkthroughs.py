"""Walks through five models in a real browser; what the page says is what PyTorch computes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import numpy as np
import pytest

from graphflow.studio.permalink import View, written
from graphflow.view.study import Study
from graphflow.view.workspace import Look, Workspace

from .explore_page import canvas, count, expect, opened, said, step

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from tests.parity.torch_floats import torch_floats  # noqa: E402
from tests.parity.torch_models import LSTM, BasicBlock, Transformer  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
NUMBER = r"-?[0-9.]+(?:e-?[0-9]+)?"


@pytest.fixture(autouse=True)
def float64():
    with torch_floats(torch.float64):
        yield


def twin(study: Study, module: nn.Module, prefix: str = "") -> dict[str, torch.Tensor]:
    """The module's parameters by the file's names, once they have the file's values: in order of
    creation, with equal shapes.
    """
    ours = {k: v for k, v in study.model.parameters.items() if k.startswith(prefix)}
    theirs = list(module.parameters())
    assert [v.shape for v in ours.values()] == [tuple(p.shape) for p in theirs]
    with torch.no_grad():
        for value, parameter in zip(ours.values(), theirs, strict=True):
            parameter.copy_(torch.from_numpy(np.array(value, np.float64)))
    return dict(zip(ours, theirs, strict=True))


def fed(study: Study) -> dict[str, torch.Tensor]:
    values = {k: torch.from_numpy(v) for k, v in study.walk.chosen.values.items()}
    return {k: v.double() if v.is_floating_point() else v for k, v in values.items()}


def walked(visitor, workspace: Workspace, look: Look | None = None) -> Page:
    return opened(visitor, urlencode(written(View(workspace, look or Look()))))


def told(page: Page, study: Study, id: str, turn: int = 0) -> str:
    """What the page says once the scrubber stands where a node has run."""
    at = next(s.index for s in study.steps if s.id == id and s.turn == turn)
    page.locator(".gf .track input").fill(str(at))
    expect(page, lambda: said(page).startswith(f"{at + 1}/{len(study.steps)} "))
    return said(page)


def scalar(page: Page, study: Study, id: str, turn: int = 0) -> float:
    text = told(page, study, id, turn)
    assert f"{id} = " in text
    found = re.search(rf"= ({NUMBER})(?: \(.*\))?$", text)
    assert found, text
    return float(found[1])


def ends(page: Page, study: Study, id: str, turn: int = 0) -> list[float]:
    """The least and the largest entry of an array."""
    text = told(page, study, id, turn)
    found = re.search(rf"{re.escape(id)} -> .* from ({NUMBER}) to ({NUMBER})", text)
    assert found, text
    return [float(found[1]), float(found[2])]


def reads_gradients(page: Page, study: Study, theirs: Mapping[str, torch.Tensor]) -> None:
    for name, parameter in theirs.items():
        gradient = parameter.grad
        expected = [gradient.min().item(), gradient.max().item()]
        assert ends(page, study, f"{name}.grad") == pytest.approx(expected, rel=1e-3), name


def test_an_mlp_is_stepped_to_its_end_by_clicks(visitor):
    workspace = Workspace(graph="mlp", overrides=(("p_drop", "0"),))
    study = Study(workspace)
    net = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(),
                        nn.Linear(128, 10))  # fmt: skip
    theirs, feed = twin(study, net), fed(study)
    loss = nn.functional.cross_entropy(net(feed["x"]), feed["y"], label_smoothing=0.1)
    loss.backward()
    page = walked(visitor, workspace)
    for _ in range(count(page)):
        step(page)
    assert said(page).startswith(f"{len(study.steps)}/{len(study.steps)} ")
    assert scalar(page, study, "loss") == pytest.approx(loss.item(), rel=1e-5)
    reads_gradients(page, study, theirs)


class ResNet(nn.Module):
    """A quarter of ResNet-18's width, for grey pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 16, 7, 2, 3, bias=False), nn.BatchNorm2d(16),
                                  nn.ReLU(), nn.MaxPool2d(3, 2, 1))  # fmt: skip
        widths = [(16, 16, 1), (16, 32, 2), (32, 64, 2), (64, 128, 2)]
        self.stages = nn.Sequential(*(
            nn.Sequential(BasicBlock(a, b, stride), BasicBlock(b, b, 1)) for a, b, stride in widths
        ))  # fmt: skip
        self.logits = nn.Linear(128, 10)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.logits(self.stages(self.stem(image)).mean((2, 3)))


@pytest.mark.slow
def test_resnet18_collapsed_and_then_with_a_block_opened_says_the_same(visitor):
    workspace = Workspace(graph="resnet18")
    study = Study(workspace)
    net = ResNet()
    theirs, feed = twin(study, net), fed(study)
    loss = nn.functional.cross_entropy(net(feed["image"]), feed["label"])
    loss.backward()
    page = walked(visitor, workspace, Look(opened=()))
    closed = page.locator(".gf .node.closed")
    assert closed.count() == 3  # features, loss, accuracy
    canvas(page).focus()
    page.keyboard.press("End")
    assert said(page).startswith(f"{len(study.steps)}/{len(study.steps)} ")
    drawn = page.locator(".gf [data-node]").count()
    closed.filter(has_text="features").click()
    expect(page, lambda: page.locator(".gf [data-node]").count() > drawn)
    assert scalar(page, study, "loss") == pytest.approx(loss.item(), rel=1e-5)
    reads_gradients(page, study, dict(list(theirs.items())[:4] + list(theirs.items())[-4:]))


@pytest.mark.slow
def test_an_unrolled_lstm_says_what_flows_back_through_time(visitor):
    workspace = Workspace(graph="lstm", unrolled=("lstm",))
    study = Study(workspace)
    net = LSTM(28, 32, 128)
    theirs, feed = twin(study, net), fed(study)
    loss = net(feed)["loss"]
    loss.backward()
    page = walked(visitor, workspace)
    assert count(page) == len(study.steps) > 32 * 10
    assert scalar(page, study, "loss") == pytest.approx(loss.item(), rel=1e-5)
    reads_gradients(page, study, {name: theirs[name] for name in ("Wh", "e.weight")})


def test_blocks_of_a_transformer_say_their_gradients(visitor):
    workspace = Workspace(graph="transformer", overrides=(("batch", "4"),))
    study = Study(workspace)
    net = Transformer(16, 64, 4, 128, 2, 0)
    theirs = twin(study, net)
    at = next(step.index for step in study.steps if step.id == "src")
    src = torch.from_numpy(np.asarray(study.value(at, "src")))
    answer = src.flip(1)
    tgt = torch.cat([torch.zeros(len(src), 1, dtype=src.dtype), answer[:, :-1]], 1)
    everything = torch.ones(1, 1, 1, 8, dtype=torch.bool)
    feed = {"src": src, "tgt": tgt, "src_mask": everything, "next_tgt": answer}
    logits = net(feed)["logits"]
    loss = nn.functional.cross_entropy(logits.flatten(0, 1), answer.flatten())
    loss.backward()
    page = walked(visitor, workspace)
    assert scalar(page, study, "loss") == pytest.approx(loss.item(), rel=1e-5)
    block = {k: v for k, v in theirs.items() if k.startswith("memory.0.") and "kh" not in k}
    reads_gradients(page, study, block)


def test_a_gan_says_what_both_players_lose_the_second_after_the_first_has_learnt(visitor):
    workspace = Workspace(graph="gan", walk="training")
    study = Study(workspace)
    relu, leaky = nn.ReLU(), nn.LeakyReLU(0.2)
    g = nn.Sequential(nn.Linear(16, 128), relu, nn.Linear(128, 128), relu, nn.Linear(128, 64),
                      nn.Tanh())  # fmt: skip
    d = nn.Sequential(nn.Linear(64, 128), leaky, nn.Linear(128, 64), leaky, nn.Linear(64, 1))
    twin(study, g, "G."), twin(study, d, "D.")

    def value(name: str, turn: int) -> torch.Tensor:
        at = max(step.index for step in study.steps if step.turn == turn)
        return torch.from_numpy(np.asarray(study.value(at, name), np.float64))

    softplus = nn.functional.softplus
    fake = g(value("z", 0)).detach()
    d_loss = softplus(-d(value("real", 0))).mean() + softplus(d(fake)).mean()
    d_loss.backward()
    torch.optim.Adam(d.parameters(), lr=2e-4, betas=(0.5, 0.999)).step()
    g_loss = softplus(-d(g(value("z", 1)))).mean()
    page = walked(visitor, workspace)
    assert scalar(page, study, "d_loss") == pytest.approx(d_loss.item(), rel=1e-5)
    assert scalar(page, study, "g_loss", 1) == pytest.approx(g_loss.item(), rel=1e-5)
