"""Pictures of the canned graphs: made once by a worker, kept on disk for the next start."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cache
from hashlib import sha256
from pathlib import Path

import graphflow
from graphflow.diagnostics import GraphflowError
from graphflow.files import cache_folder, write_atomically
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

    def begin(self, graphs: Mapping[str, Path]) -> None:
        """Read those of ``graphs``, names and files, that are kept; begin to make the others."""
        places = {name: self._place(name, path) for name, path in graphs.items()}
        kept = {n: found for n, place in places.items() if (found := _read(place)) is not None}
        self._ready.update(kept)
        missing = {name: place for name, place in places.items() if name not in kept}
        if missing and not self.working:
            self._worker = threading.Thread(target=self._make, args=(missing,), daemon=True)
            self._worker.start()

    def wait(self) -> None:
        """Return when none is being made any more."""
        if self._worker is not None:
            self._worker.join()

    def _make(self, places: Mapping[str, Path]) -> None:
        for name, place in places.items():
            try:
                made = self._maker(name)
            except GraphflowError:
                continue  # whoever opens this graph is told what is wrong with it
            self._ready[name] = made
            self._keep(name, place, made)

    def _place(self, name: str, graph: Path) -> Path:
        digest = sha256(graph.read_bytes() + _drawers()).hexdigest()
        return self._folder / f"{name}-{digest[:16]}.json"

    def _keep(self, name: str, place: Path, made: Thumbnail) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for stale in self._folder.glob(f"{name}-{'?' * 16}.json"):
                stale.unlink()
            write_atomically(place, json.dumps(asdict(made)).encode())
        except (OSError, GraphflowError):
            return  # a folder that cannot be written: the picture is made again next time


def _read(place: Path) -> Thumbnail | None:
    try:
        return Thumbnail(**json.loads(place.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


@cache
def _drawers() -> bytes:
    """A digest of the code that draws."""
    view = Path(graphflow.__file__).parent / "view"
    sources = [path.read_bytes() for path in sorted(view.rglob("*.py"))]
    return sha256(b"".join(sources)).digest()
