"""A walk as one HTML file that needs no server and no network: to mail, to keep, to show offline.

It holds the graph widget, the drawing, the whole schedule, and for every step what happened in
words and small numbers. Each group can be opened or closed, each loop unrolled or folded, once from
the drawing as it is, as long as the drawings of that fit into :data:`TOGGLED`; for all else there
is the studio.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Iterator
from math import prod
from string import Template
from typing import TYPE_CHECKING

from graphflow.view.copies import stands_for_many, timeless
from graphflow.view.drawing import Drawing
from graphflow.view.looking import IN_TIME, toggled
from graphflow.view.shown import ChainView, Detail, Shown
from graphflow.view.steps import drawn_id
from graphflow.view.widget import page_of_a_replay, replay_script, style
from graphflow.view.wire import Wire, wire_drawing
from graphflow.view.workspace import Look
from graphflow.view.written import WHOLE, chain_lines, sum_line

if TYPE_CHECKING:
    from graphflow.view.study import Study

TOGGLED = 3_000_000
"""Bytes that the drawings with one group toggled may take together."""


def replay(study: Study, look: Look, cursor: int = -1) -> str:
    """The walk of a study, drawn as ``look`` says, as a page that opens at a step."""
    overview, script = study.overview(), replay_script()
    sure = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    fields = {
        "title": html.escape(overview.name or "graphflow"), "about": html.escape(overview.about),
        "hash": f"sha256-{sure}", "style": style(), "script": script,
        "held": json.dumps(_held(study, look, cursor), allow_nan=False, ensure_ascii=False,
                           separators=(",", ":")).replace("<", "\\u003c"),
    }  # fmt: skip
    return Template(page_of_a_replay()).substitute(fields)


def _held(study: Study, look: Look, cursor: int) -> dict[str, Wire]:
    """All that the page can be asked for."""
    drawing, found = study.drawing(look), study.failing()
    walked = {
        drawn_id(name, step.within[:depth])
        for step in study.steps
        for depth, (name, _) in enumerate(step.within)
    }
    return {
        "drawing": wire_drawing(drawing),
        "toggled": dict(_toggled(study, look, drawing)),
        "schedule": study.schedule(),
        "cursor": min(cursor, len(study.steps) - 1),
        "details": [_told(study.detail(i, pictured=False)) for i in range(len(study.steps))],
        "failing": found.place if found else None,
        "options": {
            "direction": look.direction, "shapes": look.shapes, "values": look.values,
            "follow": True,
            "moments": dict(look.moments),
            "loops": {
                timeless(g.id): g.length
                for g in drawing.groups if g.length and timeless(g.id) in walked
            },
        },
    }  # fmt: skip


def _toggled(study: Study, look: Look, drawing: Drawing) -> Iterator[tuple[str, Wire]]:
    """The drawings with one group opened or closed, while there is room."""
    loops = dict.fromkeys(f"{timeless(g.id)}{IN_TIME}" for g in drawing.groups if g.length)
    opened = sorted({timeless(group.id) for group in drawing.groups})
    closed = dict.fromkeys(
        node.id if stands_for_many(node.id) else timeless(node.id)
        for node in drawing.nodes if node.closed
    )  # fmt: skip
    room = TOGGLED
    for group in [*loops, *closed, *opened]:
        other = wire_drawing(study.drawing(toggled(look, drawing, group)))
        room -= len(json.dumps(other))
        if room < 0:
            return
        yield group, other


def _told(detail: Detail) -> dict[str, Wire]:
    """One step in texts."""
    mark = detail.mark
    return {
        "node": detail.node, "sentence": detail.sentence,
        "value": [_pair(shown) for shown in detail.value],
        "operands": [_pair(shown) for shown in detail.operands],
        "chain": list(_lines(detail.chain)) if detail.chain else [],
        "short": any(prod(s.summary.shape) > WHOLE for s in (*detail.value, *detail.operands)),
        "source": [[f"{mark.file}:{mark.line}", detail.source]] if mark else [],
    }  # fmt: skip


def _pair(shown: Shown) -> list[Wire]:
    return [shown.name, shown.text]


def _lines(chain: ChainView) -> Iterator[str]:
    """The chain rule in names and in numbers, as plain text."""
    total = chain.total.text if chain.total is not None else None
    if chain.kind == "sum":
        yield f"{chain.operand}.grad = {' + '.join(chain.parts)}"
        yield f"{chain.part + 1} of {len(chain.parts)}: {chain.contribution.text}"
        if total is not None:
            yield sum_line(total)
    else:
        upstream = (chain.upstream.name, chain.upstream.text)
        local = chain.local.text if chain.local is not None else None
        parts = (upstream, local, chain.contribution.text, total)
        yield from chain_lines(chain.twin, chain.operand, *parts)
