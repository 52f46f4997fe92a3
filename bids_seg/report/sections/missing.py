# SPDX-License-Identifier: Apache-2.0
"""Which columns are missing, where to fill them in, and what they would change."""

from collections.abc import Iterator

from bids_seg.report import history
from bids_seg.report.history import Account
from bids_seg.report.section import Part, Scene, Section, fill

TEMPLATE = """
<div class="missing">
<p><b>▲ Missing input</b></p>
<ul>{% for column, where, effect in rows %}<li><code>{{ column }}</code> ({{ where }}): {{ effect }}.</li>{% endfor %}</ul>
<p class="small">These columns belong in <code>{{ table }}</code> of the dataset, or in a table given with
<code>--sessions-file</code>; columns of the patient also in <code>participants.tsv</code>.</p>
</div>
"""

STATES = ('clinical_status', 'kps', 'ecog')
"""Columns of which any one tells the clinical state."""
EMPTY = {'', 'n/a'}
"""Cells that say nothing."""


def missing(account: Account) -> Iterator[tuple[str, str, str]]:
    """Yield column, visits without it, and what it would change.

    Parameters
    ----------
    account
        Of a criterion in force.
    """
    visits = account.visits[account.baseline or 0 :]
    columns = {**account.info}
    for visit in visits:
        columns |= {key: value for key, value in visit.clinical.items() if value not in EMPTY}

    def without(*names: str) -> str:
        lacking = [v for v in visits if all(v.clinical.get(name, '') in EMPTY for name in names)]
        named = ', '.join(history.name_of(visit) for visit in lacking)
        return 'all visits' if len(lacking) == len(visits) else named

    if lacking := without('steroid_mg', 'steroid_physiologic'):
        yield (
            'steroid_mg', lacking,
            'a complete response needs a patient off steroids, and a higher dose than at baseline makes a visit not evaluable',
        )  # fmt: skip
    if lacking := without(*STATES):
        yield (
            'kps, ecog or clinical_status',
            lacking,
            'clinical worsening is PD whatever the images show',
        )
    if account.disease == 'glioma' and columns.get('rt_end_date', '') in EMPTY:
        yield (
            'rt_end_date', 'the patient',
            'growth within 84 days after radiotherapy may be its effect and is not PD by itself',
        )  # fmt: skip
    if any('baseline_assumed' in row.flags for row in account.rows):
        yield (
            'treatment_start or baseline_session', 'the patient',
            'the baseline is then the last visit before treatment, not the first of all',
        )  # fmt: skip
    if any(visit.days is None for visit in account.visits):
        yield (
            'acq_time or days', without_days(account),
            'without days no response is confirmed and no time window holds',
        )  # fmt: skip


def without_days(account: Account) -> str:
    """Return the visits of which no day is known.

    Parameters
    ----------
    account
        Any.
    """
    lacking = [visit for visit in account.visits if visit.days is None]
    named = ', '.join(history.name_of(visit) for visit in lacking)
    return 'all visits' if len(lacking) == len(account.visits) else named


def render(scene: Scene) -> Part:
    """Return the box; nothing where all is known or no response is asked for."""
    rows: dict[tuple[str, str, str], None] = {}
    for account in scene.several:
        if account.criterion is not None and account.answer is not None:
            rows |= dict.fromkeys(missing(account))
    if not rows:
        return Part()
    table = f'sub-{scene.patient.participant}/sub-{scene.patient.participant}_sessions.tsv'
    return Part(html=fill(TEMPLATE, {'rows': [list(row) for row in rows], 'table': table}))


SECTION = Section(title='', order=2, scope='top', render=render, anchor='missing')
