"""A graph file as data: one frozen dataclass for each section, in reading order.

The fields' metadata says under which key each stands, of what kind it is and what it means; the
reader (:func:`read_document`) and the JSON Schema are made from it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from graphflow.diagnostics import Mark, fail
from graphflow.spec.checks import CHECKS, CheckDecl, Tolerance
from graphflow.spec.data import DATA, DataDecl
from graphflow.spec.figures import FIGURES, FigureDecl
from graphflow.spec.generate import GENERATE, GenerateDecl
from graphflow.spec.kinds import ListOf, MapOf, Record, Schema, key
from graphflow.spec.leaves import (
    ARGUMENTS,
    BOOLEAN,
    CALL,
    EXPRESSION,
    EXPRESSIONS,
    FLAG,
    NAMES,
    OPTIONAL_TEXT,
    PATHS,
    RAW,
    RENAME,
    SCALAR,
    SHAPE,
    TEXT,
    TEXTS,
    UPDATES,
    VERSION,
    choice,
)
from graphflow.spec.names import Argument, declared, declared_path, walk
from graphflow.spec.nodes import (
    NODES,
    Annotated,
    Body,
    Branch,
    Cond,
    Count,
    Item,
    NodeDecl,
    Over,
    Pipeline,
    Repeat,
    Rows,
    Scan,
    While,
)
from graphflow.spec.run import RUN, RunDecl
from graphflow.spec.syntax import Call, Expr
from graphflow.spec.training import TRAIN, GroupDecl, PlayerDecl, TrainDecl, Turn
from graphflow.spec.tuning import TUNE, TuneDecl
from graphflow.spec.values import Map, Scalar, Value
from graphflow.spec.weights import WEIGHTS, WeightsDecl

__all__ = [
    "Annotated",
    "Argument",
    "BlockDecl",
    "Body",
    "Branch",
    "CheckDecl",
    "Cond",
    "Count",
    "DataDecl",
    "Document",
    "GroupDecl",
    "InputDecl",
    "Item",
    "LayerDecl",
    "NodeDecl",
    "Over",
    "ParamDecl",
    "Pipeline",
    "PlayerDecl",
    "Repeat",
    "Requirement",
    "Rows",
    "RunDecl",
    "Scan",
    "StateDecl",
    "Tolerance",
    "TrainDecl",
    "TuneDecl",
    "Turn",
    "While",
    "read_document",
]


@dataclass(frozen=True, slots=True)
class InputDecl:
    """``x: {shape: [B, 64], dtype: float32}`` or ``x: scalar``; the shape of a scalar is ()."""

    shape: tuple[Expr, ...] = field(metadata=key("shape", SHAPE, "sizes, or 'scalar'"))
    mark: Mark = field(compare=False, repr=False)
    dtype: str | None = field(
        default=None, metadata=key("dtype", TEXT, "type of number; the program's float if absent")
    )
    default: Expr | None = field(
        default=None, metadata=key("default", EXPRESSION, "drawn or computed when nothing is fed")
    )


@dataclass(frozen=True, slots=True)
class ParamDecl:
    """``w: {shape: [64, hidden], init: kaiming_normal}``. In a block, ``when`` says under which
    arguments the parameter exists.

    With ``for: {i: [0, 1]}`` and ``name: w_l{i}`` there is one for every value, and ``w`` is their
    list; several values turn like the wheels of a counter, the last one fastest.
    """

    shape: tuple[Expr, ...] = field(metadata=key("shape", SHAPE, "sizes, or 'scalar'"))
    init: Expr = field(metadata=key("init", EXPRESSION, "initialiser or value at the start"))
    mark: Mark = field(compare=False, repr=False)
    trainable: Expr | bool = field(
        default=True, metadata=key("trainable", FLAG, "whether training changes it")
    )
    when: Expr | None = field(
        default=None, metadata=key("when", EXPRESSION, "exists only if this holds")
    )
    weights: str | None = field(
        default=None, metadata=key("weights", OPTIONAL_TEXT, "a file that holds its first value")
    )
    for_: Mapping[str, Expr] = field(
        default_factory=dict, metadata=key("for", EXPRESSIONS, "one parameter for every value")
    )
    name: str | None = field(
        default=None, metadata=key("name", TEXT, "what each of them is called: w_l{i}")
    )


@dataclass(frozen=True, slots=True)
class StateDecl:
    """``h: {shape: [B, hidden], init: zeros, reset: epoch}``: a value that survives a step."""

    shape: tuple[Expr, ...] = field(metadata=key("shape", SHAPE, "sizes, or 'scalar'"))
    init: Expr = field(metadata=key("init", EXPRESSION, "the value at the start"))
    mark: Mark = field(compare=False, repr=False)
    dtype: str | None = field(default=None, metadata=key("dtype", TEXT, "type of number"))
    reset: str | None = field(
        default=None, metadata=key("reset", choice("epoch"), "when it starts again")
    )
    when: Expr | None = field(
        default=None, metadata=key("when", EXPRESSION, "exists only if this holds")
    )
    weights: str | None = field(
        default=None, metadata=key("weights", OPTIONAL_TEXT, "a file that holds its first value")
    )


@dataclass(frozen=True, slots=True)
class LayerDecl:
    """``D: discriminator()`` or ``net: {is: vgg(), weights: vgg19.npz, trainable: false}``."""

    call: Expr = field(metadata=key("is", CALL, "the call that makes the instance"))
    mark: Mark = field(compare=False, repr=False)
    weights: WeightsDecl | None = field(
        default=None, metadata=key("weights", WEIGHTS, "a .safetensors or .npz file")
    )
    trainable: bool = field(
        default=True, metadata=key("trainable", BOOLEAN, "whether training changes it")
    )
    rename: Mapping[str, str] = field(
        default_factory=dict, metadata=key("rename", RENAME, "names in the file: names here")
    )


@dataclass(frozen=True, slots=True)
class Requirement:
    """``{that: width % heads == 0, else: 'heads must divide width'}``."""

    that: Expr = field(metadata=key("that", EXPRESSION, "what must hold of the arguments"))
    message: str = field(metadata=key("else", TEXT, "what to say if it does not"))
    mark: Mark = field(compare=False, repr=False)


PLACE = re.compile(r"\{(\w*)\}")


def _check_param(param: ParamDecl) -> None:
    """What ``for`` counts is what ``name`` fills in, so that no two parameters share a name."""
    filled_in = set(PLACE.findall(param.name or ""))
    if filled_in != set(param.for_) or (param.name is not None and not filled_in):
        fail(
            "GF012",
            "'for' and 'name' of a parameter go together: every name of 'for' stands in braces",
            param.mark,
            help="write {for: {i: [0, 1]}, name: 'w_l{i}', shape: ..., init: ...}",
        )
    if param.name is not None:
        filled = PLACE.sub("0", param.name)
        declared_path(Scalar(filled, filled, param.mark))


PARAMS = MapOf(Record(ParamDecl, "a parameter", check=_check_param), declared_path, "parameters")
STATE = MapOf(Record(StateDecl, "a state"), declared_path, "states")


@dataclass(frozen=True, slots=True)
class BlockDecl:
    """A structure used by name: arguments, tensors in, nodes, tensors out (rule 5). An optimizer
    has updates in place of outputs.
    """

    mark: Mark = field(compare=False, repr=False)
    about: str = field(default="", metadata=key("about", TEXT, "a sentence for the reader"))
    example: Expr | None = field(
        default=None, metadata=key("example", EXPRESSION, "a call that shows what it does")
    )
    args: tuple[Argument, ...] = field(
        default=(),
        metadata=key("args", ARGUMENTS, "values known while the graph is built; by name after '*'"),
    )
    inputs: tuple[str, ...] = field(
        default=(), metadata=key("inputs", NAMES, "the tensors it is called with")
    )
    params: Mapping[str, ParamDecl] = field(
        default_factory=dict, metadata=key("params", PARAMS, "parameters of each instance")
    )
    state: Mapping[str, StateDecl] = field(
        default_factory=dict, metadata=key("state", STATE, "state of each instance")
    )
    require: tuple[Requirement, ...] = field(
        default=(),
        metadata=key(
            "require",
            ListOf(Record(Requirement, "a requirement"), "{that: , else: }"),
            "what must hold of the arguments",
        ),
    )
    nodes: tuple[NodeDecl, ...] = field(
        default=(), metadata=key("nodes", NODES, "what it computes")
    )
    updates: Mapping[str, Expr] = field(
        default_factory=dict, metadata=key("updates", UPDATES, "state after a step")
    )
    outputs: tuple[str, ...] = field(
        default=(), metadata=key("outputs", NAMES, "the nodes it gives")
    )

    @property
    def forwarded(self) -> Call | None:
        """The call that is all of a block: ``conv2d`` is ``convolution`` over two axes."""
        if self.params or self.state or self.require or self.updates or len(self.nodes) != 1:
            return None
        (line,) = self.nodes
        if line.names != self.outputs or not isinstance(line.body, Call):
            return None
        given = (*line.body.args, *(keyword.value for keyword in line.body.kwargs))
        nested = any(isinstance(part, Call) for value in given for part in walk(value))
        return None if nested else line.body


def _check_block(block: BlockDecl) -> None:
    """A block is good for something."""
    if not (block.outputs or block.updates):
        fail("GF012", "a block needs the key 'outputs'", block.mark)


BLOCKS = MapOf(Record(BlockDecl, "a block", check=_check_block), declared, "blocks")


class _Used:
    """The path of a file of blocks, or what such a file holds."""

    def read(self, value: Value, mark: Mark) -> Scalar | Map:
        return value if isinstance(value, Map) else SCALAR.read(value, mark)

    def schema(self, defs: Schema) -> Schema:
        return {"anyOf": [SCALAR.schema(defs), {"$ref": "#"}]}


@dataclass(frozen=True, slots=True)
class Document:
    """A graph file."""

    version: int = field(metadata=key("graphflow", VERSION, "version of the format: 1"))
    name: str = field(metadata=key("name", TEXT, "the title"))
    mark: Mark = field(compare=False, repr=False)
    about: str = field(default="", metadata=key("about", TEXT, "what to look at, what to try"))
    source: tuple[str, ...] = field(
        default=(), metadata=key("source", TEXTS, "book section or article")
    )
    let: Mapping[str, Expr] = field(
        default_factory=dict, metadata=key("let", EXPRESSIONS, "constants, over earlier ones")
    )
    inputs: Mapping[str, InputDecl] = field(
        default_factory=dict,
        metadata=key(
            "inputs",
            MapOf(Record(InputDecl, "an input", shorthand="shape"), declared, "inputs"),
            "what is fed",
        ),
    )
    params: Mapping[str, ParamDecl] = field(
        default_factory=dict, metadata=key("params", PARAMS, "tensors that training changes")
    )
    state: Mapping[str, StateDecl] = field(
        default_factory=dict, metadata=key("state", STATE, "values that survive a step")
    )
    use: Mapping[str, Scalar | Map] = field(
        default_factory=dict,
        metadata=key("use", MapOf(_Used(), declared, "files"), "blocks of other files, by alias"),
    )
    layers: Mapping[str, LayerDecl] = field(
        default_factory=dict,
        metadata=key(
            "layers",
            MapOf(Record(LayerDecl, "an instance", shorthand="is"), declared, "instances"),
            "instances that own one set of parameters however often they are called",
        ),
    )
    rename: Mapping[str, str] = field(
        default_factory=dict, metadata=key("rename", RENAME, "published names: names here")
    )
    blocks: Mapping[str, BlockDecl] = field(
        default_factory=dict,
        metadata=key("blocks", BLOCKS, "structures"),
    )
    nodes: tuple[NodeDecl, ...] = field(
        default=(), metadata=key("nodes", NODES, "what is computed, from top to bottom")
    )
    updates: Mapping[str, Expr] = field(
        default_factory=dict, metadata=key("updates", UPDATES, "state after a step")
    )
    outputs: tuple[str, ...] = field(
        default=(), metadata=key("outputs", PATHS, "the nodes that a call returns")
    )
    data: DataDecl | None = field(
        default=None, metadata=key("data", DATA, "where the inputs come from")
    )
    train: TrainDecl | None = field(
        default=None, metadata=key("train", TRAIN, "what is minimised, how, how long")
    )
    run: RunDecl | None = field(
        default=None, metadata=key("run", RUN, "steps of a graph that is not trained, how many")
    )
    generate: GenerateDecl | None = field(
        default=None,
        metadata=key("generate", GENERATE, "texts from a model that says what follows"),
    )
    tune: TuneDecl | None = field(
        default=None, metadata=key("tune", TUNE, "which settings are searched, for what, how")
    )
    figures: Mapping[str, FigureDecl] = field(
        default_factory=dict, metadata=key("figures", FIGURES, "what a report of a run shows")
    )
    check: tuple[CheckDecl, ...] = field(
        default=(), metadata=key("check", CHECKS, "values and gradients that must come out")
    )
    paper: Value | None = field(
        default=None, metadata=key("paper", RAW, "the sizes of the source: --set paper=true")
    )


DOCUMENT = Record(Document, "a graph file")


def read_document(tree: Value, blocks_only: bool = False) -> Document:
    """The document that a file holds.

    A file of blocks, named by another file's ``use:``, needs no ``nodes`` (``blocks_only``).
    Raises one GraphflowError with everything wrong in the file: GF010 (unknown key), GF012
    (missing key), GF013 (wrong kind), GF023 to GF025 (expressions), GF004 (bounds).
    """
    if not isinstance(tree, Map):
        fail(
            "GF013",
            "a graph file is a mapping of sections",
            tree.mark,
            help="it begins with 'graphflow: 1'; a key is followed by ': ', with a space",
        )
    start = Mark(tree.mark.file, tree.mark.line, tree.mark.column, 1, tree.mark.text)
    document = DOCUMENT.read(tree, start)
    if not (document.nodes or blocks_only):
        fail("GF012", "a graph file needs the key 'nodes'", start)
    return document
