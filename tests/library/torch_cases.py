"""The compared calls in PyTorch. Arguments are the inputs and parameters of the case, by name."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
import torch.nn.functional as F

from tests.library.cases import Array, Case
from tests.library.torch_architectures import ARCHITECTURES
from tests.library.torch_arrays import ARRAYS
from tests.library.torch_attention import ATTENTION
from tests.library.torch_losses import LOSSES
from tests.library.torch_sequences import SEQUENCES, Result
from tests.library.torch_vision import VISION

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
    "cosines": lambda a, b: F.cosine_similarity(a[..., None, :], b, -1),
    "moveaxis": lambda x: x.moveaxis(1, -1) * 2,
    "swapaxes": lambda x: x.swapaxes(-1, 1) * 2,
    **LOSSES,
    **VISION,
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
    **SEQUENCES,
    **ATTENTION,
    **ARCHITECTURES,
    **ARRAYS,
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
