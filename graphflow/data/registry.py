"""The registry of data sources, and ``load``, which builds a dataset from one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from graphflow.data.dataset import Dataset
from graphflow.data.files import Remote
from graphflow.data.options import FOLDER, Option, options_of
from graphflow.diagnostics import Diagnostic, GraphflowError, did_you_mean, fail

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINTS = "graphflow.datasets"

Build = TypeVar("Build", bound=Callable[..., Dataset])

_SOURCES: dict[str, Source] = {}
_LOADED: set[str] = set()  # the entry points already turned into sources


@dataclass(frozen=True)
class Source:
    """A data source: what a file names under ``data: source:``.

    ``columns`` says what each column holds, where that does not depend on the options; ``files``
    are the published files that it reads, none for what is built in. ``images`` are columns whose
    rows are images that lie flat: (channels, height, width) of each.
    """

    name: str
    about: str
    columns: Mapping[str, str]
    build: Callable[..., Dataset] = field(repr=False)
    options: Mapping[str, Option]
    files: tuple[Remote, ...] = ()
    images: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)

    def problems(self, options: Mapping[str, object]) -> dict[str, Diagnostic]:
        """What is wrong with ``options``, by option, found without reading any data."""
        found = {}
        for name, value in options.items():
            option = self.options.get(name)
            if option is None:
                found[name] = self._problem(
                    f"has no option '{name}'", did_you_mean(name, self.options) or self._offer()
                )
            elif not option.accepts(value):
                found[name] = self._problem(f"wants {option.expected} for '{name}', not {value!r}")
        for name, option in self.options.items():
            if option.required and name not in options:
                found[name] = self._problem(f"needs the option '{name}' ({option.expected})")
        return found

    def _problem(self, message: str, help: str | None = None) -> Diagnostic:
        return Diagnostic("GF071", f"data source '{self.name}' {message}", help=help)

    def _offer(self) -> str:
        return f"its options are {', '.join(self.options)}" if self.options else "it has no options"


def register(
    name: str,
    *,
    columns: Mapping[str, str] | None = None,
    files: Sequence[Remote] = (),
    images: Mapping[str, tuple[int, int, int]] | None = None,
) -> Callable[[Build], Build]:
    """Decorator: the function builds the source ``name``.

    Its parameters become the source's options, their annotations the check of what a file gives,
    and the first line of its docstring what ``graphflow list`` shows. A parameter ``folder`` is
    no option: it receives the folder that relative paths start from. ``files`` are what it reads
    by ``files.obtain``, so that they can be shown, and fetched beforehand, ``images`` columns
    of flat images (:class:`Source`). Packages offer sources
    under the entry point group ``graphflow.datasets``. Raises GraphflowError when the name is
    taken. ::

        @register("countdown", columns={"x": "int64 (N,)"})
        def countdown(n: int = 3) -> Dataset:
            "Whole numbers, downwards."
            return Dataset("countdown", {"x": np.arange(n)[::-1]}, "counted")
    """

    def add(build: Build) -> Build:
        known = _SOURCES.get(name)
        if known is None:
            about = (inspect.getdoc(build) or "").partition("\n")[0]
            _SOURCES[name] = Source(
                name, about, columns or {}, build, options_of(build), tuple(files), images or {}
            )
        elif known.build is not build:
            fail("GF076", f"two data sources are called '{name}'")
        return build

    return add


def sources() -> Mapping[str, Source]:
    """Every source by name: the built-in ones, registered ones, and those of other packages."""
    from importlib.metadata import entry_points

    for entry in entry_points(group=ENTRY_POINTS):
        if entry.value not in _LOADED:
            register(entry.name)(_plugin(entry))
            _LOADED.add(entry.value)
    return MappingProxyType(_SOURCES)


def find(source: str) -> Source:
    """The source of that name; GraphflowError (GF070) with the closest names if there is none."""
    known = _SOURCES if source in _SOURCES else sources()
    if source not in known:
        offer = f"the sources are {', '.join(sorted(known))}"
        fail("GF070", f"unknown data source '{source}'", help=did_you_mean(source, known) or offer)
    return known[source]


def load(source: str, /, *, folder: str | Path | None = None, **options: object) -> Dataset:
    """The dataset that ``source`` builds with ``options``.

    ``folder`` is where relative paths start, and paths may not leave it; without it they are
    taken as they are. Raises GraphflowError without a mark: the caller knows the place.

    >>> data = load("synthetic_regression", n=100, w=[2, -3.4], b=4.2)
    >>> data.columns["x"].shape, data.columns["y"].shape
    ((100, 2), (100, 1))
    """
    entry = find(source)
    problems = entry.problems(options)
    if problems:
        raise GraphflowError(*problems.values())
    if FOLDER in inspect.signature(entry.build).parameters:
        options[FOLDER] = folder
    return entry.build(**options)


def _plugin(entry: EntryPoint) -> Callable[..., Dataset]:
    try:
        build = entry.load()
    except (ImportError, AttributeError) as error:
        fail("GF076", f"data source '{entry.name}' ({entry.value}) cannot be loaded: {error}")
    if not inspect.isfunction(build):
        fail("GF076", f"data source '{entry.name}' ({entry.value}) is not a function")
    return build
