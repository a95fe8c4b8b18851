"""cuDNN's plans: made once for each operation, and run on addresses of a device."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec

from graphflow.backends.cudnn.convolution import Convolution
from graphflow.backends.cudnn.graphs import Graph, Wanted, draw
from graphflow.backends.cudnn.tensors import NUMBERS, Refused

MISSING = Refused("is not installed (pip install 'graphflow[cudnn]')")
TENSOR_CORE = "TENSOR_CORE"
"""What cuDNN says of algorithms for which float32 is TF32 inside."""
ROUNDING = ("DOWN_CONVERT_INPUTS", "REDUCED_PRECISION_REDUCTION")
"""What it says of those that compute with numbers of 16 bits."""
INDIRECT = ("WINOGRAD", "FFT")
"""What it says of those that are not sums of products."""


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
        node, and then of its results; ``workspace`` that of the bytes.
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
        self._plans: dict[Wanted, Plan | Refused] = {}
        self._stream: int | None = None

    def plan(self, wanted: Wanted) -> Plan | Refused:
        """The plan of an operation, made when it is first asked for; or why cuDNN has none."""
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

    def _made(self, wanted: Wanted) -> Plan | Refused:
        types = {ours: getattr(self._cudnn.data_type, name) for ours, name in NUMBERS.items()}
        dtype = wanted.operands[0].dtype
        sums = types["float64" if dtype == "float64" else "float32"]
        graph: Graph = self._cudnn.pygraph(
            io_data_type=types[dtype], intermediate_data_type=sums, compute_data_type=sums,
            **self._device,
        )  # fmt: skip
        try:
            draw(graph, wanted, types)
            graph.validate()
            graph.build_operation_graph()
            graph.create_execution_plans([self._cudnn.heur_mode.A, self._cudnn.heur_mode.FALLBACK])
            graph.deselect_numeric_notes(self._notes(wanted))
            graph.check_support()
            graph.build_plans()
        except (self._cudnn.cudnnGraphNotSupportedError, RuntimeError) as error:
            return Refused(f"has no plan: {_line(error)}")
        return Plan(self, graph)

    def _notes(self, wanted: Wanted) -> list[object]:
        """Marks of the algorithms that do not serve: sums in no fixed order, fewer digits."""
        rounding: tuple[str, ...] = ROUNDING if wanted.operands[0].dtype == "float32" else ()
        convolution = wanted if isinstance(wanted, Convolution) else None
        if rounding and not (convolution and convolution.tf32):
            rounding = (*rounding, TENSOR_CORE)
        indirect = INDIRECT if convolution and convolution.exact else ()
        names = ("NONDETERMINISTIC", *rounding, *indirect)
        return [getattr(self._cudnn.numerical_note, name) for name in names]
