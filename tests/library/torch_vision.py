"""The calls of vision_cases in PyTorch. Arguments are the inputs and parameters, by name."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

Call = Callable[..., Tensor]
norm = torch.linalg.matrix_norm


def padded(pads: tuple[int, ...], mode: str) -> Call:
    """A convolution of an image with margins (last axis first)."""

    def run(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        convolve = F.conv1d if x.ndim == 3 else F.conv2d
        return convolve(F.pad(x, pads, mode=mode), weight, bias)

    return run


def tracked(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Instance norm in evaluation, its running statistics as they start."""
    zeros = torch.zeros(4, dtype=x.dtype)
    return F.instance_norm(x, zeros, zeros + 1, weight, bias, use_input_stats=False)


def solved(a: Tensor, b: Tensor) -> Tensor:
    """The least squares solution by the pseudo-inverse."""
    return torch.linalg.pinv(a) @ b


VISION: dict[str, Call] = {
    "interpolate": lambda x: F.interpolate(x, (11, 3)),
    "interpolate_exact": lambda x: F.interpolate(x, (11, 3), mode="nearest-exact"),
    "interpolate_linear": lambda x: F.interpolate(x, 5, mode="linear", align_corners=True),
    "interpolate_bilinear": lambda x: F.interpolate(x, (9, 4), mode="bilinear"),
    "interpolate_scale": lambda x: F.interpolate(x, scale_factor=(1.5, 2), mode="bilinear"),
    "interpolate_bicubic": lambda x: F.interpolate(x, 8, mode="bicubic"),
    "interpolate_trilinear": lambda x: F.interpolate(
        x, scale_factor=2, mode="trilinear", align_corners=True
    ),
    "interpolate_area": lambda x: F.interpolate(x, (2, 7), mode="area"),
    "grid_sample": lambda x, g: F.grid_sample(x, g, align_corners=False),
    "grid_sample_border": lambda x, g: F.grid_sample(
        x, g, padding_mode="border", align_corners=True
    ),
    "grid_sample_reflection": lambda x, g: F.grid_sample(
        x, g, padding_mode="reflection", align_corners=False
    ),
    "grid_sample_nearest": lambda x, g: F.grid_sample(x, g, mode="nearest", align_corners=False),
    "grid_sample_bicubic": lambda x, g: F.grid_sample(x, g, mode="bicubic", align_corners=False),
    "grid_sample_volume": lambda x, g: F.grid_sample(
        x, g, padding_mode="border", align_corners=False
    ),
    "affine_grid": lambda a: F.affine_grid(a, [2, 3, 4, 5], align_corners=False),
    "affine_grid_corners": lambda a: F.affine_grid(a, [2, 3, 4, 5], align_corners=True),
    "pixel_shuffle": lambda x: F.pixel_shuffle(x, 2) * 2,
    "pixel_unshuffle": lambda x: F.pixel_unshuffle(x, 3) * 2,
    "channel_shuffle": lambda x: F.channel_shuffle(x, 2) * 2,
    "unfold": lambda x: F.unfold(x, (3, 2), padding=(1, 0), stride=(2, 1)),
    "fold": lambda x: F.fold(x, (5, 6), (3, 2), padding=(1, 0), stride=(2, 1)),
    "conv2d_same": lambda x, weight, bias: F.conv2d(x, weight, bias, padding="same", dilation=2),
    "conv2d_circular": padded((1, 1, 2, 2), "circular"),
    "conv2d_reflect": padded((0, 1, 1, 1), "reflect"),
    "conv1d_uneven": padded((0, 2), "replicate"),
    "adaptive_max_pool1d": lambda x: F.adaptive_max_pool1d(x, 4),
    "adaptive_max_pool2d": lambda x: F.adaptive_max_pool2d(x, (None, 2)),
    "adaptive_max_pool3d": lambda x: F.adaptive_max_pool3d(x, 2),
    "lp_pool1d": lambda x: F.lp_pool1d(x, 2, 3),
    "lp_pool2d": lambda x: F.lp_pool2d(x, 2, (3, 2), 2, True),
    "lp_pool3d": lambda x: F.lp_pool3d(x.abs(), 3, 2),
    "max_pool2d_dilated": lambda x: F.max_pool2d(x, 2, 1, dilation=(2, 1)),
    # further layers
    "batch_norm_untracked": lambda x, weight, bias: F.batch_norm(
        x, None, None, weight, bias, training=True
    ),
    "instance_norm_tracked": tracked,
    "local_response_norm": lambda x: F.local_response_norm(x, 3, alpha=0.2, k=2),
    "local_response_norm_even": lambda x: F.local_response_norm(x, 2, alpha=0.2, beta=0.5),
    "alpha_dropout_eval": lambda x: x * 1,
    "attention_added_mask": F.scaled_dot_product_attention,
    "attention_blind_query": lambda q, k, v, m: F.scaled_dot_product_attention(
        q, k, v, m & (torch.arange(4)[:, None] != 2)
    ),
    "attention_past_and_mask": lambda q, k, v, m: F.scaled_dot_product_attention(
        q, k, v, m & torch.ones(4, 5, dtype=torch.bool).tril()
    ),
    "embedding_bag": F.embedding_bag,
    "embedding_bag_padded": lambda t, weight: F.embedding_bag(t, weight, padding_idx=2),
    "embedding_bag_max": lambda t, weight: F.embedding_bag(t, weight, mode="max", padding_idx=2),
    "embedding_bag_weighted": lambda t, w, weight: F.embedding_bag(
        t, weight, mode="sum", per_sample_weights=w
    ),
    # linear algebra
    "matrix_norm": norm,
    "matrix_norm_nuc": lambda x: norm(x, "nuc", (2, 0), keepdim=True),
    "matrix_norm_1": lambda x: norm(x, 1),
    "matrix_norm_least_row": lambda x: norm(x, -torch.inf, (0, 1)),
    "matrix_norm_2": lambda x: norm(x, 2),
    "matrix_norm_least": lambda x: norm(x, -2),
    "matrix_power": lambda x: torch.linalg.matrix_power(x, 3),
    "matrix_power_negative": lambda x: torch.linalg.matrix_power(x, -2),
    "pinv": torch.linalg.pinv,
    "pinv_wide": torch.linalg.pinv,
    "lstsq": solved,
    "inv": torch.linalg.inv,
    "det": torch.linalg.det,
    "solve": torch.linalg.solve,
    "solve_vector": torch.linalg.solve,
    "triangular_solve": lambda a, b: torch.linalg.solve_triangular(a, b, upper=True),
    "triangular_solve_unit": lambda a, b: torch.linalg.solve_triangular(
        a, b, upper=False, unitriangular=True
    ),
    "cholesky": lambda x: torch.linalg.cholesky(x @ x.mT + torch.eye(4, dtype=x.dtype)),
    "einsum_stretched": lambda a, b: torch.einsum("...ij,...jk->...ik", a, b),
    "einsum_trace": lambda x: torch.einsum("bii", x),
    "einsum_bilinear": lambda x, w, y: torch.einsum("bn,anm,bm->ba", x, w, y),
}
