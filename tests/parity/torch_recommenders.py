"""NeuMF, DeepFM and Caser by hand in PyTorch; the items that are scored are drawn by the feed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.parity.torch_model import Model, Values


def offered(feed: Mapping[str, Tensor]) -> Tensor:
    return torch.cat((feed["film"][:, None], feed["unseen"][:, feed["drawn"]]), 1)


def judged(logits: Tensor) -> Values:
    truth = torch.zeros_like(logits)
    truth[:, 0] = 1
    return {"logits": logits, "loss": F.binary_cross_entropy_with_logits(logits, truth)}


def mlp(*widths: int) -> list[nn.Module]:
    return [m for a, b in pairwise(widths) for m in (nn.Linear(a, b), nn.ReLU())]


class NeuMF(Model):
    def __init__(self, users: int, items: int, others: int, negatives: int, factors: int) -> None:
        super().__init__()
        sizes = (users, items, users, items)
        self.tables = nn.ModuleList([nn.Embedding(size, factors) for size in sizes])
        self.deep = nn.Sequential(*mlp(2 * factors, 32, 16, 8))
        self.head = nn.Linear(factors + 8, 1)

    def forward(self, feed: Mapping[str, Tensor]) -> Values:
        films = offered(feed)
        user = feed["user"][:, None].expand_as(films)
        a, b, person, film = (
            table(who) for table, who in zip(self.tables, (user, films, user, films), strict=True)
        )
        deep = self.deep(torch.cat((person, film), 2))
        return judged(self.head(torch.cat((a * b, deep), 2)).squeeze(2))


class DeepFM(Model):
    def __init__(self, users: int, items: int, others: int, negatives: int, factors: int) -> None:
        super().__init__()
        features = users + 2 * items
        self.w0 = nn.Parameter(torch.zeros(()))
        self.w, self.v = nn.Embedding(features, 1), nn.Embedding(features, factors)
        self.deep = nn.Sequential(*mlp(3 * factors, 32, 16), nn.Linear(16, 1))
        self.sizes = users, items

    def forward(self, feed: Mapping[str, Tensor]) -> Values:
        films, (users, items) = offered(feed), self.sizes
        user = feed["user"][:, None].expand_as(films)
        before = feed["before"][:, None].expand_as(films)
        x = torch.stack((user, users + films, users + items + before), 2)
        v = self.v(x)
        pairs = sum((v[..., i, :] * v[..., j, :]).sum(-1) for i, j in ((0, 1), (0, 2), (1, 2)))
        return judged(self.w0 + self.w(x).sum((2, 3)) + pairs + self.deep(v.flatten(2))[..., 0])


class Caser(Model):
    def __init__(
        self, users: int, items: int, others: int, negatives: int, width: int, across: int,
        p_drop: int,
    ) -> None:  # fmt: skip
        super().__init__()
        self.embed = nn.Embedding(items, width)
        self.rows = nn.ModuleList([nn.Conv2d(1, across, (rows, width)) for rows in range(1, 6)])
        self.column = nn.Conv2d(1, 2, (5, 1))
        self.z = nn.Linear(2 * width + 5 * across, width)
        self.person = nn.Embedding(users, width)
        self.good, self.wanted = nn.Embedding(items, 1), nn.Embedding(items, 2 * width)

    def forward(self, feed: Mapping[str, Tensor]) -> Values:
        films = offered(feed)
        picture = self.embed(feed["history"])[:, None]
        found = [F.relu(conv(picture)).amax((2, 3)) for conv in self.rows]
        z = F.relu(self.z(torch.cat((self.column(picture).flatten(1), *found), 1)))
        person = torch.cat((z, self.person(feed["user"])), 1)
        scores = (self.wanted(films) @ person[:, :, None]).squeeze(2)
        return judged(scores + self.good(films).squeeze(2))


RECOMMENDER_NETS: dict[str, Callable[..., Model]] = {
    f"../../graphs/recommender/{name}.yaml": build
    for name, build in {"neumf": NeuMF, "deepfm": DeepFM, "caser": Caser}.items()
}
