from __future__ import annotations

import sys
from datetime import date

import numpy as np
import pytest

from graphflow.data import load

pytest.importorskip("babel")


def test_phrases_are_dates_in_two_languages() -> None:
    data = load("dates", source="en", target="iso", n_train=300, n_val=50, level="char")
    source, target = data.tokenizers["source"], data.tokenizers["target"]
    months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
    days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    forms = set()
    for english, iso in zip(
        data.columns["source"].tolist(), data.columns["target"].tolist(), strict=True
    ):
        day = date.fromisoformat(target.decode(iso))
        words = source.decode(english).replace(",", "").split()
        if len(words) == 4:
            assert words.pop(0) == days[day.weekday()]
        forms.add(len(words[0]) > 3)
        assert [months.index(words[0][:3]) + 1, int(words[1]), int(words[2])] == [
            day.month, day.day, day.year
        ]  # fmt: skip
    assert forms == {True, False}


def test_french() -> None:
    data = load("dates", n_train=200, n_val=20)
    french = data.tokenizers["target"]
    told = [french.decode(row) for row in data.columns["target"].tolist()]
    assert all(len(text.split()) == 3 for text in told)
    assert {text.split()[1] for text in told} <= {
        "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
        "octobre", "novembre", "décembre", "<unk>",
    }  # fmt: skip
    assert data.splits is not None
    assert {n: len(p) for n, p in data.splits.items()} == {"train": 200, "val": 20}


def test_seeds() -> None:
    first, again, other = (load("dates", n_train=20, n_val=5, seed=s) for s in (1, 1, 2))
    assert np.array_equal(first.columns["source"], again.columns["source"])
    assert first.tokenizers["source"].tokens != other.tokenizers["source"].tokens


def test_what_is_wrong_is_said(refused, monkeypatch: pytest.MonkeyPatch) -> None:
    found = refused(load, "dates", target="not a language")
    assert found.code == "GF071"
    assert "iso" in found.help
    assert refused(load, "dates", n_train=30_000, n_val=30_000).code == "GF071"
    monkeypatch.setitem(sys.modules, "babel", None)
    assert "graphflow[dates]" in refused(load, "dates").help
