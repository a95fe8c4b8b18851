"""RoI align and its gradient, against the definition of torchvision.ops.roi_align in PyTorch."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from tests.library.calling import differentiated, evaluated

torch = pytest.importorskip("torch")


def between(plane, y, x):
    """The entries (C) of maps (C, H, W) at a place between pixels, 0 far outside."""
    height, width = plane.shape[1:]
    if not (-1 <= y <= height and -1 <= x <= width):
        return plane.new_zeros(len(plane))
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    i, j = int(y), int(x)
    rows = ((i, 1 - y + i), (min(i + 1, height - 1), y - i))
    columns = ((j, 1 - x + j), (min(j + 1, width - 1), x - j))
    return sum(p * q * plane[:, a, b] for (a, p), (b, q) in product(rows, columns))


def roi_align(x, boxes, size, scale, ratio, aligned):
    """Means (K, C, size, size) of ratio^2 points in each bin."""
    regions = []
    for number, *box in boxes.tolist():
        x1, y1, x2, y2 = (edge * scale - 0.5 * aligned for edge in box)
        w, h = (n if aligned else max(n, 1) for n in (x2 - x1, y2 - y1))
        share = [[(k + (p + 0.5) / ratio) / size for p in range(ratio)] for k in range(size)]
        bins = [
            sum(between(x[int(number)], y1 + h * a, x1 + w * b) for a in rows for b in columns)
            for rows, columns in product(share, share)
        ]
        regions.append(torch.stack(bins, 1).reshape(-1, size, size) / ratio**2)
    return torch.stack(regions)


@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("ratio", [1, 2, 3])
def test_regions_and_their_gradient(aligned: bool, ratio: int) -> None:
    rng = np.random.default_rng(ratio)
    x, weight = rng.standard_normal((2, 3, 6, 7)), rng.standard_normal((4, 3, 3, 3))
    boxes = np.array([[0, 1, 1, 9, 8], [1, -5, 3, 4, 14], [1, 3, 3, 3.2, 3.1], [0, 2, 0, 11, 9.5]])
    call = f"roi_align(x, r, 3, 0.6, {ratio}, aligned={str(aligned).lower()})"
    there = torch.tensor(x, requires_grad=True)
    expected = roi_align(there, boxes, 3, 0.6, ratio, aligned)
    (expected * torch.tensor(weight)).sum().backward()
    found = evaluated(call, x=x, r=boxes)
    _, by = differentiated(f"sum({call} * w)", ["x"], x=x, r=boxes, w=weight)
    np.testing.assert_allclose(found, expected.detach().numpy(), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(by["x"], there.grad.numpy(), rtol=1e-12, atol=1e-13)
