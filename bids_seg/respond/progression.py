# SPDX-License-Identifier: Apache-2.0
"""Progression that must wait: after radiotherapy, under immunotherapy, and where always."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bids_seg.records import ConfirmStatus
from bids_seg.respond.others import grown_nontarget, new_volume
from bids_seg.respond.target import progressed
from bids_seg.respond.totals import Chart, Window
from bids_seg.respond.visit import Judged, judge

CONFIRM_DAYS = 28
"""Least days from a preliminary PD to the visit that decides, criteria of glioma."""
IRANO_DAYS = 84
"""The same under immunotherapy: Okada 2015, 10.1016/S1470-2045(15)00088-1 (3 months)."""
IRANO_MONTHS = 6
"""Months from the start of immunotherapy within which progression must be confirmed."""
LATE_DAYS = 56
"""A decision later than this is flagged, days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A visit with its response after the rules on waiting."""

    judged: Judged
    """As it was judged by itself."""
    response: str
    """CR, PR, MR, SD, PD, PD_prelim, PD_prelim_not_confirmed or NE."""
    reason: str
    """A word on it."""
    flags: tuple[str, ...] = ()
    """Beside those of the visit."""
    dated: int | None = None
    """For PD: place of the visit to which it is dated."""
    pd_status: ConfirmStatus = 'not_required'
    """For a preliminary PD: pending, confirmed or unconfirmed."""
    pd_decided: int | None = None
    """Place of the visit that decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    """A preliminary PD that waits for its decision."""

    place: int
    nadir: int | None
    days: int
    dated: int


def judge_all(chart: Chart) -> tuple[Outcome, ...]:
    """Judge all visits after baseline in order of time.

    Parameters
    ----------
    chart
        The patient.
    """
    window = Window(start=chart.plan.baseline, joined={})
    outcomes: dict[int, Outcome] = {}
    pending: _Pending | None = None
    progressed_before = False
    for place in range(chart.plan.baseline + 1, len(chart.totals)):
        judged = judge(chart, place, window)
        flags: tuple[str, ...] = ()
        if pending is not None and _decides(chart, judged, pending):
            late = (chart.case.calendar.between(pending.place, place) or 0) > LATE_DAYS
            flags = ('late_confirm',) * (late and pending.days == CONFIRM_DAYS)
            first = outcomes[pending.place].judged
            if _confirmed(chart, judged, first, pending):
                _relabel(outcomes, pending, response='PD', status='confirmed', by=place)
                outcomes[place] = replace(
                    _plain(chart, judged, outcomes, response='PD'), flags=flags
                )
                pending, progressed_before = None, True
                continue
            flags += ('sustained_increase',) * _sustained(chart, judged, pending)
            _relabel(
                outcomes,
                pending,
                response='PD_prelim_not_confirmed',
                status='unconfirmed',
                by=place,
            )
            fresh = dict.fromkeys((*first.certain, *first.doubtful), pending.place)
            window = Window(start=pending.place, joined={**window.joined, **fresh})
            judged, pending = judge(chart, place, window), None
        outcome = _waiting(chart, judged, outcomes, done=progressed_before)
        outcomes[place] = replace(outcome, flags=outcome.flags + flags)
        if outcome.response == 'PD_prelim' and pending is None:
            pending = _Pending(
                place=place,
                nadir=judged.nadir,
                days=IRANO_DAYS if 'irano' in outcome.flags else CONFIRM_DAYS,
                dated=_dated(outcomes, judged),
            )
        elif outcome.response == 'PD':
            if pending is not None:
                # The patient became worse, or tissue was seen, before the visit that decides.
                _relabel(outcomes, pending, response='PD', status='confirmed', by=place)
            pending, progressed_before = None, True
    return tuple(outcomes.values())


def days_from_radiotherapy(chart: Chart, place: int) -> int | None:
    """Return the days since radiotherapy last ended; None where it did not, or is not known.

    Parameters
    ----------
    chart
        The patient.
    place
        Of the visit.
    """
    day = chart.case.calendar.days[place]
    ends = [one.rt_end for one in chart.case.clinical if one.rt_end is not None]
    before = [end for end in ends if day is not None and end <= day]
    return None if day is None or not before else day - max(before)


def under_immunotherapy(chart: Chart, place: int) -> bool:
    """Tell whether a visit lies within six months of the start of immunotherapy.

    Parameters
    ----------
    chart
        The patient.
    place
        Of the visit.
    """
    calendar = chart.case.calendar
    day = calendar.days[place]
    starts = {one.immunotherapy for one in chart.case.clinical if one.immunotherapy is not None}
    return day is not None and any(
        start <= day <= calendar.months_after(start, IRANO_MONTHS) for start in starts
    )


