"""``graphflow explain``: more about the code of an error, or whatever a file may name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from graphflow.cli.output import GOOD
from graphflow.codes import CODES
from graphflow.diagnostics import fail

if TYPE_CHECKING:
    from graphflow.reference import Page

NAME = "explain"


def command(
    what: Annotated[
        str, typer.Argument(metavar="WHAT", help="A code as errors show it (GF020), or a name.")
    ],
) -> int:
    """Explain the code of an error, an operator, a layer, a section, a data source, a transform."""
    if what.upper() in CODES:
        title, explanation = CODES[what.upper()]
        print(f"{what.upper()}: {title}\n\n{explanation}")
        return GOOD
    from graphflow.reference import markdown

    pages = _pages(what)
    if not pages:
        _unknown(what)
    print("\n".join(markdown(page, 1) for page in pages), end="")
    return GOOD


def _pages(what: str) -> list[Page]:
    """All that goes by a name: function, data source, transform, key of a section. What is none
    of the first three nor a section of its own may be an argument of functions, too.
    """
    from graphflow.reference import (
        argument_page,
        page_of,
        section_pages,
        source_page,
        transform_page,
    )

    sections = section_pages(what)
    found = [page_of(what), source_page(what), transform_page(what), *sections]
    whole = any(found[:3]) or any(page.call == what for page in sections)
    found += [] if whole else [argument_page(what)]
    return [page for page in found if page is not None]


def _unknown(what: str) -> NoReturn:
    """Refuse a name that nothing goes by, with what may be meant."""
    from graphflow.cli.gallery import kinds
    from graphflow.data.registry import sources
    from graphflow.data.transforms import TRANSFORMS
    from graphflow.reference import all_names, argument_names, section_names
    from graphflow.spec.elaborate.vocabulary import suggest

    lists = kinds()
    if what in lists:
        fail("GF006", f"'{what}' are many", help=f"graphflow list {what}")
    names = {*all_names(), *section_names(), *sources(), *TRANSFORMS, *lists, *argument_names()}
    close = suggest(what, names) or suggest(what.upper(), CODES)
    fail("GF006", f"there is no code, function, section or data source '{what}'",
         help=close or f"codes look like GF020; graphflow list {' | '.join(lists)}")  # fmt: skip
