"""Pages about what else a file names: keys of its sections, data sources, arguments of calls."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping

from graphflow.data.download import in_words
from graphflow.data.files import Remote
from graphflow.data.options import Option
from graphflow.data.registry import Source, sources
from graphflow.data.transforms import TRANSFORMS, arguments
from graphflow.reference.page import Page, Part, all_names, call_arguments
from graphflow.spec.document import DOCUMENT
from graphflow.spec.figures import KINDS, FigureDecl
from graphflow.spec.kinds import Key, Kind, Record, required
from graphflow.spec.nodes import BODIES

MANY = 15
"""Functions that a page about an argument names."""


def section_pages(name: str) -> list[Page]:
    """A page for each place of a file where the key ``name`` may stand.

    >>> [page.call for page in section_pages("clip_norm")]
    ['train.players.NAME.clip_norm', 'train.clip_norm']
    """
    return [_section(path, key) for path, key in _keys(DOCUMENT.table(), "") if _last(path) == name]


def section_names() -> list[str]:
    """Every key of a file's sections, once.

    >>> {"data", "train", "groups", "gradient_of"} <= set(section_names())
    True
    """
    return list(dict.fromkeys(_last(path) for path, _ in _keys(DOCUMENT.table(), "")))


def source_page(name: str) -> Page | None:
    """The page of a data source; None where there is none of that name."""
    source = sources().get(name)
    if source is None:
        return None
    about = inspect.getdoc(source.build) or source.about
    parts = [Part("", about.replace("``", "`"))]
    options = [_option(name, option) for name, option in source.options.items()]
    parts.append(Part("Options", "\n".join(options) or "none", "list"))
    columns = [f"`{name}`: {what}" for name, what in source.columns.items()]
    parts += [Part("Columns", "\n".join(columns), "list")] if columns else []
    published = [_file(remote) for remote in source.files]
    parts += [Part("Files", "\n".join(published), "list")] if published else []
    return Page(name, "data source", "data", f"data: {{source: {name}{_needed(source)}}}",
                tuple(parts))  # fmt: skip


def transform_page(name: str) -> Page | None:
    """The page of a transform of columns; None where there is none of that name.

    >>> transform_page("log").parts[1].text.splitlines()[1]
    '`add`: a number; 0 if absent'
    """
    kind = TRANSFORMS.get(name)
    if kind is None:
        return None
    given = arguments(name)
    options = "\n".join(_option(name, option) for name, option in given.items())
    needed = ", ".join(name for name, option in given.items() if option.required)
    parts = (
        Part("", (inspect.getdoc(kind) or "").replace("``", "`")),
        Part("Arguments", options, "list"),
    )
    return Page(name, "transform", "data", f"data: {{transforms: ['{name}({needed})']}}", parts)


def _file(remote: Remote) -> str:
    """A published file: where it comes from, and where it is."""
    place = remote.place()
    here = f"here as {place}" if place else "not here, downloaded when it is needed"
    return f"`{remote.file}`, {in_words(remote.size)}, {remote.url} ({remote.digest}): {here}"


def argument_page(name: str) -> Page | None:
    """Which functions have an argument of that name; None where none has.

    >>> argument_page("momentum").parts[0].text.partition(",")[0]
    'An argument of batch_norm'
    """
    owners = sorted(each for each in all_names() if name in call_arguments(each))
    if not owners:
        return None
    more = f" and {len(owners) - MANY} more" if len(owners) > MANY else ""
    text = f"An argument of {', '.join(owners[:MANY])}{more}."
    return Page(name, "argument", "arguments", f"{name}=", (Part("", text),))


def argument_names() -> set[str]:
    """Every argument of every function."""
    return {argument for function in all_names() for argument in call_arguments(function)}


# -- keys ----------------------------------------------------------------------------------------
Table = Mapping[str, tuple[str, Key]]


def _keys(table: Table, before: str) -> Iterator[tuple[str, Key]]:
    """Each key of a record and below with its path, ``NAME`` for names that the file chooses."""
    for name, (_, key) in table.items():
        path = f"{before}{name}"
        yield path, key
        inner, named = _record(key.kind)
        for body in BODIES.values() if path == "nodes" else ():
            yield from _keys(body.table(), "nodes.NAME.")
        if inner is not None:
            yield from _keys(inner.table(), f"{path}.NAME." if named else f"{path}.")


def _record(kind: Kind[object]) -> tuple[Record[object] | None, bool]:
    """The record that a kind holds, itself or as items, and whether these have names."""
    if isinstance(kind, Record):
        return kind, False
    item = getattr(kind, "item", None)
    if item is None:
        return None, False
    return _record(item)[0], hasattr(kind, "name")


def _kind(name: str, record: Record[FigureDecl]) -> Part:
    """One kind of figure: what it shows and its keys."""
    needed = required(record.cls)
    rows = [
        f"`{key}`: {inner.about}{' (needed)' if key in needed else ''}"
        for key, (_, inner) in sorted(record.table().items(), key=lambda row: row[0] not in needed)
    ]
    return Part(f"kind: {name}. {_about(record.cls)}", "\n".join(rows), "list")


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _section(path: str, key: Key) -> Page:
    about = f"{key.about[:1].upper()}{key.about[1:]}."
    parts = [Part("", about)]
    record, named = _record(key.kind)
    if record is not None:
        parts.append(Part("", _about(record.cls).removeprefix(about).strip()))
        needed = required(record.cls)
        rows = [
            f"`{name}`: {inner.about}{' (needed)' if name in needed else ''}"
            for name, (_, inner) in record.table().items()
        ]
        title = f"Keys of {record.what}" + (", each under a name of your own" if named else "")
        parts.append(Part(title, "\n".join(rows), "list"))
    if path == "figures":
        parts += [_kind(name, record) for name, record in KINDS.items()]
    if path == "data":
        parts.append(Part("Sources", ", ".join(sorted(sources()))))
    return Page(_last(path), "section", "sections", path, tuple(parts))


def _about(cls: type) -> str:
    """What a declaration says of itself, without references to the rules of the design."""
    return re.sub(r" \(rules? [^)]*\)", "", inspect.getdoc(cls) or "").replace("``", "`")


def _option(name: str, option: Option) -> str:
    default = "needed" if option.required else f"{_written(option.default)} if absent"
    return f"`{name}`: {option.expected}; {default}"


def _written(default: object) -> str:
    if default is None or isinstance(default, bool):
        return "none" if default is None else str(default).lower()
    return str(list(default)) if isinstance(default, tuple) else str(default)


def _needed(source: Source) -> str:
    return "".join(f", {name}: ..." for name, option in source.options.items() if option.required)
