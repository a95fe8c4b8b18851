"""The compared models, written by hand in PyTorch.

Every model maps a feed (name to tensor) to values (name to tensor); parameters are created in the
order in which the graph file creates them. ``players`` gives each loss its optimizer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.parity.cases import Case
from tests.parity.torch_layers import Layer, waves
from tests.parity.torch_model import Model, Values
from tests.parity.torch_nets import NETS
from tests.parity.torch_recurrent import RECURRENT_NETS
from tests.parity.torch_transformers import TRANSFORMERS
from tests.parity.torch_translators import TRANSLATORS


# -- ResNet-18 -----------------------------------------------------------------------------------
class BasicBlock(nn.Module):
    def __init__(self, inputs: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = None
        if stride != 1 or inputs != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        residual = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(residual + (x if self.downsample is None else self.downsample(x)))


class ResNet18(Model):
    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        widths = [(64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)]
        for i, (inputs, channels, stride) in enumerate(widths, 1):
            blocks = BasicBlock(inputs, channels, stride), BasicBlock(channels, channels, 1)
            self.add_module(f"layer{i}", nn.Sequential(*blocks))
        self.fc = nn.Linear(512, classes)

    def forward(self, feed: Mapping[str, Tensor]) -> Values:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(feed["image"]))), 3, 2, 1)
        for i in range(1, 5):
            x = self.get_submodule(f"layer{i}")(x)
        logits = self.fc(x.mean((2, 3)))
        return {"logits": logits, "loss": F.cross_entropy(logits, feed["label"])}


# -- MLP -----------------------------------------------------------------------------------------
class MLP(Model):
    def __init__(self) -> None:
        super().__init__()
        self.layer1, self.layer2 = nn.Linear(64, 256), nn.Linear(256, 128)
        self.layer3 = nn.Linear(128, 10)

    def forward(self, feed: Mapping[str, Tensor]) -> Values:
        logits = self.layer3(F.relu(self.layer2(F.relu(self.layer1(feed["x"])))))
        return {"logits": logits, "loss": F.cross_entropy(logits, feed["y"])}

    def players(self) -> dict[str, torch.optim.Optimizer]:
        return {"loss": torch.optim.Adam(self.parameters(), lr=1e-3)}


class MathMLP(Model):
    """The same with raw matrices, read (in, out)."""

    def __init__(self) -> None:
        super().__init__()
        self.w1, self.b1 = nn.Parameter(torch.empty(64, 256)), nn.Parameter(torch.empty(256))
        self.w2, self.b2 = nn.Parameter(torch.empty(256, 10)), nn.Parameter(torch.empty(10))

    def forward(self, feed: Mapping[str, Tensor]) -> Values:
        logits = F.relu(feed["x"] @ self.w1 + self.b1) @ self.w2 + self.b2
        return {"logits": logits, "loss": F.cross_entropy(logits, feed["y"])}

    def players(self) -> dict[str, torch.optim.Optimizer]:
        return {"loss": torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)}


# -- LSTM language model -------------------------------------------------------------------------
class LSTM(Model):
    clip_norm = 1.0

    def __init__(self, vocab: int, width: int, hidden: int) -> None:
        super().__init__()
        self.Wx = nn.Parameter(torch.empty(width, 4 * hidden))
        self.Wh = nn.Parameter(torch.empty(hidden, 4 * hidden))
        self.b = nn.Parameter(torch.empty(4 * hidden))
        self.embedding = nn.Embedding(vocab, width)
        self.out = nn.Linear(hidden, vocab)
        self.hidden = hidden

    def forward(self, feed: Mapping[str, Tensor]) -> Values:
        zeros = torch.zeros(feed["tokens"].shape[1], self.hidden)
        h, c = feed.get("h0", zeros), feed.get("c0", zeros)
        collected = []
        for x in self.embedding(feed["tokens"]):
            i, f, g, o = torch.chunk(x @ self.Wx + h @ self.Wh + self.b, 4, dim=1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            collected.append(h)
        logits = self.out(torch.stack(collected))
        loss = F.cross_entropy(logits.flatten(0, 1), feed["targets"].flatten())
        return {"logits": logits, "loss": loss, "lstm.final.h": h, "lstm.final.c": c}

    def players(self) -> dict[str, torch.optim.Optimizer]:
        return {"loss": torch.optim.SGD(self.parameters(), lr=1.0)}


# -- Transformer ---------------------------------------------------------------------------------
class Transformer(Model):
    def __init__(self, vocab: int, d: int, heads: int, ffn: int, depth: int, p_drop: int) -> None:
        super().__init__()
        assert p_drop == 0, "dropout draws its own numbers on either side"
        self.embed = nn.Embedding(vocab, d)
        self.encoder = nn.ModuleList(Layer(d, heads, ffn, False) for _ in range(depth))
        self.decoder = nn.ModuleList(Layer(d, heads, ffn, True) for _ in range(depth))
        self.d = d

    def placed(self, tokens: Tensor) -> Tensor:
        """Embeddings scaled by sqrt(d), plus sines (even columns) and cosines (odd ones)."""
        return self.embed(tokens) * math.sqrt(self.d) + waves(tokens.shape[1], self.d)

    def forward(self, feed: Mapping[str, Tensor]) -> Values:
        memory, x = self.placed(feed["src"]), self.placed(feed["tgt"])
        for layer in self.encoder:
            memory = layer(memory, feed["src_mask"])
        causal = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril()
        for layer in self.decoder:
            x = layer(x, causal, memory, feed["src_mask"])
        logits = x @ self.embed.weight.T
        target = feed["next_tgt"].flatten()
        loss = F.cross_entropy(logits.flatten(0, 1), target, label_smoothing=0.1)
        return {"logits": logits, "loss": loss}

    def players(self) -> dict[str, torch.optim.Optimizer]:
        return {"loss": torch.optim.Adam(self.parameters(), betas=(0.9, 0.98), eps=1e-9)}

    def rate(self, step: int) -> float:
        return self.d**-0.5 * min(step**-0.5, step * 4000**-1.5)


# -- GAN -----------------------------------------------------------------------------------------
class GAN(Model):
    def __init__(self, latent: int, pixels: int) -> None:
        super().__init__()
        self.G = nn.Sequential(
            nn.Linear(latent, 256), nn.ReLU(), nn.Linear(256, 512), nn.ReLU(),
            nn.Linear(512, pixels), nn.Tanh(),
        )  # fmt: skip
        self.D = nn.Sequential(
            nn.Linear(pixels, 512), nn.LeakyReLU(0.2), nn.Linear(512, 256), nn.LeakyReLU(0.2),
            nn.Linear(256, 1),
        )  # fmt: skip

    def forward(self, feed: Mapping[str, Tensor]) -> Values:
        fake = self.G(feed["z"])
        real_score, held_score = self.D(feed["real"]), self.D(fake.detach())
        d_loss = F.softplus(-real_score).mean() + F.softplus(held_score).mean()
        return {"fake": fake, "d_loss": d_loss, "g_loss": F.softplus(-self.D(fake)).mean()}

    def players(self) -> dict[str, torch.optim.Optimizer]:
        def adam(module: nn.Module) -> torch.optim.Optimizer:
            return torch.optim.Adam(module.parameters(), lr=2e-4, betas=(0.5, 0.999))

        return {"d_loss": adam(self.D), "g_loss": adam(self.G)}


MODELS: dict[str, Callable[..., Model]] = (
    {
        "c_resnet18.yaml": ResNet18,
        "b_mlp.yaml": lambda p_drop: MLP(),
        "b2_mlp_math.yaml": lambda p_drop: MathMLP(),
        "d_lstm.yaml": LSTM,
        "e_transformer.yaml": Transformer,
        "f_gan.yaml": GAN,
    }
    | NETS
    | RECURRENT_NETS
    | TRANSFORMERS
    | TRANSLATORS
)


def build(case: Case) -> Model:
    """The PyTorch twin of a case's graph file, float64, not yet given weights."""
    torch.set_default_dtype(torch.float64)
    return MODELS[case.file](**case.overrides).train(case.mode == "train")