def _waiting(chart: Chart, judged: Judged, outcomes: dict[int, Outcome], *, done: bool) -> Outcome:
    """Return the response of a visit, where need be a preliminary one."""
    case, place = chart.case, judged.place
    seen = case.clinical[place].histology
    if judged.row != 1 or seen or done:
        return _plain(chart, judged, outcomes, response=judged.response)
    since = days_from_radiotherapy(chart, place)
    early = since is not None and since <= case.rules.rt_window_days
    if early and case.criterion.window == 'not_evaluable':
        return Outcome(
            judged=judged,
            response='NE',
            reason='rt_window',
            flags=('possible_pseudoprogression',),
        )
    by_images = judged.states.imaging_causes
    if not by_images or judged.states.clinical == 'worse':
        return _plain(chart, judged, outcomes, response='PD')
    immune = under_immunotherapy(chart, place)
    always = case.criterion.confirm_pd == 'always' or (
        case.criterion.confirm_pd == 'window' and case.rules.confirm_pd == 'always'
    )
    if immune or always or (early and case.criterion.window == 'preliminary'):
        return Outcome(
            judged=judged,
            response='PD_prelim',
            reason=judged.reason,
            flags=('irano',) * immune,
            pd_status='pending',
        )
    return _plain(chart, judged, outcomes, response='PD')


def _plain(chart: Chart, judged: Judged, outcomes: dict[int, Outcome], *, response: str) -> Outcome:
    """Return a response that need not wait."""
    dated = _dated(outcomes, judged) if response == 'PD' else None
    return Outcome(judged=judged, response=response, reason=judged.reason, dated=dated)


def _dated(outcomes: dict[int, Outcome], judged: Judged) -> int:
    """Return the place of the visit to which progression seen at a visit is dated."""
    dated = judged.place
    if 'new_lesion' in judged.states.causes:
        firsts = [one.dated for one in judged.new if one.state == 'unequivocal']
        dated = min([dated, *firsts])
    if 'clinical' in judged.states.causes:
        place = judged.place - 1
        # Steroids rose before the patient became worse: progression began there.
        while place in outcomes and outcomes[place].reason == 'steroid_increase':
            dated = min(dated, place)
            place -= 1
    return dated


def _decides(chart: Chart, judged: Judged, pending: _Pending) -> bool:
    """Tell whether a visit can decide on a preliminary PD."""
    gap = chart.case.calendar.between(pending.place, judged.place)
    known = chart.case.evaluable(judged.place)
    known = known and (judged.states.target != 'NE' or judged.row == 1)
    return known and gap is not None and gap >= pending.days


def _confirmed(chart: Chart, judged: Judged, first: Judged, pending: _Pending) -> bool:
    """Tell whether a visit confirms a preliminary PD."""
    if judged.states.clinical == 'worse':
        return True
    if set(judged.certain) - set(first.certain):
        return True
    fresh = set(judged.worse) - set(first.worse)
    start = pending.place
    again = [n for n in judged.worse if grown_nontarget(chart, n, judged.place, start=start)]
    if fresh or again:
        return True
    if chart.case.rules.confirm_reference == 'nadir':
        return _sustained(chart, judged, pending)
    now = chart.totals[judged.place]
    if chart.totals[pending.place].value > 0:
        return progressed(chart, judged.place, now, pending.place)
    limit = chart.case.criterion.progression
    reference = new_volume(chart, first.certain, pending.place)
    later = new_volume(chart, first.certain, judged.place) + now.value
    return reference > 0 and limit.met(later, reference)


def _sustained(chart: Chart, judged: Judged, pending: _Pending) -> bool:
    """Tell whether a sum is still beyond the limit of progression over the old nadir."""
    if pending.nadir is None:
        return False
    return progressed(chart, judged.place, chart.totals[judged.place], pending.nadir)


def _relabel(
    outcomes: dict[int, Outcome],
    pending: _Pending,
    *,
    response: str,
    status: ConfirmStatus,
    by: int,
) -> None:
    """Give the visits of a preliminary PD the label that a later visit has decided on."""
    for place, outcome in outcomes.items():
        if place < pending.place or outcome.response != 'PD_prelim':
            continue
        flags = () if response == 'PD' else ('pseudoprogression',)
        outcomes[place] = replace(
            outcome,
            response=response,
            flags=outcome.flags + flags,
            dated=pending.dated if response == 'PD' else None,
            pd_status=status,
            pd_decided=by,
        )
