"""Convolutions, normalisation, dropout."""

from __future__ import annotations

from graphflow.interop.onnx.reader.call import Call, join
from graphflow.interop.onnx.reader.items import Weight
from graphflow.interop.onnx.reader.maps.windows import Window, fixed_size, window
from graphflow.interop.onnx.reader.table import Declined, Result, maps
from graphflow.interop.onnx.reader.text import listing
from graphflow.ir.types import DType


@maps("Conv")
def conv(call: Call) -> str:
    """A convolution of given weights."""
    kernel = call.shape(1)[2:]
    found = window(call, call.integers("kernel_shape") or kernel, call.shape()[2:])
    groups = call.integer("group", 1)
    options = [*found.options(), f"groups={groups}" if groups != 1 else ""]
    arguments = [call.x(), f"weight={call.x(1)}", f"bias={call.x(2) if call.has(2) else 'none'}"]
    return f"conv{len(kernel)}d({join([*arguments, *options])})"


@maps("ConvTranspose")
def conv_transpose(call: Call) -> str:
    """The adjoint of a convolution, of given weights."""
    kernel = call.shape(1)[2:]
    sizes = call.integers("kernel_shape") or kernel
    found = window(call, sizes, call.shape()[2:], auto=False)
    extra = call.integers("output_padding") or [0] * len(found.kernel)
    found, extra = _fitted(call, found, extra)
    groups = call.integer("group", 1)
    options = [
        *found.options(),
        f"output_padding={listing(extra)}" if any(extra) else "",
        f"groups={groups}" if groups != 1 else "",
    ]
    arguments = [call.x(), f"weight={call.x(1)}", f"bias={call.x(2) if call.has(2) else 'none'}"]
    return f"conv_transpose{len(kernel)}d({join([*arguments, *options])})"


def _fitted(call: Call, found: Window, extra: list[int]) -> tuple[Window, list[int]]:
    """The padding that leads to a wanted output shape."""
    wanted, auto = call.integers("output_shape"), call.word("auto_pad", "NOTSET")
    if wanted is None and auto not in ("SAME_UPPER", "SAME_LOWER"):
        return found, extra
    sizes, before, after, more = call.shape()[2:], [], [], []
    for i, n in enumerate(sizes):
        size = fixed_size(call, n)
        target = wanted[i - len(sizes)] if wanted else size * found.stride[i]
        total = (size - 1) * found.stride[i] + extra[i] + found.extent[i] - target
        more.append(extra[i] + max(0, -total))
        total = max(0, total)
        first = total // 2 if auto == "SAME_UPPER" else total - total // 2
        before.append(first)
        after.append(total - first)
    return Window(found.kernel, found.stride, found.dilation, before, after), more


@maps("Dropout")
def dropout(call: Call) -> list[Result]:
    """Numbers set to zero by chance while training, and where they were kept."""
    training = bool(call.known(2, "training_mode").item()) if call.has(2) else False
    ratio = call.scalar(1, "the ratio") if call.has(1) else call.real("ratio", 0.5)
    kept = f"full({listing(call.shape())}, true, dtype=bool)"
    if not training:
        return [f"dropout({call.x()}, {call.number(ratio, DType.FLOAT)})", kept]
    if ratio == 0:
        return [call.x(), kept]
    share = call.number(1 - ratio, DType.FLOAT)
    mask = call.let(f"bernoulli({share}, {listing(call.shape())}, dtype={call.dtype()})", "mask")
    return [f"{call.x()} * {mask} / {share}", f"{mask} != 0"]


def per_channel(call: Call, name: str) -> str:
    """A vector over channels so that it stretches over the other axes."""
    ones = [1] * (call.ndim() - 2)
    return f"reshape({name}, {listing([1, call.shape()[1], *ones])})" if ones else name


