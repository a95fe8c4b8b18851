"""Plans of the real cuDNN for a GPU that is not there: what a step asks for has a plan."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.backends.cuda.host import COMPILER

HERE = Path(__file__).parent
ROOT = HERE.parent.parent.parent
pytestmark = pytest.mark.skipif(
    find_spec("cudnn") is None or COMPILER is None,
    reason="needs pip install -e '.[cudnn]' and a C compiler",
)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> list[dict]:
    """What is told of each operation, by a process in which nothing but a driver is missing."""
    folder = tmp_path_factory.mktemp("driver")
    for library in ("libcuda.so.1", "libcudart.so.13"):
        flags = ("-shared", "-fPIC", f"-Wl,-soname,{library}", "-o", str(folder / library))
        subprocess.run([str(COMPILER), "-x", "c", str(HERE / "driver.c"), *flags], check=True)
    nvidia = find_spec("nvidia")
    assert nvidia is not None
    homes = [Path(home, part, "lib") for home in nvidia.submodule_search_locations or ()
             for part in ("cudnn", "cu13")]  # fmt: skip
    libraries = os.pathsep.join(map(str, [folder, *homes]))
    found = subprocess.run(
        [sys.executable, "-m", "tests.backends.cudnn.building"],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
        env={**os.environ, "LD_LIBRARY_PATH": libraries},
    )  # fmt: skip
    assert found.returncode == 0, found.stderr[-2000:]
    return [json.loads(line) for line in found.stdout.splitlines()]


def test_each_operation_of_a_step_has_a_plan(built):
    assert [each for each in built if "workspace" not in each] == []
    counts = Counter((each["model"], each["how"]) for each in built)
    halves = ("float16", "bfloat16")
    hows = ("float32", "float32, exact", *halves, "float16, channels last", "float64")
    each = {"shapes": 42, "lenet": 5, "resnet18": 32}
    convolutions = {(model, how): n for model, n in each.items() for how in hows}
    attention = {(model, how): 2 for model in ("gpt", "gpt, 12 heads of 64") for how in halves}
    assert counts == convolutions | attention
