"""Layers of a Transformer, by hand in PyTorch."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def waves(steps: int, d: int) -> Tensor:
    """A vector for each position: sines (even columns) and cosines (odd ones)."""
    angle = torch.arange(steps)[:, None] / 10000 ** (torch.arange(0, d, 2) / d)
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(1)


class Attention(nn.Module):
    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.q, self.k = nn.Linear(d, d, bias=False), nn.Linear(d, d, bias=False)
        self.v, self.out = nn.Linear(d, d, bias=False), nn.Linear(d, d, bias=False)
        self.heads = heads

    def forward(self, q: Tensor, kv: Tensor, mask: Tensor) -> Tensor:
        def split(x: Tensor) -> Tensor:
            return x.unflatten(2, (self.heads, -1)).transpose(1, 2)

        qh, kh, vh = split(self.q(q)), split(self.k(kv)), split(self.v(kv))
        scores = qh @ kh.transpose(2, 3) / math.sqrt(qh.shape[-1])
        weights = torch.softmax(scores.masked_fill(~mask, -1e9), -1)
        return self.out((weights @ vh).transpose(1, 2).flatten(2))


class Layer(nn.Module):
    """A layer of the encoder, or of the decoder where it has a memory to look at."""

    def __init__(self, d: int, heads: int, ffn: int, decoder: bool) -> None:
        super().__init__()
        self.a, self.n = Attention(d, heads), nn.LayerNorm(d)
        if decoder:
            self.c, self.m = Attention(d, heads), nn.LayerNorm(d)
        self.ffn1, self.ffn2 = nn.Linear(d, ffn), nn.Linear(ffn, d)
        self.last = nn.LayerNorm(d)

    def forward(self, x: Tensor, mask: Tensor, *memory: Tensor) -> Tensor:
        x = self.n(x + self.a(x, x, mask))
        if memory:
            x = self.m(x + self.c(x, *memory))
        return self.last(x + self.ffn2(F.relu(self.ffn1(x))))
