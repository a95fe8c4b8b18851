"""Attention, encoders and decoders that are compared with PyTorch."""

from __future__ import annotations

from tests.library.case import Case, Draw, Shape, below, normal

E, N, T, S = 6, 2, 4, 5


def unbiased(params: dict[str, Shape]) -> dict[str, Shape]:
    return {name: shape for name, shape in params.items() if "bias" not in name}


QUERY = {"q": normal(2, 3, 4, 6), "k": normal(2, 3, 5, 6), "v": normal(2, 3, 5, 7)}
HEADS = {"q": normal(2, 4, 6), "k": normal(2, 5, 6), "v": normal(2, 5, 6)}
PROJECTIONS = {
    "out.in_proj_weight": (18, 6), "out.in_proj_bias": (18,),
    "out.out_proj.weight": (6, 6), "out.out_proj.bias": (6,),
}  # fmt: skip
MASK = Draw((4, 5), "mask")

HEADED = [
    Case("attention", "scaled_dot_product_attention(q, k, v)", QUERY),
    Case("attention_causal", "scaled_dot_product_attention(q, k, v, is_causal=true, scale=0.3)",
         QUERY),
    Case("attention_mask", "scaled_dot_product_attention(q, k, v, mask=m)", {**QUERY, "m": MASK}),
    Case("multi_head_attention", "multi_head_attention(q, k, v, 2)", HEADS, PROJECTIONS,
         ("out", "weights")),
    Case("multi_head_attention_mask", "multi_head_attention(q, k, v, 3, mask=m, bias=false)",
         {**HEADS, "m": MASK}, unbiased(PROJECTIONS), ("out", "weights")),
]  # fmt: skip

MAPS = {"q": normal(N, T, 7), "k": normal(N, S, 3), "v": normal(N, S, 5), "n": below(S, N)}
BOTH = ("out", "weights")
POOLING = [
    Case("dot_product_attention", "dot_product_attention(q, k, v, n + 1)",
         {**MAPS, "q": normal(N, T, 3)}, {}, BOTH),
    Case("dot_product_attention_rows", "dot_product_attention(q, k, v, n + 1)",
         {**MAPS, "q": normal(N, T, 3), "n": below(S, N, T)}, {}, BOTH),
    Case("additive_attention", "additive_attention(q, k, v, 8, n + 1)", MAPS,
         {"out.W_q.weight": (8, 7), "out.W_k.weight": (8, 3), "out.w_v.weight": (1, 8)}, BOTH),
    Case("bilinear_attention", "bilinear_attention(q, k, v, n + 1)", MAPS,
         {"out.weight": (7, 3)}, BOTH),
    Case("grouped_query_attention", "grouped_query_attention(q, k, v, 8, 2, n + 1)", MAPS,
         {f"out.W_{m}.weight": (8, f) for m, f in {"q": 7, "k": 3, "v": 5, "o": 8}.items()}, BOTH),
    Case("grouped_query_attention_shared",
         "grouped_query_attention(q, q, q, 8, 4, mask=m or arange(4) == 0, is_causal=true, "
         "num_kv_heads=2)",
         {"q": normal(N, T, 7), "m": Draw((T, T), "mask")},
         {"out.W_q.weight": (8, 7), "out.W_k.weight": (4, 7), "out.W_v.weight": (4, 7),
          "out.W_o.weight": (8, 8)}, BOTH),
    Case("grouped_query_attention_added",
         "grouped_query_attention(q, q, q, 8, 2, n + 1, mask=a, is_causal=true)",
         {"q": normal(N, T, 7), "n": below(T, N), "a": normal(2, T, T)},
         {"out.W_q.weight": (8, 7), "out.W_k.weight": (8, 7), "out.W_v.weight": (8, 7),
          "out.W_o.weight": (8, 8)}, BOTH),
    Case("rotary", "rotary(x)", {"x": normal(2, 5, 6)}),
    Case("rotary_interleaved", "rotary(x, base=100, interleaved=true)", {"x": normal(5, 6)}),
]  # fmt: skip


def attention(name: str) -> dict[str, Shape]:
    return {
        f"out.{name}.in_proj_weight": (3 * E, E), f"out.{name}.in_proj_bias": (3 * E,),
        f"out.{name}.out_proj.weight": (E, E), f"out.{name}.out_proj.bias": (E,),
    }  # fmt: skip


def norm(name: str) -> dict[str, Shape]:
    return {f"out.{name}.weight": (E,), f"out.{name}.bias": (E,)}


FEED_FORWARD: dict[str, Shape] = {
    "out.linear1.weight": (9, E), "out.linear1.bias": (9,),
    "out.linear2.weight": (E, 9), "out.linear2.bias": (E,),
}  # fmt: skip
ENCODER = attention("self_attn") | FEED_FORWARD | norm("norm1") | norm("norm2")
DECODER = ENCODER | attention("multihead_attn") | norm("norm3")
SOURCE = {"x": normal(N, T, E)}
TARGET = {"x": normal(N, T, E), "y": normal(N, S, E)}
COUNTED = {"n": below(T, N)}

LAYERS = [
    Case("encoder_layer", "transformer_encoder_layer(x, 2, 9, 0)", SOURCE, ENCODER),
    Case("encoder_layer_norm_first",
         "transformer_encoder_layer(x, 3, 9, 0, gelu, norm_first=true, layer_norm_eps=0.1)",
         SOURCE, ENCODER),
    Case("encoder_layer_eval", "transformer_encoder_layer(x, 2, 9, is_causal=true)", SOURCE,
         ENCODER, mode="eval"),
    Case("encoder_layer_lengths",
         "transformer_encoder_layer(x, 2, 9, 0, bias=false, valid_lens=n + 1)",
         {**SOURCE, **COUNTED}, unbiased(ENCODER)),
    Case("decoder_layer", "transformer_decoder_layer(x, y, 2, 9, 0)", TARGET, DECODER),
    Case("decoder_layer_norm_first",
         "transformer_decoder_layer(x, y, 3, 9, 0, gelu, norm_first=true, tgt_is_causal=false)",
         TARGET, DECODER),
    Case("decoder_layer_masks",
         "transformer_decoder_layer(x, y, 2, 9, 0, memory_mask=m or arange(5) == 0, "
         "memory_valid_lens=n + 2)",
         {**TARGET, **COUNTED, "m": Draw((T, S), "mask")}, DECODER),
]  # fmt: skip

ATTENTION = [*HEADED, *POOLING, *LAYERS]
