"""A model: a graph with its parameters and states, and what is compiled from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike, fspath
from pathlib import Path

from graphflow.autodiff import expand_derivatives
from graphflow.backends.sets import BackendName, KernelsName
from graphflow.data import Tokenizer
from graphflow.diagnostics import fail
from graphflow.ir.graph import LEAVES, Graph
from graphflow.ir.precision import Precision
from graphflow.ir.types import TensorType, type_symbols
from graphflow.ops.op import Array
from graphflow.passes.precision import mixed
from graphflow.runtime.compile import Mode, PlanKind, Settings, float_dtype
from graphflow.runtime.initial import Initialiser
from graphflow.runtime.program import Program, build_program, names_in
from graphflow.runtime.state_dict import Loaded, Wanted, load_state, save_state
from graphflow.runtime.store import LeafView, Store
from graphflow.runtime.weights import WeightFiles, located
from graphflow.spec.document import Document
from graphflow.spec.elaborate import Elaborated, elaborate
from graphflow.spec.elaborate.session import NODE_LIMIT
from graphflow.spec.expand import expanded
from graphflow.spec.load import load_document
from graphflow.spec.names import walk
from graphflow.spec.overrides import apply, written
from graphflow.spec.syntax import Name
from graphflow.spec.values import Plain, plain
from graphflow.spec.writer import dump
from graphflow.spec.yaml12 import read
from graphflow.training import Iteration, Trainer
from graphflow.training.feed import prepared_data
from graphflow.training.learned import Learned
from graphflow.training.player import Sharing
from graphflow.training.run_settings import of_data


@dataclass(frozen=True)
class Ends:
    """What feeds and results are called in the system that a model comes from: name to node."""

    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)

    def known_to(self, graph: Graph) -> Graph:
        """The graph with these names as further ones of its nodes."""
        ends = {**self.inputs, **self.outputs}
        further = {n: graph.resolve(node) for n, node in ends.items() if n not in graph.nodes}
        return replace(graph, aliases={**graph.aliases, **further}) if further else graph


class Model:
    """A graph with its parameters and states, which all programs and trainers share."""

    def __init__(
        self,
        elaborated: Elaborated,
        graph: Graph,
        folder: Path | None,
        original: Mapping[str, Plain],
        ends: Ends | None = None,
        overrides: Mapping[str, str] | None = None,
    ) -> None:
        self.ends = ends or Ends()
        self.overrides: Mapping[str, str] = overrides or {}
        """What was changed in the file, as ``--set`` takes it."""
        self.learned: Learned | None = None
        """What the data that it was trained on have taught, beside its weights."""
        self.elaborated, self.graph, self.folder = elaborated, self.ends.known_to(graph), folder
        self._original = original
        self.outputs = tuple(self.ends.outputs or elaborated.document.outputs)
        """Names of the results of a call."""
        types = {name: leaf.type for name, leaf in elaborated.leaves.items()}
        section = elaborated.training or elaborated.run
        seed = section.seed if section else 0
        self.initialiser = Initialiser(elaborated.initial, types, seed)
        self.store = Store(types, self._first_value)
        leaves = elaborated.leaves.items()
        files = {name: (leaf.weights, leaf.mark) for name, leaf in leaves if leaf.weights}
        given = self.overrides.values()
        self._weights = WeightFiles(folder, files, elaborated.rename, types, given)

    @property
    def name(self) -> str:
        """The file's title."""
        return self.elaborated.document.name

    @property
    def document(self) -> Document:
        """The file as data."""
        return self.elaborated.document

    @property
    def results(self) -> list[str]:
        """What a program gives by default: the file's outputs, else all that nothing reads."""
        return self._names(None, ())

    @property
    def seed(self) -> int:
        """The seed of first values; setting it does not touch values that are there already."""
        return self.initialiser.seed

    @seed.setter
    def seed(self, seed: int) -> None:
        self.initialiser.seed = seed

    @cached_property
    def parameters(self) -> LeafView:
        """Parameters by name, in order of creation, in PyTorch's layouts. Read and set them."""
        return LeafView(self.store, self.elaborated.parameters, "parameter")

    @cached_property
    def state(self) -> LeafView:
        """What survives a step (carried values, running statistics) by name."""
        return LeafView(self.store, self.elaborated.states, "state")

    @property
    def tokenizers(self) -> Mapping[str, Tokenizer]:
        """What the numbers in columns of text stand for: as training has left it, else as the data
        teach it now.
        """
        return (self.learned or self._taught).tokenizers

    def tokenizer_of(self, name: str) -> Tokenizer | None:
        """The tokenizer of the column that feeds an input; None where that is no text."""
        data = self.document.data
        expr = None if data is None else data.feed.get(name)
        columns = {name} if expr is None else {n.id for n in walk(expr) if isinstance(n, Name)}
        found = [self.tokenizers[column] for column in sorted(columns & self.tokenizers.keys())]
        return found[0] if found else None

    @cached_property
    def _taught(self) -> Learned:
        plan = self.elaborated.data
        if plan is None:
            return Learned()
        return prepared_data(plan, self.folder, self.seed if plan.seed is None else plan.seed)[1]

    def weights(self) -> dict[str, Array]:
        """Parameters, and states of a fixed size, by name: what PyTorch calls the state dict."""
        return {name: self.store.array(name) for name in self._lasting()}

    def save_weights(self, path: str | PathLike[str]) -> None:
        """Write :meth:`weights` to a ``.safetensors`` or ``.npz`` file: all of it or nothing."""
        save_state(self.weights(), Path(path))

    def load_weights(
        self,
        path: str | PathLike[str],
        rename: Mapping[str, str] | None = None,
        strict: bool = True,
        *,
        only: str | Sequence[str] = (),
        exclude: str | Sequence[str] = (),
        ignore_mismatched_sizes: bool = False,
    ) -> Loaded:
        """Set weights from a file, such as a state dict that PyTorch saved as safetensors, or
        from published ones by their name (torchvision/resnet18).

        ``rename`` maps names in the file to names here, whole or up to a dot; ``only`` and
        ``exclude`` are patterns of names here (``"features.*"``), and what they leave out stays.
        GF077 names all that does not fit, and nothing is changed then; with ``strict=False`` names
        that are missing or unexpected are left alone, with ``ignore_mismatched_sizes=True`` those
        of another shape. The result says what matched.
        """
        wanted = Wanted(
            names_in("only", only), names_in("exclude", exclude), strict, ignore_mismatched_sizes
        )
        return load_state(self.store, self._lasting(), located(fspath(path)), rename or {}, wanted)

    def _lasting(self) -> dict[str, TensorType]:
        """The types of all leaves whose size does not depend on what is fed."""
        types = ((name, self.store.types[name]) for name in (*self.parameters, *self.state))
        return {name: type for name, type in types if not type_symbols(type)}

    def compile(
        self,
        of: str | None = None,
        wrt: str | Sequence[str] | None = None,
        mode: Mode = "eval",
        backend: BackendName = "numpy",
        dtype: str = "float32",
        keep: Sequence[str] = (),
        *,
        plan: PlanKind = "fast",
        memory: int | None = None,
        kernels: KernelsName = "numpy",
        exact_conv: bool = False,
        precision: Precision = "fp32",
        seed: int = 0,
        **sizes: int,
    ) -> Program:
        """A program for the file's outputs, or for ``of`` and its derivatives by ``wrt``.

        ``wrt`` holds names of parameters, inputs, nodes, or instances (all their parameters).
        ``keep`` adds nodes to the values. ``sizes`` fixes symbols (``B=32``) that nothing fed
        determines. ``plan="plain"`` runs node by node, ``"guarded"`` stops at the first value that
        is not finite; ``memory`` bounds the bytes a plan may need. ``kernels="numba"`` compiles
        loops for this machine before the first call; ``exact_conv`` keeps those from algorithms
        for convolutions that round a little more. With ``precision="bf16"`` products are in
        bfloat16, as in a training that says so; values and gradients stay in ``dtype``. With "tf32"
        a GPU rounds the factors of products.
        """
        if of is not None and not isinstance(of, str):
            fail("GF033", f"of names one node, not {of!r}", help="add further ones with keep=[...]")
        if wrt is not None and of is None:
            fail("GF033", "wrt says by what to differentiate; of must say what",
                 help='compile(of="loss", wrt=["w"])')  # fmt: skip
        settings = Settings(
            mode, float_dtype(dtype), plan, memory, kernels, exact_conv, backend, precision
        )
        names, by = self._names(of, names_in("keep", keep)), self._wrt(wrt)
        known = [name for name in (*names, *by) if name in self.graph]
        return build_program(
            mixed(self.graph, known) if precision == "bf16" else self.graph,
            self.store,
            self.initialiser,
            settings,
            names=names,
            of=of,
            wrt=by,
            sizes=sizes,
            seed=seed,
        )

    def trainer(
        self, *, dtype: str = "float32", seed: int | None = None, plan: PlanKind = "fast",
        memory: int | None = None, kernels: KernelsName = "numpy", exact_conv: bool = False,
        shared: Sharing | None = None, backend: BackendName = "numpy",
        precision: Precision | None = None,
    ) -> Trainer:  # fmt: skip
        """A trainer for the file's ``train:`` section; ``shared`` deals its batches out."""
        settings = Settings(
            "train", float_dtype(dtype), plan, memory, kernels, exact_conv, backend, precision
        )
        return Trainer(self.elaborated, self.store, self.initialiser, settings, seed, shared)

    def changed(self, overrides: Mapping[str, Plain]) -> Model:
        """The model of the same file with further overrides, its parameters at first values."""
        text = dump(dict(self._original))
        model = model_of(text, self.name, overrides, self.folder, NODE_LIMIT, self.overrides)
        return model.with_ends(self.ends)

    def iteration(
        self, *, dtype: str = "float32", seed: int | None = None, plan: PlanKind = "fast",
        memory: int | None = None, kernels: KernelsName = "numpy", exact_conv: bool = False,
        backend: BackendName = "numpy",
    ) -> Iteration:  # fmt: skip
        """What makes the steps of the file's ``run:`` section."""
        settings = Settings(
            "eval", float_dtype(dtype), plan, memory, kernels, exact_conv, backend
        )
        return Iteration(self.elaborated, self.store, self.initialiser, settings, seed)

    def stepping(
        self, *, dtype: str = "float32", seed: int | None = None, plan: PlanKind = "fast",
        memory: int | None = None, kernels: KernelsName = "numpy", exact_conv: bool = False,
        shared: Sharing | None = None, backend: BackendName = "numpy",
        precision: Precision | None = None,
    ) -> Trainer | Iteration:  # fmt: skip
        """A trainer, or what makes the steps of ``run:``, whichever the file has."""
        if self.elaborated.run is None:
            return self.trainer(dtype=dtype, seed=seed, plan=plan, memory=memory, kernels=kernels,
                                exact_conv=exact_conv, shared=shared, backend=backend,
                                precision=precision)  # fmt: skip
        if shared is not None:
            fail("GF044", "workers share the batches of a training, and this file has a 'run:' "
                 "section", self.elaborated.run.mark,
                 help="leave out --workers, or --pipeline")  # fmt: skip
        if precision not in (None, "fp32"):
            fail("GF033", "a precision is that of a training, and this file has a 'run:' section",
                 self.elaborated.run.mark, help="leave out --precision")  # fmt: skip
        return self.iteration(dtype=dtype, seed=seed, plan=plan, memory=memory, kernels=kernels,
                              exact_conv=exact_conv, backend=backend)  # fmt: skip

    def with_ends(self, ends: Ends) -> Model:
        """The same model, afresh, whose feeds and results go by other names."""
        known = (self.folder, self._original, ends, self.overrides)
        return Model(self.elaborated, self.graph, *known)

    def written(self) -> str:
        """The file as it was written, with its overrides and the files that it uses in it."""
        used = self.elaborated.used
        return dump(dict(self._original) | ({"use": used} if used else {}))

    def expanded(self) -> str:
        """The file in its long form: it loads by itself and gives the identical graph."""
        return expanded(self.elaborated, self._original)

    def _names(self, of: str | None, keep: Sequence[str]) -> list[str]:
        """What a program gives: ``of``, the file's outputs, what is kept.

        With ``of``, outputs are given where they are computed on the way; without either, all that
        nothing else reads.
        """
        outputs = list(self.outputs)
        if of is not None:
            known = [name for name in (of, *keep) if name in self.graph]
            needed = self.graph.needed_for(known)
            outputs = [name for name in outputs if self.graph.resolve(name) in needed]
        first = [*([of] if of is not None else []), *outputs]
        if not first and not keep:
            read = {operand for node in self.graph for operand in node.inputs}
            first = [n.name for n in self.graph if n.name not in read and n.op not in LEAVES]
        return list(dict.fromkeys([*first, *keep]))

    def _wrt(self, wrt: str | Sequence[str] | None) -> list[str]:
        if wrt is None:
            return []
        found: list[str] = []
        for name in names_in("wrt", wrt):
            found += self.elaborated.instances.get(name) or (name,)
        return found

    def _first_value(self, name: str) -> Array:
        """A leaf's first value: from a weights file where the file names one, else drawn."""
        return self._weights[name] if name in self._weights else self.initialiser(name)

    def __repr__(self) -> str:
        parameters = len(self.elaborated.parameters)
        return f"Model('{self.name}', {len(self.graph)} nodes, {parameters} parameters)"

    def _repr_html_(self) -> str:
        return self.graph._repr_html_()


def model_of(
    text: str,
    file: str,
    overrides: Mapping[str, Plain] | None,
    folder: Path | None,
    max_nodes: int,
    earlier: Mapping[str, str] | None = None,
) -> Model:
    """The model of a text with ``overrides``; it holds ``earlier`` ones already, but for those of
    the data section.
    """
    before = earlier or {}
    overrides = {**of_data(before), **(overrides or {})}
    elaborated = elaborate(load_document(text, file, overrides), folder, max_nodes)
    original = plain(apply(read(text, file), overrides))
    assert isinstance(original, dict)
    graph = expand_derivatives(elaborated.graph)
    kept = {**before, **{name: written(value) for name, value in overrides.items()}}
    return Model(elaborated, graph, folder, original, overrides=kept)
