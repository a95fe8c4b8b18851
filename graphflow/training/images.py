"""Which inputs of a file are images, as its data source says."""

from __future__ import annotations

from graphflow.data.registry import find
from graphflow.spec.elaborate import Elaborated
from graphflow.spec.names import walk
from graphflow.spec.syntax import Binary, Name, Number, Unary


def image_shapes(elaborated: Elaborated) -> dict[str, tuple[int, int, int]]:
    """Inputs whose rows are images that lie flat, (channels, height, width) of each: columns that
    the data source calls so, as they are or after arithmetic, which leaves pixels in their places.
    """
    plan, decl = elaborated.data, elaborated.document.data
    if plan is None or decl is None:
        return {}
    images = find(plan.source).images
    if not decl.feed:
        return {name: shape for name, shape in images.items() if name in elaborated.document.inputs}
    found = {}
    for name, expr in decl.feed.items():
        parts = list(walk(expr))
        columns = {part.parts[0] for part in parts if isinstance(part, Name)} & images.keys()
        kept = all(
            isinstance(part, Name | Number | Unary) or (isinstance(part, Binary) and part.op != "@")
            for part in parts
        )
        if kept and len(columns) == 1:
            found[name] = images[columns.pop()]
    return found
