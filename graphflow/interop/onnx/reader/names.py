"""Names of ONNX values as names of this language."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable

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

    def clean(self, name: str) -> str:
        """A free identifier for ``name``."""
        base = re.sub(r"\W+", "_", name.removesuffix("_output_0"), flags=re.ASCII).strip("_")
        base = base[-LONGEST:].lstrip("_") or "v"
        return self.fresh(base if base[0].isalpha() else f"v{base}")

    def symbol(self, name: str) -> str:
        """A free name for a size: it begins with a capital letter."""
        base = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_")[:LONGEST] or "N"
        return self.fresh(base[0].upper() + base[1:] if base[0].isalpha() else f"N{base}")

    def fresh(self, base: str) -> str:
        """``base``, or ``base_1``, ``base_2``, ... when it is taken."""
        name, count = base, 0
        while name in self._taken:
            count += 1
            name = f"{base}_{count}"
        self._taken.add(name)
        return name
