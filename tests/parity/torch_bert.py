"""The vision Transformer and BERT of the book, by hand in PyTorch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.parity.torch_model import Model, Values


class Row(nn.Module):
    """Vectors to add or to put first; a module, so that its place is where it is made."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shape))


class Attention(nn.Module):
    """In several heads; keys from the number of valid ones on are not looked at."""

    def __init__(self, width: int, heads: int, bias: bool) -> None:
        super().__init__()
        self.q, self.k = nn.Linear(width, width, bias), nn.Linear(width, width, bias)
        self.v, self.out = nn.Linear(width, width, bias), nn.Linear(width, width, bias)
        self.heads = heads

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        q, k, v = (f(x).unflatten(2, (self.heads, -1)).transpose(1, 2)
                   for f in (self.q, self.k, self.v))  # fmt: skip
        scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])
        if valid is not None:
            there = torch.arange(x.shape[1]) < valid[:, None]
            scores = scores.masked_fill(~there[:, None, None], -torch.inf)
        return self.out((torch.softmax(scores, -1) @ v).transpose(1, 2).flatten(2))


class PreNorm(nn.Module):
    """A block of the vision Transformer."""

    def __init__(self, width: int, mlp: int, heads: int) -> None:
        super().__init__()
        self.ln1, self.attention = nn.LayerNorm(width), Attention(width, heads, bias=False)
        self.ln2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, mlp), nn.GELU(), nn.Linear(mlp, width))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.ln1(x))
        return x + self.mlp(self.ln2(x))


class ViT(Model):
    def __init__(self, patch: int, width: int, mlp: int, heads: int, p_drop: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, width, patch, patch)
        self.cls = Row(1, 1, width)
        self.positions = Row((8 // patch) ** 2 + 1, width)
        self.blocks = nn.Sequential(*(PreNorm(width, mlp, heads) for _ in range(2)))
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 10))

    def forward(self, feed: Mapping[str, Tensor]) -> Values:
        x = self.patches(feed["image"]).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.weight.expand(len(x), -1, -1), x], 1) + self.positions.weight
        logits = self.head(self.blocks(x)[:, 0])
        return {"logits": logits, "loss": F.cross_entropy(logits, feed["label"])}


class PostNorm(nn.Module):
    """A block of BERT."""

    def __init__(self, width: int, ffn: int, heads: int) -> None:
        super().__init__()
        self.attention, self.ln1 = Attention(width, heads, bias=True), nn.LayerNorm(width)
        self.ffn = nn.Sequential(nn.Linear(width, ffn), nn.ReLU(), nn.Linear(ffn, width))
        self.ln2 = nn.LayerNorm(width)

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        x = self.ln1(x + self.attention(x, valid))
        return self.ln2(x + self.ffn(x))


class Encoder(nn.Module):
    def __init__(self, vocab: int, width: int, ffn: int, heads: int, max_len: int) -> None:
        super().__init__()
        self.tokens, self.segments = nn.Embedding(vocab, width), nn.Embedding(2, width)
        self.positions = Row(max_len, width)
        self.blocks = nn.ModuleList(PostNorm(width, ffn, heads) for _ in range(2))

    def forward(self, tokens: Tensor, segments: Tensor, valid: Tensor) -> Tensor:
        placed = self.positions.weight[: tokens.shape[1]]
        x = self.tokens(tokens) + self.segments(segments) + placed
        for block in self.blocks:
            x = block(x, valid)
        return x


class Pretraining(Model):
    def __init__(
        self, vocab: int, width: int, ffn: int, heads: int, max_len: int, p_drop: int
    ) -> None:
        super().__init__()
        self.bert = Encoder(vocab, width, ffn, heads, max_len)
        self.guess = nn.Sequential(
            nn.Linear(width, width), nn.ReLU(), nn.LayerNorm(width), nn.Linear(width, vocab)
        )
        self.follows = nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 2))

    def forward(self, feed: Mapping[str, Tensor]) -> Values:
        x = self.bert(feed["tokens"], feed["segments"], feed["valid_len"])
        words = self.guess(x[torch.arange(len(x))[:, None], feed["positions"]])
        losses = F.cross_entropy(words.transpose(1, 2), feed["labels"], reduction="none")
        mlm_loss = (feed["weights"] * losses).sum() / feed["weights"].sum()
        following = self.follows(x[:, 0])
        nsp_loss = F.cross_entropy(following, feed["is_next"])
        return {"words": words, "following": following, "loss": mlm_loss + nsp_loss}


BERT_NETS: dict[str, Callable[..., Model]] = {
    "../../graphs/attention/vit.yaml": ViT,
    "../../graphs/nlp/bert_pretrain.yaml": Pretraining,
}
