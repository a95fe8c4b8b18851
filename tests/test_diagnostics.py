"""How diagnostics are shown."""

from __future__ import annotations

import pickle

from graphflow.diagnostics import Diagnostic, GraphflowError, Mark, Note


def test_control_characters_are_shown_as_escapes():
    mark = Mark("a\x07.yaml", 1, 3, 1, "x\x1b y\tz")
    notes = (Note("\x9b2J, \x00"),)
    text = Diagnostic("GF073", "'\x1b[31m3' is\r gone", mark, notes, "\u202etxt").render()
    assert text.splitlines() == [
        r"a\x07.yaml:1:3: error GF073: '\x1b[31m3' is\r gone",
        "     1 | x? y\tz",
        "       |   ^",
        r"  note: \x9b2J, \x00",
        r"  help: \u202etxt",
    ]


def test_letters_of_all_languages_are_left_alone():
    message = "'größe' — 高さ 'x\u00a0y'"
    assert message in Diagnostic("GF020", message).render()


def test_an_error_goes_from_one_process_to_another_whole():
    error = GraphflowError(Diagnostic("GF030", "no", Mark("f.yaml", 2, 3), (Note("see"),), "try"))
    assert pickle.loads(pickle.dumps(error)).diagnostics == error.diagnostics
