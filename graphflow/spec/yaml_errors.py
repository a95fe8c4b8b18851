"""YAML's own syntax errors, said with a place and with what to do."""

from __future__ import annotations

import re

import yaml

from graphflow.diagnostics import Diagnostic, Mark

UNREADABLE = re.compile(
    "[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_MOST = 10

# The first pattern found in PyYAML's message gives the help.
_HELP = (
    (
        r"mapping values are not allowed",
        "a value that contains ': ' must be quoted; or the line "
        "above it lacks its ':', or this one is indented too far",
    ),
    (r"could not find expected ':'", "a key is followed by ': ', with a space after the colon"),
    (
        r"unknown escape|hexadecimal",
        "inside \" \" a backslash begins an escape: use ' ' quotes, or write it twice",
    ),
    (r"quoted scalar", "a quote is left open"),
    (
        r"expected ',' or '[\]}]'|flow (sequence|mapping|node)",
        "a bracket is left open, or an "
        "item contains brackets: write one item per line, or quote it",
    ),
    (
        r"found '<(scalar|\[|\{)|found '[\[\{]",
        "text stands behind a closing quote or bracket: put the whole expression in quotes",
    ),
    (
        r"block (sequence )?entries are not allowed|sequence entries",
        "'- ' begins a list item: put "
        "the list on its own lines; a minus sign is written without a space",
    ),
    (
        r"block end|block mapping|block collection",
        "the keys of one section begin in the same column, the items of one list too",
    ),
    (
        r"cannot start any token|scanning an? (alias|anchor|tag)|directive",
        "a value that begins with a character such as % @ ` * & ! must be quoted",
    ),
    (r"block scalar", "after | or > the text begins on the next line"),
)


def explain(error: yaml.YAMLError, file: str, lines: tuple[str, ...]) -> Diagnostic:
    """The diagnostic for a syntax error reported by PyYAML."""
    message = "not valid YAML"
    mark = Mark(file, 1, 1)
    said = str(error)
    if isinstance(error, yaml.MarkedYAMLError):
        said = f"{error.context or ''} {error.problem or ''}"
        message = f"not valid YAML: {error.problem or error.context}"
        place = error.problem_mark or error.context_mark
        if "unexpected end of stream" in said:
            place = error.context_mark or place
        if place is not None:
            row = min(place.line, len(lines) - 1)
            mark = Mark(file, row + 1, place.column + 1, 1, lines[row])
    help = next((text for pattern, text in _HELP if re.search(pattern, said)), None)
    return Diagnostic("GF002", message, mark, help=help or "the line above may be the cause")


def unreadable_characters(lines: tuple[str, ...], file: str) -> list[Diagnostic]:
    r"""One finding for each line that holds a tab, a control or an invisible separator (10 most).

    >>> unreadable_characters(("a:\tb",), "a.yaml")[0].message
    'a tab'
    """
    found: list[Diagnostic] = []
    for row, line in enumerate(lines):
        odd = UNREADABLE.search(line)
        if odd and len(found) < _MOST:
            mark = Mark(file, row + 1, odd.start() + 1, 1, line)
            if odd[0] == "\t":
                found.append(Diagnostic("GF002", "a tab", mark, help="indent with spaces"))
            else:
                name = f"U+{ord(odd[0]):04X}"
                message = f"not plain text: character {name}"
                shown = Mark(file, row + 1, odd.start() + 1, 1, UNREADABLE.sub("?", line))
                help = "a graph file is UTF-8 text without control characters"
                found.append(Diagnostic("GF001", message, shown, help=help))
    return found
