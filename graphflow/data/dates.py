"""Dates in many languages: a small translation corpus that Babel writes."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated

from graphflow.data.dataset import Dataset, generator
from graphflow.data.options import Between, concerning
from graphflow.data.pairs import COLUMNS, Side, translation
from graphflow.data.registry import register
from graphflow.data.tokenizers import Level
from graphflow.diagnostics import did_you_mean, fail

if TYPE_CHECKING:
    from babel import Locale

ISO = "iso"
"""Not a language: year-month-day, as in 2012-01-05 (ISO 8601)."""
FORMATS = ("full", "long", "medium")
FIRST, DAYS = date(1950, 1, 1), 36525
"""The hundred years that dates are taken from."""


@register("dates", columns=COLUMNS)
def dates(
    source: str = "en",
    target: str = "fr",
    n_train: Annotated[int, Between(1, 100_000)] = 2000,
    n_val: Annotated[int, Between(0, 100_000)] = 200,
    level: Level = "word",
    seed: Annotated[int, Between(0)] = 0,
) -> Dataset:
    """Dates as pairs of phrases in two languages: "thursday, january 5, 2012", "5 janvier 2012".

    ``source`` and ``target`` are languages that Babel knows (en, fr, de, es, pt_BR, ...), or
    ``iso``. The source comes in three forms, with or without the day of the week or the month in
    short; the target is always the long form. No date is in both parts.
    """
    with concerning("source"):
        reads = _locale(source)
    with concerning("target"):
        says = _locale(target)
    if n_train + n_val > DAYS:
        fail("GF071", f"there are {DAYS:,} dates in a hundred years, not {n_train + n_val:,}")
    random = generator(13, seed)
    drawn = random.choice(DAYS, n_train + n_val, replace=False)
    days = [FIRST + timedelta(days=int(day)) for day in drawn]
    forms = [FORMATS[i] for i in random.integers(len(FORMATS), size=len(days))]
    pairs = [
        (phrase(day, reads, form), phrase(day, says, "long"))
        for day, form in zip(days, forms, strict=True)
    ]
    side = Side(level)
    about = f"{n_train:,} + {n_val:,} dates from {source} to {target}, written by Babel"
    return translation("dates", about, pairs, n_train, side, side)


def phrase(day: date, locale: Locale | None, form: str) -> str:
    """A date as a phrase in lower case with plain spaces; without a language, as ISO 8601 has it.

    >>> phrase(date(2012, 1, 5), _locale("en"), "full"), phrase(date(2012, 1, 5), None, "full")
    ('thursday, january 5, 2012', '2012-01-05')
    """
    if locale is None:
        return day.isoformat()
    from babel.dates import format_date

    written: str = format_date(day, form, locale)
    return " ".join(written.lower().split())


def _locale(language: str) -> Locale | None:
    """What Babel knows of a language; None for ISO 8601."""
    if language == ISO:
        return None
    try:
        from babel import Locale, UnknownLocaleError
        from babel.localedata import locale_identifiers
    except ImportError:
        fail("GF076", "the data source 'dates' needs the package Babel",
             help="install it: pip install 'graphflow[dates]'")  # fmt: skip
    try:
        return Locale.parse(language)
    except (UnknownLocaleError, ValueError):
        help = did_you_mean(language, [ISO, *locale_identifiers()])
        fail("GF071", f"'{language}' is no language that Babel knows",
             help=help or "such as en, fr, de, es, pt_BR, or iso")  # fmt: skip
