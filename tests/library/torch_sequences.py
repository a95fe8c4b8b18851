"""The compared recurrent cells and layers in PyTorch, or written out."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from tests.library.sequence_cases import F, H, T

Result = Tensor | tuple[Tensor, ...]


def holding(module: nn.Module, params: dict[str, Tensor]) -> Callable[..., Result]:
    """The module as a function with these parameters in place of its own."""
    names = {name: params[name.replace(".", "_")] for name, _ in module.named_parameters()}
    return lambda *args, **kwargs: torch.func.functional_call(module, names, args, kwargs)


def cell(kind: type[nn.Module], **options: object) -> Callable[..., Result]:
    """One step of a recurrent net."""

    def step(x: Tensor, h: Tensor, c: Tensor | None = None, **params: Tensor) -> Result:
        return holding(kind(F, H, **options), params)(x, h if c is None else (h, c))

    return step


def series(kind: type[nn.Module], **options: object) -> Callable[..., Result]:
    """A recurrent net over time: its output and last states."""

    def run(
        x: Tensor, h: Tensor | None = None, c: Tensor | None = None, **params: Tensor
    ) -> Result:
        module = kind(F, H, **options)
        start = h if c is None else (h, c)
        output, last = holding(module, params)(x, start)  # type: ignore[misc]
        return output, *(last if isinstance(last, tuple) else (last,))

    return run


def packed(kind: type[nn.Module], **options: object) -> Callable[..., Result]:
    """A recurrent net over sequences of n + 1 steps."""

    def run(x: Tensor, n: Tensor, *start: Tensor, **params: Tensor) -> Result:
        module = kind(F, H, **options)
        sequences = pack_padded_sequence(x, n + 1, enforce_sorted=False)
        first = tuple(start) if len(start) == 2 else start[0] if start else None
        found, last = holding(module, params)(sequences, first)  # type: ignore[misc]
        output, _ = pad_packed_sequence(found, total_length=T)
        return output, *(last if isinstance(last, tuple) else (last,))

    return run


def early_reset(x: Tensor, h: Tensor, w: Tensor, u: Tensor, b: Tensor, d: Tensor) -> Tensor:
    """One step of a gated recurrent unit whose reset gate comes before the matrix."""
    (w_r, w_z, w_n), (u_r, u_z, u_n) = w.chunk(3), u.chunk(3)
    (b_r, b_z, b_n), (d_r, d_z, d_n) = b.chunk(3), d.chunk(3)
    r = torch.sigmoid(x @ w_r.T + b_r + h @ u_r.T + d_r)
    z = torch.sigmoid(x @ w_z.T + b_z + h @ u_z.T + d_z)
    n = torch.tanh(x @ w_n.T + b_n + (r * h) @ u_n.T + d_n)
    return (1 - z) * n + z * h


def early_gru(
    x: Tensor, weight_ih_l0: Tensor, weight_hh_l0: Tensor, bias_ih_l0: Tensor, bias_hh_l0: Tensor
) -> Result:
    h, found = x.new_zeros(x.shape[1], H), []
    for step in x:
        h = early_reset(step, h, weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0)
        found.append(h)
    return torch.stack(found), h[None]


def peepholes(
    x: Tensor, h: Tensor, c: Tensor, w: Tensor, u: Tensor, b: Tensor, p: Tensor
) -> Result:
    """An LSTM whose gates see the memory."""
    (p_i, p_f, p_o), found = p.chunk(3), []
    for step in x:
        i, f, g, o = (step @ w.T + h @ u.T + b).chunk(4, -1)
        c = torch.sigmoid(f + p_f * c) * c + torch.sigmoid(i + p_i * c) * torch.tanh(g)
        h = torch.sigmoid(o + p_o * c) * torch.tanh(c)
        found.append(h)
    return torch.stack(found), h, c


def one_bias(kind: type[nn.Module]) -> Callable[..., Result]:
    """The second bias is nothing."""

    def run(x: Tensor, **params: Tensor) -> Result:
        nothing = torch.zeros_like(params["bias_ih_l0"])
        return series(kind)(x, **params, bias_hh_l0=nothing)

    return run


def deep_gru(size: int, params: dict[str, Tensor]) -> Callable[..., tuple[Tensor, Tensor]]:
    """Two layers with the parameters below ``net``."""
    own = {name.rpartition("net_")[2]: value for name, value in params.items()}
    return holding(nn.GRU(size, H, 2).double(), own)  # type: ignore[return-value]


def encoder(t: Tensor, embed_weight: Tensor, **params: Tensor) -> Result:
    return deep_gru(F, params)(embed_weight[t].swapaxes(0, 1))


def decoder(
    t: Tensor, x: Tensor, h: Tensor, embed_weight: Tensor, dense_weight: Tensor,
    dense_bias: Tensor, **params: Tensor,
) -> Result:  # fmt: skip
    words = embed_weight[t].swapaxes(0, 1)
    both = torch.cat([words, x[-1].expand(len(words), -1, -1)], -1)
    output, state = deep_gru(F + H, params)(both, h)
    return (output @ dense_weight.T + dense_bias).swapaxes(0, 1), state


def bahdanau(
    t: Tensor, x: Tensor, h: Tensor, n: Tensor, embed_weight: Tensor, dense_weight: Tensor,
    dense_bias: Tensor, **params: Tensor,
) -> Result:  # fmt: skip
    """The loop of Dive into Deep Learning 11.4."""
    step, found, looked = deep_gru(F + H, params), [], []
    w_q, w_k, w_v = (params[f"steps_attention_{k}_weight"] for k in ("W_q", "W_k", "w_v"))
    beyond = torch.arange(T) >= (n + 1)[:, None]
    for word in embed_weight[t].swapaxes(0, 1):
        hidden = torch.tanh((h[-1] @ w_q.T)[:, None] + x.swapaxes(0, 1) @ w_k.T)
        scores = (hidden @ w_v.T)[..., 0].masked_fill(beyond, -torch.inf)
        looked.append(scores.softmax(-1))
        context = torch.einsum("nt,tnh->nh", looked[-1], x)
        output, h = step(torch.cat([context, word], -1)[None], h)
        found.append(output[0])
    out = torch.stack(found, 1) @ dense_weight.T + dense_bias
    return out, h, torch.stack(looked, 1)


DEEP = {"num_layers": 2, "bidirectional": True}
SEQUENCES: dict[str, Callable[..., Result]] = {
    "rnn_cell": cell(nn.RNNCell),
    "rnn_cell_relu": cell(nn.RNNCell, bias=False, nonlinearity="relu"),
    "lstm_cell": cell(nn.LSTMCell),
    "gru_cell": cell(nn.GRUCell),
    "gru_cell_early": lambda x, h, weight_ih, weight_hh, bias_ih, bias_hh: early_reset(
        x, h, weight_ih, weight_hh, bias_ih, bias_hh
    ),
    "rnn": series(nn.RNN),
    "rnn_relu": series(nn.RNN, nonlinearity="relu"),
    "rnn_deep": series(nn.RNN, **DEEP, batch_first=True),
    "rnn_lengths": packed(nn.RNN, **DEEP),
    "lstm": series(nn.LSTM),
    "lstm_started": series(nn.LSTM, bias=False),
    "lstm_deep": series(nn.LSTM, **DEEP, batch_first=True),
    "lstm_projected": series(nn.LSTM, **DEEP, proj_size=3),
    "lstm_lengths": packed(nn.LSTM, **DEEP),
    "lstm_three": series(nn.LSTM, num_layers=3, bias=False),
    "lstm_dropped": series(nn.LSTM, num_layers=2, dropout=1.0),
    "lstm_one_bias": one_bias(nn.LSTM),
    "lstm_sweep_peepholes": peepholes,
    "gru": series(nn.GRU),
    "gru_started": series(nn.GRU, bias=False),
    "gru_deep": series(nn.GRU, **DEEP, batch_first=True),
    "gru_lengths": packed(nn.GRU, **DEEP),
    "gru_early": early_gru,
    "gru_one_bias": one_bias(nn.GRU),
    "seq2seq_encoder": encoder,
    "seq2seq_decoder": decoder,
    "bahdanau_decoder": bahdanau,
}
