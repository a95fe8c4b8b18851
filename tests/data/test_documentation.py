from __future__ import annotations

import sys

import pytest

from graphflow.data import load


def test_the_documentation_is_english() -> None:
    pytest.importorskip("pydoc_data.topics")
    data = load("python_docs", level="word")
    words = data.tokenizers["tokens"]
    told = words.decode(data.columns["tokens"].tolist()).split()
    assert len(told) > 40_000
    counts = {word: told.count(word) for word in ("the", "of", "object", "statement")}
    assert counts["the"] > counts["of"] > counts["statement"] > 50
    assert (data.columns["targets"][:-1] == data.columns["tokens"][1:]).all()


def test_letters() -> None:
    pytest.importorskip("pydoc_data.topics")
    data = load("python_docs")
    assert len(data.tokenizers["tokens"].tokens) == 28  # a to z, space, <unk>
    assert load("python_docs", letters_only=False, lower=False).columns["tokens"].max() > 60


def test_a_python_without_documentation(monkeypatch: pytest.MonkeyPatch, refused) -> None:
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    found = refused(load, "python_docs")
    assert found.code == "GF076"
    assert "sentences" in found.help
