"""Pictures of the canned graphs: made once by a worker, kept on disk for the next start."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from hashlib import sha256
from pathlib import Path

import graphflow
from graphflow.diagnostics import GraphflowError
from graphflow.files import cache_folder, write_atomically
from graphflow.gallery import find
from graphflow.view.cards import Thumbnail

Maker = Callable[[str], Thumbnail]


class Thumbnails:
    """The thumbnails of graphs as far as they are there. :meth:`begin` has the others made by
    ``maker``, one after another, while pages are shown; what cannot be made is left out.

    ``folder`` (one in the cache of downloads if it is left out) keeps them until the graph or what
    draws it changes.
    """

    def __init__(self, maker: Maker, folder: Path | None = None) -> None:
        self._maker, self._folder = maker, folder or cache_folder() / "thumbnails"
        self._ready: dict[str, Thumbnail] = {}
        self._worker: threading.Thread | None = None

    @property
    def ready(self) -> Mapping[str, Thumbnail]:
        """Those that are there."""
        return self._ready

    @property
    def working(self) -> bool:
        """Whether further ones are being made."""
        return self._worker is not None and self._worker.is_alive()

    def begin(self, names: Sequence[str]) -> None:
        """Read those of ``names`` that are kept, and begin to make the others."""
        kept = {name: found for name in names if (found := self._read(name)) is not None}
        self._ready.update(kept)
        missing = [name for name in names if name not in kept]
        if missing and not self.working:
            self._worker = threading.Thread(target=self._make, args=(missing,), daemon=True)
            self._worker.start()

    def wait(self) -> None:
        """Return when none is being made any more."""
        if self._worker is not None:
            self._worker.join()

    def _make(self, names: Sequence[str]) -> None:
        for name in names:
            try:
                made = self._maker(name)
            except GraphflowError:
                continue  # whoever opens this graph is told what is wrong with it
            self._ready[name] = made
            self._keep(name, made)

    def _place(self, name: str) -> Path:
        digest = sha256(find(name).read_bytes() + _drawers()).hexdigest()
        return self._folder / f"{name}-{digest[:16]}.json"

    def _read(self, name: str) -> Thumbnail | None:
        try:
            return Thumbnail(**json.loads(self._place(name).read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def _keep(self, name: str, made: Thumbnail) -> None:
        place = self._place(name)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for stale in self._folder.glob(f"{name}-{'?' * 16}.json"):
                stale.unlink()
            write_atomically(place, json.dumps(asdict(made)).encode())
        except (OSError, GraphflowError):
            return  # a folder that cannot be written: the picture is made again next time


@cache
def _drawers() -> bytes:
    """A digest of the code that draws."""
    view = Path(graphflow.__file__).parent / "view"
    sources = [path.read_bytes() for path in sorted(view.rglob("*.py"))]
    return sha256(b"".join(sources)).digest()
