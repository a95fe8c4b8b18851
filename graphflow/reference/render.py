"""Pages as Markdown: for the terminal one page, for the documentation one file a family."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from graphflow.reference.page import Page, Part, all_names, page_of


def markdown(page: Page, level: int = 2) -> str:
    """A page as Markdown, its title at heading ``level``.

    >>> print(markdown(page_of("neg")).splitlines()[0])
    ## neg
    """
    lines = [f"{'#' * level} {page.name}", "", f"`{page.call}`", ""]
    for part in page.parts:
        lines += _part(part)
    return "\n".join(lines).rstrip() + "\n"


def _part(part: Part) -> Iterator[str]:
    if not part.text:
        return
    if part.title:
        yield f"*{part.title}*"
        yield ""
    if part.language == "math":
        yield from ("$$", part.text, "$$")
    elif part.language == "list":
        yield from (f"- {line}" for line in part.text.splitlines())
    elif part.language == "prose":
        yield part.text
    else:
        yield from (f"```{part.language}", part.text, "```")
    yield ""


def documents() -> dict[str, str]:
    """Every file of the reference by its name: one a family, and the index."""
    families: dict[str, list[Page]] = {}
    for name, family in all_names().items():
        page = page_of(name)
        assert page is not None
        families.setdefault(f"{page.kind}s-{family.replace('_', '-')}.md", []).append(page)
    found = {file: _family(file, pages) for file, pages in sorted(families.items())}
    return {"README.md": _index(families), **found}


NOTICE = "<!-- Made by `python -m graphflow.reference docs/reference`; do not edit. -->\n\n"


def _family(file: str, pages: Iterable[Page]) -> str:
    kind, _, family = file.removesuffix(".md").partition("-")
    head = f"{NOTICE}# {family.replace('-', ' ').capitalize()} ({kind})\n\n"
    return head + "\n".join(markdown(page) for page in sorted(pages, key=lambda p: p.name))


def _index(families: dict[str, list[Page]]) -> str:
    lines = [
        f"{NOTICE}# Reference\n",
        "Operators are the nodes of a graph. Blocks (layers, losses, optimizers, ...) are made of",
        "them in the language itself: their definitions stand on their pages. In derivatives, g is",
        "the gradient of the loss by the result, `out` the result; sizes are those of the example.",
        "",
    ]
    for kind in ("operators", "blocks"):
        lines += [f"## {kind.capitalize()}", ""]
        for file, pages in sorted(families.items()):
            if file.startswith(kind):
                names = sorted(page.name for page in pages)
                links = ", ".join(f"[{name}]({file}#{name})" for name in names)
                lines.append(f"- {file.removesuffix('.md').partition('-')[2]}: {links}")
        lines.append("")
    return "\n".join(lines)
