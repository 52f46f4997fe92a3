# SPDX-License-Identifier: Apache-2.0
"""The timeline, and the category at each visit with its reason."""

import re

from bids_seg.report import history, timeline
from bids_seg.report.chart import NARROW, WIDE
from bids_seg.report.history import Account
from bids_seg.report.section import Figure, Part, Scene, Section, fill
from bids_seg.report.wording import NOTHING

TEMPLATE = """
{% for block in blocks %}
{% if block.title %}<h4>{{ block.title }}</h4>{% endif %}
{{ parts.figure(block.figure) }}
{% if block.rows %}
<details{{ ' open' if block.open }}><summary>Category at each visit, with its reason</summary>
{{ parts.table(block.head, block.rows, 'Category at each visit') }}</details>
{% endif %}
{% endfor %}
{% if others %}<h4>By other criteria</h4>
{{ parts.table(others_head, others, 'Category at each visit by other criteria') }}{% endif %}
"""

HEAD = (
    ('visit', ''), ('day', 'n'), ('category', ''), ('confirmed', ''), ('sum', 'n'), ('from baseline', 'n'),
    ('from nadir', 'n'), ('reason', ''), ('target', ''), ('non-target', ''), ('new', ''), ('rule', ''),
)  # fmt: skip
"""Columns of the table, numbers marked."""
CONFIRMED = {
    'confirmed': '✓',
    'pending': '○ pending',
    'unconfirmed': '✕ not',
    'not_required': NOTHING,
}
"""Whether a response is confirmed, in a word."""
STATES = {
    'NONE': 'none',
    'NONCR_NONPD': 'there, no PD',
    'CR': 'CR',
    'NE': 'not evaluable',
    'NA': 'no target',
}
"""States of targets, non-targets and new lesions, where letters alone would not do."""
REASONS = {'baseline': 'Baseline.', 'pre_baseline': 'Before the baseline.'}
"""Why a visit has no category."""


def _rows(account: Account, *, dates: bool) -> list[list[str]]:
    """Return the table's rows, one for each visit."""
    if account.criterion is None:
        return []
    found = []
    for visit, row in zip(account.visits, account.rows, strict=True):
        judged = row.response != 'n/a'
        state = (row.target, row.nontarget, row.new_lesion) if judged else (NOTHING,) * 3
        said = REASONS.get(row.reason, row.sentence)
        reason = re.sub(r'(?<=[ (])-(?=\d)', '\N{MINUS SIGN}', said)
        hollow = ' (provisional)' if judged and row.provisional else ''
        found.append(
            [
                history.name_of(visit),
                history.when(visit, dates=dates).removeprefix('day ') or 'n/a',
                history.badge(row.response) + hollow,
                CONFIRMED[row.confirm_status] if judged else NOTHING,
                history.total(row.aggregate, account.criterion.measure),
                history.signed(row.pct_from_baseline) if judged else NOTHING,
                history.signed(row.pct_from_nadir) if judged else NOTHING,
                reason if visit.evaluable or not visit.reason else f'{reason}; {visit.reason}',
                *(STATES.get(part, part) for part in state),
                row.rule_fired if judged else NOTHING,
            ]
        )
    return found


def figure(account: Account, *, participant: str, dates: bool) -> Figure:
    """Return the timeline of an account.

    Parameters
    ----------
    account
        With at least two visits.
    participant
        Label without `sub-`.
    dates
        Whether calendar dates may be shown.
    """
    criterion = account.criterion
    name = account.label if criterion is None else criterion.name.replace('_', '')
    said = []
    for place, visit in enumerate(account.visits):
        row = account.rows[place] if account.rows else None
        told = history.titled(visit, dates=dates)
        if row is not None and criterion is not None:
            told += f': {row.response}, sum {history.total(row.aggregate, criterion.measure)}'
        said.append(told)
    alt = f'Visits through time. {"; ".join(said)}.'
    dated = all(visit.days is not None for visit in account.visits)
    caption = (
        'Days from the first visit, to scale.'
        if dated
        else 'Visits in order, not to scale in time.'
    )
    if criterion is not None:
        growth = (
            ''
            if criterion.least_growth_mm is None
            else f' and {criterion.least_growth_mm:g} mm more in one target'
        )
        caption += (
            f' Lower dashed line: PR, {criterion.partial_pct} % below baseline. Upper dotted line: PD, '
            f'{criterion.progression_pct} % above the smallest sum so far{growth}. Boxes with a dashed rim: '
            'provisional or not evaluable. Hollow nodes: visits that cannot be judged.'
        )
    wide, narrow = (
        timeline.draw(account, width=width, alt=alt, dates=dates) for width in (WIDE, NARROW)
    )
    stem = f'sub-{participant}_desc-{name}timeline_dseg'
    return Figure(stem=stem, svg=wide, narrow=narrow, alt=alt, caption=caption)


def render(scene: Scene) -> Part:
    """Return timeline and table of each disease, and what other criteria say."""
    dates, found = scene.shape.keep_dates, scene.several
    blocks, figures = [], []
    first = history.leading(found)
    for account in first:
        made = figure(account, participant=scene.patient.participant, dates=dates)
        figures.append(made)
        titles = [account.disease] + ([account.criterion.title] if account.criterion else [])
        blocks.append(
            {
                'title': ', '.join(titles).capitalize() if len(first) > 1 else '',
                'figure': made,
                'head': HEAD,
                'rows': _rows(account, dates=dates),
                'open': True,
            }
        )
    if not blocks:
        return Part()
    rest = [account for account in found if account not in first and account.criterion is not None]
    head = [('visit', ''), *((a.criterion.title, '') for a in rest if a.criterion is not None)]
    others = [
        [history.name_of(visit), *(_short(account, place) for account in rest)]
        for place, visit in enumerate(found[0].visits)
    ]
    html = fill(TEMPLATE, {'blocks': blocks, 'others': others if rest else [], 'others_head': head})
    return Part(html=html, figures=tuple(figures))


def _short(account: Account, place: int) -> str:
    """Return a category with its sum."""
    row = account.rows[place]
    measure = account.criterion.measure if account.criterion is not None else 'ld'
    return f'{history.badge(row.response)}, {history.total(row.aggregate, measure)}'


SECTION = Section(title='Through time', order=3, scope='top', render=render)
