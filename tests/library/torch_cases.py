"""The compared calls in PyTorch. Arguments are the inputs and parameters of the case, by name."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim
from torch.optim import Optimizer, lr_scheduler

from tests.library.cases import Array, Case
from tests.library.torch_losses import LOSSES
from tests.library.training_cases import COUNTS, STEPS, start

Result = Tensor | tuple[Tensor, ...]


def holding(module: nn.Module, params: dict[str, Tensor]) -> Callable[..., Result]:
    """The module as a function with these parameters in place of its own."""
    names = {name: params[name.replace(".", "_")] for name, _ in module.named_parameters()}
    return lambda *args, **kwargs: torch.func.functional_call(module, names, args, kwargs)


def cell(kind: type[nn.Module], *args: object, **options: object) -> Callable[..., Result]:
    """One step of a recurrent net."""

    def step(x: Tensor, h: Tensor, c: Tensor | None = None, **params: Tensor) -> Result:
        state = h if c is None else (h, c)
        return holding(kind(5, 4, *args, **options), params)(x, state)

    return step


def series(kind: type[nn.Module], **options: object) -> Callable[..., Result]:
    """A recurrent net over time: its output and last states, without the axis of layers."""

    def run(
        x: Tensor, h: Tensor | None = None, c: Tensor | None = None, **params: Tensor
    ) -> Result:
        start = None if h is None else h[None] if c is None else (h[None], c[None])
        module = kind(5, 4, **options)
        output, last = holding(module, params)(x, start)  # type: ignore[misc]
        states = last if isinstance(last, tuple) else (last,)
        return output, *(state[0] for state in states)

    return run


def heads(count: int, bias: bool) -> Callable[..., Result]:
    """Multi-head attention with the weights of every head."""

    def run(q: Tensor, k: Tensor, v: Tensor, m: Tensor | None = None, **params: Tensor) -> Result:
        module = nn.MultiheadAttention(6, count, bias=bias, batch_first=True).double()
        attend = holding(module, params)
        hidden = None if m is None else ~m
        result = attend(q, k, v, attn_mask=hidden, average_attn_weights=False)
        return result  # type: ignore[return-value]

    return run


TORCH: dict[str, Callable[..., Result]] = {
    "softmax": lambda x: x.softmax(-1),
    "softmax_axis": lambda x: x.softmax(0),
    "log_softmax": lambda x: x.log_softmax(1),
    "leaky_relu": lambda x: F.leaky_relu(x, 0.2),
    "prelu": lambda x, weight: F.prelu(x, weight),
    "prelu_channels": lambda x, weight: F.prelu(x, weight),
    "elu": lambda x: F.elu(x, 0.7),
    "celu": lambda x: F.celu(x, 0.5),
    "selu": F.selu,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "mish": F.mish,
    "hardtanh": lambda x: F.hardtanh(x, -0.5, 1.0),
    "relu6": lambda x: F.relu6(4 * x),
    "hardsigmoid": lambda x: F.relu6(3 * x + 3) / 6,  # hardsigmoid rounds 1 / 6 to float32
    "hardswish": lambda x: F.hardswish(3 * x),
    "log_sigmoid": lambda x: F.logsigmoid(20 * x),
    "softsign": F.softsign,
    "softshrink": F.softshrink,
    "hardshrink": F.hardshrink,
    "tanhshrink": F.tanhshrink,
    "glu": F.glu,
    "glu_axis": lambda x: F.glu(x, 1),
    "normalize": F.normalize,
    "normalize_p": lambda x: F.normalize(x, 3, 0),
    "norm": lambda x: torch.linalg.vector_norm(x),
    "norm_1": lambda x: torch.linalg.vector_norm(x, 1, 1),
    "norm_inf": lambda x: torch.linalg.vector_norm(x, torch.inf, 0, keepdim=True),
    "std": lambda x: x.std(1),
    "cosine_similarity": F.cosine_similarity,
    "moveaxis": lambda x: x.moveaxis(1, -1) * 2,
    "swapaxes": lambda x: x.swapaxes(-1, 1) * 2,
    **LOSSES,
    # layers
    "linear": F.linear,
    "linear_3d": lambda x, weight: F.linear(x, weight).relu(),
    "linear_given": lambda x, w, b: F.linear(x, w, b),
    "embedding": F.embedding,
    "embedding_padded": lambda t, weight: F.embedding(t, weight, padding_idx=2),
    "flatten": lambda x: x.flatten(1),
    "flatten_from_2": lambda x: x.flatten(2),
    "dropout_eval": lambda x: x,
    "dropout_0": lambda x: F.dropout(x, 0.0),
    "dropout_1": lambda x: F.dropout(x, 1.0),
    "batch_norm": lambda x, weight, bias: F.batch_norm(x, None, None, weight, bias, True),
    "batch_norm_2d": lambda x: F.batch_norm(x, None, None, training=True, eps=0.1),
    "batch_norm_eval": lambda x, weight, bias: F.batch_norm(
        x, torch.zeros(4, dtype=x.dtype), torch.ones(4, dtype=x.dtype), weight, bias
    ),
    "layer_norm": lambda x, weight, bias: F.layer_norm(x, (6,), weight, bias),
    "layer_norm_axes": lambda x, weight: F.layer_norm(x, (6, 5), weight),
    "layer_norm_plain": lambda x: F.layer_norm(x, (5,)),
    "rms_norm": lambda x, weight: F.rms_norm(x, (6,), weight, eps=1e-3),
    "group_norm": lambda x, weight, bias: F.group_norm(x, 2, weight, bias),
    "instance_norm": F.instance_norm,
    "instance_norm_affine": lambda x, weight, bias: F.instance_norm(x, weight=weight, bias=bias),
    # convolutions
    "conv1d": lambda x, weight, bias: F.conv1d(x, weight, bias, 2, 1),
    "conv2d": lambda x, weight, bias: F.conv2d(x, weight, bias, (2, 1), (1, 0)),
    "conv2d_groups": lambda x, weight: F.conv2d(x, weight, groups=2, dilation=2, padding=2),
    "conv2d_given": lambda x, w: F.conv2d(x, w, padding=1),
    "conv3d": lambda x, weight, bias: F.conv3d(x, weight, bias, padding=1),
    "conv_transpose1d": lambda x, weight, bias: F.conv_transpose1d(
        x, weight, bias, 2, output_padding=1
    ),
    "conv_transpose2d": lambda x, weight, bias: F.conv_transpose2d(x, weight, bias, 2, 1),
    "conv_transpose2d_groups": lambda x, weight, bias: F.conv_transpose2d(
        x, weight, bias, groups=2, dilation=2
    ),
    "conv_transpose3d": lambda x, weight, bias: F.conv_transpose3d(x, weight, bias, 2),
    "max_pool1d": lambda x: F.max_pool1d(x, 3, 2, 1),
    "max_pool2d": lambda x: F.max_pool2d(x, 2),
    "max_pool2d_ceil": lambda x: F.max_pool2d(x, (3, 2), 2, 1, ceil_mode=True),
    "max_pool3d": lambda x: F.max_pool3d(x, 2, 1),
    "avg_pool1d": lambda x: F.avg_pool1d(x, 3),
    "avg_pool2d": lambda x: F.avg_pool2d(x, 3, 2, 1),
    "avg_pool2d_inside": lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
    "avg_pool3d": lambda x: F.avg_pool3d(x, 2),
    "adaptive_avg_pool1d": lambda x: F.adaptive_avg_pool1d(x, 4),
    "adaptive_avg_pool2d": lambda x: F.adaptive_avg_pool2d(x, (4, 1)),
    "adaptive_avg_pool3d": lambda x: F.adaptive_avg_pool3d(x, 2),
    # sequences
    "rnn_cell": cell(nn.RNNCell),
    "rnn_cell_relu": cell(nn.RNNCell, bias=False, nonlinearity="relu"),
    "lstm_cell": cell(nn.LSTMCell),
    "gru_cell": cell(nn.GRUCell),
    "rnn": series(nn.RNN),
    "lstm": series(nn.LSTM),
    "lstm_started": series(nn.LSTM, bias=False),
    "gru": series(nn.GRU),
    "gru_started": series(nn.GRU, bias=False),
    # attention
    "attention": F.scaled_dot_product_attention,
    "attention_causal": lambda q, k, v: F.scaled_dot_product_attention(
        q, k, v, is_causal=True, scale=0.3
    ),
    "attention_mask": lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m),
    "multi_head_attention": heads(2, True),
    "multi_head_attention_mask": heads(3, False),
}

OPTIMIZERS: dict[str, Callable[[list[Tensor]], Optimizer]] = {
    "sgd(0.1)": lambda p: optim.SGD(p, 0.1),
    "sgd(0.1, momentum=0.9)": lambda p: optim.SGD(p, 0.1, 0.9),
    "sgd(0.1, momentum=0.9, dampening=0.3, weight_decay=0.1)": lambda p: optim.SGD(
        p, 0.1, 0.9, dampening=0.3, weight_decay=0.1
    ),
    "sgd(0.1, momentum=0.9, nesterov=true, weight_decay=0.1)": lambda p: optim.SGD(
        p, 0.1, 0.9, nesterov=True, weight_decay=0.1
    ),
    "adagrad(0.1)": lambda p: optim.Adagrad(p, 0.1),
    "adagrad(0.1, lr_decay=0.2, weight_decay=0.1, initial_accumulator_value=1)": lambda p: (
        optim.Adagrad(p, 0.1, lr_decay=0.2, weight_decay=0.1, initial_accumulator_value=1)
    ),
    "rmsprop(0.05)": lambda p: optim.RMSprop(p, 0.05),
    "rmsprop(0.05, alpha=0.9, momentum=0.5, centered=true, weight_decay=0.1)": lambda p: (
        optim.RMSprop(p, 0.05, alpha=0.9, momentum=0.5, centered=True, weight_decay=0.1)
    ),
    "adadelta()": lambda p: optim.Adadelta(p),
    "adadelta(0.5, rho=0.8, eps=1e-4, weight_decay=0.1)": lambda p: optim.Adadelta(
        p, 0.5, rho=0.8, eps=1e-4, weight_decay=0.1
    ),
    "adam()": lambda p: optim.Adam(p),
    "adam(0.1, betas=[0.5, 0.9], weight_decay=0.1, amsgrad=true)": lambda p: optim.Adam(
        p, 0.1, betas=(0.5, 0.9), weight_decay=0.1, amsgrad=True
    ),
    "adamw(0.1)": lambda p: optim.AdamW(p, 0.1),
    "adamw(0.1, weight_decay=0.3, amsgrad=true)": lambda p: optim.AdamW(
        p, 0.1, weight_decay=0.3, amsgrad=True
    ),
    "adamax(0.1)": lambda p: optim.Adamax(p, 0.1),
    "adamax(0.1, weight_decay=0.2)": lambda p: optim.Adamax(p, 0.1, weight_decay=0.2),
}

SCHEDULES: dict[str, Callable[[Optimizer], lr_scheduler.LRScheduler]] = {
    "step_lr(0.3, step_size=4, gamma=0.8)": lambda o: lr_scheduler.StepLR(o, 4, 0.8),
    "multi_step_lr(0.3, [3, 7], gamma=0.5)": lambda o: lr_scheduler.MultiStepLR(o, [3, 7], 0.5),
    "exponential_lr(0.3, 0.9)": lambda o: lr_scheduler.ExponentialLR(o, 0.9),
    "polynomial_lr(0.3, 8, power=2)": lambda o: lr_scheduler.PolynomialLR(o, 8, 2),
    "cosine_lr(0.3, 14, min_lr=0.01)": lambda o: lr_scheduler.CosineAnnealingLR(o, 14, 0.01),
    "warmup(0.3, 5, start=0.25)": lambda o: lr_scheduler.LinearLR(o, 0.25, 1.0, 5),
    "one_cycle(0.3, 14)": lambda o: lr_scheduler.OneCycleLR(o, 0.3, 14),
    "one_cycle(0.3, 14, pct_start=0.4, anneal_strategy='linear', three_phase=true)": lambda o: (
        lr_scheduler.OneCycleLR(
            o, 0.3, 14, pct_start=0.4, anneal_strategy="linear", three_phase=True
        )
    ),
}


def compare(case: Case) -> tuple[dict[str, Array], dict[str, Array]]:
    """The results of a call, and the derivatives of their total."""
    arrays = {**case.feed(), **case.weights()}
    tensors = {n: torch.tensor(a, requires_grad=n in case.wrt) for n, a in arrays.items()}
    inputs = [tensors[name] for name in case.inputs]
    params = {n.removeprefix("out.").replace(".", "_"): tensors[n] for n in case.params}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what 'mean' of kl_div means
        result = TORCH[case.name](*inputs, **params)
    results = result if isinstance(result, tuple) else (result,)
    total = sum(torch.sin(r).sum() for r in results)
    wanted = [tensors[name] for name in case.wrt]
    found = torch.autograd.grad(total, wanted) if wanted else ()
    values = dict(zip(case.outputs, (r.detach().numpy() for r in results), strict=True))
    return values, {n: g.numpy() for n, g in zip(case.wrt, found, strict=True)}


def trained(call: str) -> list[Array]:
    """The matrix after every step."""
    first, x = (torch.tensor(array) for array in start())
    w = first.requires_grad_()
    optimizer = OPTIMIZERS[call]([w])
    found = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        (torch.sin(w * x).sum() + 0.1 * (w**3).sum()).backward()
        optimizer.step()
        found.append(w.detach().numpy().copy())
    return found


def rates(call: str) -> list[float]:
    """The learning rate of every step."""
    optimizer = optim.SGD([torch.zeros(1, requires_grad=True)], 0.3, momentum=0.9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that no gradient was computed
        scheduler = SCHEDULES[call](optimizer)
        found = []
        for count in range(COUNTS):
            found.append(float(optimizer.param_groups[0]["lr"]))
            optimizer.step()
            if count + 1 < COUNTS:
                scheduler.step()
    return found
