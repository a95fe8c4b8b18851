"""What is kept of a visitor's answers."""

from __future__ import annotations

import pytest

import ui.state
from ui.state import Session, answer


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Session:
    found = Session()
    monkeypatch.setattr(ui.state, "session", lambda: found)
    monkeypatch.setattr(ui.state, "KEPT", 3)
    return found


def test_the_latest_answers_are_kept_and_the_oldest_go(here: Session) -> None:
    asked: list[int] = []

    def square(number: int) -> object:
        return answer(("square", number), lambda: asked.append(number) or number**2)

    assert [square(n) for n in (1, 2, 3, 1, 4)] == [1, 4, 9, 1, 16]
    assert asked == [1, 2, 3, 4] and len(here.answers) == 3
    square(1)
    square(2)
    assert asked == [1, 2, 3, 4, 2]


def test_a_large_answer_stands_alone_among_its_like(here: Session) -> None:
    answer(("figures", 1), lambda: "first", alone=True)
    answer(("other", 1), lambda: "other")
    answer(("figures", 2), lambda: "second", alone=True)
    assert list(here.answers.values()) == ["other", "second"]


def test_an_error_is_no_answer(here: Session) -> None:
    with pytest.raises(ZeroDivisionError):
        answer(("ratio",), lambda: 1 / 0)
    assert answer(("ratio",), lambda: 2) == 2
