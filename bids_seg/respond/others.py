# SPDX-License-Identifier: Apache-2.0
"""What is not a target: other lesions, new lesions, T2/FLAIR, and enhancement in low grade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bids_seg.records import Observation
from bids_seg.respond.arithmetic import recorded
from bids_seg.respond.case import Case, Size
from bids_seg.respond.plan import Plan
from bids_seg.respond.target import certain_size
from bids_seg.respond.totals import Chart, Share, Window, share

CERTAIN_AFTER = 28
"""Days after which an equivocal new lesion is judged again."""
CERTAIN_GROWTH = 20
"""Growth by which it becomes certain, tenths of mm."""
CERTAIN_PROBABILITY = 0.5
"""Least mean probability inside a certain new lesion."""
NONTARGET_LD = 100
"""Least diameter of a non-target that progresses, tenths of mm."""
NONTARGET_GROWTH = 50
"""Growth of its diameter, tenths of mm: at least (metastases) or more than this (glioma)."""
FLAIR_MM3 = 5000
"""Least growth of the T2/FLAIR volume that is worse, mm3, beside 40 %."""
ENHANCING_MM3 = 100
"""Least growth of enhancement that is malignant change, mm3, beside 40 %."""
ENHANCING_LD = 50
"""Least diameter of a new enhancing lesion, tenths of mm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLesion:
    """A new lesion at a visit."""

    name: str
    """Its id."""
    state: str
    """unequivocal, equivocal, dropped or absent."""
    dated: int
    """Place of the visit to which progression by it is dated."""


def nontarget_state(chart: Chart, place: int, window: Window) -> tuple[str, tuple[str, ...]]:
    """Return NT at a visit, and the lesions that progress.

    Parameters
    ----------
    chart
        The patient.
    place
        Of the visit.
    window
        Says which new lesions count as non-targets.
    """
    since = dict.fromkeys(chart.plan.nontargets, chart.plan.baseline)
    since.update({name: first for name, first in window.joined.items() if first < place})
    if not since:
        return 'NONE', ()
    if not chart.case.evaluable(place):
        return 'NE', ()
    shares = {name: share(chart.case, chart.plan, name, place) for name in since}
    worse = tuple(
        name
        for name, one in shares.items()
        if grown_nontarget(chart, name, place, start=since[name])
    )
    if worse:
        return 'PD', worse
    if not all(one.evaluable for one in shares.values()):
        return 'NE', ()
    gone = all(not one.present and not one.absorbed and not one.low for one in shares.values())
    return ('CR' if gone else 'NONCR_NONPD'), ()


def grown_nontarget(chart: Chart, name: str, place: int, *, start: int) -> bool:
    """Tell whether a non-target progresses.

    Parameters
    ----------
    chart
        The patient.
    name
        Its id.
    place
        Of the visit.
    start
        Place of the first visit with which it is compared.
    """
    case, plan = chart.case, chart.plan
    now = share(case, plan, name, place)
    earlier = [share(case, plan, name, p) for p in range(start, place)]
    # An absence of low confidence and a merger say nothing of how small it was.
    known = [one for one in earlier if one.evaluable and not one.low and not one.absorbed]
    if not now.evaluable or not known or _holds_target(chart, name, place):
        return False
    return _RULES[case.criterion.nontarget](
        now, min(one.ld for one in known), min(one.product for one in known)
    )


def _metastasis(now: Share, ld: int, product: int) -> bool:
    """Tell whether a non-target metastasis progresses."""
    return now.ld >= NONTARGET_LD and 5 * now.ld >= 6 * ld and now.ld - ld >= NONTARGET_GROWTH


def _glioma(now: Share, ld: int, product: int) -> bool:
    """Tell whether a non-target glioma lesion has become measurable and grown."""
    size = now.ld >= NONTARGET_LD and now.sd >= NONTARGET_LD and now.n_slices >= 2
    return size and (now.ld - ld > NONTARGET_GROWTH or 4 * now.product >= 5 * product)


_RULES = {'rano_bm': _metastasis, 'glioma': _glioma}


def new_lesions(chart: Chart, place: int, window: Window) -> tuple[NewLesion, ...]:
    """Return what is known at a visit of lesions that came up since baseline.

    Parameters
    ----------
    chart
        The patient.
    place
        Of the visit.
    window
        New lesions that count as non-targets are left out.
    """
    names = [name for name, first in chart.plan.new.items() if first <= place]
    joined = [name for name, since in window.joined.items() if since < place]
    return tuple(_new_lesion(chart, name, place) for name in names if name not in joined)


