"""Operators and blocks of other packages: registered from Python, or found by entry point.

A package offers operators by an entry point in the group ``graphflow.operators`` that names a
module (importing it registers them with ``graphflow.register``), and blocks (layers, losses,
optimizers, schedules) by one in ``graphflow.blocks`` that names a function giving the text of a
file of blocks. A graph file cannot do either: nothing in it reaches Python.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from graphflow.diagnostics import fail
from graphflow.spec.document import BlockDecl, read_document
from graphflow.spec.yaml12 import read

OPERATORS, BLOCKS = "graphflow.operators", "graphflow.blocks"
_registered: dict[str, str] = {}


def register_blocks(name: str, text: str) -> None:
    """Make the blocks of a file's ``text`` callable from every graph file loaded from now on.

    ``name`` tells files of blocks apart; a second text of one name takes the first one's place.
    """
    parsed_blocks(name, text)
    _registered[name] = text


def plugin_blocks() -> dict[str, BlockDecl]:
    """The blocks of other packages and registered ones; installed operators are loaded, too."""
    load_operators()
    found: dict[str, BlockDecl] = {}
    for name, text in (*installed_blocks(), *_registered.items()):
        for block, decl in parsed_blocks(name, text).items():
            if block in found:
                fail("GF076", f"two plugins offer a block called '{block}'", decl.mark)
            found[block] = decl
    return found


@cache
def load_operators() -> None:
    """Import the modules whose operators other packages offer."""
    for entry in entry_points(group=OPERATORS):
        _loaded(entry)


@cache
def installed_blocks() -> tuple[tuple[str, str], ...]:
    """(name, text) of the files of blocks that other packages offer."""
    return tuple(_texts())


def _texts() -> Iterator[tuple[str, str]]:
    for entry in entry_points(group=BLOCKS):
        make = _loaded(entry)
        if not callable(make):
            fail("GF076", f"'{entry.value}' must be a function that gives a text of blocks")
        give: Callable[[], object] = make
        yield entry.name, str(give())


def _loaded(entry: EntryPoint) -> object:
    try:
        return entry.load()
    except (ImportError, AttributeError) as error:
        fail("GF076", f"plugin '{entry.name}' ({entry.value}) cannot be loaded: {error}")


@cache
def parsed_blocks(name: str, text: str) -> dict[str, BlockDecl]:
    """The blocks that a text holds."""
    return dict(read_document(read(text, f"plugin {name}"), blocks_only=True).blocks)
