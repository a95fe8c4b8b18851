"""The compared attentions, encoders and decoders in PyTorch, or written out."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.library.attention_cases import E, S, T
from tests.library.torch_sequences import Result, holding


def heads(count: int, bias: bool) -> Callable[..., Result]:
    """Multi-head attention with the weights of every head."""

    def run(q: Tensor, k: Tensor, v: Tensor, m: Tensor | None = None, **params: Tensor) -> Result:
        module = nn.MultiheadAttention(6, count, bias=bias, batch_first=True).double()
        attend = holding(module, params)
        hidden = None if m is None else ~m
        result = attend(q, k, v, attn_mask=hidden, average_attn_weights=False)
        return result  # type: ignore[return-value]

    return run


def pooled(scores: Tensor, v: Tensor, n: Tensor) -> Result:
    """The mean of the first n + 1 values by their scores, and its weights."""
    counted = (n + 1).reshape(*n.shape, *(1,) * (3 - n.ndim))
    weights = scores.masked_fill(torch.arange(S) >= counted, -torch.inf).softmax(-1)
    return weights @ v, weights


def dot(q: Tensor, k: Tensor, v: Tensor, n: Tensor) -> Result:
    return pooled(q @ k.mT / 3**0.5, v, n)


def additive(
    q: Tensor, k: Tensor, v: Tensor, n: Tensor,
    W_q_weight: Tensor, W_k_weight: Tensor, w_v_weight: Tensor,
) -> Result:  # fmt: skip
    hidden = torch.tanh((q @ W_q_weight.T)[:, :, None] + (k @ W_k_weight.T)[:, None])
    return pooled((hidden @ w_v_weight.T)[..., 0], v, n)


def separate(q: Tensor, k: Tensor, v: Tensor, n: Tensor, **params: Tensor) -> Result:
    """PyTorch's attention between four maps of our own."""
    maps = {"q": q, "k": k, "v": v}
    found = {name: F.linear(x, params[f"W_{name}_weight"]) for name, x in maps.items()}
    mask = (torch.arange(S) < (n + 1)[:, None])[:, None, None]
    out, weights = split_heads(found["q"], found["k"], found["v"], 2, 2, mask)
    return F.linear(out, params["W_o_weight"]), weights


def shared(q: Tensor, m: Tensor, **params: Tensor) -> Result:
    """Two heads of keys and values for four heads of queries."""
    found = {name: F.linear(q, params[f"W_{name}_weight"]) for name in "qkv"}
    mask = (m | (torch.arange(T) == 0)) & torch.ones(T, T, dtype=torch.bool).tril()
    out, weights = split_heads(found["q"], found["k"], found["v"], 4, 2, mask)
    return F.linear(out, params["W_o_weight"]), weights


def added(q: Tensor, n: Tensor, a: Tensor, **params: Tensor) -> Result:
    """Two heads, with floats added to the scores of what may be seen."""
    found = [F.linear(q, params[f"W_{name}_weight"]) for name in "qkv"]
    within = (torch.arange(T) < (n + 1)[:, None])[:, None, None]
    shown = within & torch.ones(T, T, dtype=torch.bool).tril()
    out, weights = split_heads(*found, 2, 2, a.masked_fill(~shown, -torch.inf))
    return F.linear(out, params["W_o_weight"]), weights


