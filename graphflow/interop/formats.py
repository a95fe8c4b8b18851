"""The formats that a model can be written in; a format's module loads when it is asked for.

It offers ``export(model, out, options)``, which writes ``out`` (and what belongs beside it) by
:func:`write` and gives the files written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeAlias, cast

from graphflow.diagnostics import did_you_mean, fail
from graphflow.files import write_atomically

if TYPE_CHECKING:
    from graphflow.model import Model
    from graphflow.runtime.compile import Mode


@dataclass(frozen=True)
class Options:
    """What an export can be asked for. A format says which of these it knows."""

    mode: Mode = "eval"
    training: bool = False
    """The training step instead: forward, backward, clipping and update."""
    player: str | None = None
    """Whose training step, where there are several players; all of them by default."""
    dtype: str = "float32"
    sizes: Mapping[str, int] = field(default_factory=dict)
    external_data: bool = False
    """Weights in a file beside it."""
    force: bool = False
    """Whether files that exist are written over."""

    def given(self) -> set[str]:
        """The names of options that are not as they are by default."""
        default = Options()
        return {f.name for f in fields(self) if getattr(self, f.name) != getattr(default, f.name)}


Export: TypeAlias = "Callable[[Model, Path, Options], list[Path]]"


@dataclass(frozen=True)
class Format:
    """A format: its file suffix, the module that writes it, the options that it knows."""

    suffix: str
    module: str
    options: frozenset[str]

    def load(self) -> Export:
        """The module's ``export``."""
        return cast("Export", import_module(self.module).export)


def _format(suffix: str, module: str, *options: str) -> Format:
    return Format(suffix, f"graphflow.interop.{module}", frozenset({*options, "force"}))


FORMATS: dict[str, Format] = {
    "onnx": _format(
        ".onnx", "onnx.writer", "mode", "training", "player", "dtype", "sizes", "external_data"
    ),
    "pytorch": _format(".py", "pytorch"),
    "numpy": _format(".py", "numpy_script", "mode", "dtype", "sizes"),
    "safetensors": _format(".safetensors", "safetensors"),
    "dot": _format(".dot", "dot"),
}


def format_named(name: str) -> Format:
    """The format of that name; GF006 when there is none."""
    if name not in FORMATS:
        close = did_you_mean(name, FORMATS) or f"one of {', '.join(FORMATS)}"
        fail("GF006", f"there is no format '{name}' to export to", help=close)
    return FORMATS[name]


def must_be_free(paths: Iterable[Path], force: bool) -> None:
    """GF007 where one of the files exists already and is not to be written over."""
    for path in paths:
        if path.exists() and not force:
            _exists(path)


def write(path: Path, content: Iterable[bytes | memoryview], force: bool) -> None:
    """Write a file of several parts, and the folder that it lies in, whole or not at all; GF007
    where the file exists already or cannot be written.
    """
    _make(path.parent)
    must_be_free([path], force)
    try:
        write_atomically(path, *content)
    except OSError as error:
        fail("GF007", f"'{path}' cannot be written: {error.strerror}")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail("GF007", f"the folder '{folder}' cannot be made: {error.strerror}")


def _exists(path: Path) -> NoReturn:
    fail("GF007", f"'{path}' exists already", help="choose another --out, or give --force")
