"""The report: one HTML file that holds everything it needs and asks nothing of the network."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from string import Template

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from graphflow.figures.theme import template
from graphflow.files import write_atomically


@dataclass(frozen=True)
class Table:
    """A small table: its head, and rows of texts. Columns behind the first hold numbers if so
    ``numeric``.
    """

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: bool = False


@dataclass(frozen=True)
class Report:
    """What a report shows, from top to bottom."""

    title: str
    about: str = ""
    source: Sequence[str] = ()
    tables: Sequence[Table] = ()
    shown: Mapping[str, go.Figure | str] = field(default_factory=dict)
    """Figures by name; a text says why one could not be drawn."""

    @property
    def figures(self) -> dict[str, go.Figure]:
        """What was drawn."""
        return {name: one for name, one in self.shown.items() if not isinstance(one, str)}

    @property
    def problems(self) -> dict[str, str]:
        """What could not be drawn, and why."""
        return {name: one for name, one in self.shown.items() if isinstance(one, str)}


def report_html(report: Report) -> str:
    """The report as a page. plotly.js stands in it once; its policy forbids every request.

    >>> page = report_html(Report("Nothing yet", about="1 < 2"))
    >>> "1 &lt; 2" in page, page.count("<title>Nothing yet</title>")
    (True, 1)
    """
    shown = {f"figure-{name}": figure for name, figure in report.figures.items()}
    page = Template(files("graphflow.figures").joinpath("page.html").read_text("utf-8"))
    return page.substitute(
        title=html.escape(report.title),
        body=_body(report),
        plotly=get_plotlyjs().replace("</script", "<\\/script"),
        figures=_json({name: json.loads(figure.to_json()) for name, figure in shown.items()}),
        templates=_json({theme: template(theme).to_plotly_json() for theme in ("light", "dark")}),
    )


def write_report(report: Report, file: Path) -> None:
    """Write the page; until it is whole, the file holds what it held before."""
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, report_html(report).encode())


def _json(value: object) -> str:
    """JSON that can stand inside a script: it holds no tag and no number that JSON lacks."""
    text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _body(report: Report) -> str:
    about = re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(report.about))
    parts = [f"<p>{about}</p>" if about else ""]
    if report.source:
        parts.append(f'<p class="soft">{html.escape("; ".join(report.source))}</p>')
    tables = "".join(_table(table) for table in report.tables if table.rows)
    parts.append(f'<div class="tables">{tables}</div>' if tables else "")
    for name, one in report.shown.items():
        place = f'id="figure-{html.escape(name)}"'
        parts.append(f"<figure><div {place}>{_problem(one)}</div></figure>")
    return "\n".join(part for part in parts if part)


def _problem(shown: go.Figure | str) -> str:
    return f'<div class="problem">{html.escape(shown)}</div>' if isinstance(shown, str) else ""


def _table(table: Table) -> str:
    number = ' class="number"' if table.numeric else ""
    head = "".join(
        f"<th{number if i else ''}>{html.escape(word)}</th>" for i, word in enumerate(table.head)
    )
    rows = "".join(
        "<tr>"
        + "".join(
            f"<td{number if i else ''}>{html.escape(cell)}</td>" for i, cell in enumerate(row)
        )
        + "</tr>"
        for row in table.rows
    )
    return (
        f"<section><h2>{html.escape(table.title)}</h2><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table></section>"
    )
