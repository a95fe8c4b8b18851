"""The names of files: a document's own blocks, those of ``use:``, and the library's."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from importlib.resources.abc import Traversable
from pathlib import Path

from graphflow.diagnostics import GraphflowError, fail, placed
from graphflow.files import allowed
from graphflow.library import files
from graphflow.spec.document import BlockDecl, Document, Pipeline, read_document
from graphflow.spec.elaborate.elaborator import Elaborator
from graphflow.spec.elaborate.plugins import plugin_blocks
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.elaborate.session import Module
from graphflow.spec.syntax import Call, Name
from graphflow.spec.values import Map, Scalar, Value
from graphflow.spec.yaml12 import read, read_file

NAME = re.compile(r"^  (\w+):$", re.MULTILINE)


def module_of(document: Document, folder: Path | None, above: tuple[Path, ...] = ()) -> Module:
    """The names of a file, with the files it uses: ``folder`` is where ``use:`` looks."""
    module = Module(document.blocks, Scope(), called=called_functions(document))
    module.let.module = module
    uses = {}
    for alias, entry in document.use.items():
        if isinstance(entry, Map):
            uses[alias] = _used(entry, folder, above)
        else:
            target = _target(entry, folder, above)
            _, tree = read_file(target)
            uses[alias] = _used(tree, target.parent, (*above, target))
    module.uses = uses
    return module


def _used(tree: Value, folder: Path | None, above: tuple[Path, ...]) -> Module:
    """The names of a file that another one uses, its constants known."""
    document = read_document(tree, blocks_only=True)
    module = module_of(document, folder, above)
    module.tree = tree
    constants = Elaborator(document, module, library_module())
    constants.constants()
    if constants.errors:
        raise GraphflowError(*constants.errors)
    return module


def _target(path: Scalar, folder: Path | None, above: tuple[Path, ...]) -> Path:
    """The file that a path of ``use:`` means."""
    if folder is None:
        fail("GF001", "'use:' needs a file on disk to look beside", path.mark)
    with placed(path.mark):
        allowed(folder / str(path.value), str(path.value))
    target = (folder / str(path.value)).resolve()
    if not target.is_relative_to(_project(folder, above)):
        fail("GF001", f"'{path.value}' lies outside the project's folder", path.mark)
    if target in above:
        fail("GF001", f"'{path.value}' uses itself", path.mark)
    return target


def called_functions(part: object) -> frozenset[str]:
    """The names that any expression inside ``part`` of a document calls or pipes through."""
    found: set[str] = set()
    stack = [part]
    while stack:
        item = stack.pop()
        if isinstance(item, Call):
            found.add(item.function)
        if isinstance(item, Pipeline):
            found.update(step.id for step in item.through if isinstance(step, Name))
        if isinstance(item, Mapping):
            stack.extend(item.values())
        elif isinstance(item, tuple):
            stack.extend(item)
        elif is_dataclass(item):
            stack.extend(getattr(item, f.name) for f in fields(item) if f.name != "mark")
    return frozenset(found)


def _project(folder: Path, above: tuple[Path, ...]) -> Path:
    """The folder a file's ``use:`` may reach into: that of the first file, or its gallery."""
    start = above[0].parent if above else folder
    for parent in (start, *start.parents):
        if (parent / "pyproject.toml").exists() or parent.name in {"graphs", "_graphs"}:
            return parent.resolve()
    return start.resolve()


def library_module() -> Module:
    """The blocks that every file may call: ours, and those of plugins under other names."""
    ours, theirs = shipped_blocks(), plugin_blocks()
    for name in ours.keys() & theirs.keys():
        fail("GF076", f"a plugin offers a block '{name}', but graphflow has one", theirs[name].mark)
    module = Module(ChainMap(theirs, ours), Scope(), library=True)  # type: ignore[arg-type]
    module.let.module = module
    return module


class Shelf(Mapping[str, BlockDecl]):
    """The blocks of several files; a file is read when one of its blocks is first wanted.

    The names are found without reading: the library writes each on a line of its own, two columns
    in (tests hold it to that).
    """

    def __init__(self, paths: Sequence[Traversable]) -> None:
        texts = [(path, path.read_text(encoding="utf-8")) for path in paths]
        self._homes = {n: (path.name, text) for path, text in texts for n in NAME.findall(text)}
        self._read: dict[str, Mapping[str, BlockDecl]] = {}

    def __getitem__(self, name: str) -> BlockDecl:
        file, text = self._homes[name]
        if file not in self._read:
            tree = read(text, f"library/{file}")
            self._read[file] = read_document(tree, blocks_only=True).blocks
        return self._read[file][name]

    def __contains__(self, name: object) -> bool:
        return name in self._homes

    def __iter__(self) -> Iterator[str]:
        return iter(self._homes)

    def __len__(self) -> int:
        return len(self._homes)


@cache
def shipped_blocks() -> Shelf:
    """The blocks shipped with graphflow."""
    return Shelf(files())
