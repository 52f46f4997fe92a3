# SPDX-License-Identifier: Apache-2.0
"""Clinical columns, and the states of steroids and of the patient that follow from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from bids_seg.errors import CommandError
from bids_seg.respond.times import Calendar

STATUS = ('better', 'stable', 'worse')
"""Values of `clinical_status`."""
_YES, _NO = ('1', 'true', 'yes', 'y'), ('0', 'false', 'no', 'n')


@dataclass(frozen=True, slots=True, kw_only=True)
class Clinical:
    """What is known about a patient at one visit beside the images."""

    steroid_mg: Decimal | None
    """Dexamethasone or its equivalent, mg a day."""
    physiologic: bool
    """Whether the dose only replaces the body's own."""
    kps: Decimal | None
    """Karnofsky performance status, 0 to 100."""
    ecog: Decimal | None
    """ECOG performance status, 0 to 5."""
    status: str | None
    """better, stable or worse, as judged by a person."""
    rt_end: int | None
    """Day on which radiotherapy ended."""
    immunotherapy: int | None
    """Day on which immunotherapy began."""
    antiangiogenic: bool
    """Whether an antiangiogenic drug is given."""
    histology: bool
    """Whether recurrence was seen in tissue."""


def read(row: Mapping[str, str], calendar: Calendar) -> Clinical:
    """Return the clinical columns of one visit as values.

    Parameters
    ----------
    row
        By the names of the tables contract; `n/a` and empty mean unknown.
    calendar
        Of the patient's visits.

    Raises
    ------
    CommandError
        A value is not of its kind.

    Examples
    --------
    >>> calendar = Calendar(days=(0,), shift=0, dated=False)
    >>> read({'steroid_mg': '4', 'kps': 'n/a'}, calendar).steroid_mg
    Decimal('4')
    """
    status = _text(row, 'clinical_status')
    if status is not None and status not in STATUS:
        raise _wrong('clinical_status', status, f'one of: {", ".join(STATUS)}')
    return Clinical(
        steroid_mg=_number(row, 'steroid_mg'),
        physiologic=_truth(row, 'steroid_physiologic'),
        kps=_number(row, 'kps'),
        ecog=_number(row, 'ecog'),
        status=status,
        rt_end=moment(row, 'rt_end_date', calendar),
        immunotherapy=moment(row, 'immunotherapy_start', calendar),
        antiangiogenic=_truth(row, 'antiangiogenic'),
        histology=_truth(row, 'histology_recurrence'),
    )


def moment(row: Mapping[str, str], name: str, calendar: Calendar) -> int | None:
    """Return the day that a cell means; None where nothing stands in it.

    Parameters
    ----------
    row
        Cells by column.
    name
        Of the column.
    calendar
        Of the patient's visits.

    Raises
    ------
    CommandError
        It is neither a date nor a number of days.
    """
    value = _text(row, name)
    try:
        return calendar.moment(value)
    except ValueError:
        raise _wrong(name, str(value), 'a date as 2024-01-31, or days') from None


def steroid_state(now: Clinical, baseline: Clinical) -> str:
    """Return how the dose of steroids compares with that at another visit.

    Parameters
    ----------
    now, baseline
        Both visits.
    """
    if now.steroid_mg == 0:
        return 'none'
    if now.physiologic:
        return 'physiologic'
    if now.steroid_mg is None or baseline.steroid_mg is None:
        return 'unknown'
    step = now.steroid_mg - baseline.steroid_mg
    return 'stable' if step == 0 else 'increased' if step > 0 else 'decreased'


def clinical_state(now: Clinical, baseline: Clinical) -> tuple[str, bool]:
    """Return how the patient is, and whether that was worked out from a performance status.

    Parameters
    ----------
    now, baseline
        Both visits.

    Notes
    -----
    Decline by Karnofsky and ECOG: Wen 2010, 10.1200/JCO.2009.26.3541. That it lasts 7 days and
    has no other cause cannot be seen here.
    """
    if now.status is not None:
        return now.status, False
    if now.kps is not None and baseline.kps is not None:
        return ('worse' if _karnofsky_fell(baseline.kps, now.kps) else 'stable'), True
    if now.ecog is not None and baseline.ecog is not None:
        worse = (baseline.ecog <= 1 and now.ecog >= 2) or (baseline.ecog == 2 and now.ecog >= 3)
        return ('worse' if worse else 'stable'), True
    return 'unknown', False


def _karnofsky_fell(then: Decimal, now: Decimal) -> bool:
    """Tell whether a Karnofsky status has become worse by the rule."""
    return (
        (then >= 90 and now <= 70) or (then <= 80 and then - now >= 20) or (then > 50 and now <= 50)
    )


def _text(row: Mapping[str, str], name: str) -> str | None:
    """Return a cell; None where nothing stands in it."""
    value = row.get(name, '').strip()
    return None if value in ('', 'n/a') else value


def _number(row: Mapping[str, str], name: str) -> Decimal | None:
    """Return a number of a cell."""
    value = _text(row, name)
    if value is None:
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        number = Decimal(-1)
    if not number.is_finite() or number < 0:
        raise _wrong(name, value, 'a number from 0')
    return number


def _truth(row: Mapping[str, str], name: str) -> bool:
    """Return yes or no of a cell; no where nothing stands in it."""
    value = (_text(row, name) or '0').lower()
    if value not in (*_YES, *_NO):
        raise _wrong(name, value, '1 or 0')
    return value in _YES


def _wrong(name: str, value: str, wanted: str) -> CommandError:
    """Return the error for a clinical value."""
    return CommandError(f'`{value}` cannot be read', where=f'column {name}', do=f'give {wanted}')
