"""``graphflow step``: walk through a file, forward and backward, node by node."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from graphflow.cli.output import GOOD, say
from graphflow.cli.source import File, Of, Sets, Unroll, assignments, open_model

if TYPE_CHECKING:
    from graphflow.cli.walk import Walk

NAME = "step"


def command(
    file: File,
    sets: Sets = None,
    feed: Annotated[
        list[str] | None,
        typer.Option(
            metavar="X=VALUE", help="Feed an input: numbers, or @file.npy, .npz, .json. Repeatable."
        ),
    ] = None,
    of: Of = None,
    walk: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="gradient: one pass; training: a step of train: or run:, updates included, the "
            "default where run: changes something.",
        ),
    ] = None,
    iteration: Annotated[
        int, typer.Option(metavar="N", min=0, help="Steps of train: or run: made before.")
    ] = 0,
    unroll: Unroll = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Print every step and ask for nothing.")
    ] = False,
) -> int:
    """Step through forward and backward, or a step of training or of a run: values, gradients,
    the chain rule, updates.

    Commands are read line by line: n next, b back, r NODE run to, h help, q quit. Without a
    terminal and without commands the whole walk is printed.
    """
    from graphflow.cli.feeding import given_feed
    from graphflow.cli.stepping import way_through
    from graphflow.cli.walk import HELP, Walk

    model = open_model(file, assignments(sets))
    way = way_through(model, walk, of, given_feed(feed), iteration, unroll or ())
    reader = Walk(way, model.graph)
    say(f"stepping through {way.about}")
    asked = sys.stdin.isatty() and not everything
    if asked:
        print(HELP)
    if everything or not (_read(reader, asked) or asked):
        reader.end()
    return GOOD


def _read(walk: Walk, asked: bool) -> bool:
    """Follow the lines of stdin to their end; whether there was any."""
    lines = 0
    while True:
        if asked:
            print("step> ", end="", flush=True)
        line = sys.stdin.readline()
        if not line or not walk.run(line):
            return bool(line) or lines > 0
        lines += 1
