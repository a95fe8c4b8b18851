"""``graphflow studio``: the studio in a browser, and the options that set its limits."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from graphflow.cli.output import FAILED, GOOD, say
from graphflow.cli.source import parse_bytes
from graphflow.diagnostics import fail
from graphflow.studio.limits import Limits, half_of_the_memory

NAME = "studio"
USAGE: type[Exception] = typer.BadParameter.__bases__[0]
"""What the parser raises for a wrong command line."""
UPLOAD = f"{Limits.upload_bytes // 10**6}MB"
LEAST = 256 * 2**20
"""Bytes that a process needs for itself."""

Folders = Annotated[
    list[Path] | None,
    typer.Option(
        "--folder", metavar="DIR", help="Read files below it, repeatable; else the current folder."
    ),
]
Runs = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Write runs below it, else below runs/.")
]
Memory = Annotated[
    str | None, typer.Option(metavar="4GB", help="Of each process, else half of what there is.")
]
Seconds = Annotated[float, typer.Option(min=1, help="That a question may take.")]
Training = Annotated[float, typer.Option(min=1, help="Seconds that a training may take.")]
Upload = Annotated[str, typer.Option(metavar="1MB", help="Of a file that is sent to the studio.")]
Processes = Annotated[int, typer.Option(min=1, help="That answer visitors, and that train.")]
Network = Annotated[bool, typer.Option("--network", help="Let published data be downloaded.")]


def limits(
    folder: Folders = None,
    runs: Runs = None,
    memory: Memory = None,
    seconds: Seconds = Limits.seconds,
    upload: Upload = UPLOAD,
    processes: Processes = Limits.processes,
    training: Training = Limits.training_seconds,
    network: Network = False,
) -> Limits:
    """The limits of a studio."""
    folders = [path.resolve() for path in folder or [Path.cwd()]]
    for path in folders:
        if not path.is_dir():
            fail("GF006", f"--folder {path} is no folder")
    least = parse_bytes(memory) if memory else half_of_the_memory()
    if least < LEAST:
        fail("GF006", f"--memory {memory} is too little", help="a process needs some 256MB")
    return Limits(
        tuple(map(str, folders)), str((runs or Path("runs")).resolve()), seconds, least,
        parse_bytes(upload), network, processes, training,
    )  # fmt: skip


def given(arguments: Sequence[str]) -> Limits:
    """The limits that stand on a command line, as ``streamlit run ui/app.py -- --folder DIR``.

    >>> given(["--seconds", "30", "--network"]).seconds
    30.0

    GF006 for any other option.
    """
    parser = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    parser.command()(limits)
    command = typer.main.get_command(parser)
    try:
        with command.make_context("ui/app.py --", list(arguments)) as context:
            found = command.invoke(context)
    except typer.Exit:
        sys.exit(GOOD)
    except USAGE as error:
        fail("GF006", getattr(error, "format_message", error.__str__)().rstrip("."),
             help="'graphflow studio --help' shows the options")  # fmt: skip
    assert isinstance(found, Limits)
    return found


def written(chosen: Limits) -> list[str]:
    """Limits as a command line."""
    folders = [part for folder in chosen.folders for part in ("--folder", folder)]
    return [
        *folders, "--runs", chosen.runs, "--memory", str(chosen.memory),
        "--seconds", str(chosen.seconds), "--upload", str(chosen.upload_bytes),
        "--processes", str(chosen.processes),
        "--training", str(chosen.training_seconds), *["--network"] * chosen.network,
    ]  # fmt: skip


def page() -> Path:
    """The studio's pages: beside the package in a checkout, within it where it is installed."""
    package = Path(__file__).resolve().parent.parent
    shipped = package / "_ui" / "ui" / "app.py"
    found = shipped if shipped.is_file() else package.parent / "ui" / "app.py"
    if not found.is_file():
        fail("GF001", "this installation has no studio: its pages are missing",
             help="install graphflow again: pip install --force-reinstall graphflow")  # fmt: skip
    return found


def command(
    folder: Folders = None,
    runs: Runs = None,
    memory: Memory = None,
    seconds: Seconds = Limits.seconds,
    upload: Upload = UPLOAD,
    processes: Processes = Limits.processes,
    training: Training = Limits.training_seconds,
    network: Network = False,
    address: Annotated[
        str, typer.Option(help="Where it listens; 0.0.0.0 lets others in.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8501,
    show: Annotated[bool, typer.Option("--open", help="Show it in a browser.")] = False,
) -> int:
    """Open the studio: see a model, step through it, edit it, train it. Ctrl-C ends it.

    Files that are opened in it read below the folders that are given here, write runs, and do
    nothing else on this machine.
    """
    chosen = limits(folder, runs, memory, seconds, upload, processes, training, network)
    arguments = [
        sys.executable, "-m", "streamlit", "run", str(page()),
        "--server.address", address, "--server.port", str(port),
        "--server.headless", str(not show).lower(), "--server.fileWatcherType", "none",
        "--server.maxUploadSize", str(chosen.upload_megabytes),
        "--browser.gatherUsageStats", "false", "--", *written(chosen),
    ]  # fmt: skip
    say(f"the studio opens at http://{address}:{port}; Ctrl-C ends it")
    with subprocess.Popen(arguments) as server:
        signal.signal(signal.SIGTERM, lambda number, frame: server.terminate())
        try:
            return GOOD if server.wait() == 0 else FAILED
        except KeyboardInterrupt:
            server.terminate()
            return GOOD
