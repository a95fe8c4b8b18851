"""From text to document in one go, with everything wrong in the text and in its meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from graphflow.diagnostics import Diagnostic, GraphflowError
from graphflow.spec.document import Document, read_document
from graphflow.spec.kinds import mark_of
from graphflow.spec.overrides import PRESET, apply
from graphflow.spec.values import Plain, Value
from graphflow.spec.yaml12 import survey


def load_document(
    text: str,
    file: str = "<text>",
    overrides: Mapping[str, Plain] | None = None,
    blocks_only: bool = False,
) -> Document:
    """The document that a text holds, with ``overrides`` applied.

    Raises one GraphflowError with what :func:`graphflow.spec.yaml12.read`, :func:`apply` and
    :func:`graphflow.spec.document.read_document` find; a line that YAML's rules refuse is judged
    by those alone.

    >>> load_document("{graphflow: 1, name: f, let: {n: 2}, nodes: {y: n}}", overrides={"n": 3}).let
    {'n': Number(value=3)}
    """
    tree, findings = survey(text, file)
    if tree is None:
        raise GraphflowError(*findings)
    try:
        tree = apply(tree, overrides or {})
        document = read_document(tree, blocks_only)
        check_reach(document, tree)
    except GraphflowError as error:
        refused = {_line(finding) for finding in findings}
        findings += [found for found in error.diagnostics if _line(found) not in refused]
        raise GraphflowError(*findings) from None
    if findings:
        raise GraphflowError(*findings)
    return document


def check_reach(document: Document, tree: Value) -> None:
    """Every entry of ``tune.space`` is a constant of ``let``, or what ``--set`` reaches by path,
    and so are those of ``paper``.
    """
    if document.paper is not None:
        read_document(apply(tree, {PRESET: True}))
    tune = document.tune
    found: list[Diagnostic] = []
    for name in tune.space if tune is not None else ():
        assert tune is not None
        try:
            read_document(apply(tree, {name: 1}))
        except GraphflowError as error:
            mark = mark_of(tune.space, name, tune.mark)
            found += [replace(d, mark=mark) for d in error.diagnostics[:1]]
    if found:
        raise GraphflowError(*found)


def _line(finding: Diagnostic) -> tuple[str, int] | None:
    return (finding.mark.file, finding.mark.line) if finding.mark else None
