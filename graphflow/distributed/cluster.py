"""Joining a cluster of Ray's, and waiting for actors to be there."""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

import psutil

from graphflow.diagnostics import GraphflowError, fail
from graphflow.interrupts import kept

if TYPE_CHECKING:
    from ray import ObjectRef

T = TypeVar("T")
AGAIN = "graphflow run --resume DIR goes on from the last checkpoint"
ANSWER = 10.0
"""Seconds in which a cluster has to answer."""
PATIENCE = 120.0
"""Seconds in which workers have to be there."""


def check_ray() -> None:
    """Raises GF076 where Ray is not installed."""
    if find_spec("ray") is None:
        fail("GF076", "workers need the package 'ray', which is not installed",
             help="pip install 'graphflow[ray]', or leave out --workers and --address")  # fmt: skip


def join(address: str | None) -> None:
    """Join the cluster at an address ("auto": the one that this machine is in), or, without one,
    begin one of this machine's processes. A process that is in a cluster stays there.

    Raises GF044 where no cluster answers, or where this process is in another one, and GF076 where
    Ray is not installed.
    """
    check_ray()
    import ray

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        if ray.is_initialized():
            _check_same(address)
            return
        if address is not None and address != "auto":  # Ray itself would try for minutes
            socket.create_connection(_host_and_port(address), ANSWER).close()
        with _Starting(), kept(signal.SIGTERM):
            ray.init(address or "local", include_dashboard=None if address else False,
                     log_to_driver=False, logging_level=logging.ERROR)  # fmt: skip
    except (OSError, ValueError) as error:
        shown = "on this machine" if address == "auto" else f"at '{address}'"
        fail("GF044", f"no Ray cluster answers {shown}: {error}",
             help="ray start --head begins one and says its address; without --address workers are "
             "processes of this machine")  # fmt: skip


class _Starting:
    """Inside this block what Ray raises where it cannot start is told as GF044: errors of its own
    and RuntimeErrors; an Exception of no kind where its processes are not there in time. SIGTERM,
    of which it makes an exit meanwhile, is a Ctrl-C.
    """

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:  # fmt: skip
        import ray

        if isinstance(error, SystemExit):
            raise KeyboardInterrupt from error
        if kind is Exception or isinstance(error, (RuntimeError, ray.exceptions.RayError)):
            said = str(error).strip().splitlines() or [type(error).__name__]
            fail("GF044", f"Ray does not start: {said[-1]}",
                 help="try again when the machine is less busy; a cluster that is joined has the "
                 "same Ray and Python")  # fmt: skip


def wait_for(ready: Sequence[ObjectRef[bool]]) -> None:
    """Wait until actors have answered. GF044 where one has not, as where no processor is free."""
    import ray

    with _Starting():
        try:
            ray.get(list(ready), timeout=PATIENCE)
        except ray.exceptions.GetTimeoutError:
            fail("GF044", f"{len(ready)} workers were not there within {PATIENCE:.0f} seconds",
                 help="fewer workers: each takes one processor of a cluster")  # fmt: skip


def all_of(asked: Sequence[ObjectRef[T]], close: Callable[[], None]) -> list[T]:
    """All answers of workers that keep something. Where one fails, the others may wait for it in
    vain: ``close`` ends all. What one refuses is raised as it was there; GF044 where one has died.
    """
    import ray

    left = list(asked)
    try:
        while left:
            done, left = ray.wait(left, num_returns=1)
            ray.get(done)
        return [ray.get(each) for each in asked]
    except (ray.exceptions.RayTaskError, ray.exceptions.RayActorError) as error:
        close()
        cause: object = error
        while isinstance(cause, ray.exceptions.RayTaskError):  # who waited for it fails of it, too
            cause = cause.cause
        if isinstance(cause, GraphflowError):
            raise cause from None
        if not isinstance(cause, ray.exceptions.RayActorError):
            raise
        fail("GF044", f"a worker died, and with it what it kept: {cause}", help=AGAIN)


def _check_same(address: str | None) -> None:
    """The cluster that this process is in is the one at an address."""
    import ray

    if address is None or address == "auto":
        return
    if ray.util.client.ray.is_connected():  # type: ignore[no-untyped-call]
        there, same = "a client's", address.startswith("ray://")
    else:
        there = ray.get_runtime_context().gcs_address
        same = not address.startswith("ray://") and _machine(there) == _machine(address)
    if not same:
        fail("GF044", f"this process is in a Ray cluster already, {there}, not in '{address}'",
             help="a process is in one cluster at a time: ray.shutdown() leaves it")  # fmt: skip


def _machine(address: str) -> tuple[str, int]:
    """An address in numbers; all of this machine's are one."""
    host, port = _host_and_port(address)
    number = socket.gethostbyname(host)
    own = {each.address for found in psutil.net_if_addrs().values() for each in found}
    return "localhost" if number in own or number.startswith("127.") else number, port


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not (host and port.isdigit()):
        raise ValueError("an address is HOST:PORT, such as 10.0.0.1:6379")
    return host, int(port)
