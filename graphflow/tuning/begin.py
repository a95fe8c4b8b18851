"""From a file to a search, new or resumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path

from graphflow.api import load
from graphflow.diagnostics import GraphflowError, did_you_mean, fail
from graphflow.distributed.cluster import join
from graphflow.gallery import find
from graphflow.model import Model
from graphflow.runs import folds_of
from graphflow.spec.elaborate import SchedulerPlan, TunePlan
from graphflow.spec.elaborate.tuning import SCHEDULERS
from graphflow.spec.unparse import unparse
from graphflow.spec.values import Plain
from graphflow.training.feed import open_feed
from graphflow.tuning.asked import Asked, Limits, Setting
from graphflow.tuning.folder import TuneFolder
from graphflow.tuning.probe import misfits
from graphflow.tuning.search import Listener, Search, Tuned
from graphflow.tuning.study import check_installed


def tune(
    path: str | PathLike[str],
    overrides: Mapping[str, Plain] | None = None,
    *,
    trials: int | None = None,
    time: float | None = None,
    workers: int | None = None,
    seed: int | None = None,
    out: str | PathLike[str] | None = None,
    dtype: str = "float32",
    listener: Listener | None = None,
    address: str | None = None,
) -> Tuned:
    """Search the hyperparameters of a file's ``tune:`` section (extra ``tune``).

    ``overrides`` change the file for all trials; ``trials``, ``time`` in seconds, ``workers`` and
    ``seed`` stand for those of the file. Every trial is a run in ``out/trials``; without ``out`` a
    folder is made below ``tunes``. With the ``address`` of a Ray cluster, "auto" for the one that
    this machine is in, trials train there. Raises GraphflowError for what is wrong with the file,
    before anything trains; a trial that fails is one of the results.
    """
    limits = Limits(trials, time, workers, seed)
    folder = None if out is None else Path(out)
    return begun(str(path), overrides or {}, limits, folder, dtype, listener, address).run()


def begun(
    file: str,
    overrides: Mapping[str, Plain],
    limits: Limits,
    out: Path | None,
    dtype: str = "float32",
    listener: Listener | None = None,
    address: str | None = None,
) -> Search:
    """A new search; its folder is made last, so that what is refused leaves none behind."""
    place = find(file).resolve()
    setting = Setting(str(place), dict(overrides), dtype)
    model = _checked(place, setting)
    plan = limits.over(plan_of(model))
    if address is not None:
        join(address)
    name = "-".join(place.stem.split()) or "tune"
    folder = TuneFolder.create(out, name, _asked(model, setting, plan))
    return Search(folder, plan, setting, listener, address)


def resumed(
    path: Path, limits: Limits, listener: Listener | None = None, address: str | None = None
) -> Search:
    """The search in a folder, from what its journal holds on; more trials or time may be given."""
    folder = TuneFolder.open(path)
    asked = folder.asked()
    if limits.seed not in (None, asked.limits.seed):
        fail("GF064", f"the search has seed {asked.limits.seed}, not {limits.seed}",
             help="leave out --seed, or begin a new search")  # fmt: skip
    model = _checked(folder.file, asked.setting)
    plan = limits.over(asked.limits.over(plan_of(model)))
    if address is not None:
        join(address)
    folder.note(replace(asked, limits=Limits.of(plan)))
    return Search(folder, plan, asked.setting, listener, address)


def plan_of(model: Model) -> TunePlan:
    """The ``tune:`` section of a model's file."""
    plan = model.elaborated.tune
    if plan is None:
        fail("GF067", "there is nothing to tune: the file has no 'tune:' section",
             help="graphflow explain tune shows one")  # fmt: skip
    return plan


def _checked(place: Path, setting: Setting) -> Model:
    """The model of a file whose search fits its data and its graph."""
    home = Path(setting.file).parent
    model = load(place, setting.overrides, folder=home)
    plan = plan_of(model)
    folds = folds_of(model)
    if folds is not None:
        fail("GF067", f"a search trains each configuration once, not {folds} times", plan.mark,
             help="leave out data.folds, or name one: data: {fold: 1}")  # fmt: skip
    searched = [d.name for d in plan.space if d.name in setting.overrides]
    if searched:
        fail("GF006", f"'{searched[0]}' is searched, so that no override holds",
             help="leave it out, or take it out of tune.space")  # fmt: skip
    check_installed(plan)
    trainer = model.trainer(dtype=setting.dtype)
    feed = open_feed(model.elaborated, model.folder, trainer.seed)
    parts = ("train", *feed.evaluation_parts)
    part = plan.metric.partition("/")[0]
    if part not in parts:
        help = did_you_mean(part, parts) or f"it has {', '.join(parts)}"
        fail("GF020", f"the data have no part '{part}'", plan.mark, help=help)
    found = misfits(place, home, plan, setting.overrides)
    if found:
        raise GraphflowError(*found)
    return model


def _asked(model: Model, setting: Setting, plan: TunePlan) -> Asked:
    decl = model.document.tune
    assert decl is not None
    space = {name: unparse(expr) for name, expr in decl.space.items()}
    return Asked(setting, Limits.of(plan), plan.metric, decl.mode, written(plan.scheduler),
                 plan.sampler, space)  # fmt: skip


def written(plan: SchedulerPlan) -> str:
    """A scheduler as the file writes it.

    >>> written(SchedulerPlan("asha", 10))
    'asha(min_epochs=1, max_epochs=10, reduction_factor=2, type=stopping)'
    """
    names = () if plan.whole else SCHEDULERS[plan.name]
    given = ", ".join(f"{name}={getattr(plan, name)}" for name in names)
    return f"{plan.name}({given})"
