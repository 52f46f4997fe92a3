# SPDX-License-Identifier: Apache-2.0
"""A participant through time as the page tells it: one account for each criterion in force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from bids_seg.records import (
    CriterionInForce,
    Disease,
    Event,
    History,
    Lesion,
    Response,
    Tissue,
    VisitMeasurements,
)
from bids_seg.report.outputs import PatientOutputs
from bids_seg.report.wording import LESIONS, NOTHING, TIMES, ml

ORDER = ('target', 'fragment', 'nontarget', 'excluded', 'new', '')
"""Roles in the order of the page."""
ROLES: Mapping[str, str] = {
    'target': 'target',
    'fragment': 'part of a target',
    'nontarget': 'non-target',
    'excluded': 'excluded by a reader',
    'new': 'new',
    '': '',
}
"""Roles in words."""
COLOURS = (
    '#0072b2', '#d55e00', '#009e73', '#cc79a7', '#b8860b', '#56b4e9', '#7f3c8d', '#6b6b6b',
)  # fmt: skip
"""Colours of lesions whose table names none (after Wong 2011, doi:10.1038/nmeth.1618)."""
BADGES: Mapping[str, str] = {
    'PD_prelim': 'PD?',
    'PD_prelim_not_confirmed': 'PD? n.c.',
    'n/a': NOTHING,
}
"""Responses that are not said by their letters, short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One lesion at one visit."""

    event: Event
    """What became of its identity."""
    lesion: Lesion | None
    """Its measurement; None where it is not present."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionCourse:
    """One lesion through all visits."""

    lesion_id: str
    """For life."""
    role: str
    """target, nontarget, new, fragment, excluded; empty without a criterion."""
    colour: str
    """Hexadecimal."""
    seen: tuple[Seen | None, ...]
    """By visit; None before its first presence."""

    @property
    def present(self) -> tuple[int, ...]:
        """Places of the visits at which it was measured."""
        return tuple(i for i, one in enumerate(self.seen) if one is not None and one.lesion)

    @property
    def resolved(self) -> int | None:
        """Place of the last visit at which it was found gone and never came back; None else."""
        gone = [i for i, one in enumerate(self.seen) if one and one.event.identity == 'resolved']
        last = self.present[-1] if self.present else -1
        return gone[-1] if gone and gone[-1] > last else None

    @property
    def parent(self) -> str | None:
        """The lesion from which it split; None where it came up by itself."""
        return next((one.event.parent_id for one in self.seen if one and one.event.parent_id), None)

    def lesion(self, place: int) -> Lesion | None:
        """Return its measurement at a visit."""
        one = self.seen[place]
        return None if one is None else one.lesion


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What one criterion, or tracking alone, says of a participant."""

    disease: Disease
    """Which network's lesions these are."""
    tissue: Tissue
    """What they are made of."""
    criterion: CriterionInForce | None
    """By which they are judged; None where no criterion is in force."""
    rows: tuple[Response, ...]
    """The response at each visit; empty without a criterion."""
    visits: tuple[VisitMeasurements, ...]
    """In order of time."""
    lesions: tuple[LesionCourse, ...]
    """Targets first, then non-targets, then new ones."""
    info: Mapping[str, str]
    """Columns of the patient."""

    @property
    def label(self) -> str:
        """The label of its lesion images: glioma, gliomaNonCE, metastases."""
        plain = self.disease == 'metastases' or self.tissue == 'ET'
        return self.disease if plain else f'{self.disease}{self.tissue}'

    @property
    def answer(self) -> Response | None:
        """The response at the last visit; None before a second visit can be judged."""
        return self.rows[-1] if self.rows and self.rows[-1].response != 'n/a' else None

    @property
    def baseline(self) -> int | None:
        """Place of the baseline visit."""
        found = (i for i, row in enumerate(self.rows) if row.reason == 'baseline')
        return next(found, None)

    @property
    def title(self) -> str:
        """What it is about: disease and kind of lesion."""
        return f'{self.disease.capitalize()}, {LESIONS[self.tissue][1]}'

    def place(self, session: str | None) -> int | None:
        """Return the place of a session among the visits."""
        sessions = [visit.session for visit in self.visits]
        return sessions.index(session) if session in sessions else None

    def previous(self) -> int | None:
        """Return the place of the last visit before the latest whose sum is known."""
        known = [i for i, row in enumerate(self.rows[:-1]) if row.aggregate is not None]
        return known[-1] if known else None


