"""Recurrent cells and layers that are compared with PyTorch."""

from __future__ import annotations

from collections.abc import Mapping

from tests.library.case import Case, Draw, Shape, below, normal

F, H, T, N = 5, 4, 6, 3
GATES = {"rnn": 1, "lstm": 4, "gru": 3}


def gates(n: int, suffix: str = "", bias: bool = True) -> dict[str, Shape]:
    """PyTorch's parameters of a cell with n gates."""
    shapes: dict[str, Shape] = {"weight_ih": (H * n, F), "weight_hh": (H * n, H)}
    if bias:
        shapes |= {"bias_ih": (H * n,), "bias_hh": (H * n,)}
    return {f"out.{name}{suffix}": shape for name, shape in shapes.items()}


def layers(
    kind: str, count: int = 1, ways: int = 1, bias: bool = True, shown: int = H, size: int = F
) -> dict[str, Shape]:
    """PyTorch's parameters of a net of layers over vectors of ``size``; ``shown`` is the size of
    its projections.
    """
    found: dict[str, Shape] = {}
    for layer in range(count):
        for way in ("", "_reverse")[:ways]:
            own = gates(GATES[kind], f"_l{layer}{way}", bias)
            own[f"out.weight_hh_l{layer}{way}"] = (H * GATES[kind], shown)
            own[f"out.weight_ih_l{layer}{way}"] = (H * GATES[kind], ways * shown if layer else size)
            if shown != H:
                own[f"out.weight_hr_l{layer}{way}"] = (shown, H)
            found |= own
    return found


def net(
    name: str,
    options: str = "",
    params: Mapping[str, Shape] | None = None,
    **inputs: Draw,
) -> Case:
    """A case whose name begins with the layer's: ``lstm_deep``."""
    kind = name.partition("_")[0]
    x = {"x": inputs.pop("x", normal(T, N, F))}
    results = ("output", "hidden", *(("cell",) if kind == "lstm" else ()))
    call = f"{kind}(x, {H}{', ' if options else ''}{options})"
    return Case(name, call, {**x, **inputs}, params or layers(kind), results)


STEP = {"x": normal(N, F), "h": normal(N, H)}
DEEP = "num_layers=2, bidirectional=true"

CELLS = [
    Case("rnn_cell", "rnn_cell(x, h)", STEP, gates(1)),
    Case("rnn_cell_relu", "rnn_cell(x, h, bias=false, nonlinearity=relu)", STEP,
         gates(1, bias=False)),
    Case("lstm_cell", "lstm_cell(x, h, c)", {**STEP, "c": normal(N, H)}, gates(4),
         ("h_next", "c_next")),
    Case("gru_cell", "gru_cell(x, h)", STEP, gates(3)),
    Case("gru_cell_early", "gru_cell(x, h, reset_after=false)", STEP, gates(3)),
]  # fmt: skip

NETS = [
    net("rnn"),
    net("rnn_relu", "nonlinearity=relu", layers("rnn")),
    net("rnn_deep", f"h0=h, {DEEP}, batch_first=true", layers("rnn", 2, 2),
        x=normal(N, T, F), h=normal(4, N, H)),
    net("rnn_lengths", f"{DEEP}, lengths=n + 1", layers("rnn", 2, 2), n=below(T, N)),
    net("lstm"),
    net("lstm_started", "h, c, bias=false", layers("lstm", bias=False),
        h=normal(1, N, H), c=normal(1, N, H)),
    net("lstm_deep", f"h, c, {DEEP}, batch_first=true", layers("lstm", 2, 2),
        x=normal(N, T, F), h=normal(4, N, H), c=normal(4, N, H)),
    net("lstm_projected", f"h, c, {DEEP}, proj_size=3", layers("lstm", 2, 2, shown=3),
        h=normal(4, N, 3), c=normal(4, N, H)),
    net("lstm_lengths", f"h, c, {DEEP}, lengths=n + 1", layers("lstm", 2, 2),
        n=below(T, N), h=normal(4, N, H), c=normal(4, N, H)),
    net("lstm_three", "num_layers=3, dropout=0, bias=false", layers("lstm", 3, bias=False)),
    net("lstm_dropped", "num_layers=2, dropout=1", layers("lstm", 2)),
    net("gru"),
    net("gru_started", "h, bias=false", layers("gru", bias=False), h=normal(1, N, H)),
    net("gru_deep", f"h, {DEEP}, batch_first=true", layers("gru", 2, 2),
        x=normal(N, T, F), h=normal(4, N, H)),
    net("gru_lengths", f"h, {DEEP}, lengths=n + 1", layers("gru", 2, 2),
        n=below(T, N), h=normal(4, N, H)),
    net("gru_early", "reset_after=false"),
    net("gru_one_bias", "bias_hh=false",
        {n: s for n, s in layers("gru").items() if "bias_hh" not in n}),
    net("lstm_one_bias", "bias_hh=false",
        {n: s for n, s in layers("lstm").items() if "bias_hh" not in n}),
]  # fmt: skip

GIVEN = {"w": normal(4 * H, F), "u": normal(4 * H, H), "b": normal(4 * H)}
SWEEPS = [
    Case("lstm_sweep_peepholes", "lstm_sweep(x, h, c, w, u, b, peepholes=p)",
         {"x": normal(T, N, F), "h": normal(N, H), "c": normal(N, H), **GIVEN, "p": normal(3 * H)},
         {}, ("output", "hidden", "cell")),
]  # fmt: skip

WORDS = 7


def translator(size: int, net: str = "net") -> dict[str, Shape]:
    """The parameters of an encoder or decoder whose two layers read vectors of ``size``."""
    own = layers("gru", 2, size=size)
    named = {name.replace("out.", f"out.{net}."): shape for name, shape in own.items()}
    return {"out.embed.weight": (WORDS, F), **named}


DENSE: dict[str, Shape] = {"out.dense.weight": (WORDS, H), "out.dense.bias": (WORDS,)}
ENCODED = {"t": below(WORDS, N, 3), "x": normal(T, N, H), "h": normal(2, N, H)}
TRANSLATION = [
    Case("seq2seq_encoder", f"seq2seq_encoder(t, {WORDS}, {F}, {H}, 2)", {"t": below(WORDS, N, T)},
         translator(F), ("outputs", "state")),
    Case("seq2seq_decoder", f"seq2seq_decoder(t, x[-1], h, {WORDS}, {F}, {H}, 2)", ENCODED,
         translator(F + H) | DENSE, ("out", "state")),
    Case("bahdanau_decoder", f"bahdanau_decoder(t, x, h, {WORDS}, {F}, {H}, 2, 0, n + 1)",
         {**ENCODED, "n": below(T, N)},
         translator(F + H, "steps.net") | DENSE
         | {f"out.steps.attention.W_{k}.weight": (H, H) for k in "qk"}
         | {"out.steps.attention.w_v.weight": (1, H)}, ("out", "state", "weights")),
]  # fmt: skip

SEQUENCES = [*CELLS, *NETS, *SWEEPS, *TRANSLATION]
