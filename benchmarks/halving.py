"""Does asynchronous halving find a better net than random search in the same time?

    python benchmarks/halving.py [--file mlp] [--seeds 10] [--out FOLDER]

For each seed, a search of 20 trials by asynchronous halving (digits, half of them held out, two
workers, the canned graph's ``tune:``) takes T seconds of wall-clock time. Random search
then gets T seconds, begins with the same configurations in the same order, and trains each to the
end. Shown is the best error on the rows held out that either has seen by then, and the mean over
the seeds with its standard deviation. ``--out`` keeps the searches, all their figures in
``any-time.html`` and the mean curves in ``mean.html``.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

import numpy as np

import graphflow as gf
from graphflow.figures import Chart, Labels, Report, Series, draw
from graphflow.figures import write_report as write_page
from graphflow.tuning.figures import write_report
from graphflow.tuning.results import Kept, incumbents

TRIALS = 20
KINDS = ("halving", "random")
SPLIT = {"mlp": "{train: 0.5, test: 0.5}", "lenet_search": "{train: 0.5, validation: 0.5}"}


def pair(file: str, seed: int, folder: Path) -> tuple[gf.Tuned, gf.Tuned]:
    """One search of each kind with the same seed."""
    held_out = {"data.split": SPLIT[file]}
    halving = gf.tune(file, held_out, trials=TRIALS, seed=seed, out=folder / f"halving-{seed}")
    random = gf.tune(
        file, {**held_out, "tune.scheduler": "basic"}, trials=10_000, time=halving.seconds,
        seed=seed, out=folder / f"random-{seed}",
    )  # fmt: skip
    return halving, random


def error(tuned: gf.Tuned) -> float:
    """The best share of wrong answers."""
    assert tuned.value is not None
    return 1 - tuned.value if tuned.maximise else tuned.value


def averaged(folder: Path, seeds: int) -> Chart:
    """The best error so far against the share of the time, mean over the seeds."""
    shares, series = np.linspace(0.05, 1, 96), []
    for kind in KINDS:
        curves = []
        for seed in range(seeds):
            kept = Kept.of(folder / f"{kind}-{seed}")
            whole = Kept.of(folder / f"{KINDS[0]}-{seed}").seconds()
            moments, best = incumbents(kept)
            index = np.searchsorted(moments, shares * whole, side="right") - 1
            known = np.where(index < 0, 0.0 if kept.maximise else 1.0, np.array(best)[index])
            curves.append(1 - known if kept.maximise else known)
        mean, spread = np.mean(curves, axis=0), np.std(curves, axis=0, ddof=1)
        series += [Series(kind, mean, shares, group=kind),
                   Series(f"{kind}, mean + sd", mean + spread, shares, group=kind)]  # fmt: skip
    labels = Labels(f"Best error so far, mean over {seeds} seeds", "share of the time", "error")
    return Chart(series, labels, log="y")


def spread(values: list[float]) -> str:
    return f"{statistics.mean(values):.4f} ± {statistics.stdev(values):.4f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", choices=SPLIT, default="mlp")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        run(given.file, given.seeds, given.out or Path(scratch), given.out is not None)


def run(file: str, seeds: int, folder: Path, drawn: bool) -> None:
    print(f"{'seed':>4}{'seconds':>9}{'halving':>9}{'trials':>8}{'random':>9}{'trials':>8}")
    errors: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for seed in range(seeds):
        found = dict(zip(errors, pair(file, seed, folder), strict=True))
        row = f"{seed:>4}{found['halving'].seconds:>9.1f}"
        for kind, tuned in found.items():
            errors[kind].append(error(tuned))
            row += f"{error(tuned):>9.4f}{len(tuned.trials):>8}"
        print(row, flush=True)
    pairs = list(zip(*errors.values(), strict=True))
    better, worse = sum(h < r for h, r in pairs), sum(h > r for h, r in pairs)
    print(f"halving {spread(errors['halving'])}, random {spread(errors['random'])}; "
          f"halving is better for {better} of {seeds} seeds, worse for {worse}")  # fmt: skip
    if drawn:
        searches = [folder / f"{kind}-{seed}" for kind in errors for seed in range(seeds)]
        write_report(searches, folder / "any-time.html")
        mean = Report("Halving and random search", shown={"mean": draw(averaged(folder, seeds))})
        write_page(mean, folder / "mean.html")


if __name__ == "__main__":
    main()
