"""``graphflow bench``: how long training steps take, ours and others'."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphflow.cli.output import GOOD, STOPPED, print_json, print_table, say
from graphflow.cli.source import AsJson

if TYPE_CHECKING:
    from graphflow.bench.kept import Kept
    from graphflow.bench.report import Line
    from graphflow.bench.rows import Row
    from graphflow.bench.setting import Setting
    from graphflow.bench.timing import Bench

NAME = "bench"


def command(
    rows: Annotated[
        list[str] | None, typer.Argument(metavar="[ROW]...", help="Rows of the table, else all.")
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="torch,jax",
            help="Also torch-compile, or none; else torch where it is installed, on a GPU all "
            "three.",
        ),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="On either side, else as many as there are cores.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Processes a side and row.")] = 5,
    kernels: Annotated[
        str | None, typer.Option(help="Ours: numpy, numba or onednn; else numba.")
    ] = None,
    backend: Annotated[
        str,
        typer.Option(help="numpy, or cupy: all sides compute on the GPU, rows for GPUs as well."),
    ] = "numpy",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the table as Markdown, too; or a folder for it."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Time a training step of the models in the benchmark table beside PyTorch or JAX.

    Each measurement is a process of its own, ours and theirs take turns, and what counts is the
    ratio of the medians. Runs that other work on the machine disturbed are dropped and counted.
    Ctrl-C ends it and shows what was measured so far. With --out the table is written after each
    row, and who calls again after a stop goes on where it was. With --backend cupy all sides
    compute on the GPU, and there are two more rows, ResNet-50 and a Transformer in bfloat16.
    """
    from graphflow.bench import rows as table
    from graphflow.bench.timing import Bench, in_a_process

    table.chosen(rows or [])
    setting = _setting(against, threads, kernels, backend)
    file = None if out is None else setting.file(out)
    measure = in_a_process(setting.threads, setting.by)
    bench = Bench(table.chosen(rows or [], setting.rows), setting.peers, rounds, measure)
    measured, stopped = _measured(bench, file, setting)
    _told(measured, as_json)
    if file is not None:
        say(f"written to {file}")
    return STOPPED if stopped else GOOD


def _setting(
    against: str | None, threads: int | None, kernels: str | None, backend: str
) -> Setting:
    """What is measured, and where."""
    import psutil

    from graphflow.backends.sets import kernels_named, known_backend
    from graphflow.bench.gpus import gpu
    from graphflow.bench.setting import Setting
    from graphflow.diagnostics import fail

    count = threads or psutil.cpu_count(logical=False) or 1
    if known_backend(backend) == "numpy":
        return Setting(kernels_named(kernels or "numba"), count, _peers(against, ("torch",)))
    if kernels is not None:
        fail("GF033", f"kernels '{kernels}' and the backend '{backend}' exclude each other",
             help="leave out one of the two")  # fmt: skip
    peers = _peers(against, ("torch", "torch-compile", "jax"))
    found = gpu(peers)
    for lack in found.without:
        say(lack)
    return Setting("cupy", count, peers, found)


def _peers(against: str | None, otherwise: tuple[str, ...]) -> tuple[str, ...]:
    """What is compared with, of those that there are ``otherwise`` what is installed; what is not
    is said.
    """
    from graphflow.bench.peers import PEERS, chosen, installed

    if against is not None:
        return () if against == "none" else chosen([n.strip() for n in against.split(",")])
    there = tuple(filter(installed, otherwise))
    for name in otherwise:
        if name not in there:
            say(f"not compared with {PEERS[name].about}: '{PEERS[name].package}' is not installed")
    return there


def _measured(
    bench: Bench, file: Path | None, setting: Setting
) -> tuple[list[Line], bool]:
    """Take the runs and write the table after each row; its lines, and whether the end came early.
    """
    from graphflow.bench.kept import Kept
    from graphflow.bench.report import lines, markdown
    from graphflow.bench.roofline import rates
    from graphflow.files import write_atomically

    kept = None if file is None else Kept.beside(file, setting.about())
    if kept is not None:
        _resume(bench, kept)
    best = rates(setting.threads) if setting.gpu is None else None
    least = dict[str, float]()

    def table() -> list[Line]:
        found = lines(bench, least)
        if file is not None:
            page = markdown(found, setting.told(best), bench.rounds)
            write_atomically(file, page.encode())
        return found

    try:
        for row in bench.rows:
            if best is not None:
                least[row.name] = best.least_ms(row)
            _take(bench, row, kept)
            measured = table()
    except KeyboardInterrupt:
        say("stopped; what was measured so far:")
        return table(), True
    if kept is not None:
        kept.done()
    return measured, False


def _resume(bench: Bench, kept: Kept) -> None:
    """Go on with the runs of an earlier call that was stopped."""
    count = kept.resumed(bench)
    if count is None:
        say(f"{kept.file} held runs of other code or another machine: measuring anew")
    elif count:
        say(f"going on with {count} runs in {kept.file}")


def _take(bench: Bench, row: Row, kept: Kept | None) -> None:
    """Take the runs of a row, telling of each."""
    for implementation, run in bench.run(row):
        if kept is not None:
            kept.keep(row, implementation, run)
        dropped = f", dropped: others used {run.load:.0%}" if run.disturbed else ""
        say(f"{row.name}: {implementation} {run.milliseconds:.4g} ms{dropped}")


def _told(found: list[Line], as_json: bool) -> None:
    """Print the table."""
    from graphflow.bench.report import COLUMNS, about_dropped, means

    if as_json:
        print_json({"rows": [line.to_json() for line in found]})
        return
    print_table(COLUMNS, [line.cells() for line in found])
    for sentence in (*means(found), about_dropped(found)):
        if sentence:
            print(sentence)
