"""Convolutions, pooling and a few others against PyTorch, where it is installed."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ops.sampling import call

pytestmark = pytest.mark.parity
torch = pytest.importorskip("torch")

CONVOLUTIONS = [
    ((2, 4, 9), (6, 4, 3), {"stride": 2, "padding": 1}),
    ((2, 4, 9, 7), (6, 2, 3, 2), {"stride": (2, 1), "padding": (1, 0), "groups": 2}),
    ((2, 4, 9, 9), (4, 1, 3, 3), {"dilation": 2, "groups": 4}),
    ((1, 2, 5, 6, 4), (3, 2, 2, 3, 2), {"stride": (1, 2, 1), "padding": (1, 1, 0)}),
]
POOLINGS = [
    ((2, 3, 11), {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
    ((2, 3, 9, 8), {"kernel_size": (3, 2), "stride": (2, 3), "padding": (1, 0)}),
    ((2, 3, 7, 7), {"kernel_size": 2, "ceil_mode": True}),
    ((1, 2, 5, 6, 4), {"kernel_size": 2, "stride": 1}),
    ((1, 1, 10, 10), {"kernel_size": 4, "stride": 3, "padding": 2, "ceil_mode": True}),
]


def numbers(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def functional(name: str, rank: int) -> object:
    return getattr(torch.nn.functional, name.format(f"{rank}d"))


def assert_same(ours: np.ndarray, theirs: object) -> None:
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(("x", "w", "attrs"), CONVOLUTIONS)
def test_conv(x: tuple[int, ...], w: tuple[int, ...], attrs: dict[str, object]) -> None:
    image, weight = numbers(x), numbers(w, 1)
    run = functional("conv{}", len(x) - 2)
    expected = run(torch.tensor(image), torch.tensor(weight), **attrs)
    assert_same(call("conv", image, weight, **attrs), expected)


@pytest.mark.parametrize(("x", "w", "attrs"), CONVOLUTIONS)
def test_conv_transpose(x: tuple[int, ...], w: tuple[int, ...], attrs: dict[str, object]) -> None:
    image, weight = numbers((x[0], w[0], *x[2:])), numbers(w, 1)
    rest = tuple(int(s > 1) for s in np.broadcast_to(attrs.get("stride", 1), len(x) - 2))
    run = functional("conv_transpose{}", len(x) - 2)
    expected = run(torch.tensor(image), torch.tensor(weight), output_padding=rest, **attrs)
    assert_same(call("conv_transpose", image, weight, output_padding=rest, **attrs), expected)


@pytest.mark.parametrize(("x", "attrs"), POOLINGS)
def test_pooling(x: tuple[int, ...], attrs: dict[str, object]) -> None:
    image, rank = numbers(x), len(x) - 2
    given = torch.tensor(image)
    largest, where = functional("max_pool{}", rank)(given, return_indices=True, **attrs)
    assert_same(call("max_pool", image, **attrs), largest)
    assert_same(call("max_pool_indices", image, **attrs), where)
    for inside in (True, False):
        mean = functional("avg_pool{}", rank)(given, count_include_pad=inside, **attrs)
        assert_same(call("avg_pool", image, count_include_pad=inside, **attrs), mean)


@pytest.mark.parametrize("size", [1, 2, 3, 5, (2, None), (7, 3)])
def test_adaptive_pooling(size: object) -> None:
    image = numbers((2, 3, 7, 5))
    given = torch.tensor(image)
    mean = functional("adaptive_avg_pool{}", 2)(given, size)
    assert_same(call("adaptive_avg_pool", image, output_size=size), mean)
    largest, where = functional("adaptive_max_pool{}", 2)(given, size, return_indices=True)
    assert_same(call("adaptive_max_pool", image, output_size=size), largest)
    assert_same(call("adaptive_max_pool_indices", image, output_size=size), where)
