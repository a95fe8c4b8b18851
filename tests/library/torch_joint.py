"""L-BFGS in PyTorch, one iteration a step; and its line search under conjugate gradients."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch.optim.lbfgs import LBFGS, _strong_wolfe

from tests.library.joint_cases import Array, Fit
from tests.parity.torch_floats import torch_floats


@torch_floats(torch.float64)
def lbfgs(
    call: str, fit: Fit, batches: Sequence[Mapping[str, Array]] | None = None
) -> dict[str, list[Array]]:
    """The parameters before and after every iteration, of at most 25 trials each."""
    params = {n: torch.tensor(v, requires_grad=True) for n, v in fit.start.items()}
    stepper = LBFGS(list(params.values()), **_settings(call), max_iter=1, max_eval=26)

    def measured(batch: Mapping[str, Array]) -> torch.Tensor:
        stepper.zero_grad()
        loss = fit.compute(*params.values(), *map(torch.tensor, batch.values()))
        loss.backward()
        return loss

    found = {n: [p.detach().numpy().copy()] for n, p in params.items()}
    for batch in batches or [fit.feed] * fit.steps:
        stepper.step(partial(measured, batch))
        for name, param in params.items():
            found[name].append(param.detach().numpy().copy())
    return found


def _settings(call: str) -> dict[str, object]:
    written = ast.parse(call, mode="eval").body
    assert isinstance(written, ast.Call)
    names = ("lr", "tolerance_grad", "tolerance_change")
    given = dict(zip(names, map(ast.literal_eval, written.args), strict=False))
    return given | {str(k.arg): ast.literal_eval(k.value) for k in written.keywords}


@torch_floats(torch.float64)
def conjugate_gradient(beta: str, fit: Fit) -> list[Array]:
    """Nocedal and Wright 5.2 over a parameter w, with the line search of L-BFGS."""

    def at(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        w = x.clone().requires_grad_()
        loss = fit.compute(w)
        loss.backward()
        return loss.detach(), w.grad

    w = torch.tensor(fit.start["w"])
    found, old, d, fall = [w.numpy()], None, torch.zeros_like(w), None
    for _ in range(fit.steps):
        f, g = at(w)
        b = 0.0
        if old is not None:
            numerator = g @ (g - old) if beta == "polak_ribiere" else g @ g
            b = max(float(numerator / (old @ old)), 0.0)
        d = b * d - g
        if g @ d >= 0:
            d = -g
        slope = g @ d
        first = fall / slope if fall is not None else min(1.0, 1 / g.abs().sum())
        *_, t, _ = _strong_wolfe(
            lambda x, t, d: at(x + t * d), w, first, d, f, g, slope, c1=1e-4, c2=0.1
        )
        old, fall, w = g, t * slope, w + t * d
        found.append(w.numpy())
    return found
