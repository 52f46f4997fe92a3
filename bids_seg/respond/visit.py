# SPDX-License-Identifier: Apache-2.0
"""One visit judged: all states, the overall response before confirmation, and the numbers."""

from __future__ import annotations

from dataclasses import dataclass

from bids_seg.records import Basis
from bids_seg.respond.clinical import clinical_state, steroid_state
from bids_seg.respond.others import (
    NewLesion,
    enhancement_worse,
    flair_state,
    new_lesions,
    nontarget_state,
)
from bids_seg.respond.overall import States, overall
from bids_seg.respond.target import TargetResponse, alternatives, target_response
from bids_seg.respond.totals import Chart, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One visit after baseline."""

    place: int
    """Of the visit."""
    states: States
    """All that counts."""
    step: int
    """Of the target rule."""
    row: int
    """Of the overall table."""
    response: str
    """Before confirmation."""
    reason: str
    """A word on it."""
    nadir: int | None
    """Place of the visit of the smallest sum before."""
    new: tuple[NewLesion, ...]
    """New lesions so far."""
    worse: tuple[str, ...]
    """Non-targets that progress."""
    flags: tuple[str, ...]
    """What a reader should look at."""
    alternatives: tuple[str, ...]
    """What T would be at another threshold."""

    @property
    def certain(self) -> tuple[str, ...]:
        """New lesions that are there and beyond doubt."""
        return tuple(one.name for one in self.new if one.state == 'unequivocal')

    @property
    def doubtful(self) -> tuple[str, ...]:
        """New lesions that are there and in doubt."""
        return tuple(one.name for one in self.new if one.state == 'equivocal')


def judge(chart: Chart, place: int, window: Window) -> Judged:
    """Judge one visit after baseline.

    Parameters
    ----------
    chart
        The patient.
    place
        Of the visit.
    window
        What tests of progression refer to.
    """
    case, plan = chart.case, chart.plan
    target = target_response(chart, place, window)
    nontarget, worse = nontarget_state(chart, place, window)
    new = new_lesions(chart, place, window)
    now, then = case.clinical[place], case.clinical[plan.baseline]
    clinical, worked_out = clinical_state(now, then)
    states = States(
        target=target.state,
        nontarget=nontarget,
        new_lesion=_new_state(chart, place, new),
        flair=flair_state(chart, place),
        flair_applies=case.rules.flair_pd == 'apply',
        enhancement_worse=enhancement_worse(chart, place),
        steroid=steroid_state(now, then),
        clinical=clinical,
        na_complete=case.criterion.na_complete,
    )
    response, row, reason = overall(states)
    lowest = chart.nadir(place, window)
    lower = lowest is not None and steroid_state(now, case.clinical[lowest]) == 'decreased'
    flagged = {
        'clinical_auto': worked_out and clinical == 'worse',
        'flair_worse': states.flair == 'worse',
        'enhancement_worse': states.enhancement_worse,
        'pd_on_reduced_steroids': response == 'PD' and lower and case.criterion.reduced_steroids,
        'nl_not_confirmed': any(one.state == 'dropped' for one in new)
        and not _before(chart, place, window),
        'not_applied': case.calendar.between(plan.baseline, place) is None,
        'no_probabilities': _without_probabilities(chart, place),
    }
    missing = response == 'NE' and bool(case.faults[place])
    return Judged(
        place=place,
        states=states,
        step=target.step,
        row=row,
        response=response,
        reason=case.faults[place] if missing else reason or _short(states, target),
        nadir=lowest,
        new=new,
        worse=worse,
        flags=(*target.flags, *chart.totals[place].flags, *(k for k, v in flagged.items() if v)),
        alternatives=alternatives(chart, place, window, target.state),
    )


def basis(*, steroid: str, clinical: str) -> Basis:
    """Return which inputs a response rests on.

    Parameters
    ----------
    steroid, clinical
        S and C at the visit.

    Examples
    --------
    >>> basis(steroid='stable', clinical='unknown')
    'no_clinical'
    """
    dose = steroid == 'unknown'
    status = clinical == 'unknown'
    if dose and status:
        return 'imaging_only'
    return 'no_steroid' if dose else 'no_clinical' if status else 'full'


def _new_state(chart: Chart, place: int, new: tuple[NewLesion, ...]) -> str:
    """Return NL at a visit."""
    if not chart.case.evaluable(place):
        return 'NE'
    there = {one.state for one in new}
    return next((state for state in ('unequivocal', 'equivocal') if state in there), 'none')


def _before(chart: Chart, place: int, window: Window) -> bool:
    """Tell whether the new lesions that were dropped were so at the visit before already."""
    then = {one.name for one in new_lesions(chart, place - 1, window) if one.state == 'dropped'}
    now = {one.name for one in new_lesions(chart, place, window) if one.state == 'dropped'}
    return now <= then


def _short(states: States, target: TargetResponse) -> str:
    """Return a word on why the response is what it is, where the table has none."""
    if states.causes:
        return '+'.join(states.causes)
    return 'target_not_evaluable' if target.state == 'NE' else ''


def _without_probabilities(chart: Chart, place: int) -> bool:
    """Tell whether any lesion of a visit was drawn by a person."""
    sizes = (chart.case.present(name, place) for name in chart.case.seen)
    return any(size is not None and size.probability is None for size in sizes)
