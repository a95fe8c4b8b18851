"""What is seen while a search runs: a table on a terminal, a line an event elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from graphflow.cli.output import console, say, shown_number

if TYPE_CHECKING:
    from rich.table import Table

    from graphflow.tuning import Listener, Search, Trial
    from graphflow.tuning.folder import Event

REFRESH = 0.25
"""Seconds between redraws of the table."""
AROUND = 8
"""Lines of the terminal that trials leave free."""


@contextmanager
def searching() -> Iterator[Listener]:
    """A table when stderr is a terminal, lines when it is a file or a pipe."""
    if not console(stderr=True).is_terminal:
        yield Lines()
        return
    board = Board()
    try:
        yield board
    finally:
        board.close()


class Lines:
    """A line on stderr for every event."""

    def on_event(self, search: Search, event: Event, trial: Trial) -> None:
        """The event's line."""
        say(f"{event.time:8.1f} s  trial {trial.number:<3} {_happened(search, event, trial)}")

    def on_tick(self, search: Search) -> None:
        """Nothing to say."""


def _happened(search: Search, event: Event, trial: Trial) -> str:
    from graphflow.tuning.results import shown

    if event.event == "start":
        again = f" from epoch {trial.epoch}" if trial.epoch else ""
        goal = "" if search.plan.scheduler.whole else f" to {trial.until}"
        return f"begins{again}{goal}: {shown(trial.configuration)}"
    metric = "" if event.value is None else f"  {search.plan.metric} {shown_number(event.value)}"
    best = "" if search.best is None else f"  best {shown_number(search.best.value)}"
    if event.event == "epoch":
        return f"epoch {event.epoch}/{trial.until}{metric}{best}"
    because = f": {trial.message}" if trial.message else ""
    return f"{trial.state} after epoch {event.epoch}{metric}{because}"


class Board:
    """A table of the trials on stderr: those that run, then the best."""

    def __init__(self) -> None:
        from rich.live import Live

        self.live = Live(console=console(stderr=True), auto_refresh=False, transient=True)
        self.drawn = 0.0

    def on_event(self, search: Search, event: Event, trial: Trial) -> None:
        """Drawn with the next tick; what failed leaves a line."""
        if trial.message and event.event == "end":
            self.live.console.print(f"trial {trial.number} {_happened(search, event, trial)}")

    def on_tick(self, search: Search) -> None:
        """Draw the table, a few times a second."""
        now = time.monotonic()
        if now - self.drawn < REFRESH:
            return
        self.drawn = now
        if not self.live.is_started:
            self.live.start()
        rows = max(3, self.live.console.size.height - AROUND)
        self.live.update(_table(search, rows), refresh=True)

    def close(self) -> None:
        """Take the table away."""
        self.live.stop()


def _table(search: Search, rows: int) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from graphflow.tuning.results import ranked, shown

    plan = search.plan
    best = "" if search.best is None else f", best {shown_number(search.best.value)}"
    count = f"{len(search.trials)}/{plan.trials}" if plan.trials else str(len(search.trials))
    title = f"{count} trials, {search.seconds:.0f} s{best}"
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False,
                  expand=True)  # fmt: skip
    for column in ("trial", "configuration", "epoch", plan.metric, "best", "state"):
        ratio = 1 if column == "configuration" else None
        table.add_column(column, overflow="ellipsis", no_wrap=True, ratio=ratio)
    active = [t for t in search.trials if t.state == "running"]
    others = [t for t in ranked(search.trials, plan.maximise) if t.state != "running"]
    for trial in [*active, *others][:rows]:
        own = trial.best(plan.maximise)
        last = trial.values.get(trial.epoch)
        leading = search.best is not None and search.best.trial is trial
        cells = (
            str(trial.number), shown(trial.configuration), f"{trial.epoch}/{trial.until}",
            "" if last is None else shown_number(last),
            "" if own is None else shown_number(own[0]), trial.state,
        )  # fmt: skip
        table.add_row(*(Text(cell, style="bold" if leading else "") for cell in cells))
    return table
