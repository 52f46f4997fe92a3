# SPDX-License-Identifier: Apache-2.0
"""What each lesion contributes at a visit, the sum over targets, and the smallest sum so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bids_seg.respond.arithmetic import Measure
from bids_seg.respond.case import TINY, Bound, Case, Size
from bids_seg.respond.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What a lesion with all that split from it amounts to at a visit."""

    ld: int = 0
    """Sum of diameters, tenths of mm."""
    sd: int = 0
    """Largest perpendicular diameter, tenths of mm."""
    product: int = 0
    """Sum of products, hundredths of mm2."""
    volume: int = 0
    """Sum of volumes, mm3."""
    n_slices: int = 0
    """Most slices of a part."""
    present: bool = False
    """Whether any part is there."""
    absorbed: bool = False
    """Whether any part has become a part of another lesion."""
    evaluable: bool = True
    """Whether all parts can be judged."""
    low: bool = False
    """Whether an absence is of low confidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """The sum over targets at a visit."""

    shares: Mapping[str, Share]
    """By target."""
    value: int
    """Sum over targets that can be judged, in the criterion's measure."""
    flags: tuple[str, ...] = ()
    """`merged`, `merge_review`."""

    @property
    def n_evaluable(self) -> int:
        """Number of targets that can be judged."""
        return sum(share.evaluable for share in self.shares.values())

    @property
    def complete(self) -> bool:
        """Whether all targets can be judged."""
        return self.n_evaluable == len(self.shares)

    @property
    def low(self) -> bool:
        """Whether the absence of a target is of low confidence."""
        return any(share.low for share in self.shares.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What later tests of progression refer to; moves when a preliminary PD is not confirmed."""

    start: int
    """Place of the first visit that can be the nadir."""
    joined: Mapping[str, int]
    """New lesions that count as non-targets, with the place since which they do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A patient with all sums worked out."""

    case: Case
    """The patient."""
    plan: Plan
    """Baseline and targets."""
    totals: tuple[Total, ...]
    """Of each visit; of use from the baseline on."""

    def nadir(self, place: int, window: Window) -> int | None:
        """Return the place of the smallest sum before a visit; the first of equals.

        Parameters
        ----------
        place
            Of the visit, which itself does not count.
        window
            Where to look; all visits since baseline where none of it can be used.
        """
        for start in (window.start, self.plan.baseline):
            fit = [p for p in range(start, place) if self.eligible(p)]
            if fit:
                return min(fit, key=lambda p: self.totals[p].value)
        return None

    def eligible(self, place: int) -> bool:
        """Tell whether the sum of a visit may be a nadir.

        Parameters
        ----------
        place
            Of the visit.
        """
        total = self.totals[place]
        return self.case.evaluable(place) and total.complete and not total.low


def share(case: Case, plan: Plan, root: str, place: int) -> Share:
    """Return what a lesion with all that split from it amounts to at a visit.

    Parameters
    ----------
    case, plan
        The patient.
    root
        A target, a non-target or a new lesion.
    place
        Of the visit.
    """
    return _share(case, plan, root, place, bounds={})


def total(
    case: Case, plan: Plan, place: int, *, bounds: Mapping[str, Bound] | None = None
) -> Total:
    """Return the sum over targets at a visit.

    Parameters
    ----------
    case, plan
        The patient.
    place
        Of the visit.
    bounds
        Targets that are to be drawn small or large instead of as they are.
    """
    shares: dict[str, Share] = {}
    flags: set[str] = set()
    claimed: set[str] = set()
    for root in plan.targets:
        own = _share(case, plan, root, place, bounds=bounds or {})
        for host in _hosts(case, plan, root, place):
            if plan.roots.get(host) in plan.targets:
                flags.add('merged')
                continue
            flags.add('merge_review')
            size = case.present(host, place)
            if host not in claimed and size is not None:
                claimed.add(host)
                own = _with(own, size)
        shares[root] = own
    for root in {*plan.roots.values()} - {*plan.targets}:
        hosts = _hosts(case, plan, root, place)
        if any(plan.roots.get(host) in plan.targets for host in hosts):
            flags.add('merge_review')
    value = sum(_tiny(case, one) for one in shares.values() if one.evaluable)
    return Total(shares=shares, value=value, flags=tuple(sorted(flags)))


def chart(case: Case, plan: Plan) -> Chart:
    """Return a patient with the sums of all visits.

    Parameters
    ----------
    case, plan
        The patient.
    """
    places = range(len(case.course.visits))
    return Chart(case=case, plan=plan, totals=tuple(total(case, plan, p) for p in places))


def _share(case: Case, plan: Plan, root: str, place: int, *, bounds: Mapping[str, Bound]) -> Share:
    """Sum up the parts of a lesion at a visit."""
    if not case.evaluable(place):
        return Share(evaluable=False)
    found = Share()
    for name in plan.members(root):
        seen = case.at(name, place)
        if seen is None:
            continue
        status = seen.event.status
        if status == 'present' and seen.size is not None:
            found = _with(found, _drawn(seen.size, bounds.get(root)))
        found = replace(
            found,
            absorbed=found.absorbed or status == 'absorbed',
            evaluable=found.evaluable and status != 'not_evaluable',
            low=found.low or (status == 'absent' and seen.event.low_confidence),
        )
    return found


def _drawn(size: Size, bound: Bound | None) -> Size:
    """Return a size as it is, or as it is drawn at another probability."""
    other = None if bound is None else getattr(size, bound)
    if other is None:
        return size
    return replace(size, ld=other[0], product=other[1], volume=other[2])


def _with(found: Share, size: Size) -> Share:
    """Add one part to what a lesion amounts to."""
    return replace(
        found,
        ld=found.ld + size.ld,
        sd=max(found.sd, size.sd),
        product=found.product + size.product,
        volume=found.volume + size.volume,
        n_slices=max(found.n_slices, size.n_slices),
        present=True,
    )


def _tiny(case: Case, one: Share) -> int:
    """Return a target's contribution; a tiny one counts as 5 mm where the option says so."""
    measure: Measure = case.criterion.measure
    value = int(getattr(one, measure))
    tiny = measure == 'ld' and case.rules.tiny_rule == 'recist5'
    return TINY if tiny and 0 < value < TINY else value


def _hosts(case: Case, plan: Plan, root: str, place: int) -> list[str]:
    """Return lesions of other families of which parts of a lesion have become a part."""
    found = []
    for name in plan.members(root):
        seen = case.at(name, place)
        host = None
        while seen is not None and seen.event.status == 'absorbed':
            host = seen.event.merged_into
            seen = None if host is None or host not in case.seen else case.at(host, place)
        if host is not None and plan.roots.get(host) != root:
            found.append(host)
    return found
