# SPDX-License-Identifier: Apache-2.0
"""The response of the targets at a visit, step by step, and whether it hangs on a threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bids_seg.respond.case import Bound, Case
from bids_seg.respond.totals import Chart, Share, Total, Window, total

MEASURABLE_NEW = 100
"""Both diameters of a new lesion that is measurable, tenths of mm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetResponse:
    """T at one visit."""

    state: str
    """CR, PR, MR, SD, PD, NE or NA."""
    step: int
    """Which step of the rule said so."""
    flags: tuple[str, ...] = ()
    """What a reader should look at."""


def target_response(
    chart: Chart, place: int, window: Window, *, now: Total | None = None
) -> TargetResponse:
    """Return the response of the targets at a visit.

    Parameters
    ----------
    chart
        The patient.
    place
        Of the visit, after baseline.
    window
        Where the nadir is sought.
    now
        The visit's sum, where another one than the recorded is to be judged.
    """
    if not chart.case.evaluable(place):
        return TargetResponse(state='NE', step=2)
    if not chart.plan.targets:
        return TargetResponse(state='NA', step=1)
    now = now or chart.totals[place]
    lowest = chart.nadir(place, window)
    grown = lowest is not None and progressed(chart, place, now, lowest)
    back = lowest is not None and _reappeared(chart, now, lowest)
    if not now.complete:
        return TargetResponse(state='PD' if grown or back else 'NE', step=2)
    if now.value == 0:
        if now.low:
            return TargetResponse(state='PR', step=3, flags=('cr_low_confidence',))
        return TargetResponse(state='CR', step=3)
    flags: tuple[str, ...] = ()
    if lowest is not None and chart.totals[lowest].value == 0:
        if back:
            return TargetResponse(state='PD', step=4)
        flags = ('reappearance_equivocal',)
    elif grown:
        return TargetResponse(state='PD', step=5)
    return _from_baseline(chart, now, flags)


def progressed(chart: Chart, place: int, now: Total, reference: int) -> bool:
    """Tell whether a sum passes the test of progression against an earlier visit.

    Parameters
    ----------
    chart
        The patient.
    place
        Of the visit whose sum it is.
    now
        The sum.
    reference
        Place of the earlier visit.
    """
    criterion, then = chart.case.criterion, chart.totals[reference]
    if then.value == 0 or not criterion.progression.met(now.value, then.value):
        return False
    if criterion.least_growth is None:
        return True
    if chart.case.rules.bm_abs_reference == 'sum':
        return now.value - then.value >= criterion.least_growth
    growth = largest_growth(chart, place, now, reference)
    return growth is not None and growth[0] >= criterion.least_growth


def largest_growth(chart: Chart, place: int, now: Total, reference: int) -> tuple[int, str] | None:
    """Return the largest growth of one target's diameter, tenths of mm, and which target's.

    Parameters
    ----------
    chart
        The patient.
    place
        Of the visit.
    now
        The sum at it.
    reference
        Place of the visit from which growth is counted, unless the option says otherwise.
    """
    own = chart.case.rules.bm_abs_reference == 'own'
    fit = [p for p in range(chart.plan.baseline, place) if chart.eligible(p)]
    places = fit if own else [reference]
    steps = []
    for name, share in now.shares.items():
        earlier = [chart.totals[p].shares[name] for p in places]
        known = [one.ld for one in earlier if one.evaluable]
        if share.evaluable and known:
            steps.append((share.ld - min(known), name))
    return max(steps, key=lambda step: step[0], default=None)


def certain_size(case: Case, *, ld: int, sd: int) -> bool:
    """Tell whether a lesion has the size from which a new one is certain.

    Parameters
    ----------
    case
        Says by which criterion and options.
    ld, sd
        Its diameters, tenths of mm.
    """
    if case.criterion.new_lesion == 'measurable':
        return ld >= MEASURABLE_NEW and sd >= MEASURABLE_NEW
    return ld >= round(10 * case.rules.nl_min_ld)


def alternatives(chart: Chart, place: int, window: Window, state: str) -> tuple[str, ...]:
    """Return what T would be if lesions were drawn smaller or larger, where it differs.

    Parameters
    ----------
    chart
        The patient; baseline and nadir stay as they are.
    place
        Of the visit.
    window
        Where the nadir is sought.
    state
        T as recorded.
    """
    if state in ('NA', 'NE'):
        return ()
    names = chart.plan.targets
    both: tuple[Bound, ...] = ('low', 'high')
    tries: list[Mapping[str, Bound]] = [dict.fromkeys(names, bound) for bound in both]
    if len(names) > 1:
        tries += [{name: bound} for name in names for bound in both]
    found: dict[str, None] = {}
    for bounds in tries:
        now = total(chart.case, chart.plan, place, bounds=bounds)
        found[target_response(chart, place, window, now=now).state] = None
    return tuple(other for other in found if other != state)


def _reappeared(chart: Chart, now: Total, lowest: int) -> bool:
    """Tell whether a target came back, from nothing at all, with the size of a new lesion."""
    if chart.totals[lowest].value != 0:
        return False
    shares: list[Share] = [one for one in now.shares.values() if one.evaluable and one.present]
    return any(certain_size(chart.case, ld=one.ld, sd=one.sd) for one in shares)


def _from_baseline(chart: Chart, now: Total, flags: tuple[str, ...]) -> TargetResponse:
    """Compare a sum with that of the baseline."""
    criterion, baseline = chart.case.criterion, chart.totals[chart.plan.baseline].value
    minor = criterion.minor_limit(chart.case.rules)
    if baseline > 0 and criterion.partial.met(now.value, baseline):
        return TargetResponse(state='PR', step=6, flags=flags)
    if baseline > 0 and minor is not None and minor.met(now.value, baseline):
        return TargetResponse(state='MR', step=6, flags=flags)
    return TargetResponse(state='SD', step=7, flags=flags)
