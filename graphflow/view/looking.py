"""How a look changes when a group is opened or closed, a loop unrolled, or the cursor goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphflow.view.copies import stands_for_many, timed
from graphflow.view.drawing import Drawing
from graphflow.view.steps import drawn_id
from graphflow.view.workspace import Look

IN_TIME = "@"
"""After the name of a loop: what unrolls it in time, and folds it again."""


def toggled(look: Look, drawing: Drawing, group: str) -> Look:
    """The look after one of a drawing's groups was toggled: opened, or closed again, in all copies
    of the body it stands in. ``loop@`` unrolls a loop in time, or folds it; a copy that stands for
    many time steps shows them.

    >>> drawing = Drawing("", 0, 0, "TB", (), (), (), around={"loop": ("net", "loop")})
    >>> look = toggled(Look(), drawing, "loop@")
    >>> look.opened, look.spread
    (('loop', 'net'), ('loop',))
    """
    name, times = timed(group.removesuffix(IN_TIME))
    for depth, span in enumerate(times):
        if span is not None and span.length > 1:
            loop = "/".join(name.split("/")[: depth + 1])
            moments = {**look.moments, loop: (span.first + span.last) // 2}
            return replace(look, moments=moments)
    if not group.endswith(IN_TIME):
        return replace(look, opened=drawing.toggled(name))
    opened = tuple(sorted(drawing.opened)) if name in drawing.opened else drawing.toggled(name)
    return replace(look, opened=opened, spread=tuple(sorted({*look.spread} ^ {name})))


def followed(look: Look, drawing: Drawing, within: Sequence[tuple[str, int]]) -> Look:
    """The look in which loops that are unrolled show these time steps."""
    path, moments = "", dict(look.moments)
    for depth, (name, time) in enumerate(within):
        path = f"{path}/{name}" if path else name
        if path in drawing.copies:
            path = drawing.copies[path][time]
            if stands_for_many(path):
                moments[drawn_id(name, within[:depth])] = time
    return look if moments == look.moments else replace(look, moments=moments)
