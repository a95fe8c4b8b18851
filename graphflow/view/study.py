"""A workspace studied: run, walked through, looked at. The one facade that a studio asks.

>>> from graphflow.view.workspace import Workspace
>>> study = Study(Workspace(graph="xyz"))
>>> [step.text for step in study.steps][:2]
['q = x + y = (-2) + 5 = 3', 'f = q × z = 3 × (-4) = -12']
>>> float(study.value(len(study.steps) - 1, "x.grad"))
-4.0
"""

from __future__ import annotations

import time

from graphflow.ops.evaluate import Computed
from graphflow.view.opening import open_model
from graphflow.view.overview import Overview
from graphflow.view.recording.about import overview_of
from graphflow.view.recording.gradient import GradientWalk
from graphflow.view.recording.limits import Limits, Meter
from graphflow.view.recording.recording import Recording
from graphflow.view.steps import Step
from graphflow.view.workspace import Workspace


class Study:
    """What happens in a workspace. The same workspace always shows the same numbers.

    Raises GraphflowError where the workspace cannot be opened, or takes more than ``limits``.
    """

    def __init__(self, workspace: Workspace, limits: Limits | None = None) -> None:
        self.workspace, self.limits = workspace, limits or Limits()
        self.model = open_model(workspace, self.limits.nodes)
        self.walk = GradientWalk(self.model, workspace)
        self.recording = self._recorded()

    def _recorded(self) -> Recording:
        begun = time.monotonic()
        meter = Meter(self.limits)
        turns = self.walk.record({}, {}, meter, self.workspace.unrolled)
        return Recording(turns, time.monotonic() - begun, meter.bytes)

    # -- what happened -----------------------------------------------------------------------
    def overview(self) -> Overview:
        """What the walk is about, in a few facts."""
        return overview_of(self.workspace, self.model, self.walk, self.recording)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The whole schedule of this iteration, all turns."""
        return self.recording.steps

    def value(self, index: int, name: str) -> Computed:
        """The value of a node as the step ``index`` leaves it. Inside a loop that is walked, the
        names of its body mean its values in the same time step.
        """
        return self.recording.value(index, name)
