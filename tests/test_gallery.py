from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

import graphflow
from graphflow import gallery
from graphflow.diagnostics import GraphflowError
from graphflow.spec.values import plain
from graphflow.spec.yaml12 import read


def test_a_name_finds_a_canned_graph_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert gallery.find("mlp").read_text().startswith("#")


def test_a_file_here_is_preferred_to_a_canned_graph(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlp").write_text("graphflow: 1\n")
    assert gallery.find("mlp") == Path("mlp")


def test_a_path_is_left_to_the_reader_even_when_nothing_is_there():
    assert gallery.find("no/such.yaml") == Path("no/such.yaml")


def test_an_unknown_name_is_refused_with_the_closest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GraphflowError) as caught:
        gallery.find("mpl")
    assert caught.value.diagnostics[0].code == "GF001"
    assert "mlp" in (caught.value.diagnostics[0].help or "")


def test_a_file_beside_of_that_name_is_pointed_at(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "first.yaml").write_text("graphflow: 1\n")
    with pytest.raises(GraphflowError, match=r"did you mean the file 'first\.yaml'\?"):
        gallery.find("first")


def test_names_are_unique_and_every_graph_says_what_it_is():
    entries = gallery.list_graphs()
    root = Path(graphflow.__file__).parent.parent / "graphs"
    beside = {root / gallery.WORKS, root / gallery.COVERAGE}
    files = [p for p in root.rglob("*.yaml") if gallery.SHARED not in p.parts and p not in beside]
    counts = Counter(path.stem for path in files)
    assert [name for name, count in counts.items() if count > 1] == []
    assert {entry.name for entry in entries} == set(counts)
    assert [entry.name for entry in entries if not entry.about or not entry.sources] == []


def test_the_head_of_a_file_says_what_the_whole_file_does():
    for entry in gallery.list_graphs():
        document = plain(read(entry.path.read_text(encoding="utf-8")))
        assert isinstance(document, dict)
        assert (entry.title, entry.about) == (document["name"], document["about"])
        assert list(entry.sources) == document["source"]


def test_shared_blocks_are_not_listed(tmp_path, monkeypatch):
    (tmp_path / "blocks").mkdir()
    (tmp_path / "blocks" / "cell.yaml").write_text("graphflow: 1\n")
    (tmp_path / "vision").mkdir()
    text = "graphflow: 1\nname: A net\nsource: [Book 3.1, Article]\n"
    (tmp_path / "vision" / "net.yaml").write_text(text)
    monkeypatch.setattr(gallery, "root", lambda: tmp_path)
    (entry,) = gallery.list_graphs()
    assert (entry.name, entry.topic, entry.about) == ("net", "vision", "A net")
    assert entry.sources == ("Book 3.1", "Article")


def test_topics_stand_in_reading_order():
    topics = [entry.topic for entry in gallery.list_graphs()]
    assert topics.index("backprop") < topics.index("mlp") < topics.index("attention")


def test_every_topic_has_its_place_in_the_order_and_in_the_rules():
    topics = {entry.topic for entry in gallery.list_graphs()}
    assert topics <= set(gallery.TOPICS)
    rules = (gallery.root() / "README.md").read_text(encoding="utf-8")
    order = re.findall(r"^\| `(\w+)` \|", rules, re.MULTILINE)
    assert order == [topic for topic in gallery.TOPICS if topic in topics]


def test_a_source_may_stand_alone(tmp_path, monkeypatch):
    text = "graphflow: 1\nname: A net\nsource: Book 3.1\n"
    (tmp_path / "net.yaml").write_text(text)
    monkeypatch.setattr(gallery, "root", lambda: tmp_path)
    (entry,) = gallery.list_graphs()
    assert (entry.topic, entry.sources) == ("net", ("Book 3.1",))
