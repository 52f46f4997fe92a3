# SPDX-License-Identifier: Apache-2.0
"""What is decided once: the baseline visit, its targets, and what every other lesion counts as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from bids_seg.errors import CommandError
from bids_seg.respond.case import Case, Size
from bids_seg.respond.clinical import moment
from bids_seg.respond.criterion import Criterion
from bids_seg.respond.rules import Rules

WIDE_SLICES = 5.0
"""Slices farther apart than this raise the least size of a target, mm."""
THIN_SLICES = 1.5
"""Slices at most this far apart allow the option of smaller targets, mm."""
INTENDED = (21, 35)
"""Days after radiotherapy in which the baseline should lie."""
TOLERABLE = (14, 56)
"""Days after radiotherapy in which the visit nearest to day 28 is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a response is judged by; frozen at baseline."""

    baseline: int
    """Place of the baseline visit."""
    flags: tuple[str, ...]
    """How the baseline was chosen, where that must be known."""
    targets: tuple[str, ...]
    """Chosen once, by rank."""
    nontargets: tuple[str, ...]
    """All other lesions that are there at baseline."""
    excluded: tuple[str, ...]
    """Those of them that a reader excluded."""
    new: Mapping[str, int]
    """Lesions that come up later, with the place of their first presence."""
    roots: Mapping[str, str]
    """For each lesion, the target, non-target or new lesion as a part of which it counts."""
    families: Mapping[str, tuple[str, ...]]
    """For each of these, itself with all that split from it."""

    def members(self, root: str) -> tuple[str, ...]:
        """Return a lesion with all that split from it.

        Parameters
        ----------
        root
            A target, a non-target or a new lesion.
        """
        return self.families.get(root, ())


def measurable(size: Size, criterion: Criterion, rules: Rules) -> str:
    """Return the first clause by which a lesion is not measurable; empty if it is.

    Parameters
    ----------
    size
        At baseline.
    criterion, rules
        The clauses.

    Examples
    --------
    >>> from bids_seg.respond.criteria import find
    >>> small = Size(ld=99, sd=99, product=9801, volume=500)
    >>> measurable(small, find('rano_bm'), Rules())
    'ld'
    """
    least_ld = criterion.least_ld
    if criterion.least_ld_rule is not None and size.spacing <= THIN_SLICES:
        least_ld = min(least_ld, round(10 * getattr(rules, criterion.least_ld_rule)))
    spacing = Decimal(str(round(size.spacing, 4))) * 10
    wide = size.spacing > WIDE_SLICES
    checks = (
        ('ld', size.ld >= least_ld),
        ('sd', size.sd >= criterion.least_sd),
        ('slices', size.n_slices >= 2),
        ('spacing', not wide or size.ld >= criterion.spacing_ld * spacing),
        ('spacing', not wide or size.sd >= criterion.spacing_sd * spacing),
    )
    return next((name for name, passed in checks if not passed), '')


def choose(case: Case) -> Plan | None:
    """Return what the response is judged by; None where no visit can be the baseline.

    Parameters
    ----------
    case
        The patient.

    Raises
    ------
    CommandError
        The baseline or a target that was asked for is not there.
    """
    baseline, flags = baseline_visit(case)
    if baseline is None or not case.evaluable(baseline):
        return None
    roots, new = _roots(case, baseline)
    there = [name for name in case.seen if roots.get(name) == name and name not in new]
    excluded = _named(case, 'exclude_ids', there)
    targets = _named(case, 'target_ids', there) or _ranked(case, baseline, there, excluded)
    families: dict[str, tuple[str, ...]] = {}
    for name, root in roots.items():
        families[root] = (*families.get(root, ()), name)
    return Plan(
        baseline=baseline,
        flags=flags,
        targets=targets,
        nontargets=tuple(name for name in there if name not in targets),
        excluded=tuple(name for name in excluded if name not in targets),
        new=new,
        roots=roots,
        families=families,
    )


def no_baseline(case: Case, place: int) -> str:
    """Return why a visit has no response where no visit can be the baseline.

    Parameters
    ----------
    case
        The patient.
    place
        Of the visit.
    """
    if baseline_visit(case)[0] is not None:
        return 'baseline_not_evaluable'
    return 'no_post_rt_baseline' if not all(case.faults) else case.faults[place]


def baseline_visit(case: Case) -> tuple[int | None, tuple[str, ...]]:
    """Return the place of the baseline visit, and flags on how it was chosen.

    Parameters
    ----------
    case
        The patient.

    Raises
    ------
    CommandError
        `baseline_session` names no visit.
    """
    info, days = case.course.info, case.calendar.days
    places = [place for place in range(len(days)) if case.evaluable(place)]
    asked = info.get('baseline_session', 'n/a').strip().removeprefix('ses-')
    if asked not in ('', 'n/a'):
        sessions = [visit.session or '' for visit in case.course.visits]
        if asked not in sessions:
            raise CommandError(
                f'no session `{asked}`',
                where='column baseline_session',
                do=f'give one of: {", ".join(sessions)}',
            )
        return sessions.index(asked), ()
    ends = [one.rt_end for one in case.clinical if one.rt_end is not None]
    if case.criterion.post_rt_baseline and info.get('setting') == 'newly_diagnosed' and ends:
        end = min(ends)
        after = {p: day - end for p in places if (day := days[p]) is not None and day > end}
        return _after_radiotherapy(after)
    start = moment(info, 'treatment_start', case.calendar)
    if start is not None:
        most = case.criterion.baseline_days or case.rules.baseline_max_days
        before = [p for p in places if (day := days[p]) is not None and 0 <= start - day <= most]
        if before:
            return before[-1], ()
    return (places[0] if places else None), ('baseline_assumed',)


def _after_radiotherapy(after: Mapping[int, int]) -> tuple[int | None, tuple[str, ...]]:
    """Return the baseline among visits after radiotherapy, given the days since its end."""
    outside = ('baseline_outside_window',)
    intended = [place for place, day in after.items() if INTENDED[0] <= day <= INTENDED[1]]
    if intended:
        return intended[0], ()
    tolerable = [place for place, day in after.items() if TOLERABLE[0] <= day <= TOLERABLE[1]]
    if tolerable:
        return min(tolerable, key=lambda place: (abs(after[place] - 28), place)), outside
    # The earliest within the window is also the earliest of all.
    return (min(after) if after else None), outside


def _roots(case: Case, baseline: int) -> tuple[dict[str, str], dict[str, int]]:
    """Return as a part of what each lesion counts, and which lesions are new, and since when."""
    roots: dict[str, str] = {}
    new: dict[str, int] = {}
    for name, visits in case.seen.items():
        now = visits.get(baseline)
        status = now.event.status if now is not None else 'absent'
        later = [place for place in sorted(visits) if place > baseline]
        first = next((place for place in later if case.present(name, place)), None)
        if now is not None and status == 'absorbed' and now.event.merged_into is not None:
            roots[name] = now.event.merged_into
        elif status in ('present', 'not_evaluable'):
            roots[name] = name
        elif first is None:
            continue
        elif visits[first].event.identity == 'fragment':
            parent = visits[first].event.parent_id or name
            roots[name] = parent
        else:
            roots[name] = name
            new[name] = first
    return {name: _top(name, roots) for name in roots}, new


def _top(name: str, roots: Mapping[str, str]) -> str:
    """Follow roots up to a lesion that counts by itself."""
    while roots.get(name, name) != name:
        name = roots[name]
    return name


def _named(case: Case, action: str, there: list[str]) -> tuple[str, ...]:
    """Return the lesions that a reader named, all of which must be there at baseline."""
    values = [edit.value or edit.item for edit in case.course.edits if edit.action == action]
    names = [name.strip() for value in values for name in value.replace(',', ';').split(';')]
    for name in filter(None, names):
        if name not in there:
            raise CommandError(
                f'`{name}` is not present at baseline',
                where=f'reader file, {action}',
                do=f'name some of: {", ".join(there) or "none"}',
            )
    return tuple(dict.fromkeys(filter(None, names)))


def _ranked(
    case: Case, baseline: int, there: list[str], excluded: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the targets by the criterion's rank: measure, volume, id."""
    sizes = {name: case.present(name, baseline) for name in there if name not in excluded}
    fit = {
        name: size
        for name, size in sizes.items()
        if size is not None and not measurable(size, case.criterion, case.rules)
    }

    def rank(name: str) -> tuple[int, int, str]:
        size = fit[name]
        return -int(getattr(size, case.criterion.measure)), -size.volume, name

    return tuple(sorted(fit, key=rank)[: case.criterion.targets(case.rules)])
