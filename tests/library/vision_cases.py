"""What images pass through, tables of rows, masks and matrices, as compared with PyTorch."""

from __future__ import annotations

from tests.library.case import Case, Draw, below, normal

LINE, IMAGE = {"x": normal(2, 4, 9)}, {"x": normal(2, 4, 6, 5)}
VOLUME = {"x": normal(1, 2, 4, 3, 5)}
GRID = {"x": normal(2, 3, 5, 4), "g": normal(2, 3, 4, 2)}
KERNEL = {"out.weight": (6, 4, 3, 2), "out.bias": (6,)}
CHANNELS = {"out.weight": (4,), "out.bias": (4,)}

VISION = [
    Case("interpolate", "interpolate(x, [11, 3])", IMAGE),
    Case("interpolate_exact", "interpolate(x, [11, 3], mode='nearest-exact')", IMAGE),
    Case("interpolate_linear", "interpolate(x, 5, mode='linear', align_corners=true)", LINE),
    Case("interpolate_bilinear", "interpolate(x, [9, 4], mode='bilinear')", IMAGE),
    Case("interpolate_scale", "interpolate(x, scale_factor=[1.5, 2], mode='bilinear')", IMAGE),
    Case("interpolate_bicubic", "interpolate(x, 8, mode='bicubic')", IMAGE),
    Case("interpolate_trilinear",
         "interpolate(x, scale_factor=2, mode='trilinear', align_corners=true)", VOLUME),
    Case("interpolate_area", "interpolate(x, [2, 7], mode='area')", IMAGE),
    Case("grid_sample", "grid_sample(x, g)", GRID),
    Case("grid_sample_border", "grid_sample(x, g, padding_mode='border', align_corners=true)",
         GRID),
    Case("grid_sample_reflection", "grid_sample(x, g, padding_mode='reflection')", GRID),
    Case("grid_sample_nearest", "grid_sample(x, g, mode='nearest')",
         {**GRID, "g": Draw((2, 3, 4, 2), "fixed")}),
    Case("grid_sample_bicubic", "grid_sample(x, g, mode='bicubic')", GRID),
    Case("grid_sample_volume", "grid_sample(x, g, padding_mode='border')",
         {"x": normal(2, 2, 3, 4, 3), "g": normal(2, 2, 3, 2, 3)}),
    Case("affine_grid", "affine_grid(a, [2, 3, 4, 5])", {"a": normal(2, 2, 3)}),
    Case("affine_grid_corners", "affine_grid(a, [2, 3, 4, 5], align_corners=true)",
         {"a": normal(2, 2, 3)}),
    Case("pixel_shuffle", "pixel_shuffle(x, 2) * 2", IMAGE),
    Case("pixel_unshuffle", "pixel_unshuffle(x, 3) * 2", {"x": normal(2, 2, 6, 3)}),
    Case("channel_shuffle", "channel_shuffle(x, 2) * 2", IMAGE),
    Case("unfold", "unfold(x, [3, 2], padding=[1, 0], stride=[2, 1])", IMAGE),
    Case("fold", "fold(x, [5, 6], [3, 2], padding=[1, 0], stride=[2, 1])",
         {"x": normal(2, 12, 15)}),
    Case("conv2d_same", "conv2d(x, 6, [3, 2], padding='same', dilation=2)", IMAGE, KERNEL),
    Case("conv2d_circular", "conv2d(x, 6, [3, 2], padding=[2, 1], padding_mode='circular')", IMAGE,
         KERNEL),
    Case("conv2d_reflect", "conv2d(x, 6, [3, 2], padding='same', padding_mode='reflect')", IMAGE,
         KERNEL),
    Case("conv1d_uneven", "conv1d(x, 6, 3, padding=[[0, 2]], padding_mode='replicate')", LINE,
         {"out.weight": (6, 4, 3), "out.bias": (6,)}),
    Case("adaptive_max_pool1d", "adaptive_max_pool1d(x, 4)", LINE),
    Case("adaptive_max_pool2d", "adaptive_max_pool2d(x, [none, 2])", IMAGE),
    Case("adaptive_max_pool3d", "adaptive_max_pool3d(x, 2)", VOLUME),
    Case("lp_pool1d", "lp_pool1d(x, 2, 3)", LINE),
    Case("lp_pool2d", "lp_pool2d(x, 2, [3, 2], 2, ceil_mode=true)", IMAGE),
    Case("lp_pool3d", "lp_pool3d(abs(x), 3, 2)", VOLUME),
    Case("max_pool2d_dilated", "max_pool2d(x, 2, stride=1, dilation=[2, 1])", IMAGE),
]  # fmt: skip

