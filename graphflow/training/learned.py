"""What data have taught beside weights: the vocabularies of texts, what transforms have fitted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from graphflow.data import Tokenizer
from graphflow.data.transforms import FittedTransform
from graphflow.diagnostics import fail
from graphflow.files import read_object, write_atomically

TOKENIZERS, TRANSFORMS = "tokenizers.json", "transforms.json"


@dataclass(frozen=True)
class Learned:
    """``tokenizers`` say what the numbers in columns of text stand for; ``fitted`` is what each
    transform of columns has learned, None where that is not known.

    It goes with the weights: a model that is fed otherwise than it was trained gives other values.
    """

    tokenizers: Mapping[str, Tokenizer] = field(default_factory=dict)
    fitted: Sequence[FittedTransform] | None = None

    def keep(self, folder: Path) -> None:
        """Write it down, so that neither generating nor going on learns anew."""
        if self.tokenizers:
            words = {column: tokenizer.to_json() for column, tokenizer in self.tokenizers.items()}
            content = json.dumps(words, ensure_ascii=False)
            write_atomically(folder / TOKENIZERS, content.encode())
        if self.fitted:
            content = json.dumps([[name, found] for name, found in self.fitted], ensure_ascii=False)
            write_atomically(folder / TRANSFORMS, content.encode())

    @cached_property
    def digest(self) -> str:
        """A number for what transforms have learned, the same before and after it is kept."""
        return hashlib.sha256(json.dumps([list(f) for f in self.fitted or ()]).encode()).hexdigest()

    def check(self, digest: object, folder: Path) -> None:
        """Refuse to go on with a run that has learned otherwise; older runs do not say what."""
        if digest not in (None, self.digest):
            fail("GF064", f"'{folder / TRANSFORMS}' is not what the run has learned",
                 help="put the file back as it was, or begin a new run")  # fmt: skip

    @classmethod
    def kept(cls, folder: Path) -> Learned:
        """What :meth:`keep` wrote; nothing before a run's first step."""
        file = folder / TOKENIZERS
        words = read_object(file) if file.exists() else {}
        try:
            tokenizers = {column: Tokenizer.from_json(data) for column, data in words.items()}  # type: ignore[arg-type]
        except (ValueError, TypeError, AttributeError, KeyError):
            fail("GF064", f"'{file}' cannot be read: it holds no tokenizers")
        file = folder / TRANSFORMS
        try:
            found = json.loads(file.read_bytes()) if file.exists() else None
        except (OSError, ValueError) as error:
            fail("GF064", f"'{file}' cannot be read: {error}")
        if not (found is None or _are_fitted(found)):
            fail("GF064", f"'{file}' cannot be read: it is no list of transforms")
        return cls(tokenizers, None if found is None else [(name, kept) for name, kept in found])


def _are_fitted(found: object) -> bool:
    """Whether it is what transforms have learned: pairs of a name and an object."""
    return isinstance(found, list) and all(
        isinstance(pair, list) and len(pair) == 2 and [*map(type, pair)] == [str, dict]
        for pair in found
    )
