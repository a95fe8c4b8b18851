"""A budget of memory: which forward values backward computes again, so that a plan fits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from graphflow.ir.graph import LEAVES, Graph, Node
from graphflow.ir.types import tensors
from graphflow.ops.control import node_flops
from graphflow.ops.op import get_op
from graphflow.passes.rematerialise import compute_again
from graphflow.passes.verified import verified

SEGMENTS = (2, 3, 4, 6, 8, 12, 16)
"""Into how many stretches forward is cut."""
SMALL = 0.01
"""A share of a step's operations that is not worth looking for less."""
SPARED = 12
"""Of how many values it is asked in the end whether they need be forgotten."""

Peak = Callable[[Graph], int]
"""The bytes that a plan of a graph needs: the planner itself, so that no estimate decides."""


@dataclass(frozen=True)
class Fit:
    """A graph that needs less memory for more work.

    ``peak_bytes`` is what its plan needs, ``extra_flops`` what is computed a second time, and
    ``again`` names the forward values concerned, in the order in which backward needs them.
    """

    graph: Graph
    peak_bytes: int
    extra_flops: int = 0
    again: tuple[str, ...] = ()


def fit_memory(graph: Graph, budget: int, peak: Peak) -> Fit:
    """The graph whose plan needs no more than ``budget`` bytes, with the least work that is found.

    Values, random ones too, are equal bit for bit: backward reads copies of forward values, made
    of those that are kept. What is kept is chosen in this way. The values that backward reads are
    put in a row by the operations that another computing costs for each byte. Forward is cut into
    one, 2, 3, ... stretches of about equal memory, where the least crosses the cut, and what
    crosses is kept. For each cutting, the first so many of the row are forgotten; bisection finds
    how many are enough. Of all that fits, the one with the least extra work is taken, and of it
    what costs the most is kept after all where that fits, too; what costs next to nothing ends the
    search. Where nothing fits, the graph with
    the least peak is given. Each value is computed at most once more, so that the extra work is
    less than a forward pass. Sources: Chen et al. 2016, Training deep nets with sublinear memory
    cost (the stretches); Jain et al. 2020, Checkmate (memory and work as one choice, there by an
    integer program).
    """
    whole = Fit(graph, peak(graph))
    if whole.peak_bytes <= budget:
        return whole
    search = _Search(graph, budget, peak)
    small = SMALL * sum(_flops(graph, node) for node in graph)
    for kept in search.values.cuttings():
        search.cutting(kept)
        if search.best is not None and search.best.extra_flops <= small:
            return search.best
    if search.best is None:
        return min((whole, *search.planned.values()), key=lambda fit: fit.peak_bytes)
    search.spare()
    return search.best


class _Search:
    """Rewritten graphs with their peaks, each planned once; ``best`` is the one with the least
    extra work of those that fit.
    """

    def __init__(self, graph: Graph, budget: int, peak: Peak) -> None:
        self.graph, self.budget, self.peak = graph, budget, peak
        self.values = _Values(graph)
        self.planned: dict[frozenset[str], Fit] = {}
        self.best: Fit | None = None
        self.chosen: tuple[frozenset[str], list[str]] = (frozenset(), [])

    def cutting(self, kept: frozenset[str]) -> None:
        """How many of the row are enough. All of them may be too many, since copies take memory:
        then a half and a quarter are tried.
        """
        row = [owner for owner in self.values.row if owner not in kept]
        low, high = 0, len(row)
        while not self.fits(kept, row[:high]):
            high //= 2
            if high <= len(row) // 8:
                return
        while high - low > 1:
            middle = (low + high) // 2
            if self.fits(kept, row[:middle]):
                high = middle
            else:
                low = middle

    def spare(self) -> None:
        """Keep what costs the most work after all, where the rest is enough."""
        kept, forgotten = self.chosen
        for owner in sorted(forgotten, key=lambda n: -self.values.work(n))[:SPARED]:
            fewer = [name for name in self.chosen[1] if name != owner]
            self.fits(kept, fewer)

    def fits(self, kept: frozenset[str], chosen: list[str]) -> bool:
        """Whether the plan fits; noted where it has the least work so far, not asked where it
        would have more.
        """
        names = self.values.forgotten(kept, set(chosen))
        if names not in self.planned:
            after = verified(compute_again(self.graph, set(names)), "fit_memory")
            fresh = [after.nodes[name] for name in after.nodes if name not in self.graph.nodes]
            again = tuple(after.origin(node.name).twin or node.name for node in fresh)
            extra = sum(_flops(after, node) for node in fresh)
            if self.best is not None and extra >= self.best.extra_flops:
                return True
            self.planned[names] = Fit(after, self.peak(after), extra, again)
        fit = self.planned[names]
        found = fit.peak_bytes <= self.budget
        if found and (self.best is None or fit.extra_flops < self.best.extra_flops):
            self.best, self.chosen = fit, (kept, chosen)
        return found


