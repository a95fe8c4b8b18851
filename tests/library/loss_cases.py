"""The losses that are compared with PyTorch, over their settings."""

from __future__ import annotations

from tests.library.case import Case, Draw, below, normal

SCORES = {"x": normal(5, 7), "t": below(7, 5)}
MAPS = {"x": normal(2, 4, 3, 5), "t": below(4, 2, 3, 5)}
PAIR = {"x": normal(4, 3), "t": normal(4, 3)}
CHANCES = {"x": Draw((4, 3), "unit"), "t": Draw((4, 3), "unit")}
SIDES = {"x": normal(4, 3), "t": Draw((4, 3), "signs")}
WEIGHTED = {**SCORES, "w": Draw((7,), "fixed")}
SHARES = {"x": normal(5, 7), "t": Draw((5, 7), "shares")}
ENTRIES = {**PAIR, "w": Draw((4, 3), "fixed")}
VECTORS = {"a": normal(4, 3), "p": normal(4, 3), "n": normal(4, 3)}
TWO = {"a": normal(6, 3), "b": normal(6, 3), "t": below(2, 6)}
SPEECH = {"x": normal(7, 5, 6), "t": below(5, 5, 3), "n": below(3, 5), "k": below(4, 5)}

CLASSES = [
    Case("cross_entropy", "cross_entropy(x, t)", SCORES),
    Case("cross_entropy_sum", "cross_entropy(x, t, reduction=sum)", SCORES),
    Case("cross_entropy_none", "cross_entropy(x, t, reduction='none')", SCORES),
    Case("cross_entropy_smooth", "cross_entropy(x, t, label_smoothing=0.1)", SCORES),
    Case("cross_entropy_ignored", "cross_entropy(x, t, ignore_index=3)", SCORES),
    Case("cross_entropy_ignored_sum", "cross_entropy(x, t, none, 2, 'sum')", SCORES),
    Case("cross_entropy_ignored_none", "cross_entropy(x, t, none, 2, 'none', 0.3)", SCORES),
    Case("cross_entropy_minus_100", "cross_entropy(x, where(t > 3, -100, t))", SCORES),
    Case("cross_entropy_unchecked", "cross_entropy(x, t, ignore_index=none)", SCORES),
    Case("cross_entropy_weight", "cross_entropy(x, t, w)", WEIGHTED),
    Case("cross_entropy_weight_sum", "cross_entropy(x, t, w, reduction='sum')", WEIGHTED),
    Case("cross_entropy_weight_none", "cross_entropy(x, t, w, reduction='none')", WEIGHTED),
    Case(
        "cross_entropy_all",
        "cross_entropy(x, t, weight=w, ignore_index=3, label_smoothing=0.2)", WEIGHTED,
    ),
    Case("cross_entropy_axis", "cross_entropy(x, t, axis=1)", MAPS),
    Case("cross_entropy_axis_none", "cross_entropy(x, t, axis=1, reduction='none')", MAPS),
    Case(
        "cross_entropy_axis_weight",
        "cross_entropy(x, t, axis=1, weight=w, label_smoothing=0.1, ignore_index=2)",
        {**MAPS, "w": Draw((4,), "fixed")},
    ),
    Case("cross_entropy_one", "cross_entropy(x, t)", {"x": normal(7), "t": below(7)}),
    Case("cross_entropy_soft", "cross_entropy(x, t, label_smoothing=0.1)", SHARES),
    Case("cross_entropy_soft_none", "cross_entropy(x, t, reduction='none')", SHARES),
    Case(
        "cross_entropy_soft_weight", "cross_entropy(x, t, axis=1, weight=w, reduction=sum)",
        {"x": normal(2, 4, 3), "t": Draw((2, 4, 3), "shares"), "w": Draw((4,), "fixed")},
    ),
    Case("nll_loss", "nll_loss(log_softmax(x), t)", SCORES),
    Case("nll_loss_axis", "nll_loss(x, t, w, 1, axis=1)", {**MAPS, "w": Draw((4,), "fixed")}),
    Case("focal_loss_0", "focal_loss(x, t, gamma=0)", SCORES),
    Case("focal_loss", "focal_loss(x, t, weight=w, ignore_index=3)", WEIGHTED),
    Case("focal_loss_axis", "focal_loss(x, t, 1.5, axis=1, reduction='sum')", MAPS),
    Case("sigmoid_focal_loss", "sigmoid_focal_loss(4 * x, t)", CHANCES),
    Case("sigmoid_focal_loss_plain", "sigmoid_focal_loss(x, t, none, 3, 'mean')", CHANCES),
    Case("hinge_loss", "hinge_loss(x, t)", SIDES),
    Case("hinge_loss_sum", "hinge_loss(x, t, margin=0.5, reduction='sum')", SIDES),
    Case("squared_hinge_loss", "squared_hinge_loss(x, t)", SIDES),
    Case("soft_margin_loss", "soft_margin_loss(x, 2 * t - 1)",
         {"x": normal(4, 3), "t": below(2, 4, 3)}),
    Case("soft_margin_loss_none", "soft_margin_loss(30 * x, t, 'none')", SIDES),
    Case("multi_margin_loss", "multi_margin_loss(x, t, margin=0.8)", SCORES),
    Case("multi_margin_loss_all", "multi_margin_loss(x, t, 2, 0.8, w, 'sum')", WEIGHTED),
    Case("multilabel_margin_loss", "multilabel_margin_loss(x, t - 1)",
         {"x": normal(6, 5), "t": below(6, 6, 5)}),
    Case("multilabel_margin_loss_none", "multilabel_margin_loss(x, t - 1, 'none')",
         {"x": normal(6, 5), "t": below(6, 6, 5)}),
    Case("multilabel_soft_margin_loss", "multilabel_soft_margin_loss(x, t)", CHANCES),
    Case("multilabel_soft_margin_loss_weight", "multilabel_soft_margin_loss(x, t, w, 'none')",
         {**CHANCES, "w": Draw((3,), "fixed")}),
]  # fmt: skip

