"""``graphflow replay``: the page is written, and mistakes are told."""

from __future__ import annotations

import json

import pytest

from graphflow.cli.replay import command
from graphflow.diagnostics import GraphflowError


def test_the_page_is_written(tmp_path, capsys):
    page = tmp_path / "x.html"
    assert command("xyz", out=page, of="q", as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["page"] == str(page)
    assert told["bytes"] == page.stat().st_size
    assert page.read_text("utf-8").startswith("<!doctype html>")


def test_a_group_is_drawn_open_with_all_around_it(tmp_path):
    page = tmp_path / "mlp.html"
    command("mlp", out=page, opened=["logits.linear1"])
    drawn = page.read_text("utf-8").split('id="held">')[1].split('"toggled"')[0]
    assert '"parent":"logits"' in drawn


def test_the_time_steps_of_a_loop_are_in_the_page(tmp_path, capsys):
    page = tmp_path / "nms.html"
    counts = []
    for unroll in ([], ["rounds"]):
        command("nms", out=page, unroll=unroll, as_json=True)
        counts.append(json.loads(capsys.readouterr().out)["steps"])
    assert counts == [119, 159]


@pytest.mark.parametrize(
    ("options", "code"),
    [({"of": "qq"}, "GF020"), ({"opened": ["nowhere"]}, "GF020"), ({"unroll": ["l"]}, "GF020")],
)
def test_an_unknown_name_is_told(tmp_path, options, code):
    with pytest.raises(GraphflowError) as caught:
        command("xyz", out=tmp_path / "x.html", **options)
    assert caught.value.diagnostics[0].code == code


def test_a_folder_is_no_page(tmp_path):
    with pytest.raises(GraphflowError) as caught:
        command("xyz", out=tmp_path)
    assert caught.value.diagnostics[0].code == "GF006"
