"""The optimizers of ai.onnx.preview.training: one step of each tensor."""

from __future__ import annotations

from graphflow.interop.onnx.reader.call import Call
from graphflow.interop.onnx.reader.table import Result, maps

DOMAIN = "ai.onnx.preview.training"


def _groups(call: Call, kinds: int) -> list[list[str]]:
    """Tensor, gradient and states of each parameter: operands after the rate and the count."""
    count = (call.count - 2) // kinds
    return [[call.x(2 + i + k * count) for k in range(kinds)] for i in range(count)]


def _ordered(rows: list[list[str]]) -> list[Result]:
    """First all new tensors, then all new states of one kind, and so on."""
    return [row[k] for k in range(len(rows[0])) for row in rows]


@maps(f"{DOMAIN}.Momentum")
def momentum(call: Call) -> list[Result]:
    """Descent with momentum, or Nesterov's."""
    norm, alpha, beta = (call.real(w) for w in ("norm_coefficient", "alpha", "beta"))
    rate = call.x(0)
    share = call.let(f"where({call.x(1)} > 0, {beta}, 1.0)", "beta")
    rows = []
    for x, g, v in _groups(call, 3):
        whole = call.let(f"{norm} * {x} + {g}", "gradient")
        new = call.let(f"{alpha} * {v} + {share} * {whole}", "velocity")
        nesterov = call.word("mode") == "nesterov"
        step = f"({whole} + {alpha} * {new})" if nesterov else new
        rows.append([f"{x} - {rate} * {step}", new])
    return _ordered(rows)


@maps(f"{DOMAIN}.Adagrad")
def adagrad(call: Call) -> list[Result]:
    """Rates that shrink with the squares of earlier gradients."""
    norm, eps = call.real("norm_coefficient", 0.0), call.real("epsilon", 0.0)
    decay = call.real("decay_factor", 0.0)
    rate = call.let(f"{call.x(0)} / (1 + cast({call.x(1)}, float) * {decay})", "rate")
    rows = []
    for x, g, h in _groups(call, 3):
        whole = call.let(f"{norm} * {x} + {g}", "gradient")
        new = call.let(f"{h} + {whole} * {whole}", "squares")
        rows.append([f"{x} - {rate} * {whole} / (sqrt({new}) + {eps})", new])
    return _ordered(rows)


@maps(f"{DOMAIN}.Adam")
def adam(call: Call) -> list[Result]:
    """Adam: running means of gradients and of their squares."""
    alpha, beta, eps = call.real("alpha", 0.9), call.real("beta", 0.999), call.real("epsilon", 0.0)
    norm, after = call.real("norm_coefficient", 0.0), call.real("norm_coefficient_post", 0.0)
    t = call.let(f"cast({call.x(1)}, float)", "t")
    mended = f"{call.x(0)} * sqrt(1 - {beta} ** {t}) / (1 - {alpha} ** {t})"
    count = call.let(f"where({t} > 0, {t}, 1.0)", "count")
    mended = mended.replace(f"** {t}", f"** {count}")
    rate = call.let(f"where({t} > 0, {mended}, {call.x(0)})", "rate")
    rows = []
    for x, g, v, h in _groups(call, 4):
        whole = call.let(f"{norm} * {x} + {g}", "gradient")
        first = call.let(f"{alpha} * {v} + (1 - {alpha}) * {whole}", "mean")
        second = call.let(f"{beta} * {h} + (1 - {beta}) * {whole} * {whole}", "squares")
        new = f"(1 - {after}) * ({x} - {rate} * ({first} / (sqrt({second}) + {eps})))"
        rows.append([new, first, second])
    return _ordered(rows)
