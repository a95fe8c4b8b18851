"""The compared losses in PyTorch. Arguments are the inputs of the case, by position."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

LOSSES: dict[str, Callable[..., Tensor]] = {
    "cross_entropy": F.cross_entropy,
    "cross_entropy_sum": lambda x, t: F.cross_entropy(x, t, reduction="sum"),
    "cross_entropy_none": lambda x, t: F.cross_entropy(x, t, reduction="none"),
    "cross_entropy_smooth": lambda x, t: F.cross_entropy(x, t, label_smoothing=0.1),
    "cross_entropy_ignored": lambda x, t: F.cross_entropy(x, t, ignore_index=3),
    "cross_entropy_weight": lambda x, t, w: F.cross_entropy(x, t, weight=w),
    "cross_entropy_all": lambda x, t, w: F.cross_entropy(
        x, t, weight=w, ignore_index=3, label_smoothing=0.2
    ),
    "cross_entropy_axis": F.cross_entropy,
    "cross_entropy_axis_weight": lambda x, t, w: F.cross_entropy(
        x, t, weight=w, label_smoothing=0.1, ignore_index=2
    ),
    "cross_entropy_soft": lambda x, t: F.cross_entropy(x, t, label_smoothing=0.1),
    "cross_entropy_soft_weight": lambda x, t, w: F.cross_entropy(x, t, weight=w, reduction="sum"),
    "nll_loss": lambda x, t: F.nll_loss(x.log_softmax(-1), t),
    "binary_cross_entropy": F.binary_cross_entropy,
    "binary_cross_entropy_with_logits": lambda x, t: F.binary_cross_entropy_with_logits(9 * x, t),
    "binary_cross_entropy_with_logits_weights": lambda x, t, w, p: (
        F.binary_cross_entropy_with_logits(x, t, weight=w, pos_weight=p)
    ),
    "mse_loss": F.mse_loss,
    "l1_loss": lambda x, t: F.l1_loss(x, t, reduction="sum"),
    "smooth_l1_loss": lambda x, t: F.smooth_l1_loss(x, t, beta=0.5),
    "huber_loss": lambda x, t: F.huber_loss(x, t, delta=0.7),
    "kl_div": F.kl_div,
    "kl_div_batchmean": lambda x, t: F.kl_div(x, t, reduction="batchmean", log_target=True),
    "hinge_loss": lambda x, t: (1 - t * x).clamp(min=0).mean(),
    "multi_margin_loss": lambda x, t: F.multi_margin_loss(x, t, margin=0.8),
    "poisson_nll_loss": F.poisson_nll_loss,
    "poisson_nll_loss_rate": lambda x, t: F.poisson_nll_loss(x, t, log_input=False),
    "gaussian_nll_loss": lambda x, t, v: F.gaussian_nll_loss(x, t, v, full=True),
    "triplet_margin_loss": lambda a, p, n: F.triplet_margin_loss(a, p, n),
}
