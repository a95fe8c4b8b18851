"""The reference, made from the registry of operators and the library of blocks.

A page says what something computes, how it is called, its formula, its derivative (taken from the
rule itself), and shows an example that is run when the page is made. ``graphflow explain NAME``
prints a page; ``python -m graphflow.reference docs/reference`` writes all of them.
"""

from graphflow.reference.page import Page, Part, all_names, page_of
from graphflow.reference.render import markdown

__all__ = ["Page", "Part", "all_names", "markdown", "page_of"]
