"""The sections that the page on training shows are read, and make a step."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import graphflow as gf

PAGE = Path(__file__).parents[2] / "docs" / "training.md"
FENCE = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
FIRST, *OTHERS = FENCE.findall(PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("section", [s for s in OTHERS if s.startswith("train:\n  minimize")])
def test_a_section_takes_the_place_of_the_files_own(section: str):
    model = gf.loads(FIRST.partition("train:\n")[0] + section)
    before = np.array(model.parameters["head.weight"])
    trainer = model.trainer()
    for _ in range(4):
        trainer.step({"x": np.ones((2, 64)), "y": np.array([0, 1])})
    assert not np.array_equal(model.parameters["head.weight"], before)


def test_the_layers_that_start_from_a_file(tmp_path: Path):
    (section,) = (s for s in OTHERS if s.startswith("layers:"))
    published = gf.loads(FIRST)
    published.save_weights(tmp_path / "digits.safetensors")
    begin, middle = FIRST.index("layers:"), FIRST.index("nodes:")
    (tmp_path / "file.yaml").write_text(FIRST[:begin] + section + FIRST[middle:])
    model = gf.load(tmp_path / "file.yaml")
    model.seed = 5
    same = [np.array_equal(v, published.parameters[n]) for n, v in model.parameters.items()]
    assert same == [True, True, True, False]
