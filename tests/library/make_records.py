"""Write what PyTorch gives for the library's calls, for where PyTorch is not installed.

Run from the root of a checkout with the ``parity`` extra installed:

    python -m tests.library.make_records
"""

from __future__ import annotations

import json
import re

import torch

from tests.library.cases import FAMILIES, RECORDS, Case
from tests.library.joint_cases import CASES, FITS
from tests.library.joint_cases import kept as kept_joint
from tests.library.torch_cases import compare
from tests.library.torch_joint import lbfgs
from tests.library.torch_training import rates, trained
from tests.library.training_cases import OPTIMIZERS, SCHEDULES, kept
from tests.parity.cases import summary

Plain = dict[str, object]


def call(case: Case) -> Plain:
    """One call, as plain data."""
    values, gradients = compare(case)
    return {
        "values": [summary(n, v) for n, v in values.items()],
        "gradients": [summary(n, g) for n, g in gradients.items()],
    }


def records() -> dict[str, Plain]:
    """The content of every file, by its name."""
    found: dict[str, Plain] = {
        family: {case.name: call(case) for case in cases} for family, cases in FAMILIES.items()
    }
    found["optimizers"] = {o: [summary("w", w) for w in kept(trained(o))] for o in OPTIMIZERS}
    found["joint"] = {
        f"{call} {fit}": [summary(n, w) for n, w in kept_joint(lbfgs(call, FITS[fit])).items()]
        for call, fit in CASES
    }
    found["schedules"] = {s: rates(s) for s in SCHEDULES}
    return found


def written(value: Plain) -> str:
    """JSON with one summary, or one list of numbers, a line."""
    innermost = re.compile(r"\{[^{}]*\}|\[[^\[\]{}]*\]")
    return innermost.sub(lambda m: " ".join(m[0].split()), json.dumps(value, indent=1)) + "\n"


def main() -> None:
    RECORDS.mkdir(exist_ok=True)
    for name, content in records().items():
        path = RECORDS / f"{name}.json"
        path.write_text(written({"torch": torch.__version__, **content}), encoding="utf-8")
        print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
