"""The reference, made from the registry of operators, the library of blocks, and the tables that
sections of a file and data sources are read by.

A page says what something computes, how it is called, its formula, its derivative (taken from the
rule itself), and shows an example that is run when the page is made. ``graphflow explain NAME``
prints a page; ``python -m graphflow.reference docs/reference`` writes all of them.
"""

from graphflow.reference.groups import GROUPS, names_of
from graphflow.reference.page import Page, Part, all_names, call_arguments, page_of
from graphflow.reference.render import markdown
from graphflow.reference.sections import (
    argument_names,
    argument_page,
    section_names,
    section_pages,
    source_page,
    transform_page,
)

__all__ = [
    "GROUPS",
    "Page",
    "Part",
    "all_names",
    "argument_names",
    "argument_page",
    "call_arguments",
    "markdown",
    "names_of",
    "page_of",
    "section_names",
    "section_pages",
    "source_page",
    "transform_page",
]
