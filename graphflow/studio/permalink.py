"""A view of the studio as an address, and back.

What a person may want to read stands in the address as it is (``graph=xyz&cursor=3``), all else as
one field, ``more``: JSON, compressed, in the alphabet of base64url (RFC 4648). What differs from
the defaults is kept, nothing else. An address comes from anywhere, so reading one trusts nothing:
its length, what it grows to, and every key and type in it are checked. It grants nothing either:
what it opens is opened under the limits of the studio.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import re
import types
import typing
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from graphflow.diagnostics import fail
from graphflow.view.workspace import Look, Workspace

LONGEST = 16_384
"""Characters of an address, after its question mark."""
GROWN = 131_072
"""Bytes of what ``more`` may hold."""
TEXT = 2_048
"""Bytes that the text of a changed file may take, compressed."""
READABLE = ("graph", "run", "checkpoint", "of", "walk", "seed", "iteration")
"""Fields of the workspace that stand in the address as they are."""
WIDEST = 2**53


@dataclass(frozen=True)
class View:
    """What an address holds: what is open, how it is drawn, where the cursor stands, and what is
    watched.
    """

    workspace: Workspace
    look: Look = field(default_factory=Look)
    cursor: int = -1
    watches: tuple[str, ...] = ()
    breakpoints: tuple[str, ...] = ()
    stop_above: float | None = None


def written(view: View) -> dict[str, str]:
    """The fields of the address of a view, to be quoted as any other. GF132 where it is too long.

    >>> written(View(Workspace(graph="xyz"), cursor=3))
    {'graph': 'xyz', 'cursor': '3'}
    """
    if len(zlib.compress(view.workspace.text.encode(), 9)) > TEXT:
        fail("GF132", "the file is too long for an address",
             help="download it and send it along: it can be opened in any studio")  # fmt: skip
    workspace = _changed(view.workspace)
    found = {name: str(workspace.pop(name)) for name in READABLE if name in workspace}
    if view.cursor != -1:
        found["cursor"] = str(view.cursor)
    more: dict[str, object] = {
        "workspace": workspace,
        "look": _changed(view.look),
        "watches": view.watches,
        "breakpoints": view.breakpoints,
        "stop_above": view.stop_above,
    }
    if kept := {name: value for name, value in more.items() if value not in (None, {}, ())}:
        packed = zlib.compress(json.dumps(kept, separators=(",", ":")).encode(), 9)
        found["more"] = base64.urlsafe_b64encode(packed).decode().rstrip("=")
    if sum(map(len, [*found, *found.values()])) > LONGEST:
        fail("GF132", "this view holds more than an address does",
             help="fewer edits, watches and open groups make it shorter")  # fmt: skip
    return found


def read(fields: Mapping[str, str]) -> View | None:
    """The view that an address holds; None where it holds none. GF132 for anything else.

    >>> read({"graph": "xyz", "cursor": "3"}) == View(Workspace(graph="xyz"), cursor=3)
    True
    """
    if not fields:
        return None
    if sum(map(len, [*fields, *fields.values()])) > LONGEST:
        _refuse(f"it is longer than {LONGEST:,} characters")
    given = dict(fields)
    more = _unpacked(given.pop("more")) if "more" in given else {}
    whole: dict[str, object] = {"look": {}, "workspace": {}, **more}
    if "cursor" in given:
        whole["cursor"] = _number("cursor", given.pop("cursor"))
    for name in ("seed", "iteration"):
        if name in given:
            given |= {name: _number(name, given[name])}  # type: ignore[dict-item]
    unknown = [name for name in given if name not in READABLE]
    if unknown or not isinstance(whole["workspace"], dict):
        _refuse(f"there is no field {unknown[0]!r}" if unknown else "'workspace' is no mapping")
    whole["workspace"] = {**whole["workspace"], **given}
    view = _value(View, whole, "the view")
    assert isinstance(view, View)
    if not view.workspace.is_one:
        _refuse("it names not one graph, text or run")
    return view


def _changed(value: Workspace | Look) -> dict[str, object]:
    """The fields of a value that are not as they are by default."""
    kept = dataclasses.asdict(value)
    default = dataclasses.asdict(type(value)())
    return {name: found for name, found in kept.items() if found != default[name]}


def _unpacked(text: str) -> dict[str, object]:
    """What ``more`` holds; it is not let grow beyond its size."""
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        reader = zlib.decompressobj()
        data = reader.decompress(packed, GROWN + 1)
        if len(data) > GROWN:
            _refuse("it grows beyond what a view may hold")
        if not reader.eof or reader.unused_data:
            _refuse("it is cut short, or something follows it")
        found = json.loads(data)
    except (binascii.Error, zlib.error, ValueError, RecursionError) as error:
        _refuse(f"'more' cannot be read: {error}")
    if not isinstance(found, dict):
        _refuse("'more' is no mapping")
    return found


def _number(name: str, text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,16}", text):
        _refuse(f"'{name}' is no number")
    return int(text)


def _value(kind: object, value: object, place: str) -> object:
    """A value of JSON as one of this type; anything that does not fit is refused."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _object(kind, value, place)
    if origin in (types.UnionType, typing.Union):
        kinds = [k for k in inner if k is not type(None)]
        return None if value is None and len(kinds) < len(inner) else _value(kinds[0], value, place)
    if origin is typing.Literal:
        return value if value in inner and isinstance(value, str) else _refuse(_wrong(place))
    if origin is tuple and isinstance(value, list):
        kinds = [inner[0]] * len(value) if inner[-1] is Ellipsis else list(inner)
        if len(kinds) != len(value):
            _refuse(_wrong(place))
        return tuple(_value(k, v, place) for k, v in zip(kinds, value, strict=True))
    if origin is not None and issubclass(origin, Mapping) and isinstance(value, dict):
        return {_text(key, place): _value(inner[1], v, place) for key, v in value.items()}
    return _plain(kind, value, place)


def _object(kind: type, value: object, place: str) -> object:
    """A dataclass from a mapping that holds some of its fields."""
    if not isinstance(value, dict):
        _refuse(_wrong(place))
    hints = typing.get_type_hints(kind)
    known = [f.name for f in fields(kind)]
    unknown = [name for name in value if name not in known]
    if unknown:
        _refuse(f"{place} has no {unknown[0][:40]!r}")
    found = {name: _value(hints[name], v, f"'{name}'") for name, v in value.items()}
    try:
        return kind(**found)
    except TypeError:
        _refuse(f"{place} lacks a part")


def _plain(kind: object, value: object, place: str) -> object:
    if kind is str:
        return _text(value, place)
    whole = type(value) is int and abs(value) <= WIDEST
    if kind is float and (whole or isinstance(value, float)):
        return value
    if kind is int and whole:
        return value
    if kind is bool and isinstance(value, bool):
        return value
    _refuse(_wrong(place))


def _text(value: object, place: str) -> str:
    """Text that can be written as UTF-8."""
    if not isinstance(value, str) or any("\ud800" <= sign <= "\udfff" for sign in value):
        _refuse(_wrong(place))
    return value


def _wrong(place: str) -> str:
    return f"{place} is of the wrong kind"


def _refuse(why: str) -> typing.NoReturn:
    fail("GF132", f"this address holds no view of the studio: {why}",
         help="copy all of it, or open the graph from the gallery")  # fmt: skip
