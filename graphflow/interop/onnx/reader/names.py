"""Names of ONNX values as names of this language."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from graphflow.ir.types import dtype_names
from graphflow.ops.op import OPS
from graphflow.spec.elaborate.modules import shipped_blocks
from graphflow.spec.elaborate.static import QUERIES
from graphflow.spec.parser import WORDS

LONGEST = 60


class Names:
    """Hands out identifiers, each once: close to the ONNX name, and no word of the language.

    >>> names = Names()
    >>> names.clean("/encoder/layer.0/Add_output_0"), names.clean("relu"), names.clean("x"), \
            names.clean("x")
    ('encoder_layer_0_Add', 'relu_1', 'x', 'x_1')
    """

    def __init__(self, avoid: Iterable[str] = ()) -> None:
        functions = {*OPS, *QUERIES, *shipped_blocks(), "gradient"}
        words = {*WORDS, *keyword.kwlist, *dtype_names(), "pi", "training", "rng", "steps", "final"}
        self._taken = {*functions, *words, *avoid}
        self._heads: set[str] = set()
        self._kept: set[str] = set()

    def clean(self, name: str) -> str:
        """A free identifier for ``name``."""
        base = re.sub(r"\W+", "_", name.removesuffix("_output_0"), flags=re.ASCII).strip("_")
        base = base[-LONGEST:].lstrip("_") or "v"
        return self.fresh(base if base[0].isalpha() else f"v{base}")

    def parameter(self, name: str) -> str:
        """A free name for a parameter, which may have parts: ``encoder.0.weight``."""
        head, *parts = name.split(".")
        plain = head.isidentifier() and not head.startswith("__") and head.isascii()
        whole = all(p.isidentifier() or p.isdecimal() for p in parts) and name.isascii()
        free = name not in self._taken and (head in self._heads or head not in self._taken)
        if not (parts and plain and whole and free):
            return self.clean(name)
        self._taken |= {name, head}
        self._heads.add(head)
        return name

    def symbol(self, name: str) -> str:
        """A free name for a size: it begins with a capital letter."""
        base = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_")[:LONGEST] or "N"
        return self.fresh(base[0].upper() + base[1:] if base[0].isalpha() else f"N{base}")

    @contextmanager
    def borrowed(self) -> Iterator[None]:
        """Names that are handed out in this block are free again after it."""
        taken, heads = set(self._taken), set(self._heads)
        try:
            yield
        finally:
            self._taken, self._heads = taken | self._kept, heads

    def keep(self, name: str) -> None:
        """A name that is taken for good, wherever it was handed out."""
        self._kept |= {name, name.partition(".")[0]}

    def fresh(self, base: str) -> str:
        """``base``, or ``base_1``, ``base_2``, ... when it is taken."""
        name, count = base, 0
        while name in self._taken:
            count += 1
            name = f"{base}_{count}"
        self._taken.add(name)
        return name
