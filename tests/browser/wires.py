"""Data as the widget gets them: small drawings made by hand, and large ones made up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Json = dict[str, object]


def node(id: str, x: float, y: float, kind: str = "op", **more: object) -> Json:
    """One box; what is not told has a default."""
    return {
        "id": id, "label": id, "sub": "", "kind": kind, "x": x, "y": y, "w": 96, "h": 40,
        "group": "", "shape": "", "aria": f"{kind} {id}", "inline": [], "count": 1, "folded": 1,
        **more,
    }  # fmt: skip


def edges(nodes: Sequence[Json], pairs: Sequence[tuple[str, str]], label: str = "") -> list[Json]:
    """Straight lines from the lower rim of one box to the upper rim of another."""
    at = {n["id"]: n for n in nodes}
    made = []
    for s, t in pairs:
        x0, y0 = at[s]["x"], at[s]["y"] + at[s]["h"] / 2
        x1, y1 = at[t]["x"], at[t]["y"] - at[t]["h"] / 2
        middle = (y0 + y1) / 2
        d = f"M{x0} {y0}C{x0} {middle} {x1} {middle} {x1} {y1}"
        made.append({"s": s, "t": t, "d": d, "label": label, "lx": (x0 + x1) / 2, "ly": middle,
                     "back": False})  # fmt: skip
    return made


def schedule(rows: Sequence[Sequence[object]], rev: str = "s1", **tables: object) -> Json:
    """``rows``: name, phase, place, source, target, block path, text, time, flag."""
    names: dict[str, int] = {}
    blocks: dict[str, int] = {}
    flags = {"": 0}
    seen: dict[tuple[int, ...], int] = {}
    within: dict[tuple[tuple[str, int], ...], int] = {(): 0}

    def index(table: dict[str, int], word: str) -> int:
        return table.setdefault(word, len(table))

    steps = []
    for name, phase, place, source, target, block, _, time, flag in rows:
        ends = [index(names, end) if end else -1 for end in (source, target)]
        around = {place, *(str(block).split("/") if block else [])} - {name}
        loops = ((str(place).split("/")[0], int(str(time))),) if time != -1 else ()
        elsewhere = tuple(index(names, str(id)) for id in sorted(map(str, around)))
        steps.append([index(names, name), phase, index(names, place), *ends,
                      index(blocks, block), 0, within.setdefault(loops, len(within)),
                      index(flags, flag), seen.setdefault(elsewhere, len(seen))])  # fmt: skip
    return {
        "rev": rev, "names": list(names), "steps": steps, "texts": [row[6] for row in rows],
        "blocks": [path.split("/") if path else [] for path in blocks], "flags": list(flags),
        "turns": ["main"], "seen": list(seen), "written": [0] * len(steps), "given": [{}],
        "brought": {},
        "within": [[list(loop) for loop in loops] for loops in within], **tables,
    }  # fmt: skip


def wire(drawing: Json, steps: Json | None, **more: object) -> Json:
    """All of the data for a first call."""
    return {
        "rev": "d1", "drawing": drawing, "schedule": steps, "cursor": -1, "move": 0,
        "overlay": {"kind": "none", "legend": [], "marks": {}},
        "marks": {"breakpoints": [], "watched": [], "changed": {}, "failing": None},
        "options": {"shapes": True, "follow": True, "direction": "TB", "parameters": "inline",
                    "folded": True, "moments": {}, "loops": {}, "replay": False},
        **more,
    }  # fmt: skip


def drawing(
    nodes: Sequence[Json],
    lines: Sequence[Json],
    groups: Sequence[Json] = (),
    shown: Mapping[str, str] | None = None,
) -> Json:
    """A picture that is as large as its boxes."""
    boxes = [(n["x"] + n["w"] / 2, n["y"] + n["h"] / 2) for n in nodes]
    boxes += [(g["x"] + g["w"], g["y"] + g["h"]) for g in groups]
    width, height = (max(side) + 20 for side in zip(*boxes, strict=True))
    return {"w": width, "h": height, "dir": "TB", "nodes": list(nodes), "groups": list(groups),
            "edges": list(lines), "shown": dict(shown or {}), "copies": {}}  # fmt: skip


def xyz(**more: object) -> Json:
    """f = (x + y) z at x = -2, y = 5, z = -4, forward and backward."""
    nodes = [
        node("x", 70, 40, "input"), node("y", 200, 40, "input"), node("z", 330, 40, "input"),
        node("q", 135, 140, sub="x + y"), node("f", 230, 240, "loss", sub="q * z"),
    ]  # fmt: skip
    pairs = [("x", "q"), ("y", "q"), ("q", "f"), ("z", "f")]
    rows: list[Sequence[object]] = [
        ("x", 0, "x", "", "", "", "x = -2", -1, ""),
        ("y", 0, "y", "", "", "", "y = 5", -1, ""),
        ("q", 0, "q", "", "", "", "q = x + y = 3", -1, ""),
        ("z", 0, "z", "", "", "", "z = -4", -1, ""),
        ("f", 0, "f", "", "", "", "f = q × z = -12", -1, ""),
        ("q.grad", 1, "q", "q", "f", "", "q.grad = z × 1 = -4", -1, ""),
        ("z.grad", 1, "z", "z", "f", "", "z.grad = q × 1 = 3", -1, ""),
        ("x.grad", 1, "x", "x", "q", "", "x.grad = q.grad × 1 = -4", -1, ""),
        ("y.grad", 1, "y", "y", "q", "", "y.grad = q.grad × 1 = -4", -1, ""),
    ]
    return {**wire(drawing(nodes, edges(nodes, pairs, "[]")), schedule(rows)), **more}


def grouped(**more: object) -> Json:
    """Two blocks, the first open and the second closed, a loss, backward and an update; a nan."""
    nodes = [
        node("x", 120, 40, "input", shape="[8, 4]"),
        node("a/linear", 120, 150, group="a", sub="linear", inline=["w [4, 4]"], h=52),
        node("a/relu", 120, 240, group="a", sub="relu"),
        node("b", 120, 340, "group", count=3, sub="3 nodes", folded=2, closed=True),
        node("loss", 120, 430, "loss", sub="mean"),
    ]
    groups = [{"id": "a", "label": "a", "parent": "", "x": 50, "y": 95, "w": 140, "h": 180,
               "count": 2, "length": 0}]  # fmt: skip
    lines = edges(nodes, [("x", "a/linear"), ("a/linear", "a/relu"), ("a/relu", "b"),
                          ("b", "loss")], "8 × 4")  # fmt: skip
    shown = {"b/1": "b", "b/2": "b", "b/3": "b", "w": "a/linear"}
    forward = [("x", ""), ("w", ""), ("a/linear", "a"), ("a/relu", "a"), ("b/1", "b"),
               ("b/2", "b"), ("b/3", "b"), ("loss", "")]  # fmt: skip
    rows: list[Sequence[object]] = [
        (name, 0, name, "", "", block, f"{name} = 1", -1, "nan" if name == "b/3" else "")
        for name, block in forward
    ]
    rows += [
        (f"{name}.grad", 1, name, "", "", block, f"{name}.grad = nan", -1, "nan")
        for name, block in reversed(forward[1:-1])
    ]
    rows.append(("w.next", 2, "w", "", "", "", "w = w - 0.1 w.grad", -1, ""))
    return wire(drawing(nodes, lines, groups, shown), schedule(rows), **more)


def recurrent(**more: object) -> Json:
    """A loop of three time steps around one cell, with the value that it carries."""
    nodes = [
        node("x", 110, 40, "input"), node("cell/h", 110, 150, group="cell", sub="tanh"),
        node("y", 110, 260, "output"),
    ]  # fmt: skip
    groups = [{"id": "cell", "label": "cell", "parent": "", "x": 30, "y": 95, "w": 180, "h": 100,
               "count": 1, "length": 3}]  # fmt: skip
    lines = edges(nodes, [("x", "cell/h"), ("cell/h", "y")])
    lines.append({"s": "cell/h", "t": "cell/h", "d": "M158 150C200 150 200 120 158 140",
                  "label": "", "lx": 0, "ly": 0, "back": True})  # fmt: skip
    rows: list[Sequence[object]] = [("x", 0, "x", "", "", "", "x = [1, 2, 3]", -1, "")]
    rows += [("h", 0, "cell/h", "", "", "cell", f"h at {t}", t, "") for t in range(3)]
    rows.append(("y", 0, "y", "", "", "", "y = 1", -1, ""))
    data = wire(drawing(nodes, lines, groups), schedule(rows), **more)
    data["options"] = {**data["options"], "loops": {"cell": 3}}  # type: ignore[dict-item]
    return data


def large(count: int, columns: int = 4) -> Json:
    """``count`` boxes in rows, each fed by two of the row above; forward, backward and update."""
    nodes = [
        node(f"n{i}", 80 + 150 * (i % columns), 40 + 90 * (i // columns), sub="matmul [64, 512]",
             kind="parameter" if i % 7 == 3 else "op", inline=["w [512, 512]"], h=52)
        for i in range(count)
    ]  # fmt: skip
    pairs = [
        (f"n{j}", f"n{i}")
        for i in range(columns, count)
        for j in {i - columns, i - columns + (1 if i % columns < columns - 1 else -1)}
    ]
    rows: list[Sequence[object]] = [
        (f"n{i}", 0, f"n{i}", "", "", f"layer{i // 40}", f"n{i} = {i}", -1, "")
        for i in range(count)
    ]
    rows += [
        (f"n{i}.grad", 1, f"n{i}", f"n{i}", f"n{min(i + columns, count - 1)}", f"layer{i // 40}",
         f"n{i}.grad = {i}", -1, "")
        for i in reversed(range(count))
    ]  # fmt: skip
    rows += [
        (f"n{i}.next", 2, f"n{i}", "", "", "", f"n{i} - 0.1 n{i}.grad", -1, "")
        for i in range(count)
        if i % 7 == 3
    ]
    return wire(drawing(nodes, edges(nodes, pairs, "64 × 512")), schedule(rows))
