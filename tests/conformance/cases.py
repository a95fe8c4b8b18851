"""The node cases of ONNX's own test suite, run through gf.from_onnx and our executor."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests

from graphflow.diagnostics import GraphflowError
from graphflow.interop.onnx import from_onnx
from graphflow.model import Model


@dataclass(frozen=True)
class Case:
    """A model of one node (or of the nodes that define it), with inputs and expected outputs."""

    name: str
    folder: Path
    rtol: float
    atol: float

    @property
    def model(self) -> onnx.ModelProto:
        return onnx.load(self.folder / "model.onnx")

    def data_sets(self, model: onnx.ModelProto) -> list[tuple[dict[str, object], list[object]]]:
        """Inputs by name and expected outputs, for each data set."""
        found = []
        for folder in sorted(self.folder.glob("test_data_set_*")):
            inputs = {
                info.name: read(folder / f"input_{i}.pb", info)
                for i, info in enumerate(model.graph.input)
                if (folder / f"input_{i}.pb").exists()
            }
            outputs = [
                read(folder / f"output_{i}.pb", info) for i, info in enumerate(model.graph.output)
            ]
            found.append((inputs, outputs))
        return found


def read(path: Path, info: onnx.ValueInfoProto) -> object:
    """One value of a data set."""
    kind = info.type.WhichOneof("value")
    data = path.read_bytes()
    if kind == "sequence_type":
        sequence = onnx.SequenceProto.FromString(data)
        return numpy_helper.to_list(sequence)
    if kind == "optional_type":
        optional = onnx.OptionalProto.FromString(data)
        return numpy_helper.to_optional(optional)
    return numpy_helper.to_array(onnx.TensorProto.FromString(data))


@cache
def node_cases() -> dict[str, Case]:
    """Every node case by name, in the suite's order."""
    return {
        case.name: Case(case.name, Path(case.model_dir), case.rtol, case.atol)
        for case in load_model_tests(kind="node")
    }


def imported(
    model: onnx.ModelProto, inputs: Mapping[str, object]
) -> tuple[Model, dict[str, object]]:
    """The model, and what is left to feed: inputs that must be known are given as values."""
    values: dict[str, object] = {}
    while True:
        try:
            found = from_onnx(model, values=values)
        except GraphflowError as error:
            asked = [d for d in error.diagnostics if d.code == "GF102"]
            listed = re.search(r"depends on the input (.*) of the graph", str(asked[:1]))
            names = re.findall(r"'([^']*)'", listed[1]) if listed else []
            fresh = [n for n in names if n in inputs and n not in values]
            if not fresh:
                raise
            values |= {fresh[0]: inputs[fresh[0]]}
        else:
            return found, {n: v for n, v in inputs.items() if n not in values}


def check(case: Case) -> None:
    """Run a case. GraphflowError where we refuse it, AssertionError where results differ."""
    model = case.model
    for inputs, expected in case.data_sets(model):
        ours, feed = imported(model, inputs)
        results = ours.compile()(feed).values
        for info, reference in zip(model.graph.output, expected, strict=True):
            compare(results[info.name], reference, case)


def compare(found: np.ndarray, reference: object, case: Case) -> None:
    """As the suite compares: number type, shape, numbers within the case's tolerance."""
    assert isinstance(reference, np.ndarray), f"{type(reference).__name__} is no array"
    assert found.dtype == reference.dtype, f"{found.dtype} instead of {reference.dtype}"
    assert found.shape == reference.shape, f"{found.shape} instead of {reference.shape}"
    np.testing.assert_allclose(found, reference, rtol=case.rtol, atol=case.atol)