NUMBERS = [
    Case("binary_cross_entropy", "binary_cross_entropy(x, t)", CHANCES),
    Case("binary_cross_entropy_weight", "binary_cross_entropy(x, t, w, 'sum')",
         {**CHANCES, "w": Draw((4, 3), "fixed")}),
    Case("binary_cross_entropy_with_logits", "binary_cross_entropy_with_logits(9 * x, t)", CHANCES),
    Case(
        "binary_cross_entropy_with_logits_weights",
        "binary_cross_entropy_with_logits(x, t, weight=w, pos_weight=p)",
        {**CHANCES, "w": Draw((4, 3), "fixed"), "p": Draw((3,), "fixed")},
    ),
    Case("masked_binary_cross_entropy",
         "masked_binary_cross_entropy_with_logits(x, t, m, 'mean')",
         {**CHANCES, "m": below(2, 4, 3)}),
    Case("mse_loss", "mse_loss(x, t)", PAIR),
    Case("mse_loss_none", "mse_loss(x, t, 'none')", PAIR),
    Case("mse_loss_weight", "mse_loss(x, t, weight=w)", ENTRIES),
    Case("mse_loss_weight_sum", "mse_loss(x, t, 'sum', w)", ENTRIES),
    Case("mse_loss_broadcast", "mse_loss(x, t, broadcast=true)",
         {"x": normal(4, 1), "t": normal(3)}),
    Case("half_mse_loss", "half_mse_loss(x, t)", PAIR),
    Case("l1_loss", "l1_loss(x, t)", PAIR),
    Case("l1_loss_sum", "l1_loss(x, t, reduction='sum')", PAIR),
    Case("l1_loss_weight", "l1_loss(x, t, weight=w)", ENTRIES),
    Case("smooth_l1_loss", "smooth_l1_loss(x, t, beta=0.5)", PAIR),
    Case("smooth_l1_loss_sigma", "smooth_l1_loss(x, t, 'none', sigma=2)", PAIR),
    Case("huber_loss", "huber_loss(x, t, delta=0.7)", PAIR),
    Case("huber_loss_weight", "huber_loss(x, t, 'mean', 0.7, w)", ENTRIES),
    Case("kl_div", "kl_div(x, t)", CHANCES),
    Case("kl_div_sum", "kl_div(x, t, 'sum')", CHANCES),
    Case("kl_div_batchmean", "kl_div(x, t, reduction='batchmean', log_target=true)", PAIR),
    Case("poisson_nll_loss", "poisson_nll_loss(x, t)", PAIR),
    Case("poisson_nll_loss_rate", "poisson_nll_loss(x, t, log_input=false)", CHANCES),
    Case("poisson_nll_loss_full", "poisson_nll_loss(x, 4 * t, full=true, reduction='sum')",
         CHANCES),
    Case("gaussian_nll_loss", "gaussian_nll_loss(x, t, v)",
         {**PAIR, "v": Draw((4, 3), "unit")}),
    Case("gaussian_nll_loss_full", "gaussian_nll_loss(x, t, v, full=true, reduction='sum')",
         {**PAIR, "v": Draw((4, 3), "unit")}),
    Case("gaussian_nll_loss_small", "gaussian_nll_loss(x, t, v, eps=0.5)",
         {**PAIR, "v": Draw((4, 3), "unit")}),
    Case("gaussian_nll_loss_rows", "gaussian_nll_loss(x, t, v, reduction='none')",
         {**PAIR, "v": Draw((4,), "unit")}),
    Case("gaussian_nll_loss_one", "gaussian_nll_loss(x, t, 0.3)", PAIR),
]  # fmt: skip

