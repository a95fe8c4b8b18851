"""Exported source of PyTorch, executed and compared with the model it came from."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence

import numpy as np

from graphflow.interop.pytorch.file import source
from graphflow.ir.dims import bind
from graphflow.ir.types import DType
from graphflow.model import Model

Array = np.ndarray
SIZES = {"B": 3, "T": 5, "S": 4, "N": 4}


def drawn(model: Model, seed: int = 0) -> dict[str, Array]:
    """A value for every input: small whole numbers, true, or normal numbers."""
    rng, feed = np.random.default_rng(seed), {}
    for leaf in model.graph.leaves("input"):
        shape = [bind(d, SIZES) for d in leaf.tensor.shape]
        if leaf.tensor.dtype is DType.BOOL:
            feed[leaf.name] = np.ones(shape, bool)
        elif leaf.tensor.dtype.is_integer:
            feed[leaf.name] = rng.integers(0, 2, shape)
        else:
            feed[leaf.name] = rng.standard_normal(shape)
    return feed


def module_of(model: Model, dtype: str):
    """The exported module, with the model's weights loaded strictly."""
    import torch

    names: dict[str, object] = {}
    exec(compile(source(model), "model.py", "exec"), names)
    module = list(names.values())[-1]()
    module.to(getattr(torch, dtype))
    module.load_state_dict({n: torch.tensor(a) for n, a in model.weights().items()}, strict=True)
    return module


def compare(
    model: Model,
    feed: Mapping[str, Array],
    *,
    of: str | None,
    by: Sequence[str] = (),
    dtype: str = "float64",
    mode: str = "eval",
    set_nodes: Mapping[str, Array] | None = None,
) -> None:
    """Every result, and the derivatives of ``of`` by parameters and by inputs, within 1e-9 of the
    largest (1e-5 in float32). ``set_nodes`` are draws that PyTorch is made to repeat.
    """
    import torch

    tolerance = {"float64": 1e-9, "float32": 1e-5}[dtype]
    module = module_of(model, dtype)
    module.train(mode == "train")
    known = inspect.signature(module.forward).parameters
    tensors = {n: torch.tensor(a) for n, a in feed.items() if n in known}
    for name, tensor in tensors.items():
        if tensor.is_floating_point():
            tensors[name] = tensor.to(getattr(torch, dtype)).requires_grad_()
    theirs = module(**tensors)
    fed = {**feed, **(set_nodes or {})}
    program = model.compile(of=of, keep=list(theirs), dtype=dtype, mode=mode)
    ours = program(fed).values
    for name, tensor in theirs.items():
        close(ours[name], tensor.detach().numpy(), tolerance, name)
    if of is None or not theirs[of].requires_grad:
        return
    wanted = {n: p for n, p in module.named_parameters() if p.requires_grad}
    wanted |= {n: tensors[n] for n in by if n in tensors}
    found = torch.autograd.grad(theirs[of], list(wanted.values()), allow_unused=True)
    used = {n: g.numpy() for n, g in zip(wanted, found, strict=True) if g is not None}
    gradients = model.compile(of=of, wrt=list(used), dtype=dtype, mode=mode)(fed).gradients
    scale = max(float(np.abs(g).max(initial=0)) for g in used.values())
    for name, gradient in used.items():
        close(gradients[name], gradient, tolerance, name, scale)


def close(ours: Array, theirs: Array, tolerance: float, name: str, scale: float = 0) -> None:
    """Of one shape and equal within ``tolerance`` of the largest entry."""
    assert ours.shape == theirs.shape, name
    scale = max(scale, float(np.abs(theirs).max(initial=0)), 1e-9)
    np.testing.assert_allclose(
        ours.astype(float), theirs, rtol=0, atol=tolerance * scale, err_msg=name
    )
