# SPDX-License-Identifier: Apache-2.0
"""One sentence for each response: the category, the rule, and the numbers in it."""

from __future__ import annotations

from bids_seg.respond.arithmetic import percent, shown
from bids_seg.respond.progression import Outcome
from bids_seg.respond.target import largest_growth
from bids_seg.respond.totals import Chart

LABELS = {
    'PD_prelim': 'preliminary PD, to be confirmed',
    'PD_prelim_not_confirmed': 'preliminary PD, not confirmed',
}
"""Responses that are not said by their letters."""

CAUSES = {
    'flair': 'growth on T2/FLAIR',
    'enhancement': 'new or increased enhancement',
    'clinical': 'clinical worsening',
}
"""What speaks for progression beside the sizes of lesions."""

REASONS = {
    'steroid_increase': 'more steroid than at baseline',
    'rt_window': 'progression soon after radiotherapy cannot be told from its effect',
    'target_not_evaluable': 'a target cannot be judged',
    'no_t1c': 'no post-contrast T1w image',
    'no_flair': 'no T2 or FLAIR image',
    'not_measured': 'the lesions were not measured',
    'not_evaluable': 'the visit cannot be judged',
}
"""Why a visit is not evaluable."""


def shown_change(now: int | None, reference: int | None) -> str:
    """Return a change in percent with its sign, for sentences.

    Parameters
    ----------
    now, reference
        Recorded sums.

    Examples
    --------
    >>> shown_change(300, 250)
    '+20.0%'
    """
    text = percent(now, reference)
    if text is None:
        return 'from 0'
    return f'{text}%' if text.startswith('-') else f'+{text}%'


def sentence(chart: Chart, outcome: Outcome) -> str:
    """Return the response of a visit as a sentence with its numbers.

    Parameters
    ----------
    chart
        The patient.
    outcome
        Of the visit.
    """
    label = LABELS.get(outcome.response, outcome.response)
    judged = outcome.judged
    if outcome.response == 'NE':
        return f'{label}: {REASONS.get(outcome.reason, outcome.reason.replace("_", " "))}'
    parts = [_sum(chart, outcome)]
    parts += [f'non-target {name} has grown' for name in judged.worse]
    parts += [f'new lesion {name}' for name in judged.certain]
    parts += [f'possible new lesion {name}' for name in judged.doubtful]
    parts += [words for cause, words in CAUSES.items() if cause in judged.states.causes]
    if outcome.response == 'PR' and judged.row == 6:
        parts.append('not complete: ' + _why_not_complete(outcome))
    return f'{label}: {"; ".join(part for part in parts if part)}'


def _sum(chart: Chart, outcome: Outcome) -> str:
    """Return the sum over targets and its change, from the visit that decided."""
    judged, plan, measure = outcome.judged, chart.plan, chart.case.criterion.measure
    if judged.states.target in ('NA', 'NE'):
        return 'no measurable lesion at baseline' if judged.states.target == 'NA' else ''
    now = chart.totals[judged.place]
    text = f'sum {shown(now.value, measure)}'
    by_nadir = judged.states.target == 'PD' and judged.nadir is not None
    place = judged.nadir if by_nadir and judged.nadir is not None else plan.baseline
    then = chart.totals[place].value
    text += f', {shown_change(now.value, then)}'
    growth = largest_growth(chart, judged.place, now, place)
    if by_nadir and chart.case.criterion.least_growth is not None and growth is not None:
        text += f' and {growth[0] / 10:+.1f} mm ({growth[1]})'
    name = 'nadir' if by_nadir else 'baseline'
    session = chart.case.course.visits[place].session
    where = '' if session is None else f' (ses-{session})'
    return f'{text} {"over" if by_nadir else "from"} {name} {shown(then, measure)}{where}'


def _why_not_complete(outcome: Outcome) -> str:
    """Return what keeps a response from being complete though no target is left."""
    states = outcome.judged.states
    reasons = {
        'non-target lesions are left': states.nontarget in ('NONCR_NONPD', 'NE'),
        'a possible new lesion': states.new_lesion != 'none',
        'steroids are given': states.steroid in ('stable', 'decreased'),
        'T2/FLAIR is worse': states.flair == 'worse',
    }
    return ', '.join(words for words, there in reasons.items() if there)
