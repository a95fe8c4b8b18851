"""The translators of chapters 10.7 and 11.4 of the book, by hand in PyTorch."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.parity.torch_model import Model, Values

KINDS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def gru(inputs: int, hidden: int, depth: int) -> nn.GRU:
    """A GRU that names its parameters as ours does: kind by kind, not layer by layer."""
    net = nn.GRU(inputs, hidden, depth)
    for name in [f"{kind}_l{layer}" for kind in KINDS for layer in range(depth)]:
        net._parameters[name] = net._parameters.pop(name)
    return net


class Encoder(nn.Module):
    def __init__(self, words: int, embed: int, hidden: int, depth: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(words, embed)
        self.net = gru(embed, hidden, depth)

    def forward(self, tokens: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        packed = nn.utils.rnn.pack_padded_sequence(
            self.embed(tokens).swapaxes(0, 1), lengths, enforce_sorted=False
        )
        outputs, state = self.net(packed)
        return nn.utils.rnn.pad_packed_sequence(outputs, total_length=tokens.shape[1])[0], state


class Translator(Model):
    """An encoder and a decoder that hears the right words; what is missing is one step of it."""

    def __init__(self, words: int, embed: int, hidden: int, depth: int) -> None:
        super().__init__()
        self.encoder = Encoder(words, embed, hidden, depth)
        self.embed = nn.Embedding(words, embed)
        self.sizes = (embed + hidden, hidden, depth)
        self.words = words

    def decoded(self, words: Tensor, outputs: Tensor, state: Tensor, lengths: Tensor) -> Tensor:
        """States (T, N, H) of the decoder's top layer for embedded words (T, N, E)."""
        raise NotImplementedError

    def forward(self, feed: Mapping[str, Tensor]) -> Values:
        target, lengths = feed["target"], feed["source_length"]
        outputs, state = self.encoder(feed["source"], lengths)
        words = self.embed(feed["heard"]).swapaxes(0, 1)
        logits = self.dense(self.decoded(words, outputs, state, lengths)).swapaxes(0, 1)
        within = torch.arange(target.shape[1]) < feed["target_length"][:, None]
        return {"logits": logits, "loss": F.cross_entropy(logits[within], target[within])}


class Seq2Seq(Translator):
    def __init__(self, words: int, embed: int, hidden: int, depth: int) -> None:
        super().__init__(words, embed, hidden, depth)
        self.net = gru(*self.sizes)
        self.dense = nn.Linear(hidden, words)

    def decoded(self, words: Tensor, outputs: Tensor, state: Tensor, lengths: Tensor) -> Tensor:
        context = state[-1].expand(len(words), -1, -1)
        found: Tensor = self.net(torch.cat([words, context], -1), state)[0]
        return found


class Bahdanau(Translator):
    def __init__(self, words: int, embed: int, hidden: int, depth: int) -> None:
        super().__init__(words, embed, hidden, depth)
        self.W_q = nn.Linear(hidden, hidden, bias=False)
        self.W_k = nn.Linear(hidden, hidden, bias=False)
        self.w_v = nn.Linear(hidden, 1, bias=False)
        self.net = gru(*self.sizes)
        self.dense = nn.Linear(hidden, words)

    def decoded(self, words: Tensor, outputs: Tensor, state: Tensor, lengths: Tensor) -> Tensor:
        keys, found = outputs.swapaxes(0, 1), []
        beyond = torch.arange(keys.shape[1]) >= lengths[:, None]
        for word in words:
            features = torch.tanh(self.W_q(state[-1])[:, None] + self.W_k(keys))
            scores = self.w_v(features)[..., 0].masked_fill(beyond, -torch.inf)
            context = (scores.softmax(-1)[:, None] @ keys)[:, 0]
            output, state = self.net(torch.cat([context, word], -1)[None], state)
            found.append(output[0])
        return torch.stack(found)


TRANSLATORS = {
    "../../graphs/rnn/seq2seq.yaml": Seq2Seq,
    "../../graphs/attention/translator.yaml": Bahdanau,
}
