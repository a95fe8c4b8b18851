"""What a search is asked for: its file, its limits, and what of the file stays as it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace

from graphflow.diagnostics import fail
from graphflow.files import Json
from graphflow.spec.elaborate import TunePlan
from graphflow.spec.values import Plain
from graphflow.tuning.trials import Trial


@dataclass(frozen=True)
class Limits:
    """How much a search may do; what is None is left to the file."""

    trials: int | None = None
    time: float | None = None
    workers: int | None = None
    seed: int | None = None

    @classmethod
    def of(cls, plan: TunePlan) -> Limits:
        """Those of a plan."""
        return cls(plan.trials, plan.time, plan.workers, plan.seed)

    def over(self, plan: TunePlan) -> TunePlan:
        """The plan with what is given here."""
        for name, least in (("trials", 1), ("time", 0), ("workers", 1), ("seed", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                fail("GF033", f"{name} is a number from {least} on, not {value}")
        given = {n: v for n, v in vars(self).items() if v is not None}
        return replace(plan, **given)


@dataclass(frozen=True)
class Setting:
    """What all trials share: where the file lay, overrides below their own, the number type."""

    file: str
    overrides: Mapping[str, Plain] = field(default_factory=dict)
    dtype: str = "float32"

    def full(self, trial: Trial) -> dict[str, Plain]:
        """All overrides of a trial, without those of the search itself."""
        shared = {n: v for n, v in self.overrides.items() if not n.startswith("tune.")}
        return shared | dict(trial.configuration)


@dataclass(frozen=True)
class Asked:
    """What a search was asked for: enough to go on with it, and to say what it was."""

    setting: Setting
    limits: Limits
    metric: str
    mode: str
    scheduler: str
    sampler: str
    space: Mapping[str, str]

    def to_json(self) -> dict[str, Json]:
        """As ``tune.json`` says it: one mapping, without the grouping.

        >>> asked = Asked(Setting("d.yaml"), Limits(8), "test/loss", "min", "basic()", "tpe", {})
        >>> asked.to_json()["trials"], Asked.from_json(asked.to_json()) == asked
        (8, True)
        """
        found = asdict(self)
        return {**found.pop("setting"), **found.pop("limits"), **found}

    @classmethod
    def from_json(cls, found: Mapping[str, Json]) -> Asked:
        """What :meth:`to_json` gave. KeyError where something is missing."""
        setting, limits = ({f.name: found[f.name] for f in fields(k)} for k in (Setting, Limits))
        own = {f.name: found[f.name] for f in fields(cls) if f.name not in ("setting", "limits")}
        return cls(Setting(**setting), Limits(**limits), **own)  # type: ignore[arg-type]
