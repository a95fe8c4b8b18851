"""``train:`` as meaning: which value each player lowers, by changing what, and how (rule 9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from graphflow.diagnostics import GraphflowError, Mark, did_you_mean, fail
from graphflow.spec.document import GroupDecl, PlayerDecl, TrainDecl
from graphflow.spec.elaborate.bound import (
    Function,
    Instance,
    Parts,
    Poison,
    Poisoned,
    describe,
)
from graphflow.spec.elaborate.optimising import Group, Objective, Optimising, is_optimizer
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.elaborate.session import Place, Slot
from graphflow.spec.kinds import marked
from graphflow.spec.syntax import Call, Expr, Keyword


@dataclass(frozen=True)
class TurnPlan:
    """One entry of a round: whose turn, how often, and whether each time on a new batch."""

    player: str
    times: int = 1
    fresh: bool = False


@dataclass(frozen=True)
class Training:
    """A whole ``train:`` section, resolved."""

    objectives: tuple[Objective, ...]
    turns: tuple[TurnPlan, ...]
    report: dict[str, str] = field(default_factory=dict)
    epochs: int | None = None
    steps: int | None = None
    seed: int = 0
    mark: Mark | None = None


class Trainings(Optimising):
    """Resolves the training section against the graph."""

    def training(self, decl: TrainDecl, scope: Scope) -> Training:
        """The objectives, turns and settings; a GraphflowError for what does not fit."""
        players = dict(decl.players) or {
            "": PlayerDecl(decl.minimize, decl.params, decl.mark)  # type: ignore[arg-type]
        }
        objectives = [self.objective(n, p, decl, scope) for n, p in players.items()]
        turns = tuple(
            TurnPlan(t.player, self.whole(t.times, scope, 1, "'times'") or 1, t.batch_new)
            for t in decl.turns
        ) or tuple(TurnPlan(name) for name in players)
        return Training(
            tuple(o for o in objectives if o is not None),
            turns,
            self.reported(decl, scope),
            self.whole(decl.epochs, scope, None, "'epochs'"),
            self.whole(decl.steps, scope, None, "'steps'"),
            self.whole(decl.seed, scope, 0, "'seed'") or 0,
            decl.mark,
        )

    def objective(
        self, name: str, player: PlayerDecl, decl: TrainDecl, scope: Scope
    ) -> Objective | None:
        """One player. Errors are kept; None stands for a player that has some."""
        try:
            loss = self.loss(name, player.minimize, scope)
            chosen = self.chosen(player.params or decl.params, player.mark)
            self.check_reached(loss, chosen, player.minimize.mark)
            optimizer = player.optimizer or decl.optimizer
            groups = self.groups(chosen, optimizer, decl.groups, scope, decl.mark)
            return Objective(
                name,
                loss,
                groups,
                player.clip_norm or decl.clip_norm,
                player.clip_value or decl.clip_value,
            )
        except GraphflowError as error:
            self.report(GraphflowError(*(d.at(player.mark) for d in error.diagnostics)))
        except Poisoned:
            pass
        return None

    def loss(self, player: str, expr: Expr, scope: Scope) -> str:
        """The scalar to minimise."""
        label = f"{player}.minimize" if player else "minimize"
        with self.at(label):
            value = self.tensor(self.evaluate(expr, scope, Slot(Place(label))), expr.mark)
        if value.shape != () or not value.dtype.is_float:
            fail(
                "GF040",
                f"minimize needs one number, but this is {value.type}",
                expr.mark,
                help="reduce it with mean or sum, or the loss with reduction='mean'",
            )
        return value.name

    def check_reached(self, loss: str, chosen: Sequence[str], mark: Mark) -> None:
        """At least one of the chosen parameters decides what the loss is."""
        needed = self.root.builder.graph().needed_for([loss])
        if chosen and needed.isdisjoint(chosen):
            fail(
                "GF043",
                f"the loss depends on none of the parameters: {', '.join(chosen[:5])}",
                mark,
                help="its gradient is zero everywhere; minimize what the model computes",
            )

    def chosen(self, patterns: Sequence[str], mark: Mark) -> list[str]:
        """Parameters that patterns, paths or instances name; all trainable ones without any."""
        parameters = [n for n in self.leaves if self.root.builder.nodes[n].op == "parameter"]
        if not patterns:
            return [n for n in parameters if self.leaves[n].trainable]
        found: dict[str, None] = {}
        for pattern in patterns:
            matched = matching(parameters, pattern)
            if not matched:
                close = did_you_mean(pattern, [*parameters, *self.document.layers])
                fail("GF041", f"no parameter is called '{pattern}'", mark,
                     help=close or "graphflow show FILE lists the parameters")  # fmt: skip
            found |= dict.fromkeys(n for n in matched if self.leaves[n].trainable)
        return list(found)

    def groups(
        self,
        chosen: Sequence[str],
        optimizer: Expr | None,
        decls: Sequence[GroupDecl],
        scope: Scope,
        mark: Mark,
    ) -> tuple[Group, ...]:
        """The chosen parameters by the optimizer that updates them; the first group wins."""
        if not chosen:
            fail("GF041", "there is nothing to train: no trainable parameter is chosen", mark,
                 help="declare params:, use layers, or list them under 'params:'")  # fmt: skip
        base = self.optimizer_call(optimizer, scope, mark)
        rest = list(chosen)
        groups = []
        for decl in decls:
            names = {n for p in decl.params for n in matching(rest, p)}
            if not names and not any(matching(list(self.leaves), p) for p in decl.params):
                fail("GF041", f"no parameter matches {', '.join(decl.params)}", decl.mark)
            taken = tuple(n for n in rest if n in names)
            rest = [n for n in rest if n not in names]
            call = (
                base if decl.optimizer is None else self.optimizer_call(decl.optimizer, scope, mark)
            )
            if decl.lr is not None:
                call = self.with_argument(call, "lr", decl.lr, scope)
            if taken and not decl.frozen:
                groups.append(Group(taken, call))
        if rest:
            groups.append(Group(tuple(rest), base))
        return tuple(groups)

    def optimizer_call(self, expr: Expr | None, scope: Scope, mark: Mark) -> Call:
        """The optimizer as a call of a block that updates parameters."""
        if expr is None:
            fail("GF012", "training needs the key 'optimizer'", mark, help="such as adam(lr=1e-3)")
        if not isinstance(expr, Call):
            fail("GF042", "an optimizer is a call", expr.mark, help="such as sgd(lr=0.1)")
        function = self.function(expr.function, scope)
        if function is None:
            self.unknown_function(expr, scope)
        block = function.block
        if block is None or not is_optimizer(block):
            optimizers = [n for n, b in self.library.blocks.items() if is_optimizer(b)]
            fail("GF042", f"'{expr.function}' is not an optimizer", expr.mark,
                 help=f"one of {', '.join(sorted(optimizers))}")  # fmt: skip
        return expr

    def with_argument(self, call: Call, name: str, value: Expr, scope: Scope) -> Call:
        """The optimizer's call with one argument replaced, by name or by position."""
        function = self.function(call.function, scope)
        assert function is not None and function.block is not None
        names = [a.name for a in function.block.args]
        if name in names[: len(call.args)]:
            at = names.index(name)
            return replace(call, args=(*call.args[:at], value, *call.args[at + 1 :]))
        kept = tuple(k for k in call.kwargs if k.name != name)
        return replace(call, kwargs=(*kept, Keyword(name, value, value.mark)))

    def reported(self, decl: TrainDecl, scope: Scope) -> dict[str, str]:
        """The nodes whose values are shown while training."""
        found: dict[str, str] = {}
        for name, mark in marked(decl.report, decl.mark):
            try:
                value = self.name(name, scope, mark)
                if isinstance(value, Parts | Function | Instance | Poison):
                    fail("GF022", f"'{name}' is {describe(value)}, not one value", mark)
                found[name] = self.named_tensor(name, value, mark).name
            except GraphflowError as error:
                self.report(error)
            except Poisoned:
                continue
        return found

    def whole(self, expr: Expr | None, scope: Scope, default: int | None, what: str) -> int | None:
        """A whole number setting."""
        if expr is None:
            return default
        value = self.static(expr, scope, what)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            fail("GF033", f"{what} is a whole number, not {describe(value)}", expr.mark)
        return value


def matching(names: Sequence[str], pattern: str) -> list[str]:
    """The names that a pattern means: itself, everything below it, or what a ``*`` matches."""
    return [
        n for n in names if n == pattern or n.startswith(f"{pattern}.") or fnmatchcase(n, pattern)
    ]
