"""The terminal stepper: commands in, what each step did out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from graphflow.cli.output import console, report_errors
from graphflow.diagnostics import GraphflowError, did_you_mean, fail
from graphflow.runtime.chain import ChainRule
from graphflow.runtime.stepper import Stepper, StepView
from graphflow.view.written import chain_lines, shown, written

HELP = """\
  n, Enter   next node              b          back
  r NODE     run to a node          e          run to the end
  f          to the first node      w          to the first backward node
  w NAME     watch a value          v NAME     show a value
  l          list the nodes         h          this help
  q          quit"""


class Walk:
    """A stepper driven by lines of text. ``run(line)`` says whether to go on."""

    def __init__(self, stepper: Stepper) -> None:
        self.stepper = stepper
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

    # -- commands ----------------------------------------------------------------------------
    def next(self, rest: str = "") -> None:
        """One node on."""
        self.show(self.stepper.next())

    def back(self, rest: str = "") -> None:
        """One node back."""
        view = self.stepper.back()
        if view is None:
            print("at the start")
        else:
            self.show(view)

    def run_to(self, name: str) -> None:
        """On, or back, to a node."""
        self.stepper.run_to(name)
        self.show_current()

    def end(self, rest: str = "") -> None:
        """All nodes that are left."""
        while not self.stepper.done:
            self.next()

    def first(self, rest: str = "") -> None:
        """The first node again."""
        self.stepper.reset()
        self.next()

    def backward_or_watch(self, name: str) -> None:
        """The first backward node; with a name, show that value after every step."""
        if name:
            self.stepper.graph.resolve(self.known(name))
            self.watched.append(name)
            print(f"watching {name}")
            return
        self.stepper.reset()
        steps = self.stepper.run_to_phase("backward")
        if steps and steps[-1].phase != "backward":
            print("there is no backward node")
        self.show_current()

    def value(self, name: str) -> None:
        """One value."""
        print(f"{name} = {shown(self.stepper.value(name))}")

    def list(self, rest: str = "") -> None:
        """All nodes, the last one that ran marked."""
        graph = self.stepper.graph
        for index, name in enumerate(self.stepper.order):
            mark = ">" if index == self.stepper.cursor - 1 else " "
            print(f"{mark} {index + 1:4d}  {graph.origin(name).phase:8}  {name}")

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
        formula = written(self.stepper.graph.nodes[view.node])
        out = console()
        out.print(Text.assemble((head, "bold cyan"), f"  {view.node} = {formula}{place}"))
        for name, value in view.operands.items():
            out.print(Text(f"    {name} = {shown(value)}"))
        out.print(Text(f"    {view.node} = {shown(view.value)}", style="bold"))
        for line in chain_texts(view.chain) if view.chain else ():
            out.print(Text(f"    {line}", style="green"))
        for name in self.watched:
            known = self.stepper.graph.resolve(name) in self.stepper.values
            text = shown(self.stepper.value(name)) if known else "not yet"
            out.print(Text(f"    watch {name} = {text}", style="dim"))

    def known(self, name: str) -> str:
        """The name, if the graph has it."""
        graph = self.stepper.graph
        if name not in graph:
            help = did_you_mean(name, [*graph.nodes, *graph.aliases])
            fail("GF020", f"no node is called '{name}'", help=help)
        return name


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
