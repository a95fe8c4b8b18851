"""What data have taught beside weights: the vocabularies of texts, what transforms have fitted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from graphflow.data import Tokenizer
from graphflow.data.transforms import FittedTransform
from graphflow.diagnostics import fail
from graphflow.files import write_atomically

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

    @classmethod
    def kept(cls, folder: Path) -> Learned:
        """What :meth:`keep` wrote; nothing before a run's first step."""
        file = folder / TOKENIZERS
        try:
            words = json.loads(file.read_bytes()) if file.exists() else {}
            tokenizers = {column: Tokenizer.from_json(data) for column, data in words.items()}
            file = folder / TRANSFORMS
            found = json.loads(file.read_bytes()) if file.exists() else None
            fitted = None if found is None else [(str(name), dict(kept)) for name, kept in found]
        except (OSError, ValueError, TypeError, AttributeError) as error:
            fail("GF064", f"'{file}' cannot be read: {error}")
        return cls(tokenizers, fitted)
