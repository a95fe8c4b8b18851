"""The canned graphs: what ships with the package, found by name or by path.

In a checkout (an editable install too) they lie in ``graphs/`` beside the package; an installed
wheel carries the same files as ``graphflow/_graphs``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from graphflow.diagnostics import did_you_mean, fail
from graphflow.files import allowed
from graphflow.spec.values import plain
from graphflow.spec.yaml12 import read, read_text

SHARED = "blocks"
"""The folder of blocks that several graphs use; not graphs themselves."""

WORKS, COVERAGE = "works.yaml", "coverage.yaml"
"""Beside the graphs: the titles of the works they come from, and what of these works is where."""

SUFFIXES = (".yaml", ".yml")

HEAD = re.compile(r"^(?:graphflow|name|about|source):.*\n(?:[ #-].*\n|\n)*", re.MULTILINE)
"""The keys of a canned graph that tell what it is, with what is written under them."""

TOPICS = {
    "backprop": "Backpropagation", "arrays": "Arrays", "mathematics": "Mathematics",
    "probability": "Probability", "linear": "Linear models", "mlp": "Multilayer perceptrons",
    "optimization": "Optimization", "cnn": "Convolution", "rnn": "Recurrence",
    "attention": "Attention", "nlp": "Language", "gan": "Generative adversarial nets",
    "vision": "Vision", "reinforcement": "Reinforcement learning", "gp": "Gaussian processes",
    "devices": "Devices", "tuning": "Tuning", "recommender": "Recommenders",
}  # fmt: skip
"""Topics in the order in which to read them, and how they are called; others follow by name."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One canned graph. ``topic`` is the folder it lies in; at the top, a topic of its name.
    ``sources`` are as the file names them: `work/section/item`, or words.
    """

    name: str
    path: Path
    topic: str
    title: str
    about: str
    sources: tuple[str, ...]


def find(name_or_path: str | Path) -> Path:
    """The graph file meant by a path, or by the name of a canned graph.

    A word without folder or suffix that is no file here is looked up among the canned graphs;
    GF001, with the closest names, when there is none. Any other path is returned as it is.

    >>> find("mlp").name
    'mlp.yaml'
    """
    path, text = Path(name_or_path), str(name_or_path)
    if path.suffix or path.name != text or path.exists():
        allowed(path, text)
        return path
    canned = _files()
    if text not in canned:
        beside = next((f"{text}{end}" for end in SUFFIXES if Path(f"{text}{end}").is_file()), None)
        fail(
            "GF001",
            f"there is no file and no canned graph '{text}'",
            help=f"did you mean the file '{beside}'?"
            if beside
            else did_you_mean(text, canned) or "'graphflow list' shows what there is",
        )
    return canned[text]


def list_graphs() -> list[Entry]:
    """All canned graphs: topics in reading order, names by alphabet."""
    return sorted((_entry(name, path) for name, path in _files().items()), key=_reading_order)


def topics() -> tuple[str, ...]:
    """The topics there are graphs of, in reading order.

    >>> topics()[0]
    'backprop'
    """
    folders = {path.name for path in root().iterdir() if path.is_dir()} - {SHARED}
    return tuple(topic for topic in TOPICS if topic in folders)


def root() -> Path:
    """The folder of the canned graphs."""
    package = Path(__file__).resolve().parent
    shipped = package / "_graphs"
    return shipped if shipped.is_dir() else package.parent / "graphs"


def _files() -> dict[str, Path]:
    """Name to file. Names are unique: a test holds the gallery to that."""
    home = root()
    inside = ((path, path.relative_to(home).parts) for path in graph_files(home))
    return {path.stem: path for path, parts in inside if SHARED not in parts}


def graph_files(folder: Path) -> list[Path]:
    """The files of graphs or blocks in a folder and those inside it: all YAML there is but the
    lists that lie beside the canned graphs.

    >>> root() / "works.yaml" in graph_files(root())
    False
    """
    lists = (WORKS, COVERAGE)
    found = sorted(path for path in folder.rglob("*.y*ml") if path.suffix in SUFFIXES)
    return [p for p in found if p.name not in lists or p.resolve().parent != root()]


def _entry(name: str, path: Path) -> Entry:
    head = "".join(HEAD.findall(read_text(path)))
    written = plain(read(head, str(path)))
    assert isinstance(written, dict)
    source = written.get("source", [])
    parent = path.parent.relative_to(root())
    title = str(written.get("name") or name)
    return Entry(
        name=name,
        path=path,
        topic=parent.parts[0] if parent.parts else name,
        title=title,
        about=str(written.get("about") or title),
        sources=tuple(map(str, source if isinstance(source, list) else [source])),
    )


def _reading_order(entry: Entry) -> tuple[int, str, str]:
    order = list(TOPICS)
    place = order.index(entry.topic) if entry.topic in order else len(order)
    return place, entry.topic, entry.name


def template(kind: str, name: str) -> str:
    """The text of a small commented file to start from, called ``name``. GF006 where there is none
    of that ``kind``.

    >>> template("formulas", "mine").splitlines()[1]
    'name: mine'
    """
    folder = files("graphflow") / "templates"
    known = {file.name.removesuffix(".yaml"): file for file in folder.iterdir()}
    if kind not in known:
        close = did_you_mean(kind, known)
        fail("GF006", f"there is no template '{kind}'", help=close or f"one of {', '.join(known)}")
    return known[kind].read_text(encoding="utf-8").replace("NAME", name)
