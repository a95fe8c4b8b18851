"""Talks with actors of Ray: work that lasts, during which messages go both ways."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Protocol, TypeVar

from threadpoolctl import threadpool_limits

from graphflow.distributed.cluster import join, wait_for
from graphflow.files import Json

if TYPE_CHECKING:
    from ray import ObjectRef

Message = dict[str, Json]
Result = TypeVar("Result", covariant=True)


class Worker(Protocol):
    """What works in an actor. It is made with the function that it says messages by."""

    def take(self, message: Message | None) -> None:
        """A message for it, from another thread; None says that nobody speaks any more."""

    def work(self) -> None:
        """Work until nobody speaks any more."""


class _Method(Protocol[Result]):
    """A method of an actor."""

    def remote(self, *given: object) -> Result: ...


class _Handle(Protocol):
    """An :class:`_Actor` seen from elsewhere."""

    ready: _Method[ObjectRef[bool]]
    process: _Method[ObjectRef[tuple[str, int]]]
    take: _Method[ObjectRef[None]]
    messages: _Method[Iterator[ObjectRef[Message]]]


class Talk:
    """A worker in a cluster, which takes one processor of it.

    ``hear`` is given what the worker says, and None with a reason in words once it has ended.
    Raises GF044 where the cluster has no room for it.
    """

    def __init__(
        self,
        make: Callable[[Callable[[Message], None]], Worker],
        hear: Callable[[Message | None, str], None],
        address: str,
    ) -> None:
        join(address)
        import ray

        actor = ray.remote(num_cpus=1)(_Actor).options(max_concurrency=3)
        self.actor: _Handle = actor.remote(make)  # type: ignore[assignment]
        wait_for([self.actor.ready.remote()])
        self._thread = Thread(target=self._listen, args=(hear,), daemon=True)
        self._thread.start()

    def process(self) -> tuple[str, int]:
        """Its machine, and the number of its process there."""
        import ray

        return ray.get(self.actor.process.remote())

    def say(self, message: Message | None) -> None:
        """Send a message; None hangs up."""
        self.actor.take.remote(message)

    def ended(self, patience: float) -> None:
        """Wait so many seconds until it has ended, then end it."""
        import ray

        self._thread.join(patience)
        ray.kill(self.actor)  # type: ignore[arg-type]

    def _listen(self, hear: Callable[[Message | None, str], None]) -> None:
        import ray

        why = "it was told to"
        try:
            for message in self.actor.messages.remote():
                hear(ray.get(message), "")
        except ray.exceptions.RayError as error:
            lines = [line for line in str(error).splitlines() if line.strip()]
            died = isinstance(error, ray.exceptions.RayActorError)
            why = lines[0 if died else -1].strip()
        finally:
            hear(None, why)


class _Actor:
    """A worker in its process: it works in a thread of its own, so that messages can come."""

    def __init__(self, make: Callable[[Callable[[Message], None]], Worker]) -> None:
        os.environ["NUMBA_NUM_THREADS"] = "1"  # read when kernels are first needed
        threadpool_limits(1, "blas")
        self._said: SimpleQueue[Message | None] = SimpleQueue()
        self._worker = make(self._said.put)

    def ready(self) -> bool:
        """Whether it can be talked to."""
        return True

    def process(self) -> tuple[str, int]:
        """This machine, and the number of this process."""
        return socket.gethostname(), os.getpid()

    def take(self, message: Message | None) -> None:
        """A message for the worker."""
        self._worker.take(message)

    def messages(self) -> Iterator[Message]:
        """What the worker says, until it has ended; what ends it by mistake is raised here."""
        with ThreadPoolExecutor(1) as thread:
            done = thread.submit(self._work)
            while (message := self._said.get()) is not None:
                yield message
            done.result()

    def _work(self) -> None:
        try:
            self._worker.work()
        finally:
            self._said.put(None)