def _new_lesion(chart: Chart, name: str, place: int) -> NewLesion:
    """Follow a new lesion from its first presence to a visit."""
    case, calendar = chart.case, chart.case.calendar
    first = chart.plan.new[name]
    start, dated, state = first, first, ''
    for here in range(first, place + 1):
        if not case.evaluable(here):
            continue
        sizes = [case.present(one, here) for one in chart.plan.members(name)]
        size = max((one for one in sizes if one is not None), key=_largest, default=None)
        gap = calendar.between(start, here)
        late = gap is not None and gap >= CERTAIN_AFTER
        if size is None:
            state = 'dropped' if state == 'equivocal' and late else state
        elif state in ('', 'dropped'):
            start = dated = here
            begun = size
            state = 'unequivocal' if _certain(case, chart.plan, name, here, size) else 'equivocal'
        elif state == 'equivocal':
            fit = certain_size(case, ld=size.ld, sd=size.sd)
            if late and (fit or size.ld - begun.ld >= CERTAIN_GROWTH):
                state, dated = 'unequivocal', start
            elif _certain(case, chart.plan, name, start, size):
                state, dated = 'unequivocal', here
    there = any(case.present(one, place) for one in chart.plan.members(name))
    gone = 'dropped' if state == 'dropped' else 'absent'
    return NewLesion(name=name, state=state if there else gone, dated=dated)


def _certain(case: Case, plan: Plan, name: str, first: int, size: Size) -> bool:
    """Tell whether a new lesion is beyond doubt; `first`: its first presence."""
    seen = case.at(name, first)
    view = None if seen is None else seen.event.in_view
    shown = view is None or any(plan.baseline <= place < first for place in view)
    sure = size.probability is None or size.probability >= CERTAIN_PROBABILITY
    return shown and sure and size.n_slices >= 2 and certain_size(case, ld=size.ld, sd=size.sd)


def _largest(size: Size) -> tuple[int, int]:
    """Return the key by which parts of a new lesion are compared."""
    return size.ld, size.volume


def _holds_target(chart: Chart, name: str, place: int) -> bool:
    """Tell whether a target has become a part of a lesion, which then counts for the target."""
    for target in chart.plan.targets:
        for one in chart.plan.members(target):
            seen = chart.case.at(one, place)
            if seen is not None and chart.plan.roots.get(seen.event.merged_into or '') == name:
                return True
    return False


def flair_state(chart: Chart, place: int) -> str:
    """Return F at a visit: not_used, ok, worse or NE.

    Parameters
    ----------
    chart
        The patient.
    place
        Of the visit.
    """
    case = chart.case
    use = case.criterion.flair
    if use == 'none' or (use == 'antiangiogenic' and not case.clinical[place].antiangiogenic):
        return 'not_used'
    volumes = [
        visit.wt_mm3 if visit.evaluable else None
        for visit in case.course.visits[chart.plan.baseline : place + 1]
    ]
    earlier = [volume for volume in volumes[:-1] if volume is not None]
    now = volumes[-1]
    if now is None or not earlier:
        return 'NE'
    return 'worse' if _grown(now, min(earlier), FLAIR_MM3) else 'ok'


def enhancement_worse(chart: Chart, place: int) -> bool:
    """Tell whether enhancement is new or increased, where the criterion asks for it.

    Parameters
    ----------
    chart
        The patient.
    place
        Of the visit.
    """
    if not chart.case.criterion.enhancement or not chart.case.evaluable(place):
        return False
    visits = chart.case.course.visits[chart.plan.baseline : place + 1]
    sets = [one.observations.get('ET') if one.evaluable else None for one in visits]
    now, earlier = sets[-1], [one for one in sets[:-1] if one is not None]
    if now is None or not earlier:
        return False
    known = {one.event.lesion_id for some in earlier for one in some if one.lesion is not None}
    fresh = [
        one.lesion
        for one in now
        if one.lesion is not None
        and one.event.lesion_id not in known
        and one.event.identity != 'fragment'
    ]
    if any(recorded(one.longest.ld_mm, 10) >= ENHANCING_LD for one in fresh):
        return True
    return _grown(_volume(now), min(_volume(some) for some in earlier), ENHANCING_MM3)


def new_volume(chart: Chart, names: Sequence[str], place: int) -> int:
    """Return the sum of new lesions at a visit, in the criterion's measure.

    Parameters
    ----------
    chart
        The patient.
    names
        New lesions.
    place
        Of the visit.
    """
    shares: Mapping[str, Share] = {
        name: share(chart.case, chart.plan, name, place) for name in names
    }
    return sum(int(getattr(one, chart.case.criterion.measure)) for one in shares.values())


def _volume(some: Sequence[Observation]) -> int:
    """Return the volume of all lesions that are there."""
    return sum(one.lesion.volume_mm3 for one in some if one.lesion is not None)


def _grown(now: int, lowest: int, least: int) -> bool:
    """Tell whether a volume has grown by 40 % and by some mm3."""
    return 5 * now >= 7 * lowest and now - lowest >= least
