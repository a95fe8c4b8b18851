from __future__ import annotations

import io
import os
import pickle

import numpy as np
import pytest

from graphflow.diagnostics import Diagnostic, Mark
from graphflow.studio import frames
from graphflow.studio.frames import Answer
from graphflow.view.workspace import Look, Workspace


@pytest.mark.parametrize("value", [
    Workspace(graph="mlp", overrides=(("hidden", "8"),)), Look(opened=("a",), moments={"lstm": 3}),
    Diagnostic("GF020", "unknown name", Mark("f.yaml", 1, 2)), {"a": [1, 2.5, None, float("nan")]},
    (frozenset({1}), slice(1, 2), 3j, b"x"),
])  # fmt: skip
def test_data_comes_back_as_it_was(value: object):
    assert repr(frames.loads(pickle.dumps(Answer(1, value)))) == repr(Answer(1, value))


@pytest.mark.parametrize("array", [
    np.arange(6.0).reshape(2, 3), np.zeros((0, 3), np.float32), np.float64(2.5), np.array(True),
    np.asfortranarray(np.arange(6).reshape(2, 3)), np.array([np.nan, np.inf]),
], ids=str)  # fmt: skip
@pytest.mark.parametrize("protocol", [4, 5])
def test_arrays_come_back_as_they_were(array: np.ndarray, protocol: int):
    found = frames.loads(pickle.dumps(array, protocol=protocol))
    assert isinstance(found, type(array)) and found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


class Runs:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("true",)


class Calls:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("1",)


@pytest.mark.parametrize("value", [Runs(), Calls(), os.system, Diagnostic.render])
def test_what_is_no_data_is_refused(value: object):
    with pytest.raises((pickle.UnpicklingError, AttributeError)):
        frames.loads(pickle.dumps(value))


def test_messages_follow_each_other_and_one_that_is_cut_short_is_none():
    stream = io.BytesIO()
    frames.write(stream, b"one")
    frames.write(stream, b"")
    frames.write(stream, b"three")
    stream.truncate(stream.tell() - 1)
    stream.seek(0)
    assert [frames.read(stream) for _ in range(3)] == [b"one", b"", None]


def test_a_message_longer_than_it_may_be_is_not_taken():
    stream = io.BytesIO(frames.HEAD.pack(frames.LARGEST + 1) + b"...")
    assert frames.read(stream) is None
