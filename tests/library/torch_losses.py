"""The compared losses in PyTorch. Arguments are the inputs of the case, by position.

What PyTorch lacks is written out here by its published formula.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

Loss = Callable[..., Tensor]


def focal(x: Tensor, t: Tensor, gamma: float, reduction: str) -> Tensor:
    """-(1 - p)^gamma log p, class axis 1."""
    p = x.softmax(1).gather(1, t.unsqueeze(1))
    each = -((1 - p) ** gamma) * p.log()
    return each.sum() if reduction == "sum" else each.mean()


def focal_weighted(x: Tensor, t: Tensor, w: Tensor) -> Tensor:
    counted = t != 3
    p = x.softmax(1)[torch.arange(len(t)), t][counted]
    return (-w[t[counted]] * (1 - p) ** 2 * p.log()).sum() / counted.sum()


def sigmoid_focal(x: Tensor, t: Tensor, alpha: float, gamma: float) -> Tensor:
    """As torchvision.ops.sigmoid_focal_loss writes it; a negative alpha weighs nothing."""
    p = torch.sigmoid(x)
    loss = F.binary_cross_entropy_with_logits(x, t, reduction="none")
    loss = loss * (1 - (p * t + (1 - p) * (1 - t))) ** gamma
    return (alpha * t + (1 - alpha) * (1 - t)) * loss if alpha >= 0 else loss


def masked(x: Tensor, t: Tensor, m: Tensor) -> Tensor:
    """Dive into Deep Learning 15.4: the mean over a row, rescaled by its length over its mask."""
    w = m.to(x.dtype)
    rows = F.binary_cross_entropy_with_logits(x, t, weight=w, reduction="none").mean(1)
    return (rows * w.shape[1] / w.sum(1)).mean()


def gram(x: Tensor) -> Tensor:
    return torch.einsum("nchw,ndhw->ncd", x, x) / x[0].numel()


def glove(x: Tensor, counts: Tensor, most: int, alpha: float) -> Tensor:
    """Dive into Deep Learning 15.5, entry by entry."""
    found = torch.zeros_like(x)
    for at in counts.nonzero().tolist():
        n = float(counts[tuple(at)])
        weight = (n / most) ** alpha if n < most else 1.0
        found[tuple(at)] = weight * (x[tuple(at)] - math.log(n)) ** 2
    return found


def histogram(x: Tensor, style: Tensor) -> Tensor:
    """The remapping of Gugger's Deep painterly harmonization, as printed there, with 7 bins."""
    rows, bins = x.detach().flatten(0, 1).flatten(1), 7
    n = rows.shape[1]
    reference = style.flatten(0, 1).flatten(1)
    counts = torch.stack([torch.histc(row, bins) for row in reference])
    hist = counts * n / counts.sum(1).unsqueeze(1)
    upto = hist.cumsum(1)
    before = torch.cat([torch.zeros(len(rows), 1, dtype=x.dtype), upto[:, :-1]], 1)
    _, back = rows.sort(1)
    rng = torch.arange(1, n + 1).unsqueeze(0)
    idx = (upto.unsqueeze(1) - rng.unsqueeze(2) < 0).sum(2).clamp(max=bins - 1)
    low, high = rows.min(1)[0].unsqueeze(1), rows.max(1)[0].unsqueeze(1)
    ratio = ((rng - before.gather(1, idx)) / (1e-8 + hist.gather(1, idx))).clamp(0, 1)
    moved = (low + (ratio + idx) * (high - low) / bins).gather(1, back.sort(1)[1])
    return F.mse_loss(x, moved.reshape(x.shape))


