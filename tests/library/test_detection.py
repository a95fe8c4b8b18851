"""Boxes, anchors and what is kept of them: the numbers of Dive into Deep Learning 14.4 and 14.8."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from graphflow.diagnostics import GraphflowError
from tests.library.calling import differentiated, evaluated, file

TRUTH = np.array([[0, 0.1, 0.08, 0.52, 0.92], [1, 0.55, 0.2, 0.9, 0.88]])
ANCHORS = np.array(
    [[0, 0.1, 0.2, 0.3], [0.15, 0.2, 0.4, 0.4], [0.63, 0.05, 0.88, 0.98],
     [0.66, 0.45, 0.8, 0.8], [0.57, 0.3, 0.92, 0.9]]
)  # fmt: skip
SEEN = np.array(
    [[0.1, 0.08, 0.52, 0.92], [0.08, 0.2, 0.56, 0.95], [0.15, 0.3, 0.62, 0.91],
     [0.55, 0.2, 0.9, 0.88]]
)  # fmt: skip
CHANCES = np.array([[0.0] * 4, [0.9, 0.8, 0.7, 0.1], [0.1, 0.2, 0.3, 0.9]])


def parts(call: str, names: list[str], **feed: np.ndarray) -> list[np.ndarray]:
    """The named results of a call."""
    text = file(call, feed).replace("outputs: [out]", f"outputs: [{', '.join(names)}]")
    values = gf.loads(text).compile(dtype="float64")(feed).values
    return [values[name] for name in names]


def test_jaccard_indices_of_the_book() -> None:
    found = evaluated("box_iou(a, b)", a=ANCHORS, b=TRUTH[:, 1:])
    expected = [[0.0536, 0], [0.1417, 0], [0, 0.5657], [0, 0.2059], [0, 0.7459]]
    np.testing.assert_allclose(found, expected, atol=5e-5)


def test_anchors_are_labelled_as_in_the_book() -> None:
    names = ["out.offsets", "out.mask", "out.classes"]
    feed = {"a": ANCHORS[None], "t": TRUTH[None]}
    offsets, mask, classes = parts("multibox_target(a, t)", names, **feed)
    np.testing.assert_array_equal(classes, [[0, 1, 2, 0, 2]])
    np.testing.assert_array_equal(mask.reshape(5, 4), np.repeat([[0], [1], [1], [0], [1]], 4, 1))
    expected = [[0] * 4, [1.4, 10, 2.594, 7.1754], [-1.2, 0.2688, 1.6824, -1.5655], [0] * 4,
                [-0.5714, -1, 4.17e-6, 0.6258]]  # fmt: skip
    np.testing.assert_allclose(offsets.reshape(5, 4), expected, atol=5e-5)


def test_rows_without_an_object_label_nothing() -> None:
    names = ["out.offsets", "out.classes"]
    padded = np.concatenate([TRUTH, np.full((2, 5), -1.0)])
    feed = {"a": ANCHORS[None], "t": np.stack([padded, np.full((4, 5), -1.0)])}
    offsets, classes = parts("multibox_target(a, t)", names, **feed)
    np.testing.assert_array_equal(classes, [[0, 1, 2, 0, 2], [0] * 5])
    assert np.isfinite(offsets).all() and not offsets[1].any()


def test_matching_follows_the_illustration_of_the_book() -> None:
    """The best pairs, largest first, each anchor and box once; the others keep what is close."""
    boxes = np.array([[0.0, 0, 1, 1], [0.0, 0, 1, 2]])
    anchors = np.array([[0.0, 0, 1, 1.1], [0.0, 0, 1, 1], [3.0, 3, 4, 4]])
    exists = np.array([True, True])
    found = evaluated("assign_anchors(a, b, e)", a=anchors, b=boxes, e=exists)
    np.testing.assert_array_equal(found, [1, 0, -1])


def test_what_was_seen_is_told_as_in_the_book() -> None:
    call = "multibox_detection(p, o, a)"
    found = evaluated(call, p=CHANCES[None], o=np.zeros((1, 16)), a=SEEN[None])
    expected = np.column_stack([[0, 1, -1, -1], [0.9, 0.9, 0.8, 0.7], SEEN[[0, 3, 1, 2]]])
    np.testing.assert_allclose(found, expected[None], atol=1e-12)


def test_a_weak_detection_counts_as_background() -> None:
    call = "multibox_detection(p, o, a, pos_threshold=0.85)"
    found = evaluated(call, p=CHANCES[None] * 0.9, o=np.zeros((1, 16)), a=SEEN[None])
    assert (found[0, :, 0] == -1).all()
    np.testing.assert_allclose(found[0, :, 1], 1 - 0.9 * np.array([0.9, 0.9, 0.8, 0.7]))


def test_anchors_of_the_book() -> None:
    call = "multibox_prior(x, [0.75, 0.5, 0.25], [1, 2, 0.5])"
    found = evaluated(call, x=np.zeros((1, 1, 56, 72)))
    assert found.shape == (1, 56 * 72 * 5, 4)
    ratio = 56 / 72
    sizes = [(0.75, 1), (0.5, 1), (0.25, 1), (0.75, 2), (0.75, 0.5)]
    x, y = 7.5 / 72, 3.5 / 56
    for (s, r), row in zip(sizes, found.reshape(56, 72, 5, 4)[3, 7], strict=True):
        w, h = s * r**0.5 * ratio / 2, s / r**0.5 / 2
        np.testing.assert_allclose(row, [x - w, y - h, x + w, y + h], rtol=1e-12)


def test_offsets_are_undone() -> None:
    call = "box_decode(a, box_encode(a, b, eps=0))"
    found = evaluated(call, a=ANCHORS[:2], b=TRUTH[:, 1:])
    np.testing.assert_allclose(found, TRUTH[:, 1:], rtol=1e-12)


FORMATS = {"xyxy": [1.0, 2, 4, 8], "xywh": [1.0, 2, 3, 6], "cxcywh": [2.5, 5, 3, 6]}


@pytest.mark.parametrize("source", FORMATS)
@pytest.mark.parametrize("target", FORMATS)
def test_boxes_are_written_another_way(source: str, target: str) -> None:
    boxes = np.array([FORMATS[source]])
    found = evaluated(f"box_convert(b, '{source}', '{target}') * 1", b=boxes)
    np.testing.assert_allclose(found, [FORMATS[target]])


def test_generalized_iou_by_hand() -> None:
    a, b = np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 1, 3, 3], [4.0, 0, 6, 2], [0.0, 0, 2, 2]])
    found = evaluated("generalized_box_iou(a, b)", a=a, b=b)
    np.testing.assert_allclose(found, [[1 / 7 - 2 / 9, -4 / 12, 1]])
    assert evaluated("box_area(a)", a=a) == 4
    _, by = differentiated("sum(generalized_box_iou(a, b))", ["a"], a=a, b=b[1:2])
    assert by["a"][0, 2] > 0  # boxes apart are drawn together, where the plain index is flat


def test_boxes_of_other_classes_do_not_suppress() -> None:
    feed = {"b": SEEN, "s": np.array([0.9, 0.8, 0.7, 0.95]), "c": np.array([0, 1, 0, 0])}
    np.testing.assert_array_equal(evaluated("batched_nms(b, s, c, 0.5)", **feed), [3, 0, 1, -1])
    plain = evaluated("nms(b, s, 0.5, max_output=3)", b=SEEN, s=feed["s"])
    np.testing.assert_array_equal(plain, [3, 0, -1])


def test_pooled_regions_of_the_book() -> None:
    x = np.arange(16.0).reshape(1, 1, 4, 4)
    regions = np.array([[0.0, 0, 0, 20, 20], [0.0, 0, 10, 30, 30]])
    found = evaluated("roi_pool(x, r, 2, spatial_scale=0.1)", x=x, r=regions)
    np.testing.assert_array_equal(found, [[[[5, 6], [9, 10]]], [[[9, 11], [13, 15]]]])
    _, by = differentiated("sum(roi_pool(x, r, 2, 0.1))", ["x"], x=x, r=regions)
    expected = np.zeros(16)
    expected[[5, 6, 9, 10, 11, 13, 15]] = [1, 1, 2, 1, 1, 1, 1]
    np.testing.assert_array_equal(by["x"].reshape(16), expected)


def bilinear(plane: np.ndarray, y: float, x: float) -> float:
    """A value between pixels, by the rules of torchvision's roi_align."""
    height, width = plane.shape
    if y < -1 or y > height or x < -1 or x > width:
        return 0.0
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    i, j = int(y), int(x)
    k, m = min(i + 1, height - 1), min(j + 1, width - 1)
    b, r = y - i, x - j
    upper = (1 - r) * plane[i, j] + r * plane[i, m]
    return float((1 - b) * upper + b * ((1 - r) * plane[k, j] + r * plane[k, m]))


