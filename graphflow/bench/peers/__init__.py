"""What we are compared with: the models of the table, written by hand for other frameworks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec

from graphflow.bench.rows import Row
from graphflow.diagnostics import did_you_mean, fail


@dataclass(frozen=True, slots=True)
class Peer:
    """Another implementation: the package that it needs, and what it is in words."""

    package: str
    about: str


PEERS = {
    "torch": Peer("torch", "PyTorch, eager"),
    "torch-compile": Peer("torch", "PyTorch, torch.compile"),
    "jax": Peer("jax", "JAX, jit"),
}


def installed(name: str) -> bool:
    """Whether the package of a peer is there."""
    return find_spec(PEERS[name].package) is not None


def chosen(names: Sequence[str]) -> tuple[str, ...]:
    """The peers of these names. GF006 for an unknown one, GF140 for one that is not installed."""
    for name in names:
        if name not in PEERS:
            fail("GF006", f"there is nothing named '{name}' to compare with",
                 help=did_you_mean(name, PEERS) or f"one of {', '.join(PEERS)}")  # fmt: skip
        if not installed(name):
            package = PEERS[name].package
            fail("GF140", f"{name} cannot be compared with: the package '{package}' is missing",
                 help=f"pip install {package}, or leave it out of --against")  # fmt: skip
    return tuple(dict.fromkeys(names))


def versions(names: Sequence[str]) -> dict[str, str]:
    """Package to version, of the peers named."""
    return {PEERS[name].package: version(PEERS[name].package) for name in names}


def sees_gpu(name: str) -> bool:
    """Whether an installed peer would compute on a GPU that is there."""
    if name == "jax":
        from graphflow.bench.peers import jax_models

        return jax_models.sees_gpu()
    from graphflow.bench.peers import torch_models

    return torch_models.sees_gpu()


def prepared(name: str, row: Row, threads: int, on_gpu: bool = False) -> Callable[[], object]:
    """What makes one step of a peer, its result waited for."""
    if name == "jax":
        from graphflow.bench.peers import jax_models

        return jax_models.prepared(row, threads, on_gpu)
    from graphflow.bench.peers import torch_models

    return torch_models.prepared(row, threads, name == "torch-compile", on_gpu)
