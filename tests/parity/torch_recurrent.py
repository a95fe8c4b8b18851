"""Language models of chapters 9 and 10: PyTorch's nets, given weights that lie as ours do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from tests.parity.torch_model import Model, Values


def side_by_side(net: nn.RNNBase) -> None:
    """As ours: weights of a kind stand together, of all layers and directions."""
    own = net._parameters
    for name in sorted(own, key=lambda name: ("hh" in name) + 2 * ("bias" in name)):
        own[name] = own.pop(name)


class Characters(Model):
    """What follows each character: logits (T, B, vocab)."""

    def __init__(self, vocab: int) -> None:
        super().__init__()
        self.vocab = vocab

    def read(self, x: Tensor) -> tuple[Tensor, Values]:
        """Logits for x (T, B, vocab), and what is carried on."""
        raise NotImplementedError

    def forward(self, feed: Mapping[str, Tensor]) -> Values:
        x = F.one_hot(feed["tokens"].T, self.vocab).to(torch.get_default_dtype())
        logits, carried = self.read(x)
        loss = F.cross_entropy(logits.flatten(0, 1), feed["targets"].T.flatten())
        return {"logits": logits, "loss": loss, **carried}


class Concise(Characters):
    """A recurrent net of PyTorch's with a linear layer on top."""

    def __init__(self, kind: type[nn.RNNBase], vocab: int, hidden: int, layers: int = 1) -> None:
        super().__init__(vocab)
        self.net, self.head = kind(vocab, hidden, layers), nn.Linear(hidden, vocab)
        side_by_side(self.net)

    def read(self, x: Tensor) -> tuple[Tensor, Values]:
        output, last = self.net(x)
        found = last if isinstance(last, tuple) else (last,)
        return self.head(output), dict(zip(("net.hidden", "net.cell"), found, strict=False))


class Scratch(Characters):
    """W_x, W_h and b of each gate, then W_hq and b_q; ``inputs`` are the widths that gates read."""

    def __init__(self, vocab: int, hidden: int, inputs: Sequence[int], out: int = 1) -> None:
        super().__init__(vocab)
        shapes = [s for n in inputs for s in ((n, hidden), (hidden, hidden), (hidden,))]
        self.rows = nn.ParameterList(torch.empty(s) for s in shapes)
        self.top = nn.ParameterList([torch.empty(out * hidden, vocab), torch.empty(vocab)])
        self.hidden = hidden

    def through(
        self, kind: type[nn.RNNBase], x: Tensor, gates: Sequence[int]
    ) -> tuple[Tensor, Tensor | tuple[Tensor, Tensor]]:
        """PyTorch's net of these gates, in its order; its second bias is 0."""
        w_x, w_h, b = (torch.cat([self.rows[3 * g + i] for g in gates], -1) for i in range(3))
        own = {"weight_ih_l0": w_x.T, "weight_hh_l0": w_h.T, "bias_ih_l0": b,
               "bias_hh_l0": torch.zeros_like(b)}  # fmt: skip
        found: tuple[Tensor, Tensor] = functional_call(kind(x.shape[-1], self.hidden), own, (x,))
        return found

    def head(self, states: Tensor) -> Tensor:
        return states @ self.top[0] + self.top[1]


class RNNScratch(Scratch):
    def __init__(self, vocab: int, hidden: int) -> None:
        super().__init__(vocab, hidden, [vocab])

    def read(self, x: Tensor) -> tuple[Tensor, Values]:
        output, last = self.through(nn.RNN, x, [0])
        return self.head(output), {"rnn.final.h": last[0]}


class LSTMScratch(Scratch):
    def __init__(self, vocab: int, hidden: int) -> None:
        super().__init__(vocab, hidden, [vocab] * 4)

    def read(self, x: Tensor) -> tuple[Tensor, Values]:
        output, (h, c) = self.through(nn.LSTM, x, [0, 1, 3, 2])
        return self.head(output), {"lstm.final.H": h[0], "lstm.final.C": c[0]}


class GRUScratch(Scratch):
    """The reset gate stands before the matrix: PyTorch has no such net."""

    def __init__(self, vocab: int, hidden: int) -> None:
        super().__init__(vocab, hidden, [vocab] * 3)

    def read(self, x: Tensor) -> tuple[Tensor, Values]:
        (w_r, u_r, b_r), (w_z, u_z, b_z), (w, u, b) = (self.rows[i : i + 3] for i in (0, 3, 6))
        h, states = x.new_zeros(x.shape[1], self.hidden), []
        for now in x:
            r = torch.sigmoid(now @ w_r + h @ u_r + b_r)
            z = torch.sigmoid(now @ w_z + h @ u_z + b_z)
            h = torch.lerp(torch.tanh(now @ w + (r * h) @ u + b), h, z)
            states.append(h)
        return self.head(torch.stack(states)), {"gru.final.H": h}


class DeepScratch(Scratch):
    def __init__(self, vocab: int, hidden: int) -> None:
        super().__init__(vocab, hidden, [vocab, hidden])
        self.rows = self._modules.pop("rows")  # blocks are made after what stands under params

    def read(self, x: Tensor) -> tuple[Tensor, Values]:
        output, lower = self.through(nn.RNN, x, [0])
        output, upper = self.through(nn.RNN, output, [1])
        return self.head(output), {"last": torch.cat([lower, upper])}


class Gaps(Scratch):
    """Each word from the state before it and, the other way, the state behind it."""

    def __init__(self, vocab: int, hidden: int) -> None:
        super().__init__(vocab, hidden, [vocab, vocab], out=2)

    def forward(self, feed: Mapping[str, Tensor]) -> Values:
        return super().forward({"tokens": feed["tokens"], "targets": feed["tokens"]})

    def read(self, x: Tensor) -> tuple[Tensor, Values]:
        nothing = x.new_zeros(1, x.shape[1], self.hidden)
        there = self.through(nn.RNN, x, [0])[0]
        back = self.through(nn.RNN, x.flip(0), [1])[0].flip(0)
        sides = [torch.cat([nothing, there[:-1]]), torch.cat([back[1:], nothing])]
        return self.head(torch.cat(sides, -1)), {}


class OneGap(Model):
    """The word in the middle, from both directions."""

    def __init__(self, vocab: int, width: int, hidden: int, gap: int) -> None:
        super().__init__()
        self.e = nn.Embedding(vocab, width)
        self.net = nn.GRU(width, hidden, bidirectional=True)
        self.top = nn.Linear(2 * hidden, vocab)
        self.gap = gap
        side_by_side(self.net)

    def forward(self, feed: Mapping[str, Tensor]) -> Values:
        tokens, answer = feed["tokens"].clone(), feed["tokens"][:, self.gap]
        tokens[:, self.gap] = 1
        logits = self.top(self.net(self.e(tokens.T))[0][self.gap])
        return {"logits": logits, "loss": F.cross_entropy(logits, answer)}


RECURRENT_NETS: dict[str, Callable[..., Model]] = {
    f"../../graphs/rnn/{name}.yaml": build
    for name, build in {
        "rnn_scratch": RNNScratch,
        "rnn_concise": partial(Concise, nn.RNN),
        "lstm_scratch": LSTMScratch,
        "lstm_concise": partial(Concise, nn.LSTM),
        "gru_scratch": GRUScratch,
        "gru_concise": partial(Concise, nn.GRU),
        "deep_rnn_scratch": DeepScratch,
        "deep_gru": partial(Concise, nn.GRU, layers=2),
        "birnn_scratch": Gaps,
        "bigru": OneGap,
    }.items()
}