DISTANCES = [
    Case("triplet_margin_loss", "triplet_margin_loss(a, p, n)", VECTORS),
    Case("triplet_margin_loss_swap", "triplet_margin_loss(a, p, n, 2, swap=true)", VECTORS),
    Case("triplet_margin_loss_1", "triplet_margin_loss(a, p, n, p=1, reduction='none')", VECTORS),
    Case("triplet_margin_loss_3", "triplet_margin_loss(a, p, n, 0.4, 3, 1e-3, true, 'sum')",
         VECTORS),
    Case("cosine_embedding_loss", "cosine_embedding_loss(a, b, 2 * t - 1)", TWO),
    Case("cosine_embedding_loss_margin", "cosine_embedding_loss(a, b, 2 * t - 1, 0.2, 'none')",
         TWO),
    Case("margin_ranking_loss", "margin_ranking_loss(a, b, t)",
         {"a": normal(6), "b": normal(6), "t": Draw((6,), "signs")}),
    Case("margin_ranking_loss_margin", "margin_ranking_loss(a, b, t, 0.5, 'sum')",
         {"a": normal(6), "b": normal(6), "t": Draw((6,), "signs")}),
    Case("hinge_embedding_loss", "hinge_embedding_loss(x, 2 * t - 1)",
         {"x": normal(4, 3), "t": below(2, 4, 3)}),
    Case("hinge_embedding_loss_margin", "hinge_embedding_loss(x, 2 * t - 1, 0.4, 'none')",
         {"x": normal(4, 3), "t": below(2, 4, 3)}),
    Case("contrastive_loss", "contrastive_loss(a, b, t, margin=2)", TWO),
]  # fmt: skip

OTHERS = [
    Case("ctc_loss", "ctc_loss(log_softmax(x), t + 1, n + 5, k)", SPEECH),
    Case("ctc_loss_sum", "ctc_loss(log_softmax(x), t + 1, n + 5, k, reduction='sum')", SPEECH),
    Case("ctc_loss_none", "ctc_loss(log_softmax(x), t, n + 5, k, 5, 'none')", SPEECH),
    Case("ctc_loss_zero_infinity",
         "ctc_loss(log_softmax(x), t + 1, n, k, reduction='none', zero_infinity=true)", SPEECH),
    Case("glove_loss", "glove_loss(x, 40 * t)", {"x": normal(4, 3), "t": below(4, 4, 3)}),
    Case("glove_loss_mean", "glove_loss(x, t, 2, 0.5, 'mean')",
         {"x": normal(4, 3), "t": below(4, 4, 3)}),
    Case("dice_loss", "dice_loss(x, t)", CHANCES),
    Case("jaccard_loss", "jaccard_loss(x, t, 0.5, 'none')", CHANCES),
    Case("gram_matrix", "gram_matrix(x)", {"x": normal(2, 3, 4, 5)}),
    Case("style_loss", "style_loss(x, g)",
         {"x": normal(2, 3, 4, 5), "g": Draw((2, 3, 3), "fixed")}),
    Case("histogram_loss", "histogram_loss(x, s, 7)",
         {"x": normal(2, 3, 4, 5), "s": Draw((2, 3, 6, 5), "fixed")}),
    Case("total_variation_loss", "total_variation_loss(x)", {"x": normal(2, 3, 4, 5)}),
    Case("total_variation_loss_sum", "total_variation_loss(x, 2, 'sum')",
         {"x": normal(2, 3, 4, 5)}),
    Case("discriminator_loss", "discriminator_loss(x, t, 'sum')", PAIR),
    Case("generator_loss", "generator_loss(x)", {"x": normal(4, 3)}),
    Case("generator_loss_saturating", "generator_loss(x, true)", {"x": normal(4, 3)}),
]  # fmt: skip

LOSSES = [*CLASSES, *NUMBERS, *DISTANCES, *OTHERS]
