# SPDX-License-Identifier: Apache-2.0
"""The course of every participant by one criterion, from the group's tables and the histories."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bids_seg.records import CriterionInForce, from_json
from bids_seg.report.outputs import Row
from bids_seg.report.wording import natural, number

NONE = 'n/a'
"""A missing cell."""
TREATMENTS: Mapping[str, str] = {
    'rt_end_date': 'radiotherapy ends',
    'treatment_start': 'treatment starts',
    'immunotherapy_start': 'immunotherapy starts',
}
"""Columns of a history that tell of treatment, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A visit after baseline."""

    session: str
    """Label without `ses-`."""
    days: float
    """From baseline."""
    percent: float | None
    """Change of the sum from baseline; None where it cannot be told."""
    response: str
    """By the criterion."""
    new: bool
    """Whether a certain new lesion is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One participant by one criterion; days count from its baseline."""

    participant: str
    """With `sub-`."""
    best: float | None
    """Best change from baseline, %; None where nothing after baseline was measured."""
    bor: str
    """Best overall response, confirmed where that is asked for."""
    unconfirmed: str
    """The same with unconfirmed responses."""
    basis: str
    """Which inputs beside the images there were."""
    points: tuple[Point, ...]
    """Baseline and what follows, in order of time."""
    first: float | None
    """Day of the first response that counts."""
    confirmed: float | None
    """Day on which it was confirmed."""
    progression: float | None
    """Day of progression."""
    why: str
    """Rule that made it progression."""
    last: float | None
    """Day of the last visit."""
    censored: bool
    """Whether there was no progression."""
    treatments: tuple[tuple[str, float], ...] = ()
    """What happened on which day, by column of the history."""

    @property
    def new(self) -> bool:
        """Whether there is a certain new lesion up to the progression."""
        end = float('inf') if self.progression is None else self.progression
        return any(point.new and point.days <= end for point in self.points)

    @property
    def imaging_only(self) -> bool:
        """Whether neither steroids nor clinical state were known."""
        return self.basis == 'imaging_only'


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """All participants by one criterion."""

    criterion: str
    """Its name."""
    rules: CriterionInForce | None
    """Its limits; None where no history tells them."""
    people: tuple[Person, ...]
    """In natural order."""
    options: tuple[str, ...] = ()
    """Options of the criteria that differ from their defaults, as `key=value`."""

    @property
    def title(self) -> str:
        """What it is called on the page."""
        return self.rules.title if self.rules else self.criterion.replace('_', '-').upper()

    @property
    def counted(self) -> tuple[Person, ...]:
        """Those with a visit after baseline."""
        return tuple(person for person in self.people if person.bor not in {NONE, ''})


def judgements(
    best: Sequence[Row], visits: Sequence[Row], histories: Iterable[Mapping[str, Any]] = ()
) -> tuple[Judgement, ...]:
    """Return one judgement for each criterion, in the order of the table of best responses.

    Parameters
    ----------
    best
        Rows of `group_best.tsv`.
    visits
        Rows of `group_visits.tsv`.
    histories
        What `read_histories` gives: limits of the criteria, and days of treatment.
    """
    rules: dict[str, CriterionInForce] = {}
    courses: dict[str, list[Mapping[str, Any]]] = {}
    options: set[str] = set()
    for history in histories:
        options |= {f'{key}={value}' for key, value in history.get('rules', {}).items()}
        courses[f'sub-{history.get("participant")}'] = list(history.get('courses', {}).values())
        for name, stated in history.get('criteria', {}).items():
            if name not in rules:
                rules[name] = from_json(CriterionInForce, json.dumps(stated))
    by_person: dict[tuple[str, str], list[Row]] = {}
    for row in visits:
        key = row.get('participant_id', ''), row.get('criterion', NONE)
        by_person.setdefault(key, []).append(row)
    found = []
    for criterion in dict.fromkeys(row['criterion'] for row in best):
        rows = sorted(
            (row for row in best if row['criterion'] == criterion),
            key=lambda row: natural(row['participant_id']),
        )
        people = tuple(
            _person(
                row,
                by_person.get((row['participant_id'], criterion), []),
                courses.get(row['participant_id'], []),
            )
            for row in rows
        )
        found.append(
            Judgement(
                criterion=criterion,
                rules=rules.get(criterion),
                people=people,
                options=tuple(sorted(options)),
            )
        )
    return tuple(found)


def read_histories(out_dir: Path, participants: Iterable[str]) -> tuple[Mapping[str, Any], ...]:
    """Return the histories of participants as plain objects; those that cannot be read are left out.

    Records of hundreds of participants take minutes to build; the page needs few of their fields.

    Parameters
    ----------
    out_dir
        Root of the derivative dataset.
    participants
        With `sub-`.
    """
    found = []
    for name in participants:
        path = out_dir / name / 'figures' / f'{name}_desc-history.json'
        try:
            read = json.loads(path.read_text(encoding='utf-8'))
        except (OSError, ValueError):
            continue
        if isinstance(read, dict):
            found.append(read)
    return tuple(found)


def _person(row: Row, visits: Sequence[Row], courses: Sequence[Mapping[str, Any]]) -> Person:
    """Return one participant's course."""
    points = sorted((point for each in visits if (point := _point(each))), key=lambda p: p.days)
    first = number(row.get('first_response_days'))
    return Person(
        participant=row['participant_id'],
        best=number(row.get('best_pct_from_baseline')),
        bor=row.get('bor', NONE),
        unconfirmed=row.get('bor_unconfirmed', NONE),
        basis=row.get('basis', NONE),
        points=tuple(points),
        first=first,
        confirmed=None if first is None else _confirmed(first, visits),
        progression=number(row.get('progression_days')),
        why=_word(row.get('progression_reason', NONE)),
        last=number(row.get('last_visit_days')),
        censored=row.get('censored') != '0',
        treatments=_treatments(visits, courses),
    )


