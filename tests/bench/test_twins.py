"""What is timed beside us computes the same: one step of every row in PyTorch and JAX, live."""

from __future__ import annotations

import numpy as np
import pytest

from graphflow.bench import ours
from graphflow.bench.rows import EVERY, FOR_GPUS

pytestmark = pytest.mark.parity


def every(dtypes):
    """Each row in these number types. Of large rows only a slow test, of two rows of a batch."""
    return [
        pytest.param(row, dtype, id=f"{row.name}-{dtype}",
                     marks=[pytest.mark.slow] * (row in FOR_GPUS))
        for row in EVERY for dtype in dtypes if row not in FOR_GPUS or dtype == "float64"
    ]  # fmt: skip


def batch_of(row):
    return 2 if row in FOR_GPUS else 4


def begun(row, dtype):
    """Our model, its trainer, its parameters as they are now, and what is fed."""
    model = ours.model(row, batch_of(row))
    trainer = model.trainer(dtype=dtype, precision="fp32")
    before = {n: np.array(value, dtype) for n, value in model.parameters.items()}
    fed = row.feed(batch_of(row)).items()
    feed = {n: x.astype(dtype) if x.dtype == np.float32 else x for n, x in fed}
    return model, trainer, before, feed


def hold(loss, their_loss, before, after, their_after, dtype):
    """Losses are equal to 1e-4; so is how far every parameter went, in float32 one parameter."""
    assert float(loss) == pytest.approx(float(their_loss), rel=1e-4, abs=1e-4)
    if dtype == "float32":
        assert np.allclose(after[0], their_after[0], rtol=1e-4, atol=1e-4)
        return
    for first, our, their in zip(before, after, their_after, strict=True):
        assert np.linalg.norm(our - their) <= 1e-4 * np.linalg.norm(their - first) + 1e-12


@pytest.mark.parametrize(("row", "dtype"), every(["float64", "float32"]))
def test_a_step_in_pytorch_is_ours(row, dtype):
    torch = pytest.importorskip("torch")
    from graphflow.bench.peers import torch_models

    model, trainer, before, feed = begun(row, dtype)
    twin = torch_models.twin(row, batch_of(row)).to(getattr(torch, dtype))
    assert [p.shape for p in twin.parameters()] == [array.shape for array in before.values()]
    with torch.no_grad():
        for parameter, array in zip(twin.parameters(), before.values(), strict=True):
            parameter.copy_(torch.from_numpy(array))
    (loss,) = trainer.step(feed).values.values()
    their_loss = torch_models.one_step(twin, torch_models.tensors(feed), row.rate)().item()
    theirs = [p.detach().numpy() for p in twin.parameters()]
    hold(loss, their_loss, [*before.values()], [*model.parameters.values()], theirs, dtype)


@pytest.mark.slow
@pytest.mark.parametrize("row", FOR_GPUS, ids=lambda row: row.name)
def test_steps_in_bfloat16_begin_with_nearly_the_same_loss(row):
    """Where each of the three rounds differs, so that no more can be asked."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("jax")
    from graphflow.bench.peers import jax_models, torch_models

    model, feed = ours.model(row, 1), row.feed(1)
    twin = torch_models.twin(row, 1)
    with torch.no_grad():
        for parameter, array in zip(twin.parameters(), model.parameters.values(), strict=True):
            parameter.copy_(torch.from_numpy(np.array(array)))
    by_jax, _ = jax_models.one_step(row, model, feed, precision="bf16")
    tensors = torch_models.tensors(feed)
    losses = [
        torch_models.one_step(twin, tensors, row.rate, precision="bf16")().item(),
        float(by_jax()),
        float(model.trainer().step(feed).values["loss"]),
    ]
    assert losses == pytest.approx([losses[0]] * 3, rel=0.03)


@pytest.mark.parametrize(("row", "dtype"), every(["float64"]))
def test_a_step_in_jax_is_ours(row, dtype):
    jax = pytest.importorskip("jax")
    from graphflow.bench.peers import jax_models

    def here(arrays):
        return [jax_models.channels_last(name, np.array(x)) for name, x in arrays.items()]

    with jax.enable_x64(True):
        model, trainer, before, feed = begun(row, dtype)
        step, kept = jax_models.one_step(row, model, feed, dtype)
        (loss,) = trainer.step(feed).values.values()
        their_loss = step()
        theirs = [np.array(x) for x in kept[0]]
        hold(loss, their_loss, here(before), here(model.parameters), theirs, dtype)
