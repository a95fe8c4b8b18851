"""Average precision against plain loops over detections, and counts by hand."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from tests.library.calling import evaluated

Array = np.ndarray
ARGS = "b, s, c, tb, tc"


def iou(a: Array, b: Array) -> float:
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    area = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return width * height / (area - width * height)


def rights(feed: dict[str, Array], kind: int, limit: float, style: str) -> list[bool]:
    """Whether each detection of a class is right, by falling score: PASCAL's and COCO's rules."""
    images, places = feed["c"].shape
    found = [(i, d) for i in range(images) for d in range(places) if feed["c"][i, d] == kind]
    taken: set[tuple[int, int]] = set()
    result = []
    for i, d in sorted(found, key=lambda at: -feed["s"][at]):
        own = [g for g in range(feed["tc"].shape[1]) if feed["tc"][i, g] == kind]
        if style == "coco":
            own = [g for g in own if (i, g) not in taken]
        overlaps = {g: iou(feed["b"][i, d], feed["tb"][i, g]) for g in own}
        best = max(overlaps, key=lambda g: overlaps[g], default=None)
        close = best is not None and overlaps[best] >= limit
        result.append(close and (i, best) not in taken)
        if close:
            taken.add((i, best))
    return result


def area(right: list[bool], count: int, style: str) -> float:
    """The area under the curve, as the devkits compute it."""
    hits = np.cumsum(right)
    recall, precision = hits / count, hits / np.arange(1, len(right) + 1)
    if style == "voc":
        edges = np.concatenate([[0.0], recall, [1.0]])
        tops = np.maximum.accumulate(np.concatenate([[0.0], precision, [0.0]])[::-1])[::-1]
        steps = np.flatnonzero(edges[1:] != edges[:-1])
        return float(((edges[steps + 1] - edges[steps]) * tops[steps + 1]).sum())
    points = np.linspace(0, 1, 11 if style == "voc2007" else 101)
    return float(np.mean([precision[recall >= r - 1e-9].max(initial=0) for r in points]))


def drawn(seed: int) -> dict[str, Array]:
    """Found boxes near true ones, with empty places in both."""
    rng = np.random.default_rng(seed)
    corner, extent = rng.uniform(0, 6, (3, 5, 2)), rng.uniform(1, 4, (3, 5, 2))
    truth = np.concatenate([corner, corner + extent], axis=2)
    near = truth[:, rng.integers(0, 5, 12)] + 0.25 * rng.standard_normal((3, 12, 4))
    return {
        "b": near, "s": rng.permutation(36).reshape(3, 12) / 36.0,
        "c": rng.integers(-1, 3, (3, 12)),
        "tb": truth, "tc": rng.integers(-1, 3, (3, 5)),
    }  # fmt: skip


@pytest.mark.parametrize("style", ["voc", "voc2007", "coco"])
@pytest.mark.parametrize("seed", range(4))
def test_average_precision_is_that_of_plain_loops(style, seed):
    feed = drawn(seed)
    limits = [0.3, 0.6, 0.75]
    call = f"average_precisions({ARGS}, 4, {limits}, '{style}')"
    ours = evaluated(call, **feed)
    counts = [int((feed["tc"] == kind).sum()) for kind in range(4)]
    theirs = [
        [area(rights(feed, k, limit, style), n, style) if n else 0 for k, n in enumerate(counts)]
        for limit in limits
    ]
    np.testing.assert_allclose(ours, theirs, atol=1e-12)
    value = evaluated(call.replace("average_precisions", "mean_average_precision"), **feed)
    known = [kind for kind, count in enumerate(counts) if count]
    assert known != [0, 1, 2, 3] and value == pytest.approx(np.mean(np.array(theirs)[:, known]))


HAND = {
    "b": np.array([[[0, 0, 2, 2], [0, 0, 2, 2.2], [5, 5, 6, 6], [9, 9, 9, 9]]], float),
    "s": np.array([[0.9, 0.8, 0.7, 0.99]]),
    "c": np.array([[0, 0, 0, -1]]),
    "tb": np.array([[[0, 0, 2, 2], [5, 5, 6, 6.5], [0, 0, 0, 0]]], float),
    "tc": np.array([[0, 0, -1]]),
}


def test_average_precision_by_hand():
    """Right, a second box on the same thing, right: precision 1 to recall 1/2, then 2/3."""
    found = evaluated(f"average_precisions({ARGS}, 1)", **HAND)
    np.testing.assert_allclose(found, [[0.5 * 1 + 0.5 * 2 / 3]])
    found = evaluated(f"average_precisions({ARGS}, 1, style='voc2007')", **HAND)
    np.testing.assert_allclose(found, [[(6 + 5 * 2 / 3) / 11]])
    strict = evaluated(f"average_precisions({ARGS}, 1, [0.5, 0.7])", **HAND)
    np.testing.assert_allclose(strict, [[0.5 + 1 / 3], [0.5]])


def test_nothing_found_is_0_and_nothing_to_find_is_no_number():
    empty = HAND | {"c": np.full((1, 4), -1)}
    assert evaluated(f"mean_average_precision({ARGS}, 1)", **empty) == 0
    with np.errstate(invalid="ignore"):
        none = HAND | {"tc": np.full((1, 3), -1)}
        assert np.isnan(evaluated(f"mean_average_precision({ARGS}, 1)", **none))


REFUSED = {
    "average_precisions(b, c, c, tb, tc[:, 1:], 2)": "true_boxes (N, G, 4) and integer true_labels",
    "average_precisions(b, s, s, tb, tc, 2)": "boxes (N, D, 4), scores (N, D) and integer labels",
    f"average_precisions({ARGS}, 0)": "classes is their number, a positive whole number, not 0",
    f"average_precisions({ARGS}, 2, 0.5)": "thresholds is a list of positive numbers",
    f"average_precisions({ARGS}, 2, [0.5, 0])": "thresholds is a list of positive numbers",
    f"average_precisions({ARGS}, 2, [])": "thresholds is a list of positive numbers",
    f"average_precisions({ARGS}, 2, [0.5], 'kitti')": "style is 'voc', 'voc2007' or 'coco'",
}


@pytest.mark.parametrize("call", REFUSED)
def test_a_wrong_call_is_refused(call):
    with pytest.raises(gf.GraphflowError) as caught:
        evaluated(call, **HAND)
    assert REFUSED[call] in caught.value.diagnostics[0].message


def test_a_label_beyond_the_classes_is_refused():
    for wrong in ({"c": np.array([[0, 1, 0, -1]])}, {"tc": np.array([[0, 1, -1]])}):
        with pytest.raises(gf.GraphflowError, match="out of range"):
            evaluated(f"average_precisions({ARGS}, 1)", **(HAND | wrong))