@maps("BatchNormalization")
def batch_normalization(call: Call) -> list[Result]:
    """(x - mean) / sqrt(var + eps) * scale + bias, by given or by the batch's statistics."""
    eps, x = call.real("epsilon", 1e-5), call.x()
    for index in (3, 4):
        item = call.item(index)
        if isinstance(item, Weight) and item.name is None:
            item.trainable = False
    mean, var = call.x(3), call.x(4)
    results: list[Result] = []
    if call.integer("training_mode", 0):
        axes = listing([0, *range(2, call.ndim())])
        share = call.real("momentum", 0.9)
        center = call.let(f"mean({x}, axis={axes})", "mean")
        spread = call.let(f"var({x}, axis={axes})", "var")
        fresh = call.number(1 - share, DType.FLOAT)
        results = [
            f"{mean} * {share} + {center} * {fresh}", f"{var} * {share} + {spread} * {fresh}"
        ]  # fmt: skip
        mean, var = center, spread
    inner = f"({x} - {per_channel(call, mean)}) / sqrt({per_channel(call, var)} + {eps})"
    return [f"{inner} * {per_channel(call, call.x(1))} + {per_channel(call, call.x(2))}", *results]


@maps("InstanceNormalization")
def instance_normalization(call: Call) -> str:
    """Each channel of each sample by itself."""
    normal = f"instance_norm({call.x()}, eps={call.real('epsilon', 1e-5)})"
    return f"{normal} * {per_channel(call, call.x(1))} + {per_channel(call, call.x(2))}"


@maps("GroupNormalization")
def group_normalization(call: Call) -> str:
    """Each sample over groups of channels."""
    if call.version < 21 or call.dtype() is not DType.FLOAT:
        raise Declined
    groups, eps = call.integer("num_groups"), call.real("epsilon", 1e-5)
    normal = f"group_norm({call.x()}, {groups}, eps={eps}, affine=false)"
    return f"{normal} * {per_channel(call, call.x(1))} + {per_channel(call, call.x(2))}"


@maps("LayerNormalization")
def layer_normalization(call: Call) -> str:
    """Each sample over its last axes."""
    if call.wants(1) or call.wants(2) or call.dtype() is not DType.FLOAT:
        raise Declined
    axes = call.ndim() - call.axis(call.integer("axis", -1), call.ndim())
    settings = f"axes={axes}, eps={call.real('epsilon', 1e-5)}, affine=false"
    scaled = f"layer_norm({call.x()}, {settings}) * {call.x(1)}"
    return f"{scaled} + {call.x(2)}" if call.has(2) else scaled


@maps("RMSNormalization")
def rms_normalization(call: Call) -> str:
    """Each sample over its root mean square along the last axes."""
    if call.dtype() is not DType.FLOAT or call.dtype(1) is not DType.FLOAT:
        raise Declined
    axes = call.ndim() - call.axis(call.integer("axis", -1), call.ndim())
    settings = f"axes={axes}, eps={call.real('epsilon', 1e-5)}, affine=false"
    return f"rms_norm({call.x()}, {settings}) * {call.x(1)}"


@maps("LpNormalization")
def lp_normalization(call: Call) -> str:
    """X over its norm along an axis; zero where that is zero."""
    p, axis = call.integer("p", 2), call.integer("axis", -1)
    powers = f"{call.x()} ** 2" if p == 2 else f"abs({call.x()})"
    total = call.let(f"sum({powers}, axis={axis}, keepdims=true)", "total")
    safe = f"where({total} == 0, 1, {total})"
    return f"{call.x()} / sqrt({safe})" if p == 2 else f"{call.x()} / {safe}"


@maps("LRN")
def local_response(call: Call) -> str:
    """X over a power of the squares of neighbouring channels."""
    n, alpha, beta = call.integer("size"), call.real("alpha", 1e-4), call.real("beta", 0.75)
    if n % 2 == 0:
        call.unsupported("over an even number of channels is not supported")
    settings = f"alpha={alpha}, beta={beta}, k={call.real('bias', 1.0)}"
    return f"local_response_norm({call.x()}, {n}, {settings})"
