# SPDX-License-Identifier: Apache-2.0
"""What follows from all visits together: confirmation, best response, date of progression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from bids_seg.records import Basis, BestResponse, ConfirmStatus, Response

CONFIRM_DAYS = 28
"""Least days from a response to the visit that confirms it."""
ORDER = ('CR', 'PR', 'MR')
"""Responses that are confirmed, best first."""
COUNTS_AS = {'PD_prelim': 'NE', 'PD_prelim_not_confirmed': 'SD'}
"""What preliminary progression is among best responses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The responses of all visits before what later visits say of them."""

    rows: tuple[Response, ...]
    """One for each visit."""
    dated: Mapping[int, int]
    """For each visit with PD, the place of the visit to which it is dated."""
    baseline: int | None
    """Place of the baseline visit."""


def confirm(found: Rows) -> tuple[Response, ...]:
    """Return the responses with what later visits say of them.

    Parameters
    ----------
    found
        All visits.
    """
    rows = [_confirmed(found.rows, place) for place in range(len(found.rows))]
    progression = progression_place(found)
    if progression is None:
        return tuple(rows)
    for place, row in enumerate(rows):
        if place > progression and row.response != 'n/a':
            rows[place] = replace(row, flags=(*row.flags, 'after_pd'))
        elif place == progression and row.response != 'PD':
            rows[place] = replace(row, flags=(*row.flags, 'pd_dated_here'))
    return tuple(rows)


def progression_place(found: Rows) -> int | None:
    """Return the place of the visit to which progression is dated; None without any.

    Parameters
    ----------
    found
        All visits.
    """
    return min(found.dated.values(), default=None)


def best(
    found: Rows, rows: Sequence[Response], *, participant: str, sd_min_days: int
) -> BestResponse:
    """Return the best response of a patient and the date of progression.

    Parameters
    ----------
    found
        All visits before confirmation.
    rows
        After it.
    participant
        Label.
    sd_min_days
        Least days from baseline for SD to count.
    """
    progression = progression_place(found)
    start = len(rows) if found.baseline is None else found.baseline + 1
    stop = len(rows) if progression is None else progression + 1
    counted = list(rows[start:stop])
    confirmed = [row for row in counted if row.confirm_status == 'confirmed']
    bor = _best_of(confirmed, counted, progression is not None, sd_min_days)
    loose = _best_of(counted, counted, progression is not None, sd_min_days)
    changes = [row.pct_from_baseline for row in counted if row.pct_from_baseline is not None]
    firsts = [row.days_from_baseline for row in confirmed if row.response == bor]
    first_pd = min(found.dated, default=None)
    return BestResponse(
        participant=participant,
        criterion=rows[0].criterion if rows else '',
        best_pct_from_baseline=min(changes, key=Decimal, default=None),
        bor=bor,
        bor_unconfirmed=loose,
        first_response_days=firsts[0] if firsts else None,
        progression_session=None if progression is None else rows[progression].session,
        progression_days=None if progression is None else rows[progression].days_from_baseline,
        progression_reason='' if first_pd is None else found.rows[first_pd].reason,
        last_visit_days=rows[-1].days_from_baseline if rows else None,
        censored=progression is None,
        basis=_basis(counted),
    )


def _confirmed(rows: Sequence[Response], place: int) -> Response:
    """Return one response with what later visits say of it."""
    row = rows[place]
    if row.response not in ORDER:
        told = {'PD_prelim': 'NE', 'PD_prelim_not_confirmed': 'SD'}
        return replace(row, response_confirmed=told.get(row.response, row.response))
    status, by = _search(rows, place)
    flags = row.flags
    if row.response == 'CR' and status == 'unconfirmed' and _came_back(rows, place):
        flags = (*flags, 'cr_then_not_pd')
    return replace(
        row,
        confirm_status=status,
        confirm_session=None if by is None else rows[by].session,
        response_confirmed=row.response if status == 'confirmed' else 'SD',
        flags=flags,
    )


def _search(rows: Sequence[Response], place: int) -> tuple[ConfirmStatus, int | None]:
    """Return whether a response is confirmed, and by which visit."""
    row = rows[place]
    missed, late = 0, False
    for here in range(place + 1, len(rows)):
        later = rows[here]
        known = COUNTS_AS.get(later.response, later.response)
        missed += known == 'NE'
        back = row.response == 'CR' and 'reappearance_equivocal' in later.flags
        if known == 'PD' or missed > 1 or back:
            return 'unconfirmed', None
        if row.days is None or later.days is None or later.days - row.days < CONFIRM_DAYS:
            continue
        if known in ORDER and ORDER.index(known) <= ORDER.index(row.response):
            return 'confirmed', here
        late = late or known != 'NE'
    return ('unconfirmed' if late else 'pending'), None


def _came_back(rows: Sequence[Response], place: int) -> bool:
    """Tell whether a lesion came back after a complete response, too small for PD."""
    return any('reappearance_equivocal' in later.flags for later in rows[place + 1 :])


def _best_of(
    responses: Sequence[Response],
    counted: Sequence[Response],
    progressed: bool,  # noqa: FBT001
    sd_min_days: int,
) -> str:
    """Return the best response, given those that count as responses."""
    if not counted:
        return 'n/a'
    there = {row.response for row in responses}
    for response in ORDER:
        if response in there:
            return response
    stable = [
        row
        for row in counted
        if COUNTS_AS.get(row.response, row.response) in ('SD', *ORDER)
        and (row.days_from_baseline is None or row.days_from_baseline >= sd_min_days)
    ]
    return 'SD' if stable else 'PD' if progressed else 'NE'


def _basis(rows: Sequence[Response]) -> Basis:
    """Return the inputs that there were at all visits."""
    bases = {row.basis for row in rows}
    if len(bases) < 2:
        return bases.pop() if bases else 'imaging_only'
    dose = bases & {'imaging_only', 'no_steroid'}
    status = bases & {'imaging_only', 'no_clinical'}
    if dose and status:
        return 'imaging_only'
    return 'no_steroid' if dose else 'no_clinical' if status else 'full'
