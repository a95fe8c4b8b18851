"""The nets for texts of chapter 16 of the book, by hand in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.parity.torch_model import Model, Values


def judged(logits: Tensor, feed: Mapping[str, Tensor]) -> Values:
    return {"logits": logits, "loss": F.cross_entropy(logits, feed["label"])}


class BiLSTM(nn.Module):
    """Layers in both directions; parameters stand by kind, then by layer and direction."""

    def __init__(self, into: int, hidden: int, depth: int) -> None:
        super().__init__()
        self.depth, self.places = depth, 2 * depth
        widths = [into if layer == 0 else 2 * hidden for layer in range(depth) for _ in range(2)]
        shapes = [(4 * hidden, width) for width in widths]
        shapes += [(4 * hidden, hidden)] * self.places
        vectors = [(4 * hidden,)] * 2 * self.places
        self.weights = nn.ParameterList(
            [nn.Parameter(torch.empty(shape)) for shape in [*shapes, *vectors]]
        )
        self.hidden = hidden

    def forward(self, x: Tensor) -> Tensor:
        flat = [self.weights[kind * self.places + place] for place in range(self.places)
                for kind in range(4)]  # fmt: skip
        start = x.new_zeros(self.places, x.shape[1], self.hidden)
        output: Tensor = torch.lstm(
            x, (start, start), flat, True, self.depth, 0.0, False, True, False
        )[0]
        return output


class Sentiment(Model):
    def __init__(self, vocab: int, width: int, hidden: int, depth: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocab, width)
        self.encoder = BiLSTM(width, hidden, depth)
        self.decoder = nn.Linear(4 * hidden, 2)

    def forward(self, feed: Mapping[str, Tensor]) -> Values:
        output = self.encoder(self.embed(feed["tokens"].T))
        return judged(self.decoder(torch.cat((output[0], output[-1]), 1)), feed)


class TextCNN(Model):
    def __init__(
        self, vocab: int, width: int, channels: int, p_drop: int, mean_over_time: int
    ) -> None:
        super().__init__()
        self.embed, self.fixed = nn.Embedding(vocab, width), nn.Embedding(vocab, width)
        self.convs = nn.ModuleList([nn.Conv1d(2 * width, channels, k) for k in (3, 4, 5)])
        self.pool = nn.AdaptiveAvgPool1d(1) if mean_over_time else nn.AdaptiveMaxPool1d(1)
        self.decoder = nn.Linear(3 * channels, 2)

    def forward(self, feed: Mapping[str, Tensor]) -> Values:
        tokens = feed["tokens"]
        x = torch.cat((self.embed(tokens), self.fixed(tokens)), 2).permute(0, 2, 1)
        features = [F.relu(self.pool(conv(x))).squeeze(-1) for conv in self.convs]
        return judged(self.decoder(torch.cat(features, 1)), feed)


def mlp(into: int, units: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(into, units), nn.ReLU(), nn.Linear(units, units), nn.ReLU())


class Decomposable(Model):
    def __init__(self, vocab: int, width: int, hidden: int, p_drop: int, masked: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocab, width)
        self.f, self.g, self.h = mlp(width, hidden), mlp(2 * width, hidden), mlp(2 * hidden, hidden)
        self.decoder = nn.Linear(hidden, 3)
        self.masked = masked

    def forward(self, feed: Mapping[str, Tensor]) -> Values:
        a, b = self.embed(feed["premise"]), self.embed(feed["hypothesis"])
        here, there = (self.real(feed, name) for name in ("premise", "hypothesis"))
        e = self.f(a) @ self.f(b).transpose(1, 2)
        beta = torch.softmax(e.masked_fill(~there[:, None], -torch.inf), -1) @ b
        alpha = torch.softmax(e.transpose(1, 2).masked_fill(~here[:, None], -torch.inf), -1) @ a
        v_a = (self.g(torch.cat((a, beta), 2)) * here[..., None]).sum(1)
        v_b = (self.g(torch.cat((b, alpha), 2)) * there[..., None]).sum(1)
        return judged(self.decoder(self.h(torch.cat((v_a, v_b), 1))), feed)

    def real(self, feed: Mapping[str, Tensor], name: str) -> Tensor:
        places = torch.arange(feed[name].shape[1])
        return (places < feed[f"{name}_length"][:, None]) | (not self.masked)


WORD_NETS: dict[str, Callable[..., Model]] = {
    "../../graphs/nlp/sentiment_birnn.yaml": Sentiment,
    "../../graphs/nlp/textcnn.yaml": TextCNN,
    "../../graphs/nlp/decomposable_attention.yaml": Decomposable,
}
