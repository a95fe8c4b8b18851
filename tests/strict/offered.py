"""What CuPy offers of NumPy, as a table: names, parameters, number types of universal functions.

``cupy.json`` beside this file is read by :mod:`cupy_like`; it is written from an installed CuPy,
which needs no GPU:

    python -m tests.strict.offered
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

PLACE = Path(__file__).with_name("cupy.json")
MODULES = ("", "fft", "linalg")
METHODS = ("reduce", "accumulate")
SAID = {"einsum": "*operands, dtype=None, casting=None, optimize=None"}
"""Parameters that a signature hides behind ``**kwargs``."""
TYPES = "?bBhHiIlLefd"
"""The codes of the number types that graphflow has."""

Table = dict[str, Any]


@cache
def table() -> Table:
    """The table as committed."""
    return json.loads(PLACE.read_text(encoding="utf-8"))


def written(offered: Table) -> str:
    """A table as text, one name a line."""
    parts = []
    for section, entries in offered.items():
        lines = [f"  {json.dumps(name)}: {json.dumps(entries[name])}" for name in sorted(entries)]
        parts.append(f"{json.dumps(section)}: {{\n" + ",\n".join(lines) + "\n}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def offered_by(cupy: Any) -> Table:
    """The table of an imported CuPy: what it shares with the installed NumPy."""
    functions: dict[str, str] = {}
    constants: dict[str, str] = {}
    ufuncs: dict[str, Any] = {}
    for module in MODULES:
        prefix = f"{module}." if module else ""
        for name, ours, theirs in _shared(cupy, module):
            if isinstance(theirs, cupy.ufunc):
                ufuncs[prefix + name] = _ufunc(cupy, theirs)
            elif isinstance(ours, type | float | None):
                constants[prefix + name] = ""
            elif callable(theirs):
                functions[prefix + name] = SAID.get(name) or parameters(theirs)
    members = {n: getattr(cupy.ndarray, n) for n in dir(cupy.ndarray) if hasattr(np.ndarray, n)}
    public = {n: v for n, v in members.items() if not n.startswith("_")}
    return {
        "about": {"cupy": cupy.__version__},
        "constants": constants,
        "functions": functions,
        "ufuncs": ufuncs,
        "methods": {n: parameters(v) for n, v in public.items() if callable(v)},
        "attributes": {n: "" for n, v in public.items() if not callable(v)},
    }


def _shared(cupy: Any, module: str) -> Iterator[tuple[str, Any, Any]]:
    ours, theirs = (getattr(x, module) if module else x for x in (np, cupy))
    for name in sorted(set(dir(ours)) & set(dir(theirs))):
        if not name.startswith("_"):
            yield name, getattr(ours, name), getattr(theirs, name)


def parameters(function: Callable[..., Any]) -> str:
    """The parameters of a function as Python writes them, every default None.

    CuPy's compiled methods have no signature; the first line of their text tells it.
    """
    try:
        known = inspect.signature(function)
    except ValueError:
        (given,) = re.findall(r"^[\w.]+\((.*)\)", (function.__doc__ or "").split("\n")[0])
        return ", ".join(_plain(p) for p in given.split(", ") if p != "self")
    return ", ".join(_shown(known))


def _plain(parameter: str) -> str:
    """One parameter of a compiled method without its type and default."""
    name, default, _ = parameter.partition("=")
    return name.split(" ")[-1] + ("=None" if default else "")


def _shown(signature: inspect.Signature) -> Iterator[str]:
    """Parameters one by one, with the marks of the kinds between them."""
    kinds = inspect.Parameter
    listed = [p for p in signature.parameters.values() if p.name != "self"]
    for i, p in enumerate(listed):
        before, after = listed[i - 1 : i] if i else [], listed[i + 1 : i + 2]
        if p.kind is kinds.KEYWORD_ONLY and not (
            before and before[0].kind in (kinds.KEYWORD_ONLY, kinds.VAR_POSITIONAL)
        ):
            yield "*"
        stars = {kinds.VAR_POSITIONAL: "*", kinds.VAR_KEYWORD: "**"}.get(p.kind, "")
        yield stars + p.name + ("" if p.default is kinds.empty else "=None")
        ends = not after or after[0].kind is not kinds.POSITIONAL_ONLY
        if p.kind is kinds.POSITIONAL_ONLY and ends:
            yield "/"


def _ufunc(cupy: Any, ufunc: Any) -> Table:
    """Number types that a universal function takes and gives, and its methods."""
    loops = [loop for loop in ufunc.types if set(loop) <= {*TYPES, "-", ">"}]
    methods = [name for name in METHODS if _has(ufunc, name)]
    at = "".join(code for code in TYPES if _adds_at(cupy, ufunc, code))
    return {"loops": " ".join(loops), "methods": " ".join(methods), "at": at}


def _has(ufunc: Any, method: str) -> bool:
    """Whether a method is there, asked with something that is no array."""
    try:
        getattr(ufunc, method)(None)
    except NotImplementedError:
        return False
    except AttributeError:  # it is, and wants an array
        return True
    raise RuntimeError(f"{ufunc.name}.{method} of None is not told apart")


def _adds_at(cupy: Any, ufunc: Any, code: str) -> bool:
    """Whether ``ufunc.at`` takes a number type: arrays that lie nowhere come as far as a kernel."""
    from cupy.cuda.runtime import CUDARuntimeError

    def somewhere(kind: str) -> Any:
        memory = cupy.cuda.UnownedMemory(0x1000, 8, None, 0)
        return cupy.ndarray(1, kind, cupy.cuda.MemoryPointer(memory, 0))

    try:
        ufunc.at(somewhere(code), somewhere("l"), somewhere(code))
    except CUDARuntimeError:
        return True
    except (NotImplementedError, TypeError):
        return False
    raise RuntimeError("where there is a GPU, leave the table alone: CUDA_VISIBLE_DEVICES=''")


if __name__ == "__main__":
    import cupy

    PLACE.write_text(written(offered_by(cupy)), encoding="utf-8")
