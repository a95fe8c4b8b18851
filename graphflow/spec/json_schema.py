"""The JSON Schema of a graph file, for editors (rule 16), made from the document's own table."""

from __future__ import annotations

from collections.abc import Iterable

from graphflow.spec.document import DOCUMENT
from graphflow.spec.kinds import Schema
from graphflow.spec.values import Plain


def schema(functions: Iterable[str] = ()) -> Schema:
    """JSON Schema (2020-12) of format version 1.

    ``functions`` are the names of operators, layers and library blocks, which editors offer where
    a call is expected. A file of blocks for ``use:`` has no ``nodes``.

    >>> schema()["$schema"]
    'https://json-schema.org/draft/2020-12/schema'
    """
    defs: Schema = {}
    root = DOCUMENT.schema(defs)
    names = list[Plain](sorted(functions))
    if names:
        defs["call"] = {"anyOf": [{"enum": names}, defs["call"]]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "graphflow 1",
        **root,
        "anyOf": [{"required": ["nodes"]}, {"required": ["blocks"]}],
        "$defs": defs,
    }
