"""Groups of families, and pages about sections of a file, data sources and arguments."""

from __future__ import annotations

from collections import Counter

import pytest

from graphflow.data.registry import sources
from graphflow.library import files
from graphflow.ops import OPS
from graphflow.reference import GROUPS, markdown, section_names, section_pages, source_page
from graphflow.spec.document import DOCUMENT


def test_each_file_of_the_library_stands_under_one_word():
    counts = Counter(family for families in GROUPS.values() for family in families)
    names = {file.name.removesuffix(".yaml") for file in files()}
    assert {name: counts[name] for name in names} == dict.fromkeys(names, 1)
    assert set(counts) <= names | {op.family for op in OPS.values()} | {"plugins"}


def test_every_key_of_a_file_has_a_page():
    assert set(DOCUMENT.table()) <= set(section_names())
    assert all(section_pages(name) for name in section_names())
    assert section_pages("no such key") == []


def test_keys_of_nested_declarations_are_found_at_every_place():
    assert {page.call for page in section_pages("frozen")} == {
        "train.groups.frozen", "train.players.NAME.groups.frozen",
    }  # fmt: skip
    assert {page.call for page in section_pages("carry")} == {"nodes.NAME.carry", "generate.carry"}
    assert {"params.NAME.init", "blocks.NAME.params.NAME.init", "state.NAME.init"} <= {
        page.call for page in section_pages("init")
    }


@pytest.mark.parametrize("name", sorted(sources()))
def test_every_data_source_has_a_page_with_its_options(name: str):
    page = source_page(name)
    assert page is not None
    text = markdown(page)
    assert sources()[name].about.split("``")[0] in text
    assert all(f"`{option}`: " in text for option in sources()[name].options)
