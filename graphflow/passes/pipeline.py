"""The list of passes, and running it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from graphflow.ir.graph import Graph
from graphflow.passes.cse import merge_equal
from graphflow.passes.dead import drop_dead
from graphflow.passes.fold import FOLDING
from graphflow.passes.hoist import hoist_invariants
from graphflow.passes.rematerialise import rematerialise
from graphflow.passes.rewrite import Refusal, Rewritten, RuleSet, rewrite
from graphflow.passes.rules import CANONICAL, ROWS
from graphflow.passes.scans import gather_products
from graphflow.passes.verified import verified

ROUNDS = 10
"""The list is run again while it finds something to do, at most so often."""


@dataclass(frozen=True)
class Pass:
    """A named function from graph to graph. ``about`` says what it does."""

    name: str
    about: str
    rewritten: Callable[[Graph], Rewritten]

    def __call__(self, graph: Graph) -> Graph:
        return self.rewritten(graph).graph


CANONICALISING = RuleSet.of(CANONICAL)
CHANGING_ROWS = RuleSet.of(ROWS)

dead = Pass("dead", "drops what no output and no update needs", drop_dead)
canonicalise = Pass(
    "canonicalise",
    "writes the same mathematics with fewer and simpler nodes",
    lambda graph: rewrite(graph, CANONICALISING),
)
rows = Pass(
    "rows",
    "updates only those rows of a table that a batch reads",
    lambda graph: rewrite(graph, CHANGING_ROWS),
)
fold = Pass("fold", "computes constants while compiling", lambda graph: rewrite(graph, FOLDING))
cse = Pass("cse", "computes what occurs twice once", merge_equal)
hoist = Pass("hoist", "moves what every turn of a scan computes alike before it", hoist_invariants)
scans = Pass("scans", "makes products of a scan's turns at once, outside", gather_products)

remat = Pass(
    "rematerialise", "computes again for backward what checkpoints say not to keep", rematerialise
)

PASSES: tuple[Pass, ...] = (dead, canonicalise, rows, fold, cse, hoist, scans)
"""The passes of the fast plan, in order; they run in rounds."""
LAST: tuple[Pass, ...] = (remat,)
"""What runs once, when the rounds are over: nothing may merge what these keep apart."""


@dataclass(frozen=True)
class PassReport:
    """What one pass did in one round: nodes before and after, rules fired, rules that declined."""

    name: str
    before_count: int
    after_count: int
    fired: Mapping[str, int]
    declined: tuple[Refusal, ...]


def optimise(
    graph: Graph, upto: str | None = None, dump: Callable[[str, Graph], None] | None = None
) -> Graph:
    """The fast form of a specialised graph: same values, fewer nodes.

    The passes of :data:`PASSES` run in rounds until nothing is left to do, then those of
    :data:`LAST`; ``upto`` stops after the first run of the pass of that name, and ``dump`` is
    handed (name, graph) after each.
    Outputs keep their positions but not their names: a node that was merged into another is an
    alias of it in the result.

    >>> from graphflow.ir.types import DType, TensorType
    >>> from graphflow.ops.builder import Builder
    >>> b = Builder()
    >>> x = b.input("x", TensorType(DType.FLOAT32, (3,)))
    >>> len(b.graph([(-(-x) * 1).name])), len(optimise(b.graph([(-(-x) * 1).name])))
    (5, 1)
    """
    names = [each.name for each in (*PASSES, *LAST)]
    if upto is not None and upto not in names:
        raise ValueError(f"no pass is called '{upto}'; there are {names}")
    for each, result in _steps(graph):
        graph = result.graph
        if dump is not None:
            dump(each.name, graph)
        if each.name == upto:
            break
    return graph


def trace_passes(graph: Graph) -> list[PassReport]:
    """The story of optimising ``graph``: a report for each pass of each round."""
    reports = []
    for each, result in _steps(graph):
        before, graph = count(graph), result.graph
        reports.append(PassReport(each.name, before, count(graph), result.fired, result.declined))
    return reports


def _steps(graph: Graph) -> Iterator[tuple[Pass, Rewritten]]:
    """Every pass that is run, and what it made.

    A pass that had nothing to do on this very graph is not asked again.
    """
    idle: dict[str, Graph] = {}
    for _ in range(ROUNDS):
        before = graph
        for each in PASSES:
            if idle.get(each.name) is graph:
                continue
            result = each.rewritten(graph)
            if result.graph is graph:
                idle[each.name] = graph
            else:
                graph = verified(result.graph, each.name)
            yield each, result
        if graph is before:
            break
    for each in LAST:
        result = each.rewritten(graph)
        graph = verified(result.graph, each.name)
        yield each, result


def count(graph: Graph) -> int:
    """Nodes of a graph and of all regions in it."""
    return len(graph) + sum(count(region) for node in graph for region in node.regions)


def stands_for(plain: Graph, fast: Graph) -> dict[str, tuple[str, ...]]:
    """For each node of the fast graph the nodes of the plain graph whose work it does.

    Every plain node that is not dead belongs to exactly one fast node: the one of its name, the
    one it was merged into, or, where it was simplified away, the one that does the work of its
    first reader. A new fast node does part of the work of its first reader.
    """
    home: dict[str, str] = {}
    for name in reversed(plain.nodes):
        if name in fast.nodes:
            home[name] = name
        elif name in fast.aliases:
            home[name] = fast.aliases[name]
        else:
            reader = next((r for r in plain.consumers[name] if r in home), None)
            if reader is not None:
                home[name] = home[reader]
    found: dict[str, list[str]] = {name: [] for name in fast.nodes}
    for name in plain.nodes:
        if name in home:
            found[home[name]].append(name)
    for name in reversed(fast.nodes):
        if not found[name] and fast.consumers[name]:
            found[name] = found[fast.consumers[name][0]]
    return {name: tuple(nodes) for name, nodes in found.items()}
