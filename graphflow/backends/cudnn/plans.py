"""cuDNN's plans: made once for each operation, and run on addresses of a device."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from typing import Protocol

from graphflow.backends.cudnn.convolution import NUMBERS, Convolution, Refused

MISSING = Refused("is not installed (pip install 'graphflow[cudnn]')")
ROUNDING = ("TENSOR_CORE", "DOWN_CONVERT_INPUTS", "REDUCED_PRECISION_REDUCTION")
"""What cuDNN says of algorithms that compute float32 with fewer digits."""
INDIRECT = ("WINOGRAD", "FFT")
"""What it says of those that are not sums of products."""


class Described(Protocol):
    """A tensor of a graph of cuDNN's."""

    def set_output(self, output: bool) -> Described: ...
    def set_uid(self, uid: int) -> Described: ...
    def set_dim(self, dim: list[int]) -> Described: ...
    def set_stride(self, stride: list[int]) -> Described: ...
    def set_data_type(self, data_type: object) -> Described: ...


class Graph(Protocol):
    """A graph of cuDNN's frontend, as far as it is used here."""

    def tensor(
        self, *, dim: list[int], stride: list[int], data_type: object, name: str, uid: int
    ) -> Described: ...
    def conv_fprop(self, *, image: Described, weight: Described, **how: object) -> Described: ...
    def conv_dgrad(self, *, loss: Described, filter: Described, **how: object) -> Described: ...
    def conv_wgrad(self, *, image: Described, loss: Described, **how: object) -> Described: ...
    def validate(self) -> None: ...
    def build_operation_graph(self) -> None: ...
    def create_execution_plans(self, modes: list[object]) -> None: ...
    def deselect_numeric_notes(self, notes: list[object]) -> object: ...
    def check_support(self) -> None: ...
    def build_plans(self) -> None: ...
    def get_workspace_size(self) -> int: ...
    def execute(self, places: dict[int, int], workspace: int, handle: object) -> None: ...


def missing() -> Refused | None:
    """That cuDNN is not installed, and how it would be; None where it is."""
    return MISSING if find_spec("cudnn") is None else None


@cache
def library() -> Library | Refused:
    """The library for the GPU that is there, with one handle for all; or why it cannot be used."""
    refused = missing()
    if refused is not None:
        return refused
    try:
        return Library()
    except (ImportError, OSError, RuntimeError) as error:
        return Refused(f"cannot be used: {_line(error)}")


def _line(error: BaseException) -> str:
    """What an error says, on one line that is not long."""
    return " ".join(str(error).split())[:200]


class Plan:
    """How cuDNN computes one operation, in ``workspace`` bytes besides its operands and results."""

    def __init__(self, library: Library, graph: Graph) -> None:
        self._library, self._graph = library, graph
        self.workspace = graph.get_workspace_size()

    def run(self, places: Sequence[int], workspace: int, stream: int) -> None:
        """Compute on a stream. ``places`` are the addresses of the operands, in the order of the
        node, and then of its result; ``workspace`` that of the bytes.
        """
        self._library.execute(self._graph, dict(enumerate(places, 1)), workspace, stream)


class Library:
    """cuDNN for the GPU that is there; with ``described``, for one that is described to it: plans
    can be made, and not run.
    """

    def __init__(self, described: str | None = None) -> None:
        import cudnn

        self._cudnn = cudnn
        if described is None:
            self._handle = cudnn.create_handle()
            self._device = {"handle": self._handle}
        else:
            self._device = {"device_property": cudnn.create_device_properties(described)}
        self._plans: dict[Convolution, Plan | Refused] = {}
        self._stream: int | None = None

    def plan(self, wanted: Convolution) -> Plan | Refused:
        """The plan of a convolution, made when it is first asked for; or why cuDNN has none."""
        if wanted not in self._plans:
            self._plans[wanted] = self._made(wanted)
        return self._plans[wanted]

    def execute(
        self, graph: Graph, places: dict[int, int], workspace: int, stream: int
    ) -> None:
        """Run a graph on addresses, on a stream."""
        if stream != self._stream:
            self._cudnn.set_stream(self._handle, stream)
            self._stream = stream
        graph.execute(places, workspace, handle=self._handle)

    def _made(self, wanted: Convolution) -> Plan | Refused:
        graph = self._graph(wanted)
        try:
            graph.validate()
            graph.build_operation_graph()
            graph.create_execution_plans([self._cudnn.heur_mode.A, self._cudnn.heur_mode.FALLBACK])
            graph.deselect_numeric_notes(self._notes(wanted))
            graph.check_support()
            graph.build_plans()
        except (self._cudnn.cudnnGraphNotSupportedError, RuntimeError) as error:
            return Refused(f"has no plan: {_line(error)}")
        return Plan(self, graph)

    def _notes(self, wanted: Convolution) -> list[object]:
        """Marks of the algorithms that do not serve: sums in no fixed order, fewer digits."""
        rounding = ROUNDING if wanted.x.dtype == "float32" else ()
        names = ("NONDETERMINISTIC", *rounding, *(INDIRECT if wanted.exact else ()))
        return [getattr(self._cudnn.numerical_note, name) for name in names]

    def _graph(self, wanted: Convolution) -> Graph:
        """A graph of one operation. The tensors have the numbers 1, 2, 3 of operands and result."""
        data_type = self._type(wanted.x.dtype)
        sums = self._type("float64" if wanted.x.dtype == "float64" else "float32")
        graph: Graph = self._cudnn.pygraph(
            io_data_type=data_type, intermediate_data_type=sums, compute_data_type=sums,
            **self._device,
        )  # fmt: skip
        first, second, result = wanted.order
        operands = self._tensor(graph, first, 1, wanted), self._tensor(graph, second, 2, wanted)
        made = wanted.part(result)
        found = _operation(graph, wanted, *operands)
        found.set_output(True).set_uid(3).set_data_type(data_type)
        found.set_dim([*made.shape]).set_stride([*made.strides])
        return graph

    def _tensor(self, graph: Graph, name: str, uid: int, wanted: Convolution) -> Described:
        lies = wanted.part(name)
        return graph.tensor(
            dim=[*lies.shape], stride=[*lies.strides], data_type=self._type(lies.dtype), name=name,
            uid=uid,
        )  # fmt: skip

    def _type(self, dtype: str) -> object:
        found: object = getattr(self._cudnn.data_type, NUMBERS[dtype])
        return found


def _operation(
    graph: Graph, wanted: Convolution, first: Described, second: Described
) -> Described:
    """The operation in its graph, of its two operands."""
    how = {
        "pre_padding": [*wanted.before], "post_padding": [*wanted.after],
        "stride": [*wanted.stride], "dilation": [*wanted.dilation],
    }  # fmt: skip
    match wanted.side:
        case "forward":
            return graph.conv_fprop(image=first, weight=second, **how)
        case "data gradient":
            return graph.conv_dgrad(loss=first, filter=second, **how)
        case "weight gradient":
            return graph.conv_wgrad(image=first, loss=second, **how)
