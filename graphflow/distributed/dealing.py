"""An update cut by key: which server has which parameters, and what each of them computes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from math import prod

from graphflow.diagnostics import fail
from graphflow.ir.graph import Graph


@dataclass(frozen=True)
class Dealt:
    """The update of one player, in a graph for each server and one for the trainer.

    ``places`` maps each leaf that lies on a server to its number: a parameter, the sum of its
    gradients and what its optimizer keeps of it. All else that the update changes, such as the
    count of steps, is ``common``: it follows from no parameter, and the trainer keeps it.
    """

    parts: tuple[Graph, ...]
    common: Graph
    places: Mapping[str, int]

    @classmethod
    def of(
        cls, update: Graph, sums: Collection[str], servers: int, known: Mapping[str, int]
    ) -> Dealt:
        """Deal an update, of gradients that the leaves ``sums`` hold, to so many servers; some
        leaves may have their places already. Leaves whose new values read one another lie on one
        server; the largest such groups are dealt first, each to the server that has the least.

        Raises GF044 where there are fewer groups than servers, as where gradients are clipped by
        their common norm: that update needs all of them at one place.
        """
        groups = keys(update, sums)
        if len(groups) < servers:
            _refuse(update, groups, servers)
        held = [0] * servers
        places = dict[str, int]()
        for group in sorted(groups, key=lambda group: -_numbers(update, group)):
            there = {known[name] for name in group if name in known}
            if len(there) > 1:
                fail("GF044", f"the update of {_shown(update, group)} needs parameters at one "
                     "place that another player has at several", help="--servers 1")  # fmt: skip
            server = there.pop() if there else held.index(min(held))
            held[server] += _numbers(update, group)
            places |= dict.fromkeys(group, server)
        parts = tuple(
            update_of(update, [n for n, server in places.items() if server == number])
            for number in range(servers)
        )
        return cls(parts, update_of(update, [n for n in update.updates if n not in places]), places)


def keys(update: Graph, sums: Collection[str]) -> list[list[str]]:
    """The leaves that gradients reach, in groups: two are in one where the new value of one reads
    the other. Every group is a key of the servers.
    """
    leaves = {node.name for op in ("parameter", "state") for node in update.leaves(op)}
    read = {n: update.needed_for([value]) & leaves for n, value in update.updates.items()}
    touched = {n for n in leaves if n in sums or update.nodes[n].op == "parameter"}
    touched &= set(update.updates)
    while more := {n for n in read if n not in touched and read[n] & touched}:
        touched |= more
    group_of = {name: [name] for name in update.nodes if name in touched}
    for name in group_of:
        for other in sorted(read[name] & touched):
            first, second = group_of[name], group_of[other]
            if first is not second:
                first += second
                group_of |= dict.fromkeys(second, first)
    return list({id(group): group for group in group_of.values()}.values())


def update_of(update: Graph, leaves: Iterable[str]) -> Graph:
    """The update of these leaves alone."""
    cut = replace(update, outputs=(), updates={n: update.updates[n] for n in leaves})
    return cut.restricted_to(cut.needed_for((*cut.roots(), *cut.updates)))


def _numbers(update: Graph, group: Iterable[str]) -> int:
    """How many numbers the leaves of a group hold."""
    shapes = (update.nodes[name].tensor.shape for name in group)
    return sum(prod(int(str(size)) for size in shape) for shape in shapes)


def _refuse(update: Graph, groups: list[list[str]], servers: int) -> None:
    if not groups:
        fail("GF044", "the update changes no parameter that servers could keep",
             help="leave out --servers")  # fmt: skip
    largest = max(groups, key=lambda group: _numbers(update, group))
    count = f"{len(groups)} key{'s' * (len(groups) > 1)}"
    fail("GF044", f"{servers} servers would have only {count} among them: the update of "
         f"{_shown(update, largest)} needs all of these at one place",
         help=f"--servers {len(groups)}; clip_norm makes one key of all parameters, as an "
         "optimizer does that sees them as one vector; clip_value does not")  # fmt: skip


def _shown(update: Graph, group: Iterable[str]) -> str:
    """The parameters of a group, in words."""
    names = [name for name in group if update.nodes[name].op == "parameter"]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
