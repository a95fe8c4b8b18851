"""A learning rate found by training at growing ones (Smith, 2015, arXiv:1506.01186).

The rate grows geometrically from step to step, whatever the file's own is. The loss first falls
faster and faster, then training diverges; a good rate lies before that. Losses are smoothed by an
exponential mean, corrected for its start, as the blog and fast.ai do:

.. code:: text

    m_i = beta m_(i-1) + (1 - beta) loss_i        smoothed_i = m_i / (1 - beta^i)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np
import numpy.typing as npt

from graphflow.diagnostics import fail
from graphflow.model import Model
from graphflow.runtime.compile import Settings, float_dtype
from graphflow.runtime.threads import blas_threads_for
from graphflow.training import Trainer
from graphflow.training.feed import Fed, Served, open_feed

Floats = npt.NDArray[np.float64]
FIRST, LAST, STEPS = 1e-7, 10.0, 100
BETA = 0.98
DIVERGED = 4.0
"""Times the least smoothed loss at which the search stops."""
BORDER = (10, 5)
"""Points at the beginning and at the end that say nothing: the mean is young, the loss explodes."""


@dataclass(frozen=True, eq=False)
class LearningRates:
    """Rates that were tried, each with the loss before its update, and what they suggest.

    ``diverged`` says whether the loss exploded before the last rate.
    """

    rates: Floats
    losses: Floats
    smoothed: Floats
    diverged: bool

    @property
    def minimum(self) -> float:
        """A tenth of the rate with the least smoothed loss, as fast.ai's ``minimum``."""
        return float(self.rates[self._judged][self.smoothed[self._judged].argmin()]) / 10

    @property
    def steepest(self) -> float:
        """The rate at which the smoothed loss falls fastest over log(rate), fast.ai's ``steep``."""
        losses, rates = self.smoothed[self._judged], self.rates[self._judged]
        slopes = np.diff(losses) / np.diff(np.log(rates))
        return float(rates[slopes.argmin()])

    @property
    def suggestion(self) -> float:
        """The rate to begin with: :attr:`minimum`, to two digits."""
        return float(f"{self.minimum:.1e}")

    @property
    def _judged(self) -> slice:
        """The points without the borders, where enough are left."""
        enough = len(self.rates) > 2 * sum(BORDER)
        return slice(BORDER[0], len(self.rates) - BORDER[1]) if enough else slice(None)


def find_learning_rate(
    model: Model,
    *,
    first: float = FIRST,
    last: float = LAST,
    steps: int = STEPS,
    seed: int | None = None,
    dtype: str = "float32",
    told: Callable[[float, float], None] | None = None,
) -> LearningRates:
    """Train for ``steps`` updates while the rate grows from ``first`` to ``last``, or until the
    smoothed loss is four times its least value; then put everything back as it was.

    Parameters, states and random counters of the model are untouched afterwards, bit for bit.
    Groups keep their ``lr_scale``. ``told`` hears of each rate and its smoothed loss.

    >>> import graphflow as gf
    >>> found = gf.find_learning_rate(gf.load("mlp"))
    >>> found.diverged, 1e-3 < found.suggestion < 1
    (True, True)
    """
    if not 0 < first < last < math.inf:
        fail("GF033", f"rates grow from above 0 to a larger one, not from {first:g} to {last:g}")
    if steps < 2:
        fail("GF033", f"a search takes at least 2 steps, not {steps}")
    plan = model.elaborated.training
    if plan is not None and len(plan.objectives) > 1:
        fail("GF067", "a learning rate is found for one loss, and this file has several players",
             plan.mark)  # fmt: skip
    known, sizes = dict(model.initialiser.feed), dict(model.initialiser.sizes)
    factor = (last / first) ** (1 / (steps - 1))
    try:
        with model.store.preserved():
            losses = _losses(model, f"{first!r} * {factor!r} ** (step - 1)", seed, dtype)
            return _search(losses, [first * factor**i for i in range(steps)], told)
    finally:
        model.initialiser.feed, model.initialiser.sizes = known, sizes


def _losses(model: Model, rate: str, seed: int | None, dtype: str) -> Iterator[float]:
    """The loss before each update, one update after the other."""
    settings = Settings("train", float_dtype(dtype))
    changed = model.elaborated
    if changed.training is not None:
        changed = changed.with_rate(rate)
    trainer = Trainer(changed, model.store, model.initialiser, settings, seed)
    feed = open_feed(changed, model.folder, trainer.seed, model.learned)
    batches = _endless(trainer, feed)
    inputs, rows = next(batches)
    with blas_threads_for(trainer.graphs(inputs)):
        while True:
            total, seen = 0.0, 0
            while True:
                loss = float(np.mean(trainer.step(inputs).values["loss"]))
                total, seen = total + loss * rows, seen + rows
                updated = trainer.updated
                inputs, rows = next(batches)
                if updated:
                    break
            yield total / seen


def _endless(trainer: Trainer, feed: Served) -> Iterator[Fed]:
    """The training batches of epoch after epoch."""
    for epoch in count():
        trainer.start_epoch(epoch)
        yield from feed.training(epoch)


def _search(
    losses: Iterator[float], rates: list[float], told: Callable[[float, float], None] | None
) -> LearningRates:
    """Losses and their means, until they diverge."""
    found: list[float] = []
    smoothed: list[float] = []
    mean, diverged = 0.0, False
    for number, (rate, loss) in enumerate(zip(rates, losses, strict=False), 1):
        mean = BETA * mean + (1 - BETA) * loss
        corrected = mean / (1 - BETA**number)
        least = min(smoothed, default=math.inf)
        diverged = not math.isfinite(corrected) or (number > 1 and corrected > DIVERGED * least)
        if diverged:
            break
        found.append(loss)
        smoothed.append(corrected)
        if told is not None:
            told(rate, corrected)
    if len(found) < 2:
        fail("GF062", f"the loss diverges at once, at the rate {rates[0]:g}",
             help="begin at a smaller rate")  # fmt: skip
    tried = np.array(rates[: len(found)])
    return LearningRates(tried, np.array(found), np.array(smoothed), diverged)