PADDED = {"t": below(9, 3, 5)}
QUERY = {"q": normal(2, 3, 4, 6), "k": normal(2, 3, 5, 6), "v": normal(2, 3, 5, 7)}
FURTHER = [
    Case("batch_norm_untracked", "batch_norm(x, track_running_stats=false)", IMAGE, CHANNELS,
         mode="eval"),
    Case("instance_norm_tracked", "instance_norm(x, affine=true, track_running_stats=true)", IMAGE,
         CHANNELS, mode="eval"),
    Case("local_response_norm", "local_response_norm(x, 3, alpha=0.2, k=2)", IMAGE),
    Case("local_response_norm_even", "local_response_norm(x, 2, alpha=0.2, beta=0.5)", LINE),
    Case("alpha_dropout_eval", "alpha_dropout(x, 0.7)", LINE, mode="eval"),
    Case("attention_added_mask", "scaled_dot_product_attention(q, k, v, mask=m)",
         {**QUERY, "m": normal(4, 5)}),
    Case("attention_blind_query",
         "scaled_dot_product_attention(q, k, v, mask=m and arange(4)[:, None] != 2)",
         {**QUERY, "m": Draw((2, 1, 4, 5), "mask")}),
    Case("attention_past_and_mask",
         "scaled_dot_product_attention(q, k, v, mask=m, is_causal=true)",
         {**QUERY, "m": Draw((4, 5), "mask")}),
    Case("embedding_bag", "embedding_bag(t, 9, 4)", PADDED, {"out.weight": (9, 4)}),
    Case("embedding_bag_padded", "embedding_bag(t, 9, 4, padding_idx=2)", PADDED,
         {"out.weight": (9, 4)}),
    Case("embedding_bag_max", "embedding_bag(t, 9, 4, mode='max', padding_idx=2)", PADDED,
         {"out.weight": (9, 4)}),
    Case("embedding_bag_weighted", "embedding_bag(t, 9, 4, mode='sum', per_sample_weights=w)",
         {**PADDED, "w": normal(3, 5)}, {"out.weight": (9, 4)}),
]  # fmt: skip

SQUARE, PAIR = {"x": normal(2, 4, 4)}, {"a": normal(2, 4, 4), "b": normal(4, 3)}
LINEAR_ALGEBRA = [
    Case("matrix_norm", "matrix_norm(x)", SQUARE),
    Case("matrix_norm_nuc", "matrix_norm(x, 'nuc', axis=[2, 0], keepdims=true)", SQUARE),
    Case("matrix_norm_1", "matrix_norm(x, 1)", SQUARE),
    Case("matrix_norm_least_row", "matrix_norm(x, -inf, axis=[0, 1])", SQUARE),
    Case("matrix_norm_2", "matrix_norm(x, 2)", SQUARE),
    Case("matrix_norm_least", "matrix_norm(x, -2)", SQUARE),
    Case("matrix_power", "matrix_power(x, 3)", SQUARE),
    Case("matrix_power_negative", "matrix_power(x, -2)", SQUARE),
    Case("pinv", "pinv(x)", {"x": normal(2, 5, 3)}),
    Case("pinv_wide", "pinv(x)", {"x": normal(3, 5)}),
    Case("lstsq", "lstsq(a, b)", {"a": normal(5, 3), "b": normal(5, 2)}),
    Case("inv", "inv(x)", SQUARE),
    Case("det", "det(x)", SQUARE),
    Case("solve", "solve(a, b)", PAIR),
    Case("solve_vector", "solve(a, b)", {"a": normal(4, 4), "b": normal(4)}),
    Case("triangular_solve", "triangular_solve(a, b, lower=false)", PAIR),
    Case("triangular_solve_unit", "triangular_solve(a, b, unitriangular=true)", PAIR),
    Case("cholesky", "cholesky(x @ swapaxes(x, 1, 2) + eye(4))", SQUARE),
    Case("einsum_stretched", "einsum('...ij,...jk->...ik', a, b)",
         {"a": normal(2, 1, 3, 4), "b": normal(3, 4, 2)}),
    Case("einsum_trace", "einsum('bii', x)", SQUARE),
    Case("einsum_bilinear", "einsum('bn,anm,bm->ba', x, w, y)",
         {"x": normal(5, 4), "w": normal(2, 4, 3), "y": normal(5, 3)}),
]  # fmt: skip