class _Values:
    """The forward values of a graph by the node that owns their memory: a view has its operand's.

    Leaves, constants and what the graph gives are there in any case, and are no choice; neither
    are checkpoints that a person set, nor where workers meet, which must be once.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.owner: dict[str, str] = {}
        for node in graph:
            seen = get_op(node.op).view and node.inputs
            self.owner[node.name] = self.owner[node.inputs[0]] if seen else node.name
        held = {self.owner[name] for name in graph.roots()}
        held |= {self.owner[node.name] for node in graph if _stays(node)}
        self.free = {
            node.name
            for node in graph
            if self.owner[node.name] == node.name and node.name not in held
            and node.inputs and node.op not in LEAVES and self.is_forward(node.name)
        }  # fmt: skip
        self.forward = [node for node in graph if self.is_forward(node.name)]

    def is_forward(self, name: str) -> bool:
        return self.graph.origin(name).phase == "forward"

    @cached_property
    def saved(self) -> dict[str, None]:
        """Those that backward reads, and that need not be kept for another reason."""
        read = (
            self.owner[operand]
            for node in self.graph
            if not self.is_forward(node.name)
            for operand in node.inputs
        )
        return dict.fromkeys(owner for owner in read if owner in self.free)

    @cached_property
    def row(self) -> list[str]:
        """The saved values, those that are cheapest to compute again for each byte first."""
        place = {name: step for step, name in enumerate(self.graph.nodes)}
        worth = {n: self.work(n) / max(1, self.nbytes(n)) for n in self.saved}
        return sorted(self.saved, key=lambda name: (worth[name], place[name]))

    def work(self, name: str) -> int:
        """The operations that make a value of others that backward reads."""
        stack, seen = [name], {name}
        while stack:
            for operand in self.graph.nodes[stack.pop()].inputs:
                made = operand not in seen and self.owner[operand] in self.free
                if made and self.owner[operand] not in self.saved:
                    seen.add(operand)
                    stack.append(operand)
        return sum(_flops(self.graph, self.graph.nodes[n]) for n in seen)

    def nbytes(self, name: str) -> int:
        return sum(
            t.size * t.dtype.itemsize  # type: ignore[misc]
            for t in tensors(self.graph.nodes[name].type)
        )

    def forgotten(self, kept: frozenset[str], chosen: set[str]) -> frozenset[str]:
        """All names that are not kept for backward: the chosen, and what it does not read now."""
        gone = {
            owner
            for owner in self.free
            if owner in chosen or (owner not in self.saved and owner not in kept)
        }
        return frozenset(node.name for node in self.forward if self.owner[node.name] in gone)

    def cuttings(self) -> Iterator[frozenset[str]]:
        """What crosses the cuts, for each number of stretches; nothing where there is one."""
        yield frozenset()
        before = [*accumulate(
            self.nbytes(n.name) if n.name in self.saved else 0 for n in self.forward
        )]  # fmt: skip
        for count in SEGMENTS:
            if count < len(self.saved):
                targets = [before[-1] * cut / count for cut in range(1, count)]
                reach = before[-1] / (2 * count)
                cuts = {self.cut(before, target, reach) for target in targets}
                narrow = [cut for cut in sorted(cuts) if self.crossed[cut] <= 2 * reach]
                yield frozenset().union(*(self.crossing(cut) for cut in narrow))

    def cut(self, before: list[int], target: float, reach: float) -> int:
        """The step near a target after which the least is kept for the rest of forward."""
        near = [step for step, done in enumerate(before) if abs(done - target) <= reach]
        near = near or [min(range(len(before)), key=lambda step: abs(before[step] - target))]
        return min(near, key=lambda step: (self.crossed[step], abs(before[step] - target)))

    @cached_property
    def spans(self) -> dict[str, tuple[int, int]]:
        """For each value the step of forward that makes it, and the last one that reads it."""
        spans: dict[str, tuple[int, int]] = {}
        for step, node in enumerate(self.forward):
            for name in (node.name, *node.inputs):
                owner = self.owner[name]
                if owner in self.free:
                    spans[owner] = (spans.get(owner, (step, step))[0], step)
        return spans

    @cached_property
    def crossed(self) -> list[int]:
        """For each step of forward the bytes that later steps of it still read."""
        change = [0] * (len(self.forward) + 1)
        for owner, (first, last) in self.spans.items():
            change[first] += self.nbytes(owner)
            change[last] -= self.nbytes(owner)
        return [*accumulate(change)]

    def crossing(self, cut: int) -> frozenset[str]:
        return frozenset(n for n, (first, last) in self.spans.items() if first <= cut < last)


def _stays(node: Node) -> bool:
    kept = node.op == "checkpoint" or get_op(node.op).shared
    return kept or any(_stays(inner) for region in node.regions for inner in region)


def _flops(graph: Graph, node: Node) -> int:
    found = node_flops(graph, node)
    assert isinstance(found, int)
    return found
