"""What is asked for, drawn as a graph of cuDNN's frontend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from graphflow.backends.cudnn.attention import Attention
from graphflow.backends.cudnn.convolution import Convolution

Wanted = Convolution | Attention


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
    def sdpa(
        self, *, q: Described, k: Described, v: Described, **how: object
    ) -> Sequence[Described]: ...
    def sdpa_backward(
        self, *, q: Described, k: Described, v: Described, o: Described, dO: Described,
        stats: Described, **how: object,
    ) -> Sequence[Described]: ...  # fmt: skip
    def validate(self) -> None: ...
    def build_operation_graph(self) -> None: ...
    def create_execution_plans(self, modes: list[object]) -> None: ...
    def deselect_numeric_notes(self, notes: list[object]) -> object: ...
    def check_support(self) -> None: ...
    def build_plans(self) -> None: ...
    def get_workspace_size(self) -> int: ...
    def execute(self, places: dict[int, int], workspace: int, handle: object) -> None: ...


def draw(graph: Graph, wanted: Wanted, types: dict[str, object]) -> None:
    """One operation in an empty graph. Its operands and then its results have the numbers 1, 2, ...
    ``types`` are cuDNN's names of number types.
    """
    operands = [
        graph.tensor(
            dim=[*x.shape], stride=[*x.strides], data_type=types[x.dtype], name=f"x{uid}", uid=uid
        )
        for uid, x in enumerate(wanted.operands, 1)
    ]
    if isinstance(wanted, Convolution):
        results = [_convolution(graph, wanted, *operands)]
    else:
        results = [*_attention(graph, wanted, *operands)]
    numbered = enumerate(zip(results, wanted.results, strict=True), len(operands) + 1)
    for uid, (made, x) in numbered:
        made.set_output(True).set_uid(uid).set_data_type(types[x.dtype])
        made.set_dim([*x.shape]).set_stride([*x.strides])


def _convolution(
    graph: Graph, wanted: Convolution, first: Described, second: Described
) -> Described:
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


def _attention(
    graph: Graph, wanted: Attention, q: Described, k: Described, v: Described, *more: Described
) -> Sequence[Described]:
    how = {"attn_scale": wanted.scale, "use_causal_mask": wanted.causal}
    if wanted.forward:
        return graph.sdpa(q=q, k=k, v=v, generate_stats=True, **how)
    y, logs, g = more
    return graph.sdpa_backward(
        q=q, k=k, v=v, o=y, dO=g, stats=logs, use_deterministic_algorithm=True, **how
    )
