"""``graphflow lr-find``: a plot, a suggestion, and nothing else changed."""

from __future__ import annotations

import pytest


def test_a_search_prints_a_plot_and_a_suggestion(cli, small, tmp_path):
    answer = cli("lr-find", small)
    assert answer.code == 0 and "suggestion: " in answer.out and "the loss did" in answer.out
    assert answer.out.count("*") >= 64 and "small-net-lr-find.html" in answer.out
    page = (tmp_path / "small-net-lr-find.html").read_text()
    assert "learning rate" in page and "plotly" in page
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "small net.yaml", "small-net-lr-find.html",
    ]  # fmt: skip


def test_a_search_as_json(cli, small):
    found = cli("lr-find", small, "--steps", 40, "--first", 1e-5, "--json", "--out", "p.html").json
    assert len(found["rates"]) == len(found["losses"]) == len(found["smoothed"]) <= 40
    assert found["rates"][0] == 1e-5 and found["plot"] == "p.html"
    assert found["suggestion"] == pytest.approx(found["minimum"], rel=0.06)
    again = cli("lr-find", small, "--steps", 40, "--first", 1e-5, "--json").json
    assert again["losses"] == found["losses"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--steps", 1], "GF033"), (["--first", 0], "GF033"), (["--dtype", "int"], "GF031"),
     (["--out", "no/where.html"], "GF007"), (["--set", "hiden=2"], "GF020")],
)  # fmt: skip
def test_what_does_not_fit_is_refused(cli, small, arguments, code):
    answer = cli("lr-find", small, *arguments)
    assert answer.code == 2 and code in answer.err
