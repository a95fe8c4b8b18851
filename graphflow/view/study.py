"""A workspace studied: run, walked through, looked at. The one facade that a studio asks.

>>> from graphflow.view.workspace import Workspace
>>> study = Study(Workspace(graph="xyz"))
>>> [step.text for step in study.steps][:2]
['q = x + y = (-2) + 5 = 3', 'f = q × z = 3 × (-4) = -12']
>>> float(study.value(len(study.steps) - 1, "x.grad"))
-4.0
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from graphflow.ops.evaluate import Computed
from graphflow.training.images import image_shapes
from graphflow.view.details.checks.report import PARTS, CheckReport, Part
from graphflow.view.details.checks.run import check
from graphflow.view.details.detail import detail, shown_at
from graphflow.view.details.gradients import gradient_check, point_of
from graphflow.view.details.maps import MapChoice, MapView, map_at, maps
from graphflow.view.details.memory import memory
from graphflow.view.details.times import over_time
from graphflow.view.drawing import Drawing
from graphflow.view.overlay import Failing, Overlay
from graphflow.view.overview import Overview
from graphflow.view.recording.about import overview_of
from graphflow.view.recording.changes import changes
from graphflow.view.recording.failing import failing
from graphflow.view.recording.limits import Limits, Meter
from graphflow.view.recording.overlays import overlay_of
from graphflow.view.recording.recording import Recording
from graphflow.view.recording.walks import AnyWalk, opened_walk
from graphflow.view.replay import replay
from graphflow.view.scene import drawn
from graphflow.view.shown import Detail, GradientReport, MemoryView, OverTime, Shown
from graphflow.view.steps import Step
from graphflow.view.wire import Wire, wire_schedule
from graphflow.view.workspace import Edit, Look, OverlayKind, Workspace


class Study:
    """What happens in a workspace. The same workspace always shows the same numbers.

    Raises GraphflowError where the workspace cannot be opened, or takes more than ``limits``. An
    ``earlier`` study of the same model lends what it has compiled; nothing else depends on it.
    """

    def __init__(
        self, workspace: Workspace, limits: Limits | None = None, earlier: Study | None = None
    ) -> None:
        self.workspace, self.limits = workspace, limits or Limits()
        known = None if earlier is None else (earlier.workspace, earlier.walk)
        self.walk: AnyWalk = opened_walk(workspace, self.limits, known)
        self.model = self.walk.model
        self._earlier: Recording | None = None
        if earlier is not None and earlier.workspace == self._without_last_edit:
            self._earlier = earlier.recording
        self.recording: Recording = self._recorded(workspace.edits)
        self._drawings: dict[tuple[object, ...], Drawing] = {}

    def _recorded(self, edits: Sequence[Edit]) -> Recording:
        meter = Meter(self.limits)
        walk = opened_walk(self.workspace, self.limits, (self.workspace, self.walk))
        turns = walk.record(edits, meter, self.workspace.unrolled)
        meaning = self.model.elaborated
        return Recording(turns, meter.bytes, meaning.calls, image_shapes(meaning))

    @property
    def _without_last_edit(self) -> Workspace:
        return replace(self.workspace, edits=self.workspace.edits[:-1])

    @cached_property
    def before(self) -> Recording | None:
        """What happened before the last edit, if there is one."""
        if not self.workspace.edits:
            return None
        return self._earlier or self._recorded(self.workspace.edits[:-1])

    # -- how it is drawn ---------------------------------------------------------------------
    def drawing(self, look: Look) -> Drawing:
        """The forward graph as it looks; each is made once."""
        opened = None if look.opened is None else frozenset(look.opened)
        moments = tuple((loop, look.moments.get(loop, 0)) for loop in look.spread)
        key = (
            look.direction, look.parameters, opened, look.folded, look.shapes, look.values, moments
        )  # fmt: skip
        if key not in self._drawings:
            self._drawings[key] = drawn(self.recording.outline, look)
        return self._drawings[key]

    def schedule(self) -> dict[str, Wire]:
        """All steps as the widget takes them."""
        titles = [turn.title for turn in self.recording.turns]
        return wire_schedule(self.steps, titles, self.recording.given)

    # -- what happened -----------------------------------------------------------------------
    def overview(self) -> Overview:
        """What the walk is about, in a few facts."""
        return overview_of(self.workspace, self.walk, self.recording)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The whole schedule of this iteration, all turns."""
        return self.recording.steps

    def value(self, index: int, id: str) -> Computed:
        """The value at a drawn id as the step ``index`` leaves it. Inside a loop that is walked,
        ids of its body mean its values in the same time step.
        """
        return self.recording.value(index, id)

    def overlay(self, kind: OverlayKind, look: Look | None = None) -> Overlay:
        """Facts laid over the drawing of a look; without one, for every node by itself."""
        if kind == "none":
            return Overlay("none", ())
        copies = {} if look is None else self.drawing(look).copies
        if kind == "changes":
            found = changes(self.before, self.recording, copies)
        else:
            found = overlay_of(self.recording, kind, copies)
        return found if look is None else found.seen(self.drawing(look))

    def failing(self) -> Failing | None:
        """The first value that is not finite, if there is one."""
        return failing(self.recording)

    # -- details -----------------------------------------------------------------------------
    def detail(self, index: int, *, pictured: bool = True) -> Detail:
        """All about one step; without ``pictured`` without pictures."""
        return detail(self.recording, index, self.before, pictured=pictured)

    def shown(self, id: str, index: int, slice: int = 0) -> Shown:
        """The value at a drawn id as the step ``index`` leaves it, -1 being before the first step.
        ``slice`` says which matrix of more than two dimensions.
        """
        return shown_at(self.recording, id, index, slice, self.before)

    def over_time(self) -> tuple[OverTime, ...]:
        """How far back gradients reach in the loops whose time steps are walked."""
        return over_time(self.recording)

    def maps(self, index: int) -> tuple[MapChoice, ...]:
        """The heatmaps that the file declares, as far as they are known at a step."""
        return maps(self.recording, self.model, index)

    def map_at(self, index: int, name: str, value: int, place: Sequence[int]) -> MapView:
        """A matrix of a heatmap with its words: the value, and where in it."""
        return map_at(self.recording, self.model, index, name, value, place)

    # -- checks ------------------------------------------------------------------------------
    def memory(self) -> MemoryView:
        """What is in memory at each step, and why."""
        return memory(self.recording)

    def gradient_check(
        self, name: str, element: tuple[int, ...] | None = None, of: str = "", turn: int = 0
    ) -> GradientReport:
        """The derivative of ``of`` (what the turn differentiates) by a parameter, an input or a
        node, against differences over a sweep of step sizes.
        """
        return gradient_check(point_of(self.recording.turns[turn], of), name, element)

    def check(self, *parts: Part) -> CheckReport:
        """Golden values, gradients of all nodes, determinism, three precisions; or some of them."""
        return check(self.workspace, self.recording, self.limits.nodes, parts or PARTS)

    # -- to take along -----------------------------------------------------------------------
    def replay(self, look: Look, cursor: int = -1) -> bytes:
        """The whole walk as one page of HTML that needs no server and no network; it opens at a
        step.
        """
        return replay(self, look, cursor).encode()