def contrastive(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    d = torch.linalg.vector_norm(a - b, dim=1)
    return torch.where(t == 1, d**2 / 2, (2 - d).clamp(min=0) ** 2 / 2).mean()


def ctc(shift: int, more: int, **options: object) -> Loss:
    """CTC of logits, labels moved by ``shift`` and input lengths by ``more``."""
    return lambda x, t, n, k: F.ctc_loss(x.log_softmax(2), t + shift, n + more, k, **options)  # type: ignore[arg-type]


CLASSES: dict[str, Loss] = {
    "cross_entropy": F.cross_entropy,
    "cross_entropy_sum": lambda x, t: F.cross_entropy(x, t, reduction="sum"),
    "cross_entropy_none": lambda x, t: F.cross_entropy(x, t, reduction="none"),
    "cross_entropy_smooth": lambda x, t: F.cross_entropy(x, t, label_smoothing=0.1),
    "cross_entropy_ignored": lambda x, t: F.cross_entropy(x, t, ignore_index=3),
    "cross_entropy_ignored_sum": lambda x, t: F.cross_entropy(
        x, t, ignore_index=2, reduction="sum"
    ),
    "cross_entropy_ignored_none": lambda x, t: F.cross_entropy(
        x, t, ignore_index=2, reduction="none", label_smoothing=0.3
    ),
    "cross_entropy_minus_100": lambda x, t: F.cross_entropy(x, torch.where(t > 3, -100, t)),
    "cross_entropy_unchecked": F.cross_entropy,
    "cross_entropy_weight": lambda x, t, w: F.cross_entropy(x, t, w),
    "cross_entropy_weight_sum": lambda x, t, w: F.cross_entropy(x, t, w, reduction="sum"),
    "cross_entropy_weight_none": lambda x, t, w: F.cross_entropy(x, t, w, reduction="none"),
    "cross_entropy_all": lambda x, t, w: F.cross_entropy(
        x, t, weight=w, ignore_index=3, label_smoothing=0.2
    ),
    "cross_entropy_axis": F.cross_entropy,
    "cross_entropy_axis_none": lambda x, t: F.cross_entropy(x, t, reduction="none"),
    "cross_entropy_axis_weight": lambda x, t, w: F.cross_entropy(
        x, t, weight=w, label_smoothing=0.1, ignore_index=2
    ),
    "cross_entropy_one": F.cross_entropy,
    "cross_entropy_soft": lambda x, t: F.cross_entropy(x, t, label_smoothing=0.1),
    "cross_entropy_soft_none": lambda x, t: F.cross_entropy(x, t, reduction="none"),
    "cross_entropy_soft_weight": lambda x, t, w: F.cross_entropy(x, t, weight=w, reduction="sum"),
    "nll_loss": lambda x, t: F.nll_loss(x.log_softmax(-1), t),
    "nll_loss_axis": lambda x, t, w: F.nll_loss(x, t, w, ignore_index=1),
    "focal_loss_0": F.cross_entropy,
    "focal_loss": focal_weighted,
    "focal_loss_axis": lambda x, t: focal(x, t, 1.5, "sum"),
    "sigmoid_focal_loss": lambda x, t: sigmoid_focal(4 * x, t, 0.25, 2),
    "sigmoid_focal_loss_plain": lambda x, t: sigmoid_focal(x, t, -1, 3).mean(),
    "hinge_loss": lambda x, t: (1 - t * x).clamp(min=0).mean(),
    "hinge_loss_sum": lambda x, t: (0.5 - t * x).clamp(min=0).sum(),
    "squared_hinge_loss": lambda x, t: (1 - t * x).clamp(min=0).square().mean(),
    "soft_margin_loss": lambda x, t: F.soft_margin_loss(x, (2 * t - 1).double()),
    "soft_margin_loss_none": lambda x, t: F.softplus(-30 * x * t, threshold=1e9),
    "multi_margin_loss": lambda x, t: F.multi_margin_loss(x, t, margin=0.8),
    "multi_margin_loss_all": lambda x, t, w: F.multi_margin_loss(x, t, 2, 0.8, w, reduction="sum"),
    "multilabel_margin_loss": lambda x, t: F.multilabel_margin_loss(x, t - 1),
    "multilabel_margin_loss_none": lambda x, t: F.multilabel_margin_loss(
        x, t - 1, reduction="none"
    ),
    "multilabel_soft_margin_loss": F.multilabel_soft_margin_loss,
    "multilabel_soft_margin_loss_weight": lambda x, t, w: F.multilabel_soft_margin_loss(
        x, t, w, reduction="none"
    ),
}

NUMBERS: dict[str, Loss] = {
    "binary_cross_entropy": F.binary_cross_entropy,
    "binary_cross_entropy_weight": lambda x, t, w: F.binary_cross_entropy(x, t, w, reduction="sum"),
    "binary_cross_entropy_with_logits": lambda x, t: F.binary_cross_entropy_with_logits(9 * x, t),
    "binary_cross_entropy_with_logits_weights": lambda x, t, w, p: (
        F.binary_cross_entropy_with_logits(x, t, weight=w, pos_weight=p)
    ),
    "masked_binary_cross_entropy": masked,
    "mse_loss": F.mse_loss,
    "mse_loss_none": lambda x, t: F.mse_loss(x, t, reduction="none"),
    "mse_loss_weight": lambda x, t, w: F.mse_loss(x, t, weight=w),
    "mse_loss_weight_sum": lambda x, t, w: F.mse_loss(x, t, weight=w, reduction="sum"),
    "mse_loss_broadcast": lambda x, t: F.mse_loss(x.expand(4, 3), t.expand(4, 3)),
    "half_mse_loss": lambda x, t: F.mse_loss(x, t) / 2,
    "l1_loss": F.l1_loss,
    "l1_loss_sum": lambda x, t: F.l1_loss(x, t, reduction="sum"),
    "l1_loss_weight": lambda x, t, w: F.l1_loss(x, t, weight=w),
    "smooth_l1_loss": lambda x, t: F.smooth_l1_loss(x, t, beta=0.5),
    "smooth_l1_loss_sigma": lambda x, t: F.smooth_l1_loss(x, t, reduction="none", beta=0.25),
    "huber_loss": lambda x, t: F.huber_loss(x, t, delta=0.7),
    "huber_loss_weight": lambda x, t, w: F.huber_loss(x, t, delta=0.7, weight=w),
    "kl_div": F.kl_div,
    "kl_div_sum": lambda x, t: F.kl_div(x, t, reduction="sum"),
    "kl_div_batchmean": lambda x, t: F.kl_div(x, t, reduction="batchmean", log_target=True),
    "poisson_nll_loss": F.poisson_nll_loss,
    "poisson_nll_loss_rate": lambda x, t: F.poisson_nll_loss(x, t, log_input=False),
    "poisson_nll_loss_full": lambda x, t: F.poisson_nll_loss(x, 4 * t, full=True, reduction="sum"),
    "gaussian_nll_loss": F.gaussian_nll_loss,
    "gaussian_nll_loss_full": lambda x, t, v: F.gaussian_nll_loss(
        x, t, v, full=True, reduction="sum"
    ),
    "gaussian_nll_loss_small": lambda x, t, v: F.gaussian_nll_loss(x, t, v, eps=0.5),
    "gaussian_nll_loss_rows": lambda x, t, v: F.gaussian_nll_loss(x, t, v, reduction="none"),
    "gaussian_nll_loss_one": lambda x, t: F.gaussian_nll_loss(x, t, 0.3),
}

DISTANCES: dict[str, Loss] = {
    "triplet_margin_loss": F.triplet_margin_loss,
    "triplet_margin_loss_swap": lambda a, p, n: F.triplet_margin_loss(a, p, n, 2, swap=True),
    "triplet_margin_loss_1": lambda a, p, n: F.triplet_margin_loss(a, p, n, p=1, reduction="none"),
    "triplet_margin_loss_3": lambda a, p, n: F.triplet_margin_loss(
        a, p, n, 0.4, 3, 1e-3, True, reduction="sum"
    ),
    "cosine_embedding_loss": lambda a, b, t: F.cosine_embedding_loss(a, b, 2 * t - 1),
    "cosine_embedding_loss_margin": lambda a, b, t: F.cosine_embedding_loss(
        a, b, 2 * t - 1, 0.2, reduction="none"
    ),
    "margin_ranking_loss": F.margin_ranking_loss,
    "margin_ranking_loss_margin": lambda a, b, t: F.margin_ranking_loss(
        a, b, t, 0.5, reduction="sum"
    ),
    "hinge_embedding_loss": lambda x, t: F.hinge_embedding_loss(x, 2 * t - 1),
    "hinge_embedding_loss_margin": lambda x, t: F.hinge_embedding_loss(
        x, 2 * t - 1, 0.4, reduction="none"
    ),
    "contrastive_loss": contrastive,
}

OTHERS: dict[str, Loss] = {
    "ctc_loss": ctc(1, 5),
    "ctc_loss_sum": ctc(1, 5, reduction="sum"),
    "ctc_loss_none": ctc(0, 5, blank=5, reduction="none"),
    "ctc_loss_zero_infinity": ctc(1, 0, reduction="none", zero_infinity=True),
    "glove_loss": lambda x, t: glove(x, 40 * t, 100, 0.75).sum(),
    "glove_loss_mean": lambda x, t: glove(x, t, 2, 0.5).mean(),
    "dice_loss": lambda x, t: (1 - (2 * (x * t).sum(1) + 1) / (x.sum(1) + t.sum(1) + 1)).mean(),
    "jaccard_loss": lambda x, t: 1 - ((x * t).sum(1) + 0.5) / ((x + t - x * t).sum(1) + 0.5),
    "gram_matrix": gram,
    "style_loss": lambda x, g: F.mse_loss(gram(x), g),
    "histogram_loss": histogram,
    "total_variation_loss": lambda x: (
        0.5 * ((x.diff(dim=2).abs()).mean() + (x.diff(dim=3).abs()).mean())
    ),
    "total_variation_loss_sum": lambda x: (x.diff(dim=2) ** 2).sum() + (x.diff(dim=3) ** 2).sum(),
    "discriminator_loss": lambda x, t: (
        (
            F.binary_cross_entropy_with_logits(x, torch.ones_like(x), reduction="sum")
            + F.binary_cross_entropy_with_logits(t, torch.zeros_like(t), reduction="sum")
        )
        / 2
    ),
    "generator_loss": lambda x: F.binary_cross_entropy_with_logits(x, torch.ones_like(x)),
    "generator_loss_saturating": lambda x: (1 - torch.sigmoid(x)).log().mean(),
}

LOSSES = {**CLASSES, **NUMBERS, **DISTANCES, **OTHERS}
