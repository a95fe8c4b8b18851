"""The book's deep convolutional adversarial nets, by hand in PyTorch, at a small size."""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor, nn

from tests.parity.torch_model import Model, Values


class DCGAN(Model):
    """16 x 16 images of 6 random numbers, their judge, and the reader of both."""

    def __init__(self) -> None:
        super().__init__()
        self.G = nn.Sequential(
            nn.ConvTranspose2d(6, 5, 4, bias=False), nn.BatchNorm2d(5), nn.ReLU(),
            nn.ConvTranspose2d(5, 4, 4, 2, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU(),
            nn.ConvTranspose2d(4, 1, 4, 2, 1, bias=False), nn.Tanh(),
        )  # fmt: skip
        self.D = nn.Sequential(
            nn.Conv2d(1, 4, 4, 2, 1, bias=False), nn.BatchNorm2d(4), nn.LeakyReLU(0.2),
            nn.Conv2d(4, 5, 4, 2, 1, bias=False), nn.BatchNorm2d(5), nn.LeakyReLU(0.2),
            nn.Conv2d(5, 1, 4, bias=False), nn.Flatten(0),
        )  # fmt: skip
        self.reader = nn.Sequential(
            nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(),
            nn.Flatten(), nn.Linear(512, 10),
        )  # fmt: skip

    def forward(self, feed: Mapping[str, Tensor]) -> Values:
        fake, of_real = self.G(feed["z"][:, :, None, None]), self.D(feed["real"])
        of_fake = self.D(fake.detach())
        d_loss = (F.softplus(-of_real).mean() + F.softplus(of_fake).mean()) / 2
        g_loss = F.softplus(-self.D(fake)).mean()
        return {"fake": fake, "of_real": of_real, "d_loss": d_loss, "g_loss": g_loss}


ADVERSARIAL_NETS = {"../../graphs/gan/dcgan.yaml": DCGAN}
