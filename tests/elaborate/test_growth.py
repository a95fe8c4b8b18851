"""How large a file may make its graph."""

from __future__ import annotations

import time

import pytest

import graphflow as gf

HEAD = "graphflow: 1\nname: t\n"


def test_repeats_in_repeats_are_refused_before_any_turn_is_made():
    body = """
inputs: {x: [2]}
nodes:
  y:
    from: x
    through:
      - repeat: 1000
        through: [{repeat: 1000, through: [{repeat: 1000, through: [linear(2)]}]}]
"""
    began = time.process_time()
    with pytest.raises(gf.GraphflowError, match=r"GF004: more than 100,000 .*turns of repeats"):
        gf.loads(HEAD + body)
    assert time.process_time() - began < 1  # it takes 20 s to make as many turns as are allowed


def test_as_many_turns_as_are_allowed_are_made():
    body = """
inputs: {x: [2]}
nodes: {y: {from: x, through: [{repeat: 10, through: [{repeat: 9, through: [relu]}]}]}}
"""
    assert len(gf.loads(HEAD + body, max_nodes=100).graph) == 91
    with pytest.raises(gf.GraphflowError, match="GF004"):
        gf.loads(HEAD + body, max_nodes=99)
