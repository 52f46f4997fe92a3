# SPDX-License-Identifier: Apache-2.0
"""The baseline: what can be measured, and what later visits will be compared with."""

from bids_seg.records import Lesion
from bids_seg.report import history
from bids_seg.report.history import Account, LesionCourse
from bids_seg.report.section import Part, Scene, Section, fill
from bids_seg.report.wording import NOTHING, ml

TEMPLATE = """
{% for block in blocks %}
<p>{{ block.said }}</p>
{% if block.rows %}{{ parts.table(block.head, block.rows, 'Lesions at baseline') }}{% endif %}
{% endfor %}
<p class="small">Targets are chosen once, at the baseline, by size; every other lesion is a non-target. A first
visit has no response.</p>
"""

HEAD = (('lesion', ''), ('counts as', ''), ('measurable', ''), ('size', 'n'), ('volume', 'n'))
"""Columns of the table, numbers marked."""
CLAUSES = {
    'ld': '✕ longest diameter too short',
    'sd': '✕ perpendicular diameter too short',
    'slices': '✕ on one slice only',
    'spacing': '✕ too small for slices this far apart',
    'reader': '✕ left out by a reader',
    '': '✓ yes',
}
"""First clause by which a lesion is not measurable, in words."""
MOST = 20
"""Lesions in the table on the page."""


def _row(one: LesionCourse, lesion: Lesion, account: Account) -> list[str]:
    """Return a lesion's row."""
    standings = {
        stand.lesion_id: stand.failing
        for row in account.rows[-1:]
        for stand in row.standings
        if stand.tissue == account.tissue
    }
    failing = standings.get(one.lesion_id)
    size = history.cell(lesion, account)
    return [
        one.lesion_id,
        history.ROLES[one.role],
        NOTHING if failing is None else CLAUSES.get(failing, failing),
        size if size.endswith('mL') else f'{size} mm',
        ml(lesion.volume_mm3),
    ]


def _block(account: Account) -> dict[str, object]:
    """Return what there is to compare with later."""
    criterion, row = account.criterion, account.rows[-1]
    title = '' if criterion is None else criterion.title
    measure = 'ld' if criterion is None else criterion.measure
    if row.n_targets:
        noun = 'target' if row.n_targets == 1 else 'targets'
        said = f'Baseline by {title}: sum {history.total(row.aggregate, measure)} over {row.n_targets} {noun}.'
    else:
        said = f'Baseline by {title}: no measurable lesion, so there is no sum to compare with.'
    rows = [
        _row(one, lesion, account)
        for one in account.lesions[:MOST]
        if (lesion := one.lesion(len(account.visits) - 1)) is not None
    ]
    return {'said': said, 'head': HEAD, 'rows': rows}


def render(scene: Scene) -> Part:
    """Return the baseline where the latest visit is it; nothing once there is a response."""
    blocks = [
        _block(account)
        for account in history.leading(scene.accounts)
        if account.rows and account.rows[-1].reason == 'baseline'
    ]
    return Part(html=fill(TEMPLATE, {'blocks': blocks})) if blocks else Part()


SECTION = Section(title='Baseline', order=12, scope='top', render=render)