def accounts(patient: PatientOutputs) -> tuple[Account, ...]:
    """Return what each criterion says of a participant, in the order they were asked for.

    Parameters
    ----------
    patient
        What lies in the output folder; without a history there is no account.
    """
    history = patient.history
    if history is None or history.untracked:
        return ()
    colours = {
        (found.label, row.get('name', '')): row['color']
        for visit in patient.visits
        for outputs in visit.diseases
        for found in outputs.lesions
        for row in found.rows
        if row.get('color', 'n/a') != 'n/a'
    }
    return tuple(_accounts(history, colours))


def leading(found: Sequence[Account]) -> tuple[Account, ...]:
    """Return the first account of each disease.

    Parameters
    ----------
    found
        All accounts.
    """
    first: dict[Disease, Account] = {}
    for account in found:
        first.setdefault(account.disease, account)
    return tuple(first.values())


def by_tissue(found: Sequence[Account]) -> tuple[Account, ...]:
    """Return the first account of each tissue of each disease.

    Parameters
    ----------
    found
        All accounts.
    """
    first: dict[tuple[Disease, Tissue], Account] = {}
    for account in found:
        first.setdefault((account.disease, account.tissue), account)
    return tuple(first.values())


def _accounts(history: History, colours: Mapping[tuple[str, str], str]) -> Iterator[Account]:
    """Yield the accounts of the criteria, then of diseases that none of them judged."""
    judged: set[tuple[Disease, str]] = set()
    for name, rows in history.responses.items():
        criterion = history.criteria.get(name)
        if criterion is None:
            continue
        disease: Disease = 'metastases' if criterion.tissue == 'TC' else 'glioma'
        if disease in history.courses:
            made = _account(history, disease, criterion, rows, colours, tissue=criterion.tissue)
            judged.add((disease, made.tissue))
            yield made
    for disease, course in history.courses.items():
        usual: Tissue = 'TC' if disease == 'metastases' else 'ET'
        tracked = {tissue for visit in course.visits for tissue in visit.observations}
        # What only the second part of a mixed criterion measures is followed all the same.
        for tissue in sorted(tracked, key=lambda tissue: tissue != usual):
            if (disease, tissue) not in judged:
                yield _account(history, disease, None, (), colours, tissue=tissue)  # type: ignore[arg-type]


def _account(
    history: History,
    disease: Disease,
    criterion: CriterionInForce | None,
    rows: tuple[Response, ...],
    colours: Mapping[tuple[str, str], str],
    *,
    tissue: Tissue,
) -> Account:
    """Gather the lesions of the tissue that a criterion measures."""
    course = history.courses[disease]
    tracked = [tissue for visit in course.visits for tissue in visit.observations]
    if tracked and tissue not in tracked:
        tissue = tracked[0]  # type: ignore[assignment]
    bare = Account(
        disease=disease, tissue=tissue, criterion=criterion, rows=rows, visits=course.visits,
        lesions=(), info=course.info,
    )  # fmt: skip
    roles: dict[str, str] = {}
    for row in rows or [row for found in history.responses.values() for row in found]:
        own = {one.lesion_id: one.role for one in row.standings if one.tissue == tissue}
        plain = {} if row.standings or not rows else row.roles
        roles |= {key: role for key, role in (own or plain).items() if role}
    seen: dict[str, list[Seen | None]] = {}
    for place, visit in enumerate(course.visits):
        for one in visit.observations.get(tissue, ()):
            line = seen.setdefault(one.event.lesion_id, [None] * len(course.visits))
            line[place] = Seen(event=one.event, lesion=one.lesion)
    lesions = [
        LesionCourse(
            lesion_id=name,
            role=roles.get(name, ''),
            colour=colours.get((bare.label, name), _colour(name)),
            seen=tuple(line),
        )
        for name, line in seen.items()
    ]
    lesions.sort(key=lambda one: (ORDER.index(one.role), one.lesion_id))
    return Account(
        disease=disease, tissue=tissue, criterion=criterion, rows=rows, visits=course.visits,
        lesions=tuple(lesions), info=course.info,
    )  # fmt: skip


