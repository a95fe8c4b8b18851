"""``weights:`` of an instance: the file that holds its first values, and which of them count."""

from __future__ import annotations

from dataclasses import dataclass, field

from graphflow.diagnostics import Mark
from graphflow.spec.kinds import Record, Schema, key
from graphflow.spec.leaves import OPTIONAL_TEXT, PATTERNS, TEXT
from graphflow.spec.values import Map, Value


@dataclass(frozen=True, slots=True)
class WeightsDecl:
    """``{file: r18.safetensors, exclude: [fc]}``; patterns are of names below the instance."""

    file: str = field(metadata=key("file", TEXT, "a .safetensors or .npz file"))
    mark: Mark = field(compare=False, repr=False)
    only: tuple[str, ...] = field(
        default=(), metadata=key("only", PATTERNS, "what is taken from it; all if absent")
    )
    exclude: tuple[str, ...] = field(
        default=(), metadata=key("exclude", PATTERNS, "what is not, and starts afresh")
    )


class _Weights:
    """A mapping, a file's name alone, or ``none``."""

    def read(self, value: Value, mark: Mark) -> WeightsDecl | None:
        if isinstance(value, Map):
            return _RECORD.read(value, mark)
        file = OPTIONAL_TEXT.read(value, mark)
        return None if file is None else WeightsDecl(file, value.mark)

    def schema(self, defs: Schema) -> Schema:
        return {"anyOf": [OPTIONAL_TEXT.schema(defs), _RECORD.schema(defs)]}


_RECORD = Record(WeightsDecl, "the weights of an instance")
WEIGHTS = _Weights()