def split_heads(
    q: Tensor, k: Tensor, v: Tensor, count: int, shared_by: int, mask: Tensor
) -> tuple[Tensor, Tensor]:
    """PyTorch's attention in heads, and its weights; the mask is boolean or added."""
    qh, kh, vh = (
        x.unflatten(-1, (n, -1)).transpose(1, 2)
        for x, n in ((q, count), (k, shared_by), (v, shared_by))
    )
    out = F.scaled_dot_product_attention(qh, kh, vh, mask, enable_gqa=True)
    kh = kh.repeat_interleave(count // shared_by, 1)
    scores = qh @ kh.mT / qh.shape[-1] ** 0.5
    shown = scores.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else scores + mask
    weights = shown.softmax(-1)
    return out.transpose(1, 2).flatten(2), weights


def turned(x: Tensor, base: float, interleaved: bool) -> Tensor:
    """Pairs as complex numbers, turned by their position."""
    half = x.shape[-1] // 2
    angle = torch.outer(
        torch.arange(x.shape[-2], dtype=x.dtype), base ** (-torch.arange(half).double() / half)
    )
    pairs = x.unflatten(-1, (half, 2)) if interleaved else x.unflatten(-1, (2, half)).mT
    found = torch.view_as_complex(pairs.contiguous()) * torch.polar(torch.ones_like(angle), angle)
    real = torch.view_as_real(found)
    return (real if interleaved else real.mT).flatten(-2)


def layer(kind: type[nn.Module], count: int, **options: object) -> Callable[..., Tensor]:
    """An encoder or decoder layer, called with ``params`` for its own and further keywords."""

    def run(*inputs: Tensor, params: dict[str, Tensor], **keywords: object) -> Tensor:
        module = kind(E, count, 9, **{"dropout": 0.0, **options}, batch_first=True)
        return holding(module.double(), params)(*inputs, **keywords)  # type: ignore[return-value]

    return run


ENCODER, DECODER = nn.TransformerEncoderLayer, nn.TransformerDecoderLayer
AHEAD = torch.ones(T, T, dtype=torch.bool).triu(1)
FIRST = {"activation": "gelu", "norm_first": True}


def evaluated_encoder(x: Tensor, **params: Tensor) -> Tensor:
    module = ENCODER(E, 2, 9, batch_first=True).double().eval()
    return holding(module, params)(x, src_mask=AHEAD)  # type: ignore[return-value]


def counted_encoder(x: Tensor, n: Tensor, **params: Tensor) -> Tensor:
    beyond = torch.arange(T) >= (n + 1)[:, None]
    run = layer(ENCODER, 2, bias=False)
    return run(x, params=params, src_key_padding_mask=beyond)


def masked_decoder(x: Tensor, y: Tensor, n: Tensor, m: Tensor, **params: Tensor) -> Tensor:
    return layer(DECODER, 2)(
        x, y, params=params, tgt_mask=AHEAD, memory_mask=~(m | (torch.arange(S) == 0)),
        memory_key_padding_mask=torch.arange(S) >= (n + 2)[:, None],
    )  # fmt: skip


ATTENTION: dict[str, Callable[..., Result]] = {
    "attention": F.scaled_dot_product_attention,
    "attention_causal": lambda q, k, v: F.scaled_dot_product_attention(
        q, k, v, is_causal=True, scale=0.3
    ),
    "attention_mask": lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m),
    "multi_head_attention": heads(2, True),
    "multi_head_attention_mask": heads(3, False),
    "dot_product_attention": dot,
    "dot_product_attention_rows": dot,
    "additive_attention": additive,
    "bilinear_attention": lambda q, k, v, n, weight: pooled(q @ weight @ k.mT, v, n),
    "grouped_query_attention": separate,
    "grouped_query_attention_shared": shared,
    "grouped_query_attention_added": added,
    "rotary": lambda x: turned(x, 10000, False),
    "rotary_interleaved": lambda x: turned(x, 100, True),
    "encoder_layer": lambda x, **params: layer(ENCODER, 2)(x, params=params),
    "encoder_layer_norm_first": lambda x, **params: layer(
        ENCODER, 3, layer_norm_eps=0.1, **FIRST
    )(x, params=params),
    "encoder_layer_eval": evaluated_encoder,
    "encoder_layer_lengths": counted_encoder,
    "decoder_layer": lambda x, y, **params: layer(DECODER, 2)(
        x, y, params=params, tgt_mask=AHEAD
    ),
    "decoder_layer_norm_first": lambda x, y, **params: layer(DECODER, 3, **FIRST)(
        x, y, params=params
    ),
    "decoder_layer_masks": masked_decoder,
}  # fmt: skip