def _colour(lesion_id: str) -> str:
    """Return the colour of a lesion by its number."""
    digits = ''.join(letter for letter in lesion_id if letter.isdigit()) or '1'
    return COLOURS[(int(digits) - 1) % len(COLOURS)]


def total(value: int | None, measure: str) -> str:
    """Return a sum over targets in its unit; volumes in mL.

    Parameters
    ----------
    value
        Tenths of mm, hundredths of mm2, or mm3.
    measure
        ld, product or volume.

    Examples
    --------
    >>> total(250, 'ld'), total(80000, 'product'), total(12345, 'volume'), total(None, 'ld')
    ('25.0 mm', '800.00 mm²', '12.345 mL', 'n/a')
    """
    if value is None:
        return 'n/a'
    if measure == 'ld':
        return f'{value / 10:.1f} mm'
    if measure == 'product':
        return f'{value / 100:.2f} mm²'
    return f'{value / 1000:.3f} mL'


def change(now: int | None, then: int | None) -> str:
    """Return a change in percent with one decimal, rounded half up, with its sign.

    Parameters
    ----------
    now, then
        Recorded sums.

    Examples
    --------
    >>> change(300, 250), change(250, 300), change(300, 300), change(5, 0)
    ('+20.0%', '−16.7%', '0.0%', 'n/a')
    """
    if now is None or not then:
        return 'n/a'
    share = Decimal(100 * (now - then)) / Decimal(then)
    return signed(str(share.quantize(Decimal('0.1'), rounding=ROUND_HALF_UP)))


def signed(percent: str | None) -> str:
    """Return a percentage of a table with its sign.

    Examples
    --------
    >>> signed('20.0'), signed('-16.7'), signed('-0.0'), signed(None)
    ('+20.0%', '−16.7%', '0.0%', 'n/a')
    """
    if percent is None:
        return 'n/a'
    value = Decimal(percent)
    sign = '' if value == 0 else '+' if value > 0 else '\N{MINUS SIGN}'
    return f'{sign}{abs(value)}%'


def badge(response: str) -> str:
    """Return the short form of a response.

    Examples
    --------
    >>> badge('PR'), badge('PD_prelim')
    ('PR', 'PD?')
    """
    return BADGES.get(response, response)


def name_of(visit: VisitMeasurements) -> str:
    """Return what a visit is called on the page."""
    return visit.session or 'visit'


def when(visit: VisitMeasurements, *, dates: bool) -> str:
    """Return the day of a visit, or its date where dates are kept; empty where unknown.

    Parameters
    ----------
    visit
        Any visit.
    dates
        Whether calendar dates may be shown.
    """
    if dates and visit.date:
        return visit.date
    return '' if visit.days is None else f'day {visit.days}'


def titled(visit: VisitMeasurements, *, dates: bool) -> str:
    """Return name and day of a visit.

    Parameters
    ----------
    visit
        Any visit.
    dates
        Whether calendar dates may be shown.
    """
    day = when(visit, dates=dates)
    return f'{name_of(visit)}, {day}' if day else name_of(visit)


def sides(lesion: Lesion, criterion: CriterionInForce | None) -> tuple[float, float]:
    """Return the pair of diameters by which a criterion goes, mm.

    Parameters
    ----------
    lesion
        Measured.
    criterion
        None: the longest pair.
    """
    product = criterion is not None and criterion.pair == 'largest_product'
    pair = lesion.largest_product if product else lesion.longest
    return pair.ld_mm, pair.sd_mm


def named(one: LesionCourse) -> str:
    """Return a lesion's name, and as what it counts.

    Parameters
    ----------
    one
        Any lesion.
    """
    role = ROLES[one.role]
    return f'{one.lesion_id}, {role}' if role else one.lesion_id


def cell(lesion: Lesion, account: Account) -> str:
    """Return a lesion's size as its criterion sees it.

    Parameters
    ----------
    lesion
        Measured.
    account
        Whose criterion it is.
    """
    if account.criterion is not None and account.criterion.measure == 'volume':
        return ml(lesion.volume_mm3)
    longest, shorter = sides(lesion, account.criterion)
    return f'{longest:.1f} {TIMES} {shorter:.1f}'
