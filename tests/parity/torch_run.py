"""Running a case in PyTorch: values, gradients, and parameters after some steps of training."""

from __future__ import annotations

import torch

from tests.parity.cases import Array, Case, Feed, Outcome, buffers, weights
from tests.parity.torch_models import Model, build


def fresh(case: Case) -> Model:
    """The model of a case with the weights and running statistics that the case draws."""
    model = build(case)
    with torch.no_grad():
        parameters = list(model.parameters())
        running = [buffer for buffer in model.buffers() if buffer.is_floating_point()]
        drawn = weights(_shapes(parameters)) + buffers(_shapes(running))
        for tensor, value in zip(parameters + running, drawn, strict=True):
            tensor.copy_(torch.as_tensor(value))
    return model


def compare(case: Case) -> list[Outcome]:
    """Values and gradients of the compared batches, state carried from one to the next."""
    model, carried, outcomes = fresh(case), {}, []
    for feed in case.feeds()[: case.compared]:
        values = model(_tensors(feed) | carried)
        carried = {state: values[final].detach() for state, final in case.carries.items()}
        gradients = {
            loss: _gradients(model, values[loss], prefix) for loss, prefix in case.losses.items()
        }
        outcomes.append(Outcome({k: v.detach().numpy() for k, v in values.items()}, gradients))
    return outcomes


def train(case: Case) -> dict[str, Array]:
    """The parameters after the case's training steps: every player, in turn, on every batch."""
    model, carried = fresh(case), {}
    players = model.players()
    for step, feed in enumerate(case.feeds()[: case.trained], 1):
        for loss, optimizer in players.items():
            values = model(_tensors(feed) | carried)
            optimizer.zero_grad()
            values[loss].backward()
            if model.clip_norm is not None:
                torch.nn.utils.clip_grad_norm_(model.parameters(), model.clip_norm)
            if (rate := model.rate(step)) is not None:
                optimizer.param_groups[0]["lr"] = rate
            optimizer.step()
        carried = {state: values[final].detach() for state, final in case.carries.items()}
    return {name: p.detach().numpy() for name, p in model.named_parameters()}


def _shapes(tensors: list[torch.Tensor]) -> list[tuple[int, ...]]:
    return [tuple(tensor.shape) for tensor in tensors]


def _tensors(feed: Feed) -> dict[str, torch.Tensor]:
    return {name: torch.as_tensor(array) for name, array in feed.items()}


def _gradients(model: Model, loss: torch.Tensor, prefix: str) -> dict[str, Array]:
    chosen = {n: p for n, p in model.named_parameters() if n.startswith(prefix)}
    found = torch.autograd.grad(loss, list(chosen.values()), retain_graph=True)
    return {name: g.numpy() for name, g in zip(chosen, found, strict=True)}
