from __future__ import annotations

import subprocess
import sys

import networkx as nx

from graphflow.autodiff import reverse
from graphflow.ir import DType, TensorType
from graphflow.ir.networkx import to_networkx
from graphflow.ops import Builder, F


def test_nodes_edges_and_phases():
    b = Builder()
    x = b.input("x", TensorType(DType.FLOAT, (2,)))
    loss = b.add("sum", F.exp(x - x), name="loss")
    graph = reverse(b.graph([loss.name]), "loss", ["x"])
    found = to_networkx(graph)
    assert list(found) == list(graph.nodes)
    assert nx.is_directed_acyclic_graph(found)
    assert found.nodes["x"] == {"op": "input", "type": "float[2]", "phase": "forward"}
    assert found.edges["x", "sub"] == {"operands": (0, 1)}
    phases = {found.nodes[name]["phase"] for name in found}
    assert phases == {"forward", "backward"}
    assert set(nx.ancestors(found, "loss")) == graph.needed_for(["loss"]) - {"loss"}


def test_networkx_is_imported_when_used():
    code = "import graphflow.ir.networkx, sys; assert 'networkx' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
