"""``graphs/coverage.yaml`` is complete and true: what it names is there, and says so itself."""

from __future__ import annotations

import re
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest
import typer

from graphflow.cli import explain
from graphflow.cli.app import app
from graphflow.diagnostics import GraphflowError
from graphflow.gallery import COVERAGE, list_graphs, root
from graphflow.reference.coverage import Item, items
from graphflow.works import ITEM, works

ROOT = Path(__file__).parents[2]
ITEMS = {item.source: item for item in items()}
ENTRIES = list_graphs()
COMMANDS = {str(command.name): command for command in typer.main.get_command(app).commands.values()}
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
PAGE = re.compile(r"(?P<page>(docs/)?[\w/-]+\.md)(#(?P<anchor>[\w-]+))?")


def test_every_item_of_the_works_stands_there_once():
    """The lines themselves are counted: what is written twice would hide what is missing."""
    lines = (root() / COVERAGE).read_text(encoding="utf-8").splitlines()
    written = Counter(line.partition(":")[0] for line in lines if line and line[0] not in "# ")
    assert [source for source, count in written.items() if count > 1] == []
    assert len(written) == len(ITEMS) >= 397


def test_every_section_has_a_title():
    untitled = {
        f"{item.work}/{item.section}"
        for item in ITEMS.values()
        if item.section not in works()[item.work].sections
    }
    assert untitled == set()


def test_an_item_is_somewhere_or_says_why_not_or_is_open():
    """One of the three; what is somewhere may be a graph and a feature."""
    wrong = {
        item.source
        for item in ITEMS.values()
        if sum((bool(item.graphs or item.features), bool(item.reason), bool(item.open))) != 1
    }
    assert wrong == set()


def test_graphs_and_items_name_each_other():
    named = {(item.source, graph) for item in ITEMS.values() for graph in item.graphs}
    naming = {(source, e.name) for e in ENTRIES for source in e.sources if ITEM.fullmatch(source)}
    assert named - naming == set(), "these graphs' `source:` lacks the item"
    assert naming - named == set(), f"these lines of {COVERAGE} lack the graph, or are not there"


def test_every_graph_has_a_list_of_sources():
    assert [entry.name for entry in ENTRIES if not entry.sources] == []
    assert [entry.name for entry in ENTRIES if any(";" in text for text in entry.sources)] == []


@pytest.mark.parametrize("feature", sorted({f for item in ITEMS.values() for f in item.features}))
def test_a_feature_is_there(feature):
    assert is_there(feature)


FOUND = (
    "docs/training.md#clipping", "graphflow lr-find", "graphflow check --gradients", "conv2d",
    "digits", "graphflow.learning_rates", "graphflow.api.load",
)  # fmt: skip
MISSED = (
    "docs/training.md#nowhere", "docs/nothing.md", "graphflow dance", "graphflow check --fast",
    "conv17d", "graphflow.nothing", "graphflow.api.nothing",
)  # fmt: skip


@pytest.mark.parametrize("feature", FOUND + MISSED)
def test_all_kinds_of_features_are_found_and_no_others(feature):
    assert is_there(feature) == (feature in FOUND)


def is_there(feature: str) -> bool:
    """A page with its anchor, a command with its option, a Python name, or what
    ``graphflow explain`` explains.
    """
    page = PAGE.fullmatch(feature)
    if page:
        file = ROOT / page["page"]
        return file.is_file() and page["anchor"] in {None, *anchors(file)}
    words = feature.split()
    if words[0] == "graphflow":
        return is_command(*words[1:])
    return importable(feature) if "." in feature else explained(feature)


def anchors(page: Path) -> set[str]:
    """What headings of a page are called in addresses."""
    titles = HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def is_command(name: str, *options: str) -> bool:
    known = COMMANDS.get(name)
    return known is not None and set(options) <= {o for p in known.params for o in p.opts}


def importable(name: str) -> bool:
    """A module, or what a module holds."""
    module, _, last = name.rpartition(".")
    try:
        return hasattr(import_module(module), last) or bool(import_module(name))
    except ModuleNotFoundError:
        return False


def explained(name: str) -> bool:
    try:
        explain.command(name)
    except GraphflowError:
        return False
    return True


def test_items_are_in_the_order_of_their_works():
    """A new line goes where its section is, so that the file reads like the works."""
    sections = [(work, section) for work, found in works().items() for section in found.sections]
    places = [sections.index((item.work, item.section)) for item in ITEMS.values()]
    assert places == sorted(places)


def test_an_item_knows_its_source():
    assert Item("d2l", "8.6", "resnet18").source == "d2l/8.6/resnet18"
