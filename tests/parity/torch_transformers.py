"""The Transformers of the topic attention, by hand in PyTorch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.parity.torch_layers import Layer, waves
from tests.parity.torch_model import Model, Values


class Stack(nn.Module):
    """Tokens to vectors: embedding, positions, layers of an encoder or of a decoder."""

    def __init__(
        self, words: int, depth: int, width: int, hidden: int, heads: int, decoder: bool
    ) -> None:
        super().__init__()
        self.embed = nn.Embedding(words, width)
        self.layers = nn.ModuleList(Layer(width, heads, hidden, decoder) for _ in range(depth))

    def forward(self, tokens: Tensor, mask: Tensor, *memory: Tensor) -> Tensor:
        width = self.embed.embedding_dim
        x = self.embed(tokens) * math.sqrt(width) + waves(tokens.shape[1], width)
        for layer in self.layers:
            x = layer(x, mask, *memory)
        return x


def shown(lengths: Tensor, count: int) -> Tensor:
    """Where keys are, for scores (N, heads, T, S)."""
    return (torch.arange(count) < lengths[:, None])[:, None, None]


def causal(count: int) -> Tensor:
    return torch.ones(count, count, dtype=torch.bool).tril()


class Encoder(Model):
    def __init__(self, p_drop: int, **sizes: int) -> None:
        super().__init__()
        self.stack = Stack(**sizes, decoder=False)

    def forward(self, feed: Mapping[str, Tensor]) -> Values:
        tokens = feed["tokens"]
        encoded = self.stack(tokens, shown(feed["lengths"], tokens.shape[1]))
        return {"encoded": encoded, "loss": (encoded * torch.arange(encoded.shape[2])).mean()}


class Decoder(Model):
    def __init__(self, p_drop: int, words: int, width: int, **sizes: int) -> None:
        super().__init__()
        self.stack = Stack(words, width=width, **sizes, decoder=True)
        self.dense = nn.Linear(width, words)

    def forward(self, feed: Mapping[str, Tensor]) -> Values:
        memory, tokens = feed["memory"], feed["tokens"]
        seen = shown(feed["lengths"], memory.shape[1])
        logits = self.dense(self.stack(tokens, causal(tokens.shape[1]), memory, seen))
        return {"logits": logits, "loss": F.cross_entropy(logits.mT, feed["targets"])}


class Translator(Model):
    def __init__(self, p_drop: int, words: int, width: int, **sizes: int) -> None:
        super().__init__()
        self.encoder = Stack(words, width=width, **sizes, decoder=False)
        self.decoder = Stack(words, width=width, **sizes, decoder=True)
        self.dense = nn.Linear(width, words)

    def forward(self, feed: Mapping[str, Tensor]) -> Values:
        source, heard, target = feed["source"], feed["heard"], feed["target"]
        seen = shown(feed["source_length"], source.shape[1])
        memory = self.encoder(source, seen)
        logits = self.dense(self.decoder(heard, causal(heard.shape[1]), memory, seen))
        said = torch.arange(target.shape[1]) < feed["target_length"][:, None]
        losses = F.cross_entropy(logits.mT, target, reduction="none")
        return {"logits": logits, "loss": losses[said].mean()}


class Backwards(Model):
    """Numbers are written in reverse; one table for source, target and output."""

    def __init__(
        self, vocab: int, length: int, batch: int, d: int, heads: int, ffn: int, depth: int = 2
    ) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocab, d)
        self.encoder = nn.ModuleList(Layer(d, heads, ffn, False) for _ in range(depth))
        self.decoder = nn.ModuleList(Layer(d, heads, ffn, True) for _ in range(depth))

    def forward(self, feed: Mapping[str, Tensor]) -> Values:
        source = feed["src"]
        answer = source.flip(1)
        heard = F.pad(answer[:, :-1], (1, 0))
        length, width = source.shape[1], self.embed.embedding_dim
        x, memory = (
            self.embed(tokens) * math.sqrt(width) + waves(length, width)
            for tokens in (heard, source)
        )
        everything = torch.ones(length, length, dtype=torch.bool)
        for layer in self.encoder:
            memory = layer(memory, everything)
        for layer in self.decoder:
            x = layer(x, causal(length), memory, everything)
        logits = x @ self.embed.weight.T
        return {"logits": logits, "loss": F.cross_entropy(logits.mT, answer)}


TRANSFORMERS: dict[str, Callable[..., Model]] = {
    f"../../graphs/attention/{name}.yaml": build
    for name, build in {
        "transformer_encoder": Encoder,
        "transformer_decoder": Decoder,
        "transformer_mt": Translator,
        "transformer": Backwards,
    }.items()
}
