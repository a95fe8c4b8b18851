"""Training with parameter servers: they have the parameters, and workers may run ahead.

The trainer is again the one that a single process has, and keeps the order of the data, metrics and
checkpoints; but parameters and what the optimizer keeps of them live on servers. Workers pull
them, push gradients, and the trainer tells the servers when all have come, and when to make the
update. So what servers have between two steps is what one process would have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

from graphflow.diagnostics import GraphflowError, fail
from graphflow.distributed.data_parallel import Pool, SharedPlayer
from graphflow.distributed.dealing import Dealt
from graphflow.distributed.gradient_graph import GradientGraph
from graphflow.distributed.parameter_server import Served, Server, Update, of_each
from graphflow.distributed.parts import Cut
from graphflow.distributed.worker import Gathered
from graphflow.ir.graph import Graph
from graphflow.ir.types import type_symbols
from graphflow.ops.op import Array
from graphflow.runtime.compile import Compiler, Settings
from graphflow.runtime.initial import Initialiser
from graphflow.runtime.store import Store
from graphflow.training.step_graph import StepGraph
from graphflow.training.stepping import Batch, Part


class Starting(Protocol):
    """Starts servers: each has its own updates, by player, and is pulled its own leaves."""

    def __call__(
        self, updates: Sequence[Mapping[str, Graph]], read: Sequence[Sequence[str]],
        settings: Settings,
    ) -> Sequence[Server]: ...  # fmt: skip


class Servers:
    """So many servers, started by ``start`` with the first step; workers may be ``staleness`` steps
    ahead of the slowest. Leaves live there from the first step on, until somebody reads them here.

    Raises GF033 for a number of servers below 1, or of steps below 0.
    """

    def __init__(self, count: int, start: Starting, staleness: int = 0) -> None:
        for what, number, least in (("servers", count, 1), ("staleness", staleness, 0)):
            if isinstance(number, bool) or not isinstance(number, int) or number < least:
                fail("GF033", f"{what} is a whole number from {least} on, not {number!r}")
        self.count, self.staleness, self.version = count, staleness, 0
        self._start = start
        self._dealt: dict[str, Dealt] = {}
        self._read: dict[str, tuple[str, ...]] = {}
        self._settings = Settings()

    def learn(self, step: StepGraph, gradient_graph: GradientGraph, settings: Settings) -> Dealt:
        """Deal a player's update, before the first step."""
        assert step.update is not None
        name, sums = step.objective.name, set(step.sums) - {step.gathered}
        others = [dealt for other, dealt in self._dealt.items() if other != name]
        known = {leaf: server for dealt in others for leaf, server in dealt.places.items()}
        self._dealt[name] = Dealt.of(step.update, sums, self.count, known)
        self._read[name] = tuple(gradient_graph.leaves)
        self._settings = replace(settings, backend="numpy")
        return self._dealt[name]

    @cached_property
    def places(self) -> Mapping[str, int]:
        """The server of each leaf that lies on one, whichever player's it is."""
        return {n: server for dealt in self._dealt.values() for n, server in dealt.places.items()}

    @cached_property
    def all(self) -> tuple[Server, ...]:
        """The servers."""
        asked = {name for names in self._read.values() for name in names}
        numbers = range(self.count)
        return tuple(self._start(
            [{n: dealt.parts[k] for n, dealt in self._dealt.items()} for k in numbers],
            [[n for n, server in self.places.items() if server == k and n in asked]
             for k in numbers],
            self._settings))  # fmt: skip

    def settle(self, store: Store) -> bool:
        """All leaves that lie on servers live there; whether any had to be sent."""
        here = [name for name in self.places if not store.lives(name, self)]
        if not here:
            return False
        values = {name: store.array(name) for name in here}
        self.version += 1
        servers = self.all

        def take(server: int) -> None:
            mine = {n: value for n, value in values.items() if self.places[n] == server}
            servers[server].take(self.version, mine)

        of_each(take, range(self.count))
        for name in here:
            store.leave(name, self)
        return True

    def add(self, step: int, weights: Sequence[float]) -> None:
        """Add up what workers have pushed in a step."""
        of_each(lambda server: self.all[server].add(step, weights), range(self.count))

    def update(self, update: Update) -> None:
        """Make an update."""
        of_each(lambda server: self.all[server].update(update), range(self.count))
        self.version = update.version

    def close(self, store: Store) -> None:
        """The servers end; leaves that live there come back, if their servers are there to ask."""
        for name in self.places:
            if store.lives(name, self):
                with suppress(GraphflowError):
                    store.array(name)
        for server in vars(self).pop("all", ()):  # those that were started
            server.close()

    def fetched(self, name: str) -> Array:
        """What a leaf is now."""
        return self.all[self.places[name]].value(name)


