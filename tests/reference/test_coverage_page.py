"""The written table of what is where is what would be written, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

from graphflow.reference.coverage import items, page
from graphflow.works import works

ROOT = Path(__file__).parents[2]
PAGE = page()
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")


def test_the_written_page_is_what_would_be_written():
    written = (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8")
    assert written == PAGE, "python -m graphflow.reference.coverage docs/coverage.md"


def test_every_item_has_a_row_under_its_work():
    parts = dict(re.findall(r"^## (.*)\n((?:(?!## ).*\n)*)", PAGE + "\n", re.MULTILINE))
    for name, work in works().items():
        of_work = [item.name for item in items() if item.work == name]
        rows = re.findall(r"^\| .*?\| (\w+) \| \S", parts[work.title], re.MULTILINE)
        assert [row for row in rows if row not in {"item"}] == of_work


def test_links_lead_to_files():
    assert [link for link in LINK.findall(PAGE) if not (ROOT / "docs" / link).is_file()] == []
