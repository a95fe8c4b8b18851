"""What is open in a studio, as data: the same workspace always shows the same numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Literal

Direction = Literal["TB", "LR"]
Walk = Literal["gradient", "training"]
"""Forward and backward of one value; or whole training steps, updates included."""
OverlayKind = Literal["none", "values", "gradients", "time", "memory", "changes"]


NAMED = re.compile(r"""^name:[ ]+(["']?)(?P<name>[^"'#\n]{1,80}?)\1[ ]*(#.*)?$""", re.MULTILINE)
"""The line that names a file; it is found in a text with errors, too."""
TEXT_FILE = "<text>"
"""What errors and places call a text that is no file."""


@dataclass(frozen=True)
class Edit:
    """One number written over, of an input, a parameter or a state. ``index`` is its place in the
    array, empty for a scalar; without one (None) the whole array takes the value.
    """

    name: str
    index: tuple[int, ...] | None
    value: float


@dataclass(frozen=True)
class Workspace:
    """A model, how it is fed and what was changed in it.

    One of ``graph`` (a canned graph by name, or a file in an allowed folder), ``text`` (a file's
    contents) and ``run`` (the folder of a run, at ``checkpoint``) is set. A ``text`` may have a
    ``run``, too: then it begins with the run's values where name and shape match; and a ``folder``,
    where the files that it names are found. ``of`` is what is differentiated, the loss if it is
    left out. Without a ``walk`` it is training steps for a file whose ``run:`` changes something,
    unless it says ``of``, and the gradient for others. ``iteration`` counts the training steps made
    before the one that is shown; ``unrolled`` names the loops whose steps are walked one by one.
    ``sizes`` are those of inputs that nothing feeds but random numbers.
    """

    graph: str = ""
    text: str = ""
    folder: str = ""
    run: str = ""
    checkpoint: str = ""
    overrides: tuple[tuple[str, str], ...] = ()
    seed: int | None = None
    of: str = ""
    walk: Literal["", "gradient", "training"] = ""
    dtype: Literal["float32", "float64"] = "float64"
    edits: tuple[Edit, ...] = ()
    iteration: int = 0
    unrolled: tuple[str, ...] = ()
    sizes: tuple[tuple[str, int], ...] = ()

    @property
    def is_one(self) -> bool:
        """Whether one thing is open."""
        return bool(self.graph) != bool(self.text or self.run)

    @property
    def title(self) -> str:
        r"""What is open, in a word or two: of a text its ``name:``, as far as it says one.

        >>> Workspace(text="graphflow: 1\nname: mine # so far").title, Workspace(text="x:").title
        ('mine', 'a text')
        """
        if self.graph or not self.text:
            return self.graph or self.run
        named = NAMED.search(self.text)
        return named["name"] if named else "a text"

    def owns(self, file: str) -> bool:
        """Whether ``file`` is what is open, as a place in it says, and not one of blocks.

        >>> Workspace(graph="mlp").owns("mlp"), Workspace(graph="mlp").owns("blocks/net.yaml")
        (True, False)
        """
        if self.run and not self.text:
            return PurePath(file).is_relative_to(self.run)
        return file == (self.graph or TEXT_FILE)


@dataclass(frozen=True)
class Look:
    """How a model is drawn; what is computed does not depend on it.

    ``opened`` are the groups that are open, all others are closed; None leaves it to the drawing to
    open what fits. ``folded`` draws a row of equal blocks as one, ``xN``. ``moments`` is the time
    step that an open loop shows; loops that are ``spread`` show a copy of their body for each time
    step, or for those around that moment. ``values`` leaves room in the boxes for a value and its
    gradient.
    """

    direction: Direction = "TB"
    parameters: Literal["inline", "shown"] = "inline"
    opened: tuple[str, ...] | None = None
    folded: bool = True
    shapes: bool = True
    moments: Mapping[str, int] = field(default_factory=dict)
    spread: tuple[str, ...] = ()
    values: bool = True

    def with_option(self, name: str, value: object) -> Look:
        """The look with an option of the toolbar; the same one if there is no such option.

        >>> Look().with_option("direction", "LR").direction, Look().with_option("x", 1) == Look()
        ('LR', True)
        """
        match name, value:
            case "direction", "TB" | "LR":
                return replace(self, direction=value)
            case "parameters", "inline" | "shown":
                return replace(self, parameters=value)
            case "folded", bool():
                return replace(self, folded=value)
            case "shapes", bool():
                return replace(self, shapes=value)
            case "values", bool():
                return replace(self, values=value)
            case "moment", {"loop": str(loop), "t": int(time)}:
                return replace(self, moments={**self.moments, loop: time})
        return self
