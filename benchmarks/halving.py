"""Does asynchronous halving find a better LeNet than random search in the same time?

    python benchmarks/halving.py [--seeds 8] [--out FOLDER]

For each seed, a search of 20 trials by asynchronous halving (two workers, digits, the space of Dive
into Deep Learning 19.2) takes T seconds of wall-clock time; random search then gets T seconds,
begins with the same configurations in the same order, and trains each of them to the end. Shown is
the best validation error that either has seen by then, and the mean over the seeds with its
standard deviation. With ``--out`` the searches are kept, with all curves in ``any-time.html``.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

import graphflow as gf
from graphflow.tuning.figures import write_report

FILE = "lenet_search"
TRIALS = 20


def pair(seed: int, folder: Path) -> tuple[gf.Tuned, gf.Tuned]:
    """One search of each kind with the same seed."""
    halving = gf.tune(FILE, trials=TRIALS, seed=seed, out=folder / f"halving-{seed}")
    change = {"tune.scheduler": "basic"}
    seconds = halving.seconds
    random = gf.tune(FILE, change, trials=10_000, time=seconds, seed=seed,
                     out=folder / f"random-{seed}")  # fmt: skip
    return halving, random


def spread(values: list[float]) -> str:
    return f"{statistics.mean(values):.4f} ± {statistics.stdev(values):.4f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        run(given.seeds, given.out or Path(scratch), given.out is not None)


def run(seeds: int, folder: Path, drawn: bool) -> None:
    print(f"{'seed':>4}{'seconds':>9}{'halving':>9}{'trials':>8}{'random':>9}{'trials':>8}")
    errors: dict[str, list[float]] = {"halving": [], "random": []}
    for seed in range(seeds):
        found = dict(zip(errors, pair(seed, folder), strict=True))
        row = f"{seed:>4}{found['halving'].seconds:>9.1f}"
        for kind, tuned in found.items():
            assert tuned.value is not None
            errors[kind].append(tuned.value)
            row += f"{tuned.value:>9.4f}{len(tuned.trials):>8}"
        print(row, flush=True)
    better = sum(h < r for h, r in zip(*errors.values(), strict=True))
    print(f"halving {spread(errors['halving'])}, random {spread(errors['random'])}; "
          f"halving is better for {better} of {seeds} seeds")  # fmt: skip
    if drawn:
        searches = [folder / f"{kind}-{seed}" for kind in errors for seed in range(seeds)]
        write_report(searches, folder / "any-time.html")


if __name__ == "__main__":
    main()