def aligned_by_loops(
    x: np.ndarray, boxes: np.ndarray, size: tuple[int, int], scale: float, ratio: int, shift: bool
) -> np.ndarray:
    out = np.zeros((len(boxes), x.shape[1], *size))
    for k, (image, *box) in enumerate(boxes):
        x1, y1, x2, y2 = np.array(box) * scale - (0.5 if shift else 0)
        w, h = (x2 - x1, y2 - y1) if shift else (max(x2 - x1, 1), max(y2 - y1, 1))
        for c, i, j in np.ndindex(x.shape[1], *size):
            points = [
                bilinear(
                    x[int(image), c],
                    y1 + h / size[0] * (i + (a + 0.5) / ratio),
                    x1 + w / size[1] * (j + (b + 0.5) / ratio),
                )
                for a, b in np.ndindex(ratio, ratio)
            ]
            out[k, c, i, j] = np.mean(points)
    return out


@pytest.mark.parametrize("shift", [True, False])
def test_aligned_regions_against_plain_loops(shift: bool) -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 6, 7))
    boxes = np.array([[0.0, 1, 1, 9, 8], [1.0, -5, 3, 4, 14], [1.0, 3, 3, 3.2, 3.1]])
    call = f"roi_align(x, r, [2, 3], 0.6, sampling_ratio=2, aligned={str(shift).lower()})"
    expected = aligned_by_loops(x, boxes, (2, 3), 0.6, 2, shift)
    np.testing.assert_allclose(evaluated(call, x=x, r=boxes), expected, rtol=1e-12, atol=1e-14)


