"""The losses that are compared with PyTorch, over their settings."""

from __future__ import annotations

from tests.library.case import Case, Draw, below, normal

SCORES = {"x": normal(5, 7), "t": below(7, 5)}
MAPS = {"x": normal(2, 4, 3, 5), "t": below(4, 2, 3, 5)}
PAIR = {"x": normal(4, 3), "t": normal(4, 3)}
CHANCES = {"x": Draw((4, 3), "unit"), "t": Draw((4, 3), "unit")}
WEIGHTED = {**SCORES, "w": Draw((7,), "fixed")}

LOSSES = [
    Case("cross_entropy", "cross_entropy(x, t)", SCORES),
    Case("cross_entropy_sum", "cross_entropy(x, t, reduction=sum)", SCORES),
    Case("cross_entropy_none", "cross_entropy(x, t, reduction='none')", SCORES),
    Case("cross_entropy_smooth", "cross_entropy(x, t, label_smoothing=0.1)", SCORES),
    Case("cross_entropy_ignored", "cross_entropy(x, t, ignore_index=3)", SCORES),
    Case("cross_entropy_weight", "cross_entropy(x, t, weight=w)", WEIGHTED),
    Case(
        "cross_entropy_all",
        "cross_entropy(x, t, weight=w, ignore_index=3, label_smoothing=0.2)", WEIGHTED,
    ),
    Case("cross_entropy_axis", "cross_entropy(x, t, axis=1)", MAPS),
    Case(
        "cross_entropy_axis_weight",
        "cross_entropy(x, t, axis=1, weight=w, label_smoothing=0.1, ignore_index=2)",
        {**MAPS, "w": Draw((4,), "fixed")},
    ),
    Case(
        "cross_entropy_soft", "cross_entropy(x, t, label_smoothing=0.1)",
        {"x": normal(5, 7), "t": Draw((5, 7), "shares")},
    ),
    Case(
        "cross_entropy_soft_weight", "cross_entropy(x, t, axis=1, weight=w, reduction=sum)",
        {"x": normal(2, 4, 3), "t": Draw((2, 4, 3), "shares"), "w": Draw((4,), "fixed")},
    ),
    Case("nll_loss", "nll_loss(log_softmax(x), t)", SCORES),
    Case("binary_cross_entropy", "binary_cross_entropy(x, t)", CHANCES),
    Case("binary_cross_entropy_with_logits", "binary_cross_entropy_with_logits(9 * x, t)", CHANCES),
    Case(
        "binary_cross_entropy_with_logits_weights",
        "binary_cross_entropy_with_logits(x, t, weight=w, pos_weight=p)",
        {**CHANCES, "w": Draw((4, 3), "fixed"), "p": Draw((3,), "fixed")},
    ),
    Case("mse_loss", "mse_loss(x, t)", PAIR),
    Case("l1_loss", "l1_loss(x, t, reduction='sum')", PAIR),
    Case("smooth_l1_loss", "smooth_l1_loss(x, t, beta=0.5)", PAIR),
    Case("huber_loss", "huber_loss(x, t, delta=0.7)", PAIR),
    Case("kl_div", "kl_div(x, t)", CHANCES),
    Case("kl_div_batchmean", "kl_div(x, t, reduction='batchmean', log_target=true)", PAIR),
    Case("hinge_loss", "hinge_loss(x, t)", {"x": normal(4, 3), "t": Draw((4, 3), "signs")}),
    Case("multi_margin_loss", "multi_margin_loss(x, t, margin=0.8)", SCORES),
    Case("poisson_nll_loss", "poisson_nll_loss(x, t)", PAIR),
    Case("poisson_nll_loss_rate", "poisson_nll_loss(x, t, log_input=false)", CHANCES),
    Case(
        "gaussian_nll_loss", "gaussian_nll_loss(x, t, v, full=true)",
        {**PAIR, "v": Draw((4, 3), "unit")},
    ),
    Case(
        "triplet_margin_loss", "triplet_margin_loss(a, p, n)",
        {"a": normal(4, 3), "p": normal(4, 3), "n": normal(4, 3)},
    ),
]  # fmt: skip
