"""Plans of cuDNN for a GPU that is described: run as ``python -m tests.backends.cudnn.building``
where a driver stands in for NVIDIA's. It prints a line of JSON for each operation: what it is, and
its workspace, or why there is no plan.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

import graphflow as gf
from graphflow.backends.base import Backend
from graphflow.backends.cuda.arrays import row_by_row
from graphflow.backends.cudnn import (
    Attention,
    Convolution,
    Library,
    Plan,
    Refused,
    Tensor,
    Wanted,
    convolution,
)
from graphflow.backends.cudnn.convolution import SIDES
from graphflow.backends.numpy_backend import NUMPY
from graphflow.cli.survey import survey
from graphflow.ir.graph import Node
from graphflow.ir.types import DType
from graphflow.passes import specialise
from graphflow.runtime.asked import asked
from graphflow.runtime.device_plan import device_plan
from tests.backends.cudnn.test_convolution import SHAPES, seen
from tests.backends.numba_kernels.convolving import ROWS, drawn, three_sides

DEVICE = Path(__file__).with_name("hopper.json")


def in_step(model: gf.Model, dtype: DType, **sizes: int) -> Iterator[Wanted]:
    """What cuDNN is asked for in a training step of a model, each once."""
    seen = survey(model, sizes, backward=True)
    plan = device_plan(specialise(seen.graph, seen.sizes, dtype, training=True))
    found = asked(plan.graph, plan.sources.seen).values()
    return iter(dict.fromkeys(e.wanted for e in found if not isinstance(e.wanted, Refused)))


def of_shapes() -> Iterator[Convolution]:
    """What cuDNN would be asked for, noted while NumPy computes it."""
    noted: list[Convolution | Refused] = []

    def note(node: Node, out: tuple[np.ndarray, ...], inputs: tuple[np.ndarray, ...]) -> None:
        noted.append(convolution(node, [seen(x) for x in (*inputs, *out)], False))

    backend = Backend("noting", NUMPY, dict.fromkeys(SIDES, note))
    for x, weight, given in SHAPES:
        [*three_sides(drawn(x, "float32"), drawn(weight, "float32"), ROWS, backend, **given)]
    return (wanted for wanted in noted if isinstance(wanted, Convolution))


def variants(wanted: Convolution) -> Iterator[tuple[str, Convolution]]:
    """The same with other numbers, with other algorithms, and lying otherwise."""
    for dtype in ("float32", "float16", "bfloat16", "float64"):
        parts = {name: replace(getattr(wanted, name), dtype=dtype) for name in "xwy"}
        yield dtype, replace(wanted, **parts)
        if dtype == "float16":
            lying = {name: channels_last(part) for name, part in parts.items()}
            yield "float16, channels last", replace(wanted, **lying)
    yield "float32, exact", replace(wanted, exact=True)


def in_bfloat16(wanted: Attention) -> Attention:
    """The same in the other halves; logarithms stay what they are."""

    def other(parts: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return tuple(replace(x, dtype=x.dtype.replace("float16", "bfloat16")) for x in parts)

    return replace(wanted, operands=other(wanted.operands), results=other(wanted.results))


def channels_last(part: Tensor) -> Tensor:
    """A part as it lies channels last."""
    channels = part.shape[1]
    outer, *inner = row_by_row((part.shape[0], *part.shape[2:], channels))
    return replace(part, strides=(outer, 1, *inner[:-1]))


def all_wanted() -> Iterator[tuple[str, str, Wanted]]:
    """By model and by how it is asked for."""
    lenet, resnet = gf.load("lenet"), gf.load("tests/examples/c_resnet18.yaml")
    convolutions = {
        "shapes": of_shapes(),
        "lenet": in_step(lenet, DType.FLOAT32, B=64),
        "resnet18": in_step(resnet, DType.FLOAT32, B=64),
    }
    for name, found in convolutions.items():
        for wanted in found:
            assert isinstance(wanted, Convolution)
            yield from ((name, how, variant) for how, variant in variants(wanted))
    large = gf.load("gpt", {"width": 768, "heads": 12, "context": 1024, "data.steps": 1024})
    for name, model in {"gpt": gf.load("gpt"), "gpt, 12 heads of 64": large}.items():
        for wanted in in_step(model, DType.FLOAT16, B=16):
            assert isinstance(wanted, Attention)
            yield name, "float16", wanted
            yield name, "bfloat16", in_bfloat16(wanted)


def main() -> None:
    library = Library(DEVICE.read_text(encoding="utf-8"))
    for name, how, wanted in all_wanted():
        found = library.plan(wanted)
        told = {"workspace": found.workspace} if isinstance(found, Plan) else asdict(found)
        print(json.dumps({"model": name, "how": how, "what": wanted.how} | told), flush=True)


if __name__ == "__main__":
    main()
