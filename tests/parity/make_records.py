"""Write the records that graphflow is held to where PyTorch is not installed.

Run from the root of a checkout with the ``parity`` extra installed:

    python -m tests.parity.make_records [NAME...]

The name ``nets`` stands for all nets of ``net_cases``, whose numbers are one file.
"""

from __future__ import annotations

import json
import re
import sys

import torch

from tests.parity.cases import CASES, RECORDS, Case, summary
from tests.parity.net_cases import NET_CASES, RECORD, condensed
from tests.parity.torch_run import compare, train


def record(case: Case) -> dict[str, object]:
    """Everything one case is compared by, as plain data."""
    batches = [
        {
            "losses": {loss: float(outcome.values[loss]) for loss in case.losses},
            "values": [
                summary(name, outcome.values[name])
                for name in (*case.outputs, *case.carries.values())
            ],
            "gradients": {
                loss: [summary(name, g) for name, g in gradients.items()]
                for loss, gradients in outcome.gradients.items()
            },
        }
        for outcome in compare(case)
    ]
    trained = [summary(n, p) for n, p in train(case).items()] if case.trained else []
    return {"torch": torch.__version__, "batches": batches, "trained": trained}


def nets() -> dict[str, object]:
    """What PyTorch gives for the nets of canned graphs, a few lines each."""
    found = {name: condensed(case, *compare(case)) for name, case in NET_CASES.items()}
    return {"torch": torch.__version__, "nets": found}


def written(value: dict[str, object]) -> str:
    """JSON with one summary a line, so that a changed record is a readable difference."""
    innermost = re.compile(r"\{[^{}]*\}")
    return innermost.sub(lambda m: " ".join(m[0].split()), json.dumps(value, indent=1)) + "\n"


def main(names: list[str]) -> None:
    RECORDS.mkdir(exist_ok=True)
    for name in names or [*CASES, RECORD.stem]:
        path = RECORDS / f"{name}.json"
        value = nets() if path == RECORD else record(CASES[name])
        path.write_text(written(value), encoding="utf-8")
        print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
