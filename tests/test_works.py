from __future__ import annotations

from graphflow.works import source_of, title_of


def test_a_source_is_called_what_people_call_it():
    assert title_of("d2l/8.6/resnet18") == "Dive into Deep Learning 8.6, resnet18"
    named = title_of("scratch/modern-nn/manual_backward")
    assert named.endswith("from scratch, manual_backward")
    assert title_of("He et al. 2015") == source_of("He et al. 2015").section
    assert title_of("nobody/1.2/thing") == "nobody/1.2/thing"


def test_sections_are_ordered_as_in_their_works_and_articles_come_last():
    written = ["Author 2014", "d2l/12.3/a", "sgugger/recurrent/b", "d2l/7.6/c", "d2l/12.10/d",
               "d2l/A.2/e", "nobody/1.2/f", "Dive into Deep Learning 8.6, g"]  # fmt: skip
    ordered = sorted(map(source_of, written), key=lambda source: source.place)
    assert [source.title[-1] for source in ordered] == ["c", "g", "a", "d", "e", "b", "4", "f"]
