"""How values come to a GPU and back: memory of this machine, which notes who copies, plays it."""

from __future__ import annotations

import ctypes
import sys
from threading import current_thread, main_thread
from types import SimpleNamespace

import numpy as np
import pytest

from graphflow.backends.cupy.travelling import AHEAD, Travelling

LOG: list[tuple[str, str]] = []
BATCHES = [np.full((2, 3), n, np.float64) for n in range(6)]


class There(np.ndarray):
    """An array of the GPU's: it is copied to and from by address."""

    @property
    def data(self):
        def onto(here: int, size: int, stream: Stream) -> None:
            stream.does("arrives" if current_thread() is main_thread() else "arrives ahead")
            ctypes.memmove(self.ctypes.data, here, size)

        def back(here: int, size: int, stream: Stream) -> None:
            stream.does("leaves")
            ctypes.memmove(here, self.ctypes.data, size)

        return SimpleNamespace(copy_from_host_async=onto, copy_to_host_async=back)


class Stream:
    def __init__(self, name: str = "lane", non_blocking: bool = True) -> None:
        self.name = name

    def does(self, what: str) -> None:
        LOG.append((self.name, what))

    def wait_event(self, event: Event) -> None:
        assert event.recorded is not None
        self.does(f"waits for {event.recorded.name}")

    def synchronize(self) -> None:
        self.does("ends")


class Event:
    def __init__(self, disable_timing: bool) -> None:
        self.recorded: Stream | None = None

    def record(self, stream: Stream) -> None:
        self.recorded = stream

    def synchronize(self) -> None:
        pass


@pytest.fixture
def travelling(monkeypatch) -> Travelling:
    computes = Stream("computes")

    def copyto(there, value) -> None:
        computes.does("takes")
        np.copyto(there, value)

    cuda = SimpleNamespace(Stream=Stream, Event=Event, get_current_stream=lambda: computes)
    empty = lambda shape, dtype: np.full(shape, 99, dtype).view(There)  # noqa: E731
    cupy = SimpleNamespace(
        cuda=cuda, empty=empty, copyto=copyto,
        ascontiguousarray=lambda x: np.ascontiguousarray(x).view(There),
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setitem(sys.modules, "cupyx", SimpleNamespace(empty_pinned=np.empty))
    LOG.clear()
    return Travelling()


def test_a_value_comes_on_the_stream_that_computes_in_the_type_of_its_place(travelling):
    inbox = travelling.inbox((2, 3), np.dtype(np.float32))
    for value in BATCHES:
        inbox.put(value)
        np.testing.assert_array_equal(inbox.array, value)
    assert [("computes", "arrives")] * len(BATCHES) == LOG


def test_what_was_brought_ahead_is_taken_once_it_is_there(travelling):
    inbox = travelling.inbox((2, 3), np.dtype(np.float32))
    inbox.put(BATCHES[0])
    LOG.clear()
    for value in BATCHES[1:]:
        inbox.bring(value)
        inbox.put(value)
        np.testing.assert_array_equal(inbox.array, value)
        assert LOG == [
            ("lane", "arrives ahead"), ("computes", "waits for lane"), ("computes", "takes"),
        ]  # fmt: skip
        LOG.clear()


def test_more_than_there_is_room_for_comes_when_it_is_put(travelling):
    inbox = travelling.inbox((2, 3), np.dtype(np.float32))
    for value in BATCHES:
        inbox.bring(value)
    for value in BATCHES:
        inbox.put(value)
        np.testing.assert_array_equal(inbox.array, value)
    assert LOG.count(("lane", "arrives ahead")) == AHEAD
    assert LOG.count(("computes", "arrives")) == len(BATCHES) - AHEAD


def test_what_was_brought_and_is_not_put_makes_room(travelling):
    inbox = travelling.inbox((2, 3), np.dtype(np.float32))
    for value in BATCHES[:-1]:
        inbox.bring(value)
        inbox.put(BATCHES[-1])
        np.testing.assert_array_equal(inbox.array, BATCHES[-1])
    travelling._lane.thread.shutdown()  # what was begun is there
    assert LOG.count(("computes", "arrives")) == len(BATCHES) - 1
    assert LOG.count(("lane", "arrives ahead")) == len(BATCHES) - 1


def test_a_value_that_was_not_brought_leaves_the_one_that_follows_on_its_way(travelling):
    inbox = travelling.inbox((2, 3), np.dtype(np.float32))
    inbox.bring(BATCHES[1])
    for value in BATCHES[:2]:
        inbox.put(value)
        np.testing.assert_array_equal(inbox.array, value)
    assert ("computes", "takes") in LOG


def test_an_equal_array_that_is_another_one_is_not_taken_for_it(travelling):
    inbox = travelling.inbox((2, 3), np.dtype(np.float32))
    inbox.bring(BATCHES[1])
    inbox.put(BATCHES[1] + 1)
    np.testing.assert_array_equal(inbox.array, BATCHES[2])


@pytest.mark.parametrize("shape", [(), (2, 3), (0, 4)])
def test_values_come_back_as_copies(travelling, shape):
    values = [np.full(shape, n, np.float32).view(There) for n in range(2)]
    first = travelling.fetched(values)()
    again = travelling.fetched([x + 1 for x in values])()
    for n, (one, other) in enumerate(zip(first, again, strict=True)):
        assert one.shape == shape and one.dtype == np.float32
        np.testing.assert_array_equal(one, np.full(shape, n))
        np.testing.assert_array_equal(other, np.full(shape, n + 1))


def test_nothing_is_brought_of_an_array_without_elements(travelling):
    inbox = travelling.inbox((0, 3), np.dtype(np.float32))
    nothing = np.empty((0, 3))
    inbox.bring(nothing)
    inbox.put(nothing)
    assert LOG == []
