"""The terminal stepper: commands in, what each step did out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from graphflow.cli.output import console, report_errors
from graphflow.cli.stepping import Way
from graphflow.diagnostics import GraphflowError, did_you_mean, fail
from graphflow.ir.graph import Graph
from graphflow.runtime.chain import ChainRule
from graphflow.runtime.stepper import GraphStepper, StepView
from graphflow.view.written import chain_lines, shown, written

HELP = """\
  n, Enter   next node              b          back
  r NODE     run to a node          e          run to the end
  f          to the first node      w          to the first backward node
  w NAME     watch a value          v NAME     show a value
  l          list the nodes         h          this help
  q          quit"""


class Walk:
    """The steppers of a way driven by lines of text. ``run(line)`` says whether to go on. ``whole``
    is the graph of the file, which may have more nodes than are walked.
    """

    def __init__(self, way: Way, whole: Graph) -> None:
        self.way, self.whole, self.at = way, whole, 0
        self.watched: list[str] = []
        self.commands: Mapping[str, Callable[[str], None]] = {
            "": self.next, "n": self.next, "b": self.back, "r": self.run_to, "e": self.end,
            "f": self.first, "w": self.backward_or_watch, "v": self.value, "l": self.list,
            "h": self.help, "?": self.help,
        }  # fmt: skip

    def run(self, line: str) -> bool:
        """Do what one line says; what is wrong with it is reported."""
        word, _, rest = line.strip().partition(" ")
        if word in ("q", "quit", "exit"):
            return False
        try:
            if word not in self.commands:
                fail("GF006", f"there is no command '{word}'", help="h lists them")
            self.commands[word](rest.strip())
        except GraphflowError as error:
            report_errors(error.diagnostics)
        return True

    @property
    def stepper(self) -> GraphStepper:
        """That of the turn in which the walk stands."""
        return self.way.turns[self.at][1]

    @property
    def done(self) -> bool:
        """Whether the last node of the last turn has run."""
        return self.stepper.done and self.at + 1 == len(self.way.turns)

    # -- commands ----------------------------------------------------------------------------
    def next(self, rest: str = "") -> None:
        """One node on; behind the last one of a turn the first of the next."""
        if self.stepper.done and not self.done:
            self.at += 1
        if not self.stepper.cursor and len(self.way.turns) > 1:
            print(f"turn {self.at + 1}/{len(self.way.turns)}: {self.way.turns[self.at][0]}")
        self.show(self.stepper.next())

    def back(self, rest: str = "") -> None:
        """One node back."""
        view = self.stepper.back()
        if view is None and self.at:
            self.at -= 1
            view = self.stepper.current
        if view is None:
            print("at the start")
        else:
            self.show(view)

    def run_to(self, name: str) -> None:
        """On, or back, to a node."""
        at = self.turn_of(name)
        for _, stepper in self.way.turns[self.at : at]:
            stepper.run_to_end()
        for _, stepper in self.way.turns[at + 1 : self.at + 1]:
            stepper.reset()
        self.at = at
        self.stepper.run_to(name)
        self.show_current()

    def turn_of(self, name: str) -> int:
        """The turn with a step of that name: this one, else one ahead, else one behind."""
        count = len(self.way.turns)
        places: list[int] = [*range(self.at, count), *reversed(range(self.at))]
        for at in places:
            if self.way.turns[at][1].position(name) is not None:
                return at
        fail("GF020", f"'{self.known(name)}' is given, no step computes it",
             help=f"v {name} shows it")  # fmt: skip

    def end(self, rest: str = "") -> None:
        """All nodes that are left."""
        while not self.done:
            self.next()

    def first(self, rest: str = "") -> None:
        """The first node again."""
        self.reset()
        self.next()

    def reset(self) -> None:
        """Back to the start of all turns."""
        for _, stepper in self.way.turns[: self.at + 1]:
            stepper.reset()
        self.at = 0

    def backward_or_watch(self, name: str) -> None:
        """The first backward node; with a name, show that value after every step."""
        if name:
            self.known(name)
            self.watched.append(name)
            print(f"watching {name}")
            return
        self.reset()
        steps = self.stepper.run_to_phase("backward")
        if steps and steps[-1].phase != "backward":
            print("there is no backward node")
        self.show_current()

    def value(self, name: str) -> None:
        """One value."""
        print(f"{name} = {shown(self.stepper.value(self.known(name)))}")

    def list(self, rest: str = "") -> None:
        """All nodes, the last one that ran marked."""
        for index, name in enumerate(self.stepper.order):
            mark = ">" if index == self.stepper.cursor - 1 else " "
            print(f"{mark} {index + 1:4d}  {self.stepper.phase(index):8}  {name}")

    def help(self, rest: str = "") -> None:
        """What one can type."""
        print(HELP)

    # -- showing -----------------------------------------------------------------------------
    def show_current(self) -> None:
        """The step made last."""
        view = self.stepper.current
        if view is not None:
            self.show(view)

    def show(self, view: StepView) -> None:
        """A step: its place, formula, operands, result, and the chain rule."""
        from rich.text import Text

        place = f"  {view.mark.file}:{view.mark.line}" if view.mark else ""
        head = f"{view.index + 1}/{len(self.stepper.order)} {view.phase}"
        formula = written(view.graph.nodes[view.node])
        out = console()
        out.print(Text.assemble((head, "bold cyan"), f"  {view.name} = {formula}{place}"))
        for name, value in view.operands.items():
            out.print(Text(f"    {name} = {shown(value)}"))
        out.print(Text(f"    {view.node} = {shown(view.value)}", style="bold"))
        for line in chain_texts(view.chain) if view.chain else ():
            out.print(Text(f"    {line}", style="green"))
        for name in self.watched:
            text = shown(self.stepper.value(name)) if self.stepper.has_run(name) else "not yet"
            out.print(Text(f"    watch {name} = {text}", style="dim"))

    def known(self, name: str) -> str:
        """The name, if the walk has it."""
        graph = self.stepper.graph
        if self.stepper.knows(name):
            return name
        if name in self.whole:
            fail("GF020", f"'{name}' is not on the way to {self.way.end}",
                 help=f"--of {name} walks to it")  # fmt: skip
        known = [*graph.nodes, *graph.aliases, *self.whole.nodes, *self.stepper.order]
        fail("GF020", f"no node is called '{name}'", help=did_you_mean(name, known))


def chain_texts(chain: ChainRule) -> Iterator[str]:
    """The chain rule at a step, in names and in numbers."""
    upstream = (chain.upstream_name, shown(chain.upstream))
    local = None if chain.local is None else shown(chain.local)
    total = None if chain.total is None else shown(chain.total)
    parts = (upstream, local, shown(chain.contribution), total)
    first, *rest = chain_lines(chain.twin, chain.operand, *parts)
    yield f"chain rule: {first}"
    for line in rest:
        yield f"  {line}"
