# SPDX-License-Identifier: Apache-2.0
"""From a patient's course to a response at every visit by one criterion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bids_seg.errors import CommandError
from bids_seg.records import BestResponse, Course, Response, Standing, Tissue
from bids_seg.respond import criteria
from bids_seg.respond.arithmetic import UNITS, percent
from bids_seg.respond.case import Case, prepare
from bids_seg.respond.clinical import clinical_state, steroid_state
from bids_seg.respond.criterion import Criterion
from bids_seg.respond.finish import Rows, best, confirm
from bids_seg.respond.mixed import combine
from bids_seg.respond.overall import States, overall
from bids_seg.respond.plan import Plan, choose, measurable, no_baseline
from bids_seg.respond.progression import Outcome, days_from_radiotherapy, judge_all
from bids_seg.respond.rules import Rules
from bids_seg.respond.target import largest_growth
from bids_seg.respond.totals import Chart, chart
from bids_seg.respond.visit import Judged, basis
from bids_seg.respond.wording import sentence

OVERRIDES = {
    'nontarget_override': ('nontarget', ('NONE', 'CR', 'NONCR_NONPD', 'PD', 'NE')),
    'newlesion_override': ('new_lesion', ('none', 'equivocal', 'unequivocal', 'NE')),
    'flair_override': ('flair', ('not_used', 'ok', 'worse', 'NE')),
}
"""What a reader may decide otherwise, and the values it may have."""
NAMING = ('target_ids', 'exclude_ids')
"""Decisions that name lesions."""
RESPONSES = ('CR', 'PR', 'MR', 'SD', 'PD', 'PD_prelim', 'NE')
"""What a reader may say of a visit as a whole."""


def respond(
    course: Course, criterion: Criterion, *, rules: Rules | None = None
) -> tuple[tuple[Response, ...], BestResponse]:
    """Return the response at every visit of a patient, and the best one.

    Parameters
    ----------
    course
        All visits in order of time.
    criterion
        By which to judge.
    rules
        Options in force; None for the defaults.

    Raises
    ------
    CommandError
        A clinical value or a reader's override cannot be read or applied.
    """
    rules = rules or Rules()
    found = (
        _mixed(course, criterion, rules) if criterion.parts else judged(course, criterion, rules)
    )
    rows = confirm(found)
    return rows, best(found, rows, participant=course.participant, sd_min_days=rules.sd_min_days)


def judged(course: Course, criterion: Criterion, rules: Rules) -> Rows:
    """Return the responses of all visits by a criterion that measures, not yet confirmed.

    Parameters
    ----------
    course
        All visits in order of time.
    criterion
        Not a mixed one.
    rules
        Options in force.
    """
    case = prepare(course, criterion, rules)
    plan = choose(case)
    if plan is None:
        places = range(len(course.visits))
        reasons = [no_baseline(case, place) for place in places]
        rows = tuple(_empty(case, p, response='NE', reason=reasons[p]) for p in places)
        return Rows(rows=rows, dated={}, baseline=None)
    figures = chart(case, plan)
    rows_before = [
        _empty(case, place, response='n/a', reason='pre_baseline') for place in range(plan.baseline)
    ]
    outcomes = judge_all(figures)
    after = [_row(figures, outcome) for outcome in outcomes]
    dated = {one.judged.place: one.dated for one in outcomes if one.dated is not None}
    rows = (*rows_before, _baseline_row(figures), *after)
    return Rows(rows=rows, dated=dated, baseline=plan.baseline)


def _mixed(course: Course, criterion: Criterion, rules: Rules) -> Rows:
    """Judge both parts of a mixed criterion, or the one that any visit can be judged by."""
    parts = [criteria.find(name) for name in criterion.parts]
    there = [part for part in parts if _seen(course, part)] or parts[:1]
    usual = there[0].tissue
    found = [judged(_meant(course, part, usual), part, rules) for part in there]
    if len(found) == 1:
        rows = tuple(replace(row, criterion=criterion.name) for row in found[0].rows)
        return replace(found[0], rows=rows)
    second = _meant(course, parts[1], usual)
    return combine(criterion, found[0], _with_baseline(second, parts[1], rules, found))


def _seen(course: Course, part: Criterion) -> bool:
    """Tell whether any visit shows what a part of a criterion measures, in an image of its own."""
    return any(
        part.tissue in visit.observations and not set(part.images).isdisjoint(visit.roles)
        for visit in course.visits
    )


def _meant(course: Course, part: Criterion, usual: Tissue) -> Course:
    """Return a course with those lesions named by a reader that a part of a criterion measures.

    A line that names no tissue is about the first part.
    """
    own = tuple(
        edit
        for edit in course.edits
        if edit.action not in NAMING or (edit.tissue or usual) == part.tissue
    )
    return replace(course, edits=own)


def _with_baseline(course: Course, part: Criterion, rules: Rules, found: list[Rows]) -> Rows:
    """Return the second part, judged from the baseline of the first."""
    first, second = found
    if first.baseline is None or first.baseline == second.baseline:
        return second
    session = course.visits[first.baseline].session or ''
    info = {**course.info, 'baseline_session': session}
    return judged(replace(course, info=info), part, rules)


def _row(figures: Chart, outcome: Outcome) -> Response:
    """Return the record of a visit after baseline."""
    case, plan, here = figures.case, figures.plan, outcome.judged
    states, criterion = here.states, case.criterion
    now = figures.totals[here.place]
    known = case.evaluable(here.place) and bool(plan.targets)
    value = now.value if known and now.complete else None
    lowest = here.nadir if plan.targets else None
    nadir = None if lowest is None else figures.totals[lowest].value
    growth = None if lowest is None else largest_growth(figures, here.place, now, lowest)
    resting = basis(steroid=states.steroid, clinical=states.clinical)
    words = sentence(figures, outcome)
    review = 'merge_review' in here.flags or outcome.response == 'PD_prelim'
    provisional = resting != 'full' or review or criterion.mixed_tissue or criterion.exploratory
    base = _baseline_row(figures)
    roles = _roles(plan, case, here.place)
    return replace(
        base,
        session=case.course.visits[here.place].session,
        response=outcome.response,
        rule_fired=f'2.6#{here.row};2.4#{here.step}',
        reason=outcome.reason,
        sentence=words if resting == 'full' else f'{words} (imaging only, provisional)',
        basis=resting,
        provisional=provisional,
        days=case.day(here.place),
        days_from_baseline=case.calendar.between(plan.baseline, here.place),
        days_from_rt_end=days_from_radiotherapy(figures, here.place),
        n_targets_evaluable=now.n_evaluable if case.evaluable(here.place) else 0,
        aggregate=value,
        nadir_session=None if lowest is None else case.course.visits[lowest].session,
        nadir_aggregate=nadir,
        pct_from_baseline=percent(value, base.baseline_aggregate),
        pct_from_nadir=percent(value, nadir),
        max_target_ld_increase_mm=None if growth is None or value is None else growth[0] / 10,
        target=states.target,
        nontarget=states.nontarget,
        new_lesion=states.new_lesion,
        n_new_unequivocal=len(here.certain),
        n_new_equivocal=len(here.doubtful),
        flair=states.flair,
        steroid=states.steroid,
        clinical=states.clinical,
        steroid_mg=_dose(case, here.place),
        confirm_status=outcome.pd_status,
        confirm_session=(
            None if outcome.pd_decided is None else case.course.visits[outcome.pd_decided].session
        ),
        threshold_sensitive=bool(here.alternatives),
        alternative_response=';'.join(here.alternatives) or None,
        reader_response=_reader(case, here, outcome.response),
        flags=tuple(dict.fromkeys((*plan.flags, *here.flags, *outcome.flags))),
        roles=roles,
        standings=_standings(case, here.place, roles),
    )


def _baseline_row(figures: Chart) -> Response:
    """Return the record of the baseline visit."""
    case, plan = figures.case, figures.plan
    now = figures.totals[plan.baseline]
    session = case.course.visits[plan.baseline].session
    there = bool(plan.targets)
    roles = _roles(plan, case, plan.baseline)
    empty = _empty(case, plan.baseline, response='n/a', reason='baseline')
    steroid, clinical = _by_itself(case, plan.baseline)
    return replace(
        empty,
        days_from_baseline=0,
        days_from_rt_end=days_from_radiotherapy(figures, plan.baseline),
        n_targets=len(plan.targets),
        n_targets_evaluable=now.n_evaluable,
        aggregate=now.value if there else None,
        baseline_session=session,
        baseline_aggregate=now.value if there else None,
        nontarget='NONCR_NONPD' if plan.nontargets else 'NONE',
        steroid=steroid,
        clinical=clinical,
        flags=plan.flags,
        roles=roles,
        standings=_standings(case, plan.baseline, roles),
    )


def _empty(case: Case, place: int, *, response: str, reason: str) -> Response:
    """Return the record of a visit of which there is nothing to say but which inputs it has."""
    criterion = case.criterion
    steroid, clinical = _by_itself(case, place)
    return Response(
        session=case.course.visits[place].session,
        criterion=criterion.name,
        criterion_version=criterion.version,
        measure=criterion.measure,
        response=response,
        rule_fired='n/a',
        reason=reason,
        sentence=f'{response}: {reason.replace("_", " ")}',
        basis=basis(steroid=steroid, clinical=clinical),
        provisional=response == 'NE',
        days=case.day(place),
        aggregate_unit=UNITS[criterion.measure],
        steroid_mg=_dose(case, place),
        standings=_standings(case, place, {}),
    )


def _by_itself(case: Case, place: int) -> tuple[str, str]:
    """Return S and C of a visit compared with itself, as they are at baseline."""
    own = case.clinical[place]
    return steroid_state(own, own), clinical_state(own, own)[0]


def _dose(case: Case, place: int) -> str | None:
    """Return the dose of steroids of a visit as text."""
    dose = case.clinical[place].steroid_mg
    return None if dose is None else str(dose)


def _roles(plan: Plan, case: Case, place: int) -> Mapping[str, str]:
    """Return as what each lesion that is known at a visit counts."""
    roles = {}
    for name in case.seen:
        root = plan.roots.get(name)
        if root is None or case.at(name, place) is None:
            continue
        own = 'new' if name in plan.new else 'nontarget'
        own = 'excluded' if name in plan.excluded else own
        own = 'target' if name in plan.targets else own
        roles[name] = own if root == name else 'fragment'
    return roles


def _standings(case: Case, place: int, roles: Mapping[str, str]) -> tuple[Standing, ...]:
    """Return as what each lesion that is known at a visit counts, and what is measurable."""
    found = []
    for name in case.seen:
        if case.at(name, place) is None:
            continue
        size, role = case.present(name, place), roles.get(name, '')
        failing = None if size is None else measurable(size, case.criterion, case.rules)
        if failing == '' and role == 'excluded':
            failing = 'reader'
        tissue = case.criterion.tissue
        found.append(Standing(lesion_id=name, tissue=tissue, role=role, failing=failing))
    return tuple(found)


def _reader(case: Case, here: Judged, computed: str) -> str | None:
    """Return the response of a visit by a reader's overrides; None where there are none."""
    session = case.course.visits[here.place].session
    own = [edit for edit in case.course.edits if edit.session == session]
    changes: dict[str, Any] = {}
    for edit in own:
        allowed = OVERRIDES.get(edit.action, (edit.action, RESPONSES))[1]
        if edit.action in (*OVERRIDES, 'response_override') and edit.value not in allowed:
            raise CommandError(
                f'`{edit.value}` is no value of {edit.action}',
                where=f'reader file, ses-{session}',
                do=f'give one of: {", ".join(allowed)}',
            )
        if edit.action in OVERRIDES:
            changes[OVERRIDES[edit.action][0]] = edit.value
    said = [edit.value for edit in own if edit.action == 'response_override']
    if said:
        return said[-1]
    if not changes:
        return None
    states: States = replace(here.states, **changes)
    response = overall(states)[0]
    # A reader who affirms progression does not wait for its confirmation.
    affirmed = {'unequivocal', 'PD', 'worse'} & set(changes.values())
    return response if affirmed or response != here.response else computed
