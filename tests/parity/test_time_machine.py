"""The book's language models on The Time Machine, trained as it trains them, beside PyTorch.

Both begin with the same weights and see the same batches in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import graphflow as gf
from graphflow.training.feed import Fed, Served, open_feed
from tests.gallery.training import GRAPHS, needs_data

torch = pytest.importorskip("torch")
from tests.parity.torch_floats import torch_floats  # noqa: E402
from tests.parity.torch_model import Model  # noqa: E402
from tests.parity.torch_recurrent import GRUScratch, LSTMScratch, RNNScratch  # noqa: E402

pytestmark = [pytest.mark.parity, pytest.mark.slow, needs_data]
RATES = {"rnn_scratch": 1, "lstm_scratch": 4, "gru_scratch": 4}
TWINS = {"rnn_scratch": RNNScratch, "lstm_scratch": LSTMScratch, "gru_scratch": GRUScratch}


def twin_of(name: str, model: gf.Model) -> Model:
    """The net in PyTorch, in float32, with the weights that ours starts from."""
    twin: Model = TWINS[name](28, 32)
    with torch.no_grad():
        for theirs, ours in zip(twin.parameters(), model.parameters.values(), strict=True):
            theirs.copy_(torch.tensor(ours))
    return twin


def tensors(batches: Iterator[Fed]) -> Iterator[dict[str, torch.Tensor]]:
    for fed, _ in batches:
        yield {key: torch.tensor(np.asarray(value)) for key, value in fed.items()}


def validated(twin: Model, feed: Served) -> float:
    """The mean perplexity of the batches, by their rows."""
    with torch.no_grad():
        found = [(float(twin(fed)["loss"].exp()), len(fed["tokens"]))
                 for fed in tensors(feed.evaluation("val"))]  # fmt: skip
    return float(np.average([p for p, _ in found], weights=[n for _, n in found]))


def trained(name: str, epochs: int) -> float:
    """The validation perplexity that PyTorch's plain gradient descent reaches."""
    model = gf.load(GRAPHS[name], {"paper": True})
    with torch_floats(torch.float32):
        twin = twin_of(name, model)
        feed = open_feed(model.elaborated, None, model.seed)
        optimizer = torch.optim.SGD(twin.parameters(), lr=RATES[name])
        for epoch in range(epochs):
            for fed in tensors(feed.training(epoch)):
                optimizer.zero_grad()
                twin(fed)["loss"].backward()
                torch.nn.utils.clip_grad_norm_(twin.parameters(), 1)
                optimizer.step()
        return validated(twin, feed)


@pytest.mark.parametrize(("name", "epochs"), [
    ("rnn_scratch", 100), ("lstm_scratch", 50), ("gru_scratch", 50),
])  # fmt: skip
def test_a_language_model_reaches_the_perplexity_that_pytorch_reaches(name, epochs):
    ours = gf.train(gf.load(GRAPHS[name], {"paper": True})).metrics["val/perplexity"]
    assert ours == pytest.approx(trained(name, epochs), rel=0.02)
