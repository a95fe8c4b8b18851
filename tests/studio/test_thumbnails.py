from __future__ import annotations

from graphflow.diagnostics import fail
from graphflow.gallery import find
from graphflow.studio.thumbnails import Thumbnails
from graphflow.view.cards import Thumbnail

MADE = Thumbnail(3, 4, "<svg/>", "<svg/>", "three boxes")


class Maker:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, name: str) -> Thumbnail:
        self.asked.append(name)
        if name == "mlp":
            fail("GF130", "too slow")
        return MADE


def made(folder, maker, *names: str) -> Thumbnails:
    found = Thumbnails(maker, folder)
    found.begin({name: find(name) for name in names})
    found.wait()
    return found


def test_what_was_made_is_kept_for_the_next_start(tmp_path):
    first, second = Maker(), Maker()
    assert made(tmp_path, first, "xyz").ready == {"xyz": MADE}
    assert made(tmp_path, second, "xyz").ready == {"xyz": MADE}
    assert (first.asked, second.asked) == (["xyz"], [])


def test_one_that_cannot_be_made_leaves_the_others(tmp_path):
    assert made(tmp_path, Maker(), "mlp", "xyz").ready == {"xyz": MADE}


def test_a_damaged_one_is_made_again(tmp_path):
    made(tmp_path, Maker(), "xyz")
    (kept,) = tmp_path.iterdir()
    for damage in ("", "{", '{"nodes": 1}', "[]"):
        kept.write_text(damage)
        again = Maker()
        assert made(tmp_path, again, "xyz").ready == {"xyz": MADE} and again.asked == ["xyz"]


def test_a_folder_that_cannot_be_written_is_no_obstacle(tmp_path):
    (tmp_path / "file").write_text("")
    assert made(tmp_path / "file", Maker(), "xyz").ready == {"xyz": MADE}
