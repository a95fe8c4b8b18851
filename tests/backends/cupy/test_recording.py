"""Kernels recorded as a CUDA graph: a stand-in for CuPy plays the stream that records them."""

from __future__ import annotations

import sys
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest

from graphflow.backends.cupy import recording
from graphflow.backends.cupy.recording import Recorder


class Stream:
    """Runs what it is given, or keeps it while it records."""

    def __init__(self, non_blocking: bool) -> None:
        assert non_blocking
        self.kept: list | None = None
        self.depth = self.recordings = 0

    def __enter__(self) -> None:
        self.depth += 1

    def __exit__(self, *raised: object) -> None:
        self.depth -= 1

    def give(self, work) -> None:
        """Launch work on this stream."""
        assert self.depth, "work on another stream"
        if self.kept is None:
            work()
        else:
            self.kept.append(work)

    def wait(self) -> None:
        if self.kept is not None:
            raise RuntimeError("cudaErrorStreamCaptureUnsupported: operation not permitted")

    def begin_capture(self) -> None:
        assert self.kept is None
        self.kept, self.recordings = [], self.recordings + 1

    def end_capture(self) -> Graph:
        kept, self.kept = self.kept, None
        return Graph(kept)


class Graph:
    """What was recorded."""

    def __init__(self, work: list) -> None:
        self.work, self.uploaded, self.launched = work, False, 0

    def upload(self, stream: Stream) -> None:
        self.uploaded = True

    def launch(self, stream: Stream) -> None:
        assert self.uploaded and stream.depth
        self.launched += 1
        for each in self.work:
            stream.give(each)


def pool() -> SimpleNamespace:
    return SimpleNamespace(malloc=object(), free_bytes=lambda: 7)


@pytest.fixture
def recorder(monkeypatch) -> Recorder:
    pools: list[object] = []

    @contextmanager
    def using_allocator(malloc):
        pools.append(malloc)
        yield
        assert pools.pop() is malloc

    cuda = SimpleNamespace(
        Stream=Stream, using_allocator=using_allocator,
        MemoryPool=pool, runtime=SimpleNamespace(memGetInfo=lambda: (100, 1000)),
    )  # fmt: skip
    cupy = SimpleNamespace(cuda=cuda, get_default_memory_pool=pool)
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    told = SimpleNamespace(errstate=lambda linalg: nullcontext(linalg))
    monkeypatch.setitem(sys.modules, "cupyx", told)
    recording._stream.cache_clear()
    yield Recorder()
    recording._stream.cache_clear()


def counting(recorder: Recorder) -> tuple[list[int], object, list[str]]:
    """A kernel that counts on the device, and what Python is called for."""
    counts, called = [0], []

    def work() -> None:
        counts[0] += 1

    def kernel() -> None:
        called.append("kernel")
        recorder.stream.give(work)

    return counts, kernel, called


def test_kernels_run_once_are_recorded_then_and_repeated_without_python(recorder):
    counts, kernel, called = counting(recorder)
    line = recorder.recorded([kernel, kernel])
    with recorder.working():
        for run in range(1, 6):
            line()
            assert counts == [2 * run]
    assert len(called) == 4 and recorder.stream.recordings == 1


def test_what_pools_keep_for_later_is_free(recorder):
    assert recorder.free() == 114


def test_a_line_within_a_line_is_part_of_its_recording(recorder):
    counts, kernel, called = counting(recorder)
    inner = recorder.recorded([kernel])
    outer = recorder.recorded([kernel, inner, inner])
    with recorder.working():
        for run in range(1, 5):
            outer()
            assert counts == [3 * run]
    graphs = recorder.stream.recordings
    assert graphs == 2  # the inner one runs twice before the outer one is recorded
    assert len(called) <= 3 + 3 + 1


def test_what_cannot_be_recorded_runs_between_two_recordings_and_is_told_once(recorder):
    counts, kernel, called = counting(recorder)
    line = recorder.recorded([kernel, kernel, recorder.stream.wait, kernel])
    with recorder.working():
        line()
        with pytest.warns(UserWarning, match="by itself.*cudaErrorStreamCaptureUnsupported"):
            line()
        assert recorder.stream.kept is None
        for _ in range(3):
            line()
    assert counts == [3 * 5]
    assert len(called) == 3 + 2 + 3  # once each, twice in vain, once each for the recordings


def test_what_shows_at_the_end_of_a_recording_has_them_run_one_by_one(recorder, monkeypatch):
    counts, kernel, called = counting(recorder)

    def invalid() -> None:
        recorder.stream.kept = None
        raise RuntimeError("cudaErrorStreamCaptureInvalidated")

    monkeypatch.setattr(recorder.stream, "end_capture", invalid)
    line = recorder.recorded([kernel, kernel])
    with recorder.working():
        line()
        with pytest.warns(UserWarning, match="2 kernels run one by one: cudaErrorStreamCapture"):
            line()
        line()
    assert counts == [6] and recorder.stream.recordings == 1 and len(called) == 4 + 4


def test_an_interrupt_while_recording_leaves_the_stream_as_it_was(recorder):
    counts, kernel, called = counting(recorder)

    def interrupted() -> None:
        if len(called) == 2:
            called.append("interrupt")
            raise KeyboardInterrupt

    line = recorder.recorded([kernel, interrupted])
    with recorder.working():
        line()
        with pytest.raises(KeyboardInterrupt):
            line()
        assert recorder.stream.kept is None and not recorder.recording
        line()
        line()
    assert counts == [3]