def _point(row: Row) -> Point | None:
    """Return a visit; None for one before baseline or without a day."""
    days = number(row.get('days_from_baseline'))
    if days is None or days < 0:
        return None
    is_baseline = row.get('session_id') == row.get('baseline_session') or days == 0
    percent = number(row.get('pct_from_baseline'))
    return Point(
        session=row.get('session_id', NONE).removeprefix('ses-'),
        days=days,
        percent=0.0 if is_baseline and percent is None else percent,
        response=row.get('response', NONE),
        new=(number(row.get('n_new_unequivocal')) or 0) > 0,
    )


def _confirmed(first: float, visits: Sequence[Row]) -> float | None:
    """Return the day on which the first response was confirmed."""
    days = {
        _session(row.get('session_id')): number(row.get('days_from_baseline')) for row in visits
    }
    for row in visits:
        if number(row.get('days_from_baseline')) == first and row.get('confirm_status') == (
            'confirmed'
        ):
            return days.get(_session(row.get('confirm_session')))
    return None


def _session(text: str | None) -> str:
    """Return a session's label without its prefix."""
    return (text or NONE).removeprefix('ses-')


def _treatments(
    visits: Sequence[Row], courses: Sequence[Mapping[str, Any]]
) -> tuple[tuple[str, float], ...]:
    """Return days of treatment from baseline, each kind once, in order of time."""
    found: dict[str, float] = {}
    shift = None
    for row in visits:
        days = number(row.get('days_from_baseline'))
        since, first = number(row.get('days_from_rt_end')), number(row.get('days_from_first'))
        if days is not None and since is not None:
            found['rt_end_date'] = days - since
        if days is not None and first is not None:
            shift = first - days
    for course in courses:
        for column in TREATMENTS:
            day = _day(course, column)
            if day is not None and shift is not None:
                found.setdefault(column, day - shift)
    return tuple(sorted(found.items(), key=lambda one: (one[1], one[0])))


def _day(course: Mapping[str, Any], column: str) -> float | None:
    """Return a date of a course as a day on the patient's scale."""
    stated = course.get('info', {}).get(column)
    plain = number(stated)
    if plain is not None or not stated:
        return plain
    for visit in course.get('visits', ()):
        if visit.get('date') and visit.get('days') is not None:
            try:
                apart = datetime.date.fromisoformat(stated[:10]) - datetime.date.fromisoformat(
                    visit['date'][:10]
                )
            except ValueError:
                return None
            return float(visit['days'] + apart.days)
    return None


def _word(text: str) -> str:
    """Return a word of the tables without its underscores; nothing for a missing one."""
    return '' if text == NONE else text.replace('_', ' ').replace('+', ' + ')
