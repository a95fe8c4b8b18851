"""From a source's dataset to what is served: parts are cut, transforms fitted and applied."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

from graphflow.data.columns import Indices
from graphflow.data.dataset import Dataset
from graphflow.data.transforms.categories import numbered
from graphflow.data.transforms.frame import Fitted, Frame, Transform

Cut = Callable[[Dataset], Mapping[str, Indices]]
Placed = Callable[[int], AbstractContextManager[None]]


@dataclass(frozen=True)
class Prepared:
    """A dataset as it is served, its parts, and what each transform has learned."""

    dataset: Dataset
    parts: Mapping[str, Indices]
    fitted: tuple[Fitted, ...]


def prepare(
    dataset: Dataset,
    cut: Cut,
    transforms: Sequence[Transform],
    *,
    fed: Collection[str] | None = None,
    fitted: Sequence[Fitted] | None = None,
    placed: Placed | None = None,
) -> Prepared:
    """The dataset after all transforms, in their order.

    The parts are cut before the first transform that learns something, so that it learns from the
    training part alone. ``fitted`` is what an earlier run has learned, used in place of learning.
    Columns of words among ``fed`` (all, by default) that are words to the end become numbers.
    ``placed(i)`` surrounds the work of transform i: the caller knows where it is written.
    """
    frame, learned = Frame(dataset), list[Fitted]()
    for i, step in enumerate(transforms):
        with placed(i) if placed is not None else nullcontext():
            if step.learns and frame.parts is None:
                frame = replace(frame, parts=cut(frame.dataset))
            found = step.fit(frame) if fitted is None else fitted[i]
            frame = step.apply(frame, found)
            learned.append(found)
    parts = cut(frame.dataset) if frame.parts is None else frame.parts
    columns = frame.dataset.columns
    for name in columns if fed is None else fed:
        if name in columns and columns[name].dtype.kind == "O":
            frame = numbered(frame, name)
    return Prepared(frame.dataset, parts, tuple(learned))
