"""What stands for a device's help to portable forwards."""

from __future__ import annotations

import numpy as np

from graphflow.ops.random import drawn_by
from tests.strict.cupy_like import DeviceArray, cupy_like, fetched
from tests.strict.recording import launch


class HostHelp:
    """Notes what is wrong, and draws what NumPy draws."""

    def __init__(self) -> None:
        self._wrong = cupy_like.asarray(np.array(False))

    def note(self, wrong: DeviceArray) -> None:
        self._wrong |= wrong

    def told(self) -> bool:
        found = bool(self._wrong)
        self._wrong.fill(False)
        return found

    def random(self, key: DeviceArray, stream: int, shape: tuple[int, ...]) -> DeviceArray:
        found = cupy_like.empty(shape, np.float64)
        launch(lambda: (drawn_by(fetched(key), stream).random(shape),), [found])
        return found
