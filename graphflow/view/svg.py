"""A drawing as one SVG file that stands alone: for thumbnails, downloads and pages.

It looks like the widget: the kind of a box is told by its form as well as by its colour. Colours
are written out, so that programs without style sheets of the newer kind show them too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

from graphflow.view.drawing import HUES, Drawing, DrawnEdge, DrawnGroup, DrawnNode, Kind, Point
from graphflow.view.layout import curve

Theme = Literal["light", "dark", "auto"]
"""``auto`` asks the program that shows the picture."""

GROUNDS = {"light": ("#ffffff", "#1a2230"), "dark": ("#10151d", "#e6ebf2")}
"""Background and text, those of the studio."""
MARGIN = 12.0
LINE = 15.0
LABEL, SUB = 7.2, 6.2
"""Width of a character of a name (12 px, bold) and of what stands below it (11 px)."""
ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def svg(
    drawing: Drawing,
    title: str,
    description: str = "",
    theme: Theme = "auto",
    words: bool = True,
    size: tuple[float, float] | None = None,
) -> str:
    """``drawing`` as SVG. ``title`` and ``description`` are read out by screen readers.

    Without ``words`` it is boxes and lines alone, which is what remains to be seen of a large graph
    in a thumbnail. ``size`` is width and height in pixels; the picture is fitted into it.
    """
    width, height = drawing.width + 2 * MARGIN, drawing.height + 2 * MARGIN
    shown = size or (width, height)
    kind = theme if words else f"{theme} small"
    view = " ".join(_number(length) for length in (-MARGIN, -MARGIN, width, height))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view}" width="{_number(shown[0])}" '
        f'height="{_number(shown[1])}" role="img" class="graphflow {kind}">',
        f"<title>{_text(title)}</title><desc>{_text(description)}</desc>",
        f"<style>{_style(theme)}</style>",
        f'<defs><marker id="tip-{theme}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
        'markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">'
        '<path class="tip" d="M0 0L8 4L0 8Z"/></marker></defs>',
        f'<rect class="ground" x="{-MARGIN}" y="{-MARGIN}" width="{_number(width)}" '
        f'height="{_number(height)}"/>',
        *(_frame(group) for group in drawing.groups),
        *(_edge(edge, drawing, theme) for edge in drawing.edges),
        *(_node(node, words) for node in drawing.nodes),
    ]
    if words:
        parts += [_title(group) for group in drawing.groups]
        parts += [_shape(edge) for edge in drawing.edges if edge.label]
    return "\n".join([*parts, "</svg>", ""])


# -- colours -------------------------------------------------------------------------------------
def mixed(one: str, other: str, share: float) -> str:
    """``share`` of the first colour and the rest of the second.

    >>> mixed("#ff0000", "#000000", 0.5)
    '#800000'
    """
    pairs = zip(bytes.fromhex(one[1:]), bytes.fromhex(other[1:]), strict=True)
    return "#" + "".join(f"{int(share * a + (1 - share) * b + 0.5):02x}" for a, b in pairs)


def _style(theme: Theme) -> str:
    """The style sheet; it leaves pictures of other themes on the same page alone."""
    common = (
        ".graphflow text{font-family:system-ui,'Segoe UI',Roboto,Helvetica,Arial,sans-serif}"
        ".graphflow .box,.graphflow .stack{stroke-width:1.4}.graphflow .inner{fill:none}"
        ".graphflow .constant .box{stroke-dasharray:2 3}"
        ".graphflow .node text,.graphflow .shape{text-anchor:middle}"
        ".graphflow .label,.graphflow .title{font-size:12px;font-weight:600}"
        ".graphflow .sub{font-size:11px}.graphflow .shape{font-size:10px}"
        ".graphflow .shape,.graphflow .title{paint-order:stroke;stroke-width:3px;"
        "stroke-linejoin:round}"
        ".graphflow .edge{fill:none;stroke-width:1.3}.graphflow .back{stroke-dasharray:6 4}"
        ".graphflow .frame{fill-opacity:.035}.graphflow .loop.frame{stroke-dasharray:8 4;"
        "stroke-width:1.5}.graphflow.small *{vector-effect:non-scaling-stroke}"
    )
    if theme != "auto":
        return common + _colours(f".{theme}", theme)
    dark = _colours(".auto", "dark")
    return f"{common}{_colours('.auto', 'light')}@media (prefers-color-scheme:dark){{{dark}}}"


def _colours(scope: str, theme: Literal["light", "dark"]) -> str:
    """The colours of a theme, for pictures of the class ``scope``."""
    ground, text = GROUNDS[theme]
    line, muted = mixed(text, ground, 0.6), mixed(text, ground, 0.78)
    rules = {
        "": f"background:{ground}", ".ground": f"fill:{ground}", "text": f"fill:{text}",
        ".frame": f"fill:{text};stroke:{line}", ".edge": f"stroke:{line}",
        ".tip": f"fill:{line}", ".title": f"stroke:{ground}",
        ".shape": f"fill:{muted};stroke:{ground}",
    }  # fmt: skip
    for kind, hue in HUES.items():
        stroke = f"stroke:{mixed(hue, text, 0.62)}"
        for part in ("box", "stack"):
            rules[f".{kind} .{part}"] = f"fill:{mixed(hue, ground, 0.2)};{stroke}"
        rules[f".{kind} .inner"] = stroke
    return "".join(f".graphflow{scope} {part}{{{rule}}}" for part, rule in rules.items())


# -- parts ---------------------------------------------------------------------------------------
def _frame(group: DrawnGroup) -> str:
    kind = "frame loop" if group.length else "frame"
    return (
        f'<rect class="{kind}" x="{_number(group.x)}" y="{_number(group.y)}" '
        f'width="{_number(group.w)}" height="{_number(group.h)}" rx="8"/>'
    )


def _title(group: DrawnGroup) -> str:
    """The title of a group, above the lines that cross it."""
    loop = f" ↻ {group.length}" if group.length else ""
    text = _fitted(group.label + loop, group.w - 14, LABEL)
    place = f'x="{_number(group.x + 8)}" y="{_number(group.y + 15)}"'
    return f'<text class="title" {place}>{text}</text>'


def _edge(edge: DrawnEdge, drawing: Drawing, theme: Theme) -> str:
    kind = "edge back" if edge.back else "edge"
    way = curve(edge.points, drawing.direction, edge.back)
    return f'<path class="{kind}" d="{way}" marker-end="url(#tip-{theme})"/>'


def _shape(edge: DrawnEdge) -> str:
    """The label of an edge, in the middle of its place."""
    x, y = edge.at
    return f'<text class="shape" x="{_number(x)}" y="{_number(y + 3.5)}">{_text(edge.label)}</text>'


def _node(node: DrawnNode, words: bool) -> str:
    """A box with its name, what it does and its parameters."""
    way = _outline(node.kind, node.w, node.h)
    parts = [f'<path class="stack" d="{way}" transform="translate(4,4)"/>'] if node.closed else []
    parts.append(f'<path class="box" d="{way}"/>')
    if node.kind in ("state", "output", "loop"):
        parts.append(f'<path class="inner" d="{_outline(node.kind, node.w - 6, node.h - 6)}"/>')
    if words:
        parts += _lines(node)
    place = f"translate({_number(node.x)},{_number(node.y)})"
    label = quoteattr(ILLEGAL.sub("\ufffd", node.description or node.label))
    head = f'<g class="node {node.kind}" transform="{place}" aria-label={label}>'
    return "".join([head, *parts, "</g>"])


def _lines(node: DrawnNode) -> Iterator[str]:
    """The lines of a box, in its middle."""
    loop = "↻ " if node.kind == "loop" else ""
    times = f" ×{node.folded}" if node.folded > 1 else ""
    lines = [(loop + node.label + times, "label"), (node.sub, "sub")]
    lines += [(text, "sub") for text in node.inline]
    lines = [(text, kind) for text, kind in lines if text]
    high = min(LINE, (node.h - 4) / len(lines)) if lines else LINE
    room = node.w - (20 if node.kind in ("input", "loss") else 12)
    for row, (text, kind) in enumerate(lines):
        y = _number((row - (len(lines) - 1) / 2) * high + 4)
        shown = _fitted(text, room, LABEL if kind == "label" else SUB)
        yield f'<text class="{kind}" y="{y}">{shown}</text>'


def _outline(kind: Kind, w: float, h: float) -> str:
    """The form of a kind of box, about its middle.

    >>> _outline("input", 40, 30)
    'M-10 -15L20 -15L10 15L-20 15Z'
    """
    x, y = w / 2, h / 2
    cut = min(10.0, h / 3)
    if kind == "input":
        return _polygon((cut - x, -y), (x, -y), (x - cut, y), (-x, y))
    if kind == "loss":
        return _polygon(
            (cut - x, -y), (x - cut, -y), (x, cut - y), (x, y - cut),
            (x - cut, y), (cut - x, y), (-x, y - cut), (-x, cut - y),
        )  # fmt: skip
    pill = kind in ("parameter", "state")
    r = min(y, 14.0) if pill else 0.5 if kind == "constant" else 5.0
    corners = ((x, r - y), (x - r, y), (-x, y - r), (r - x, -y))
    sides = (x, y - r), (r - x, y), (-x, r - y), (x - r, -y)
    arcs = (
        f"A{_number(r)} {_number(r)} 0 0 1 {_point(corner)}L{_point(side)}"
        for corner, side in zip(corners, sides, strict=True)
    )
    return f"M{_point((x - r, -y))}{''.join(arcs)}Z"


def _polygon(*points: Point) -> str:
    return "M" + "L".join(map(_point, points)) + "Z"


def _point(point: Point) -> str:
    return f"{_number(point[0])} {_number(point[1])}"


def _number(value: float) -> str:
    """A length with at most one decimal."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


def _fitted(text: str, room: float, character: float) -> str:
    """As much of a text as there is room for, escaped."""
    most = max(int(room / character), 1)
    return _text(text if len(text) <= most else text[: most - 1] + "…")


def _text(text: str) -> str:
    """Text that means nothing to XML, without the characters that XML cannot hold."""
    return escape(ILLEGAL.sub("\ufffd", text))
