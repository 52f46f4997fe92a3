# SPDX-License-Identifier: Apache-2.0
"""Columns and rows of the response at each visit and of the best one, from records alone."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from bids_seg.records import BestResponse, History, Response
from bids_seg.write.columns import (
    BRAIN,
    DATES,
    DISEASE,
    KEY,
    NO_YES,
    STATUS,
    TOTALS,
    Column,
)
from bids_seg.write.text import MISSING, Row

STEPS = {'mm': 10, 'mm2': 100, 'mm3': 1}
"""Recorded steps in one unit of a sum."""

_RESPONSE = {
    'CR': 'complete response',
    'PR': 'partial response',
    'MR': 'minor response',
    'SD': 'stable disease',
    'PD': 'progressive disease',
    'PD_prelim': 'preliminary progression, to be confirmed',
    'PD_prelim_not_confirmed': 'preliminary progression that was not confirmed',
    'NE': 'not evaluable',
}
_TARGET = {
    **{key: _RESPONSE[key] for key in ('CR', 'PR', 'MR', 'SD', 'PD', 'NE')},
    'NA': 'no measurable lesion at baseline',
}
_NONTARGET = {
    'NONE': 'no non-target lesion at baseline',
    'CR': 'all gone',
    'NONCR_NONPD': 'neither all gone nor progressed',
    'PD': 'progressed',
    'NE': 'not evaluable',
}
_NEW = {
    'none': 'none',
    'equivocal': 'not certain',
    'unequivocal': 'certain',
    'NE': 'not evaluable',
}
_FLAIR = {'not_used': 'not looked at', 'ok': 'not worse', 'worse': 'worse', 'NE': 'not evaluable'}
_STEROID = {
    'none': 'none is given',
    'physiologic': 'a replacement dose',
    'decreased': 'less than at baseline',
    'stable': 'as at baseline',
    'increased': 'more than at baseline',
    'unknown': 'not known',
}
_CLINICAL = {'better': 'better', 'stable': 'stable', 'worse': 'worse', 'unknown': 'not known'}
_BASIS = {
    'full': 'images, steroids and clinical status',
    'imaging_only': 'images alone',
    'no_steroid': 'images and clinical status',
    'no_clinical': 'images and steroids',
}
_CONFIRM = {
    'not_required': 'nothing to confirm',
    'pending': 'no later visit has decided',
    'confirmed': 'by a later visit',
    'unconfirmed': 'a later visit did not bear it out',
}
_MEASURE = {
    'ld': 'longest diameters',
    'product': 'products of both diameters',
    'volume': 'volumes',
}
_UNIT = 'in the unit of aggregate_unit'

CRITERION = Column('criterion', 'Response criterion; n/a where none was applied.')
"""By which a row was judged."""

RESPONSE: tuple[Column, ...] = (
    Column('days_from_baseline', 'Days since the baseline visit of this row.', 'd'),
    Column('days_from_rt_end', 'Days since radiotherapy ended.', 'd'),
    CRITERION,
    Column('criterion_version', 'Year of its published text.'),
    Column('measure', 'What is summed.', levels=_MEASURE),
    Column('n_targets', 'Targets chosen at baseline.'),
    Column('n_targets_evaluable', 'Targets that can be judged at this visit.'),
    Column('aggregate', f'Sum over targets, {_UNIT}.', cdisc='TR SUMDIAM'),
    Column('aggregate_unit', 'Unit of the sums.', levels=dict.fromkeys(STEPS, 'unit of sums')),
    Column('baseline_session', 'Session of the baseline visit.'),
    Column('baseline_aggregate', f'Sum at baseline, {_UNIT}.'),
    Column('nadir_session', 'Session of the smallest earlier sum.'),
    Column('nadir_aggregate', f'Smallest earlier sum, {_UNIT}.'),
    Column('pct_from_baseline', 'Change of the sum from baseline.', '%', cdisc='TR PCBSD'),
    Column('pct_from_nadir', 'Change of the sum from the nadir.', '%', cdisc='TR PCNSD'),
    Column(
        'max_target_ld_increase_mm',
        'Largest growth of the longest diameter of one target over that at the nadir visit.',
        'mm',
    ),
    Column('T', 'State of the targets.', levels=_TARGET, cdisc='RS TRGRESP'),
    Column('NT', 'State of the non-target lesions.', levels=_NONTARGET, cdisc='RS NTRGRESP'),
    Column('NL', 'New lesions.', levels=_NEW, cdisc='RS NEWLIND'),
    Column('n_new_unequivocal', 'New lesions present that are certain.'),
    Column('n_new_equivocal', 'New lesions present that are not certain.'),
    Column('F', 'State of the T2/FLAIR abnormality.', levels=_FLAIR),
    Column('S', 'Steroids compared with the baseline visit.', levels=_STEROID),
    Column('C', 'Clinical status.', levels=_CLINICAL),
    Column('steroid_mg', 'Dose of dexamethasone or its equivalent a day.', 'mg'),
    Column('response', 'Overall response.', levels=_RESPONSE, cdisc='RS OVRLRESP'),
    Column('rule_fired', 'Row of the overall table, and step of the rule for targets.'),
    Column('reason', 'Short word for the reason.'),
    Column('basis', 'Inputs on which the response rests.', levels=_BASIS),
    Column('provisional', 'Whether a reader must complete it before use.', levels=NO_YES),
    Column('confirm_status', 'Whether a later visit bore it out.', levels=_CONFIRM),
    Column('confirm_session', 'Session of the visit that decided.'),
    Column('response_confirmed', 'Response as far as it is confirmed.', levels=_RESPONSE),
    Column(
        'threshold_sensitive',
        'Whether T depends on the probability at which lesions are drawn.',
        levels=NO_YES,
    ),
    Column('alternative_response', 'What T would be otherwise, separated by semicolons.'),
    Column('reader_response', 'Response by the overrides of a reader.', levels=_RESPONSE),
    Column('flags', 'What a reader should look at, separated by semicolons.'),
)
"""The response at one visit by one criterion."""

GROUP_VISIT: tuple[Column, ...] = (
    *KEY,
    STATUS,
    *DATES,
    Column('disease', 'Network that the totals come from.', levels=DISEASE),
    *RESPONSE,
    *TOTALS,
    BRAIN,
    Column('program_version', 'Version of bids-seg that made the files of the visit.'),
    Column('settings_sha256', 'Digest of the settings and weights that made them.'),
)
"""One row for each visit and criterion of the group."""

GROUP_BEST: tuple[Column, ...] = (
    KEY[0],
    CRITERION,
    Column(
        'best_pct_from_baseline',
        'Smallest change of the sum from baseline up to the first progression.',
        '%',
    ),
    Column(
        'bor',
        'Best overall response; n/a without a visit after baseline.',
        levels=_RESPONSE,
        cdisc='RS BESTRESP',
    ),
    Column('bor_unconfirmed', 'The same with responses not confirmed.', levels=_RESPONSE),
    Column('first_response_days', 'Days from baseline to the first response in bor.', 'd'),
    Column('progression_date', 'Date of progression; n/a unless dates are kept.'),
    Column('progression_days', 'Days from baseline to progression.', 'd'),
    Column('progression_reason', 'What made it progression.'),
    Column('last_visit_days', 'Days from baseline to the last visit.', 'd'),
    Column('censored', 'Whether there was no progression.', levels=NO_YES),
    Column('basis', 'Inputs on which all responses rest.', levels=_BASIS),
)
"""One row for each participant and criterion."""


def wide(criteria: Sequence[str]) -> list[Column]:
    """Return the columns of the response in a table with one row a visit.

    Parameters
    ----------
    criteria
        Names of the criteria; each stands behind the names of its columns.

    Examples
    --------
    >>> [column.name for column in wide(['rano_bm', 'rano2'])][:2]
    ['days_from_baseline_rano_bm', 'days_from_rt_end_rano_bm']
    """
    return [
        Column(
            f'{column.name}_{criterion}',
            f'{column.description[:-1]} ({criterion}).',
            column.units,
            column.levels,
            cdisc=column.cdisc,
        )
        for criterion in criteria
        for column in RESPONSE
        if column is not CRITERION
    ]


def wide_row(rows: Sequence[Row]) -> Row:
    """Return the responses of one visit in one row.

    Parameters
    ----------
    rows
        One for each criterion, as `response_row` gives them.
    """
    return {
        f'{name}_{row["criterion"]}': value
        for row in rows
        for name, value in row.items()
        if name != CRITERION.name
    }


def response_row(response: Response) -> Row:
    """Return the response at one visit by one criterion.

    Parameters
    ----------
    response
        The response.
    """
    return {
        'days_from_baseline': _whole(response.days_from_baseline),
        'days_from_rt_end': _whole(response.days_from_rt_end),
        'criterion': response.criterion,
        'criterion_version': response.criterion_version,
        'measure': response.measure,
        **_sums(response),
        'T': response.target,
        'NT': response.nontarget,
        'NL': response.new_lesion,
        'n_new_unequivocal': str(response.n_new_unequivocal),
        'n_new_equivocal': str(response.n_new_equivocal),
        'F': response.flair,
        'S': response.steroid,
        'C': response.clinical,
        'steroid_mg': response.steroid_mg or MISSING,
        'response': response.response,
        'rule_fired': response.rule_fired,
        'reason': response.reason or MISSING,
        'basis': response.basis,
        'provisional': str(int(response.provisional)),
        'confirm_status': response.confirm_status,
        'confirm_session': _session(response.confirm_session),
        'response_confirmed': response.response_confirmed,
        'threshold_sensitive': str(int(response.threshold_sensitive)),
        'alternative_response': response.alternative_response or MISSING,
        'reader_response': response.reader_response or MISSING,
        'flags': ';'.join(response.flags) or MISSING,
    }


def best_rows(history: History) -> list[Row]:
    """Return the best responses of one participant, a row for each criterion.

    Parameters
    ----------
    history
        The participant through time.
    """
    return [_best_row(history, history.best[name]) for name in history.best]


def shown(value: int | None, unit: str) -> str:
    """Return a sum in its unit; `n/a` for None.

    Parameters
    ----------
    value
        Tenths of mm, hundredths of mm2, or mm3.
    unit
        `mm`, `mm2` or `mm3`.

    Examples
    --------
    >>> shown(250, 'mm'), shown(40001, 'mm2'), shown(3500, 'mm3'), shown(None, 'mm')
    ('25.0', '400.01', '3500', 'n/a')
    """
    if value is None:
        return MISSING
    step = STEPS.get(unit, 1)
    return f'{Decimal(value) / step:.{len(str(step)) - 1}f}'


def _sums(response: Response) -> Row:
    """Return targets and sums."""
    unit, growth = response.aggregate_unit, response.max_target_ld_increase_mm
    return {
        'n_targets': str(response.n_targets),
        'n_targets_evaluable': str(response.n_targets_evaluable),
        'aggregate': shown(response.aggregate, unit),
        'aggregate_unit': unit or MISSING,
        'baseline_session': _session(response.baseline_session),
        'baseline_aggregate': shown(response.baseline_aggregate, unit),
        'nadir_session': _session(response.nadir_session),
        'nadir_aggregate': shown(response.nadir_aggregate, unit),
        'pct_from_baseline': response.pct_from_baseline or MISSING,
        'pct_from_nadir': response.pct_from_nadir or MISSING,
        'max_target_ld_increase_mm': MISSING if growth is None else f'{growth:.1f}',
    }


def _best_row(history: History, best: BestResponse) -> Row:
    """Return the course of a participant by one criterion."""
    date = None
    if best.progression_session in history.visits and not best.censored and history.dates:
        date = history.dates[history.visits.index(best.progression_session)]
    return {
        'participant_id': f'sub-{history.participant}',
        'criterion': best.criterion,
        'best_pct_from_baseline': best.best_pct_from_baseline or MISSING,
        'bor': best.bor,
        'bor_unconfirmed': best.bor_unconfirmed,
        'first_response_days': _whole(best.first_response_days),
        'progression_date': date or MISSING,
        'progression_days': _whole(best.progression_days),
        'progression_reason': best.progression_reason or MISSING,
        'last_visit_days': _whole(best.last_visit_days),
        'censored': str(int(best.censored)),
        'basis': best.basis,
    }


def _session(label: str | None) -> str:
    """Return a session as tables write it."""
    return MISSING if label is None else f'ses-{label}'


def _whole(value: int | None) -> str:
    """Return a whole number as text; `n/a` for None."""
    return MISSING if value is None else str(value)
