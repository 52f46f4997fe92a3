# SPDX-License-Identifier: Apache-2.0
"""Dates of visits and the order that they give."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from bids_seg.discover.names import natural
from bids_seg.discover.text import said

LONGEST_DAYS = 14610
"""40 years: a longer interval is a wrong date."""

_TIME = re.compile(r'(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d(?::\d\d)?)(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)?')

Label = str | None
"""Label of a session; None for images outside of any session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """When a visit took place."""

    day: int
    """Day on a scale of one participant's table: a calendar day, or as counted there."""
    clock: str = ''
    """Time of day as `HH:MM:SS`; empty where only the day is known."""
    date: str | None = None
    """ISO date; None where the table counts days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The visits of one participant in order of time."""

    labels: tuple[Label, ...]
    """Sessions in order."""
    days: Mapping[Label, int | None]
    """Days since the first dated visit."""
    dates: Mapping[Label, str | None]
    """ISO dates."""
    by: Literal['date', 'label', 'one']
    """What decided."""
    warnings: tuple[str, ...]
    """What the user should know about the order."""
    origin: int = 0
    """First day as the table counts where it counts days, so that other days of it can be told."""


def moment(value: str | None) -> When | None:
    """Return the time that an `acq_time` means, or None where it says nothing.

    Parameters
    ----------
    value
        `1877-06-15T13:45:30`, with fractions, `Z` or an offset if need be, or a date alone.
        The clock is taken as written: both ends of an interval hang in the same hospital.

    Raises
    ------
    ValueError
        If it is no date of that form.

    Examples
    --------
    >>> moment('1877-06-15T13:45:30.123456Z').clock
    '13:45:30'
    >>> moment('n/a')
    """
    value = said(value)
    if value is None:
        return None
    match = _TIME.fullmatch(value)
    if match is None:
        message = f'`{value}` is not of the form 1877-06-15T13:45:30'
        raise ValueError(message)
    date, clock = match.group(1), match.group(2) or ''
    try:
        parsed = datetime.fromisoformat(f'{date}T{clock or "00:00"}').replace(tzinfo=UTC)
    except ValueError as error:
        message = f'`{value}` is no date ({error})'
        raise ValueError(message) from error
    return When(day=parsed.toordinal(), clock=f'{parsed:%H:%M:%S}' if clock else '', date=date)


def counted(value: str | None) -> When | None:
    """Return the time that a number of days means, or None where it says nothing.

    Examples
    --------
    >>> counted('157').day
    157
    """
    value = said(value)
    if value is None:
        return None
    if not re.fullmatch(r'[+-]?\d{1,6}(\.0*)?', value):
        message = f'`{value}` is no whole number of days'
        raise ValueError(message)
    return When(day=int(value.partition('.')[0]))


def order(labels: Sequence[Label], *, sources: Sequence[Mapping[Label, When]]) -> Order:
    """Put visits in order of time.

    Parameters
    ----------
    labels
        Sessions, in any order; None, the images outside of sessions, always comes first.
    sources
        Times by session, the most trusted source first. One source dates a participant: the
        first that knows every visit, else the first that knows any; two are never mixed, since
        one of them may be shifted.
    """
    by_label = tuple(sorted(labels, key=lambda label: (label is not None, natural(label))))
    known = [{label: source[label] for label in labels if label in source} for source in sources]
    whole = [source for source in known if len(source) == len(labels)]
    some = [source for source in known if source]
    when = (whole or some or [{}])[0]
    days, warnings = _days(by_label, when)
    dates = {label: when[label].date if label in when else None for label in labels}
    counts = (
        when[label].day - day
        for label, day in days.items()
        if day is not None and when[label].date is None
    )
    origin = next(counts, 0)
    if any(item.date and not item.clock for item in when.values()):
        warnings.append('dates without a time of day: visits of one day are ordered by label')

    def result(ordered: tuple[Label, ...], by: Literal['date', 'label', 'one']) -> Order:
        return Order(
            labels=ordered,
            days=days,
            dates=dates,
            by=by,
            warnings=tuple(warnings),
            origin=origin,
        )

    if len(labels) < 2:
        return result(by_label, 'one')
    dated = [label for label in by_label if label in when and label is not None]
    # sorted is stable, so that visits of the same time stay in the order of labels.
    by_date = sorted(dated, key=lambda label: (when[label].day, when[label].clock))
    sessions = tuple(label for label in by_label if label is not None)
    outside = by_label[: len(by_label) - len(sessions)]
    if outside:
        warnings.append('images outside of any session form a visit of their own, put first')
    if len(dated) == len(sessions):
        return result((*outside, *by_date), 'date')
    if not dated:
        warnings.append('order_from_label: no visit has a date, labels gave the order')
    elif by_date == dated:
        warnings.append('order_from_label: some visits have no date, labels gave the order')
    else:
        warnings.append(conflict(by_date, dated))
        days = dict.fromkeys(labels)
    return result(by_label, 'label')


def conflict(by_date: Sequence[Label], by_label: Sequence[Label]) -> str:
    """Return the warning that dates and labels contradict each other where some dates lack."""
    return (
        'order_unknown: some visits have no date, and those that have are in another order by '
        f'date ({_list(by_date)}) than by label ({_list(by_label)}); lesions are not followed'
    )


def _days(
    labels: Sequence[Label], when: Mapping[Label, When]
) -> tuple[dict[Label, int | None], list[str]]:
    """Return days since the first dated visit, None where an interval cannot be true."""
    days: dict[Label, int | None] = dict.fromkeys(labels)
    warnings = []
    sessions = [when[label].day for label in labels if label in when and label is not None]
    start = min(sessions, default=when[None].day if None in when else 0)
    if None in when:
        # It comes first whatever its date: a later one gives an interval below 0.
        late = when[None].day > start
        start = start if late else when[None].day
        if late:
            warnings.append('the visit outside of sessions is dated after another one')
    for label in labels:
        if label not in when or (label is None and warnings):
            continue
        days[label] = when[label].day - start
        if when[label].day - start > LONGEST_DAYS:
            days[label] = None
            shown = 'the visit outside of sessions' if label is None else f'ses-{label}'
            warnings.append(f'{shown} is more than 40 years after the first visit, interval n/a')
    return days, warnings


def _list(labels: Sequence[Label]) -> str:
    """Return sessions for a message."""
    return ', '.join(f'ses-{label}' for label in labels)