def test_aligned_regions_have_gradients() -> None:
    x = np.random.default_rng(1).standard_normal((1, 2, 6, 6))
    boxes = np.array([[0.0, 0.7, 0.9, 4.2, 4.4]])
    call = "sum(roi_align(x, r, 2, sampling_ratio=1) ** 2)"
    value, by = differentiated(call, ["x", "r"], x=x, r=boxes)
    for name, at in (("x", (0, 1, 2, 3)), ("r", (0, 2)), ("r", (0, 3))):
        feed = {"x": x.copy(), "r": boxes.copy()}
        feed[name][at] += 1e-6
        slope = (float(evaluated(call, **feed)) - value) / 1e-6
        assert by[name][at] == pytest.approx(slope, abs=1e-4)


REFUSED = {
    "box_convert(r, 'xyxy', 'xywh')": "boxes have 4 numbers along the last axis",
    "box_convert(b, 'xyxy', 'yxyx')": "out_fmt is 'xyxy', 'xywh' or 'cxcywh', not 'yxyx'",
    "box_iou(b, s)": "sets of boxes are (..., N, 4)",
    "box_area(5)": "boxes have 4 numbers",
    "nms(b, b, 0.5)": "boxes (..., N, 4) and scores (..., N)",
    "nms(b, s, 'much')": "'iou_threshold' of nms is a number",
    "nms(b, s, 0.5, max_output=-1)": "max_output is a non-negative integer",
    "roi_pool(x, b, 2)": "boxes (K, 5)",
    "roi_align(x, b, 2)": "a row of boxes is [number of the image",
    "roi_align(x, r, 2, sampling_ratio=-1)": "sampling_ratio is a positive whole number, not -1",
    "roi_align(x, r, 0)": "output_size is a positive whole number",
    "multibox_prior(b, [1], [1])": "puts boxes around the pixels",
    "multibox_prior(x, 1, [1])": "sizes and ratios are lists of numbers",
    "multibox_target(b, b)": "anchors are (1, A, 4)",
    "multibox_detection(b, b, b)": "probabilities are (N, classes + 1, A)",
}
FEED = {"b": SEEN, "s": np.zeros(4), "x": np.zeros((1, 1, 4, 4)), "r": np.zeros((2, 5))}


@pytest.mark.parametrize("call", REFUSED)
def test_a_wrong_call_is_refused(call: str) -> None:
    with pytest.raises(GraphflowError) as caught:
        gf.loads(file(call, FEED))
    (found,) = caught.value.diagnostics
    assert REFUSED[call] in found.message


def test_a_region_of_an_image_that_is_not_there_is_refused() -> None:
    with pytest.raises(GraphflowError, match="in image 3, but there are 1"):
        evaluated("roi_pool(x, r, 2)", x=FEED["x"], r=np.array([[3.0, 0, 0, 1, 1]]))
    with pytest.raises(GraphflowError, match="out of range"):
        evaluated("roi_align(x, r, 2)", x=FEED["x"], r=np.array([[3.0, 0, 0, 1, 1]]))
    with pytest.raises(GraphflowError, match="out of range"):
        evaluated("roi_align(x, r, 2)", x=FEED["x"], r=np.array([[-1.0, 0, 0, 1, 1]]))