@dataclass(frozen=True)
class _Begun:
    """A batch that workers have; ``version`` is what they pull."""

    feed: Batch
    step: int
    version: int
    cut: Cut
    pieces: Iterator[Sequence[Gathered]]

    def of(self, feed: Batch) -> bool:
        """Whether this is the batch."""
        same = feed.keys() == self.feed.keys()
        return same and all(feed[name] is value for name, value in self.feed.items())


@dataclass(slots=True, eq=False)
class _ServedUpdate(Part):
    """An update that servers make."""

    player: ServedPlayer = field(kw_only=True)

    def run(self) -> dict[str, Array]:
        """The servers' part, then what the trainer keeps."""
        self.player.make_update(self.key)
        return self.compiler.run(self.feed, self.key, self.sizes)


class ServedPlayer(SharedPlayer):
    """A player whose parameters lie on servers, and whose gradients workers compute. It begins
    ``ahead`` batches before their steps, each with the parameters that there are then.
    """

    def __init__(
        self, servers: Servers, pool: Pool, step: StepGraph, store: Store,
        initialiser: Initialiser, settings: Settings,
    ) -> None:  # fmt: skip
        super().__init__(pool, step, store, initialiser, settings)
        self.servers, self.ahead = servers, servers.staleness
        self.computes_ahead = self.ahead > 0
        self._begun: dict[int, _Begun] = {}
        if self.ahead:
            self._check_alone()
        self.dealt = servers.learn(step, self.gradient_graph, settings)
        self.updating = Compiler(self.dealt.common, store, initialiser, settings)

    def _check_alone(self) -> None:
        """What a step finds is the same whether the step before it has ended or not."""
        if self.step.rows:
            fail("GF044", "workers that run ahead do not meet, as synchronised batch statistics "
                 "ask", help="batch_statistics: local, or leave out --staleness")  # fmt: skip
        if carried := list(self.gradient_graph.graph.updates):
            fail("GF044", f"the state '{carried[0]}' goes on from step to step, and a worker that "
                 "is ahead begins before the step before has ended",
                 help="leave out --staleness; layer_norm keeps no running statistics")  # fmt: skip

    def begin(self, title: str, batch: Batch, key: Array, sizes: Mapping[str, int]) -> None:
        """Give a batch to the workers, whose step comes later."""
        self._settle()
        self._begun[int(key[1])] = self._deal(self.on_batch(title, batch, key, sizes))

    def gather(self, part: Part) -> dict[str, Array]:
        """Take in what comes back of a batch, which is dealt out now if it was not before."""
        self._settle()
        begun = self._begun.pop(int(part.key[1]), None)
        if begun is None or not begun.of(part.feed):
            self._begun.clear()
            begun = self._deal(part)
        outputs = self.take_in(begun.cut, begun.pieces)
        self.servers.add(begun.step, begun.cut.weights)
        return outputs

    def release(self) -> None:
        """Servers and workers end."""
        self._begun.clear()
        self.servers.close(self.store)
        super().release()

    def update(self, title: str, key: Array, enough: int) -> Part | None:
        """The update that ``enough`` batches wait for."""
        part = super().update(title, key, enough)
        if part is None:
            return None
        return _ServedUpdate(part.title, part.compiler, {}, key, part.sizes, player=self)

    def make_update(self, key: Array) -> None:
        """Let the servers make theirs."""
        assert self.step.update is not None
        self._settle()
        leaves = [n for op in ("parameter", "state") for n in self.step.update.leaves(op)]
        common = [leaf.name for leaf in leaves if leaf.name not in self.servers.places]
        needed = frozenset().union(*(type_symbols(node.type) for node in self.step.update))
        sizes = {n: size for n, size in self.initialiser.sizes.items() if n in needed}
        version = self.servers.version + 1
        oldest = min((each.version for each in self._begun.values()), default=version)
        self.servers.update(Update(
            self.step.objective.name, version, oldest,
            {name: self.store.copied(name) for name in common}, key, sizes))  # fmt: skip

    def sent(self) -> list[str]:
        """The leaves that are sent along: all that workers do not pull."""
        return [name for name in self.gradient_graph.leaves if name not in self.servers.places]

    def served(self, step: int, worker: int) -> Served:
        """A worker's way to the servers."""
        names = tuple(n for n in self.gradient_graph.leaves if n in self.servers.places)
        return Served(self.servers.all, self.servers.places, names, self.servers.version, step,
                      worker)  # fmt: skip

    def _settle(self) -> None:
        """Leaves live on the servers. Where somebody has had them here in the meantime, batches
        that were begun before are begun anew.
        """
        if self.servers.settle(self.store):
            self._begun.clear()

    def _deal(self, part: Part) -> _Begun:
        number, cut, pieces = self.deal(part)
        return _Begun(part.feed, number, self.servers.version, cut, pieces)
