"""Groups of parameters: which optimizer call updates which parameters.

The call of a group is the call of all others, with the arguments that the group says in place of
its own: ``{params: [head.*], lr_scale: 10, weight_decay: 0}``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphflow.diagnostics import Mark, did_you_mean, fail
from graphflow.spec.document import BlockDecl, GroupDecl
from graphflow.spec.elaborate.elaborator import Elaborator
from graphflow.spec.elaborate.objective import Group, is_optimizer
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.kinds import mark_of, marked
from graphflow.spec.patterns import brief, matching
from graphflow.spec.syntax import Binary, Call, Expr, Keyword, Name
from graphflow.spec.training import GROUP
from graphflow.spec.unparse import unparse

RATE = "lr"


def parameters(elaborator: Elaborator) -> list[str]:
    """All parameters of the file, in order of creation."""
    return [n for n in elaborator.leaves if elaborator.root.builder.nodes[n].op == "parameter"]


def named(elaborator: Elaborator, pattern: str, mark: Mark, among: Sequence[str]) -> list[str]:
    """The parameters that a pattern means, of those in ``among``; GF041 where there is none."""
    found = matching(among, pattern)
    if found:
        return found
    if matching(parameters(elaborator), pattern):
        fail("GF041", f"this player does not change '{pattern}'", mark,
             help=f"it changes {brief(among)}")  # fmt: skip
    close = did_you_mean(pattern, [*among, *elaborator.document.layers])
    fail("GF041", f"no parameter is called '{pattern}'", mark,
         help=close or "graphflow show FILE lists the parameters")  # fmt: skip


def grouped(
    elaborator: Elaborator,
    chosen: Sequence[str],
    base: Call,
    own: Sequence[GroupDecl],
    shared: Sequence[GroupDecl],
    scope: Scope,
    alone: bool,
) -> tuple[Group, ...]:
    """The chosen parameters by the optimizer call that updates them; the first match wins.

    ``own`` are the groups of a player, ``shared`` those of all players, which need not concern
    this one unless it is ``alone``. Parameters of groups that are always frozen are in no group.
    """
    mine = [n for n in parameters(elaborator) if n in chosen or not elaborator.leaves[n].trainable]
    rest, groups = list(chosen), []
    for decl, among in [*((d, mine) for d in own), *((d, parameters(elaborator)) for d in shared)]:
        patterns = marked(decl.params, decl.mark)
        meant = {n for p, mark in patterns for n in named(elaborator, p, mark, among)}
        call = own_call(elaborator, decl, base, scope)
        taken = tuple(n for n in rest if n in meant)
        rest = [n for n in rest if n not in meant]
        if not taken and not meant.isdisjoint(chosen):
            fail("GF041", f"earlier groups hold all of {', '.join(decl.params)}", decl.mark,
                 help="the first group that matches wins: put this one first")  # fmt: skip
        if not taken and decl.frozen is not True and (decl in own or alone):
            fail("GF041", f"nothing of {', '.join(decl.params)} is trained", decl.mark,
                 help="it is frozen (trainable: false), or not among 'params'")  # fmt: skip
        if taken and decl.frozen is not True:
            groups.append(Group(taken, call, decl.frozen or None))
    return (*groups, Group(tuple(rest), base)) if rest else tuple(groups)


def own_call(elaborator: Elaborator, decl: GroupDecl, base: Call, scope: Scope) -> Call:
    """The optimizer call of one group."""
    call = replace(base, mark=decl.mark)
    if decl.optimizer is not None:
        call = optimizer_call(elaborator, decl.optimizer, scope, decl.mark)
    block = block_of(elaborator, call, scope)
    known = [argument.name for argument in block.args]
    rates = {RATE: decl.lr} if decl.lr is not None else {}
    if decl.lr_scale is not None:
        rate = argument_of(call, block, RATE)
        if rate is None:
            fail("GF042", f"{call.function} is given no '{RATE}' that lr_scale can multiply",
                 decl.lr_scale.mark)  # fmt: skip
        rates = {RATE: Binary("*", rate, decl.lr_scale, decl.lr_scale.mark)}
    for name, value in {**rates, **decl.arguments}.items():
        if name not in known:
            fail("GF010", f"a group has no key '{name}', and {call.function} no such argument",
                 mark_of(decl.arguments, name, value.mark),
                 help=did_you_mean(name, [*known, *GROUP.table()])
                 or f"the arguments of {call.function} are {', '.join(known)}")  # fmt: skip
        call = with_argument(call, block, name, value)
    return call


def optimizer_call(elaborator: Elaborator, expr: Expr | None, scope: Scope, mark: Mark) -> Call:
    """The optimizer as a call of a block that updates parameters."""
    if expr is None:
        fail("GF012", "training needs the key 'optimizer'", mark, help="such as adam(lr=1e-3)")
    if not isinstance(expr, Call):
        known = isinstance(expr, Name) and expr.id in elaborator.library.blocks
        help = f"write {unparse(expr)}(), arguments in the brackets" if known else None
        fail("GF042", "an optimizer is a call", expr.mark, help=help or "such as sgd(lr=0.1)")
    function = elaborator.function(expr.function, scope)
    if function is None:
        elaborator.unknown_function(expr, scope)
    if function.block is None or not is_optimizer(function.block):
        optimizers = [n for n, b in elaborator.library.blocks.items() if is_optimizer(b)]
        fail("GF042", f"'{expr.function}' is not an optimizer", expr.mark,
             help=f"one of {', '.join(sorted(optimizers))}")  # fmt: skip
    return expr


def block_of(elaborator: Elaborator, call: Call, scope: Scope) -> BlockDecl:
    """The block that an optimizer's call names."""
    function = elaborator.function(call.function, scope)
    assert function is not None and function.block is not None
    return function.block


def argument_of(call: Call, block: BlockDecl, name: str) -> Expr | None:
    """What a call says for an argument, by position or by name, else its default."""
    names = [argument.name for argument in block.args]
    if name in names[: len(call.args)]:
        return call.args[names.index(name)]
    said = [keyword.value for keyword in call.kwargs if keyword.name == name]
    defaults = [argument.default for argument in block.args if argument.name == name]
    return next(iter([*said, *defaults]), None)


def with_argument(call: Call, block: BlockDecl, name: str, value: Expr) -> Call:
    """The call with one argument replaced, by position or by name."""
    names = [argument.name for argument in block.args]
    if name in names[: len(call.args)]:
        at = names.index(name)
        return replace(call, args=(*call.args[:at], value, *call.args[at + 1 :]))
    kept = tuple(k for k in call.kwargs if k.name != name)
    return replace(call, kwargs=(*kept, Keyword(name, value, value.mark)))
