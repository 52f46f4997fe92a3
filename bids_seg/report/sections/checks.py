# SPDX-License-Identifier: Apache-2.0
"""What a reader should check before trusting the numbers, in plain words."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from bids_seg.report.outputs import VisitOutputs
from bids_seg.report.section import Part, Scene, Section, fill
from bids_seg.report.wording import REGIONS, flag, number, sentence

TEMPLATE = """
{% if checks %}
<ul class="checks">
  {% for check in checks %}
  <li class="{{ check.level }}"><span class="sign">{{ signs[check.level] }}</span>
    <span><b>{{ check.where }}{{ ': ' if check.where }}</b>{{ check.text }}</span></li>
  {% endfor %}
</ul>
{% else %}
<p>Nothing out of the ordinary was noticed. The masks still have to be looked at.</p>
{% endif %}
"""

SIGNS = {'stop': '✕ failed', 'warn': '▲ check', 'note': '● note'}
"""Symbol and word of each level: colour is never alone."""

THICK_MM = 3.0
"""Slices further apart than this blur small lesions."""
MEASURABLE_MM = 5.0
"""Up to this slice spacing, 10 mm are enough for a measurable lesion; above, twice the spacing
(Eisenhauer 2009, doi:10.1016/j.ejca.2008.10.026)."""
FORTH_AND_BACK_MM = 2.0
"""Forward and reverse registration further apart than this are worth a look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing to check."""

    level: Literal['stop', 'warn', 'note']
    """How much it matters."""
    where: str
    """Visit, contrast or network; empty for the whole."""
    text: str
    """What, in a sentence."""


def checks(visit: VisitOutputs) -> Iterable[Check]:
    """Return what to check at one visit, failures first.

    Parameters
    ----------
    visit
        Any visit.
    """
    summary = visit.summary
    if summary.status != 'complete':
        level: Literal['stop', 'warn'] = 'stop' if summary.status == 'failed' else 'warn'
        yield Check(
            level=level, where=f'{visit.title} {summary.status}', text=sentence(summary.reason)
        )
    yield from _alignments(visit)
    yield from _networks(visit)
    yield from _slices(visit)
    yield from _lesions(visit)
    for warning in summary.visit.warnings:
        yield Check(level='note', where='', text=sentence(warning))
    remarks: dict[str, list[str]] = {}
    for scan in summary.visit.scans:
        for remark in scan.notes:
            remarks.setdefault(remark, []).append(scan.role)
    for remark, roles in remarks.items():
        yield Check(level='note', where=', '.join(roles), text=sentence(remark))


def _alignments(visit: VisitOutputs) -> Iterable[Check]:
    """Say which contrasts may not lie where the reference has them."""
    for alignment in visit.summary.alignments:
        moved = f'{alignment.moving} onto {alignment.fixed}'
        apart = alignment.disagreement_mm
        if not alignment.accepted:
            why = sentence(alignment.note or 'quality too low') + ' This contrast was not used.'
            yield Check(level='warn', where=f'Alignment refused, {moved}', text=why)
        elif alignment.method == 'header':
            why = 'Registration was not used, the positions in the headers were trusted. '
            yield Check(level='warn', where=moved, text=why + sentence(alignment.note))
        elif apart is not None and apart > FORTH_AND_BACK_MM:
            why = f'Forward and reverse registration differ by {apart:.1f} mm.'
            yield Check(level='warn', where=moved, text=why)


def _networks(visit: VisitOutputs) -> Iterable[Check]:
    """Say what the networks could not do, and what they warn of."""
    for model in visit.summary.models:
        for region, reason in model.unavailable.items():
            what = f'{REGIONS.get(region, region)} ({region}) not reported'
            yield Check(level='warn', where=f'{model.task}, {what}', text=sentence(reason))
        for warning in model.warnings:
            yield Check(level='warn', where=model.task, text=sentence(warning))
    for task, reason in visit.summary.models_skipped.items():
        # One tumour network that ran is mostly what was wanted.
        ran = any(model.task not in {'brain', task} for model in visit.summary.models)
        level: Literal['warn', 'note'] = 'note' if ran else 'warn'
        yield Check(level=level, where=f'{task} network not run', text=sentence(reason))


def _slices(visit: VisitOutputs) -> Iterable[Check]:
    """Say what thick slices mean for measuring."""
    reference = visit.summary.visit.reference
    if reference is None or not visit.complete or max(reference.spacing) <= THICK_MM:
        return
    z = max(reference.spacing)
    text = f'Slices are {z:.3g} mm apart: volumes are coarse, small lesions can be missed'
    if z > MEASURABLE_MM:
        text += f', and lesions below {2 * z:.3g} mm are not measurable by the usual criteria'
    yield Check(level='warn', where=f'Thick slices, {reference.role}', text=text + '.')


def _lesions(visit: VisitOutputs) -> Iterable[Check]:
    """Say what was noticed about single lesions, lesions of one flag together."""
    for outputs in visit.diseases:
        for measured in outputs.lesions:
            flagged: dict[str, list[str]] = {}
            for row in measured.rows:
                for word in (row.get('flags') or 'n/a').split(';'):
                    if word.strip() not in {'', 'n/a'}:
                        flagged.setdefault(word.strip(), []).append(row.get('name', '?'))
                if number(row.get('n_slices')) == 1:
                    flagged.setdefault('one_slice', []).append(row.get('name', '?'))
            for word, names in flagged.items():
                shown = ', '.join(names[:6]) + (
                    f' and {len(names) - 6} more' if len(names) > 6 else ''
                )
                yield Check(level='note', where=f'Lesion {shown}', text=sentence(flag(word)))


def render(scene: Scene) -> Part:
    """Return the list for all visits; visits are named where there are several."""
    several = len(scene.patient.visits) > 1
    # What is the same at several visits is said once.
    visits: dict[tuple[Check, str], list[str]] = {}
    for visit in scene.patient.visits:
        for check in checks(visit):
            # U001 of one visit is not U001 of another.
            apart = visit.name if check.where.startswith('Lesion') else ''
            visits.setdefault((check, apart), []).append(visit.summary.visit.session or '')
    found = []
    for (check, _), names in visits.items():
        named = f'Visit{"s" if len(names) > 1 else ""} {", ".join(names)}'
        bare = not several or check.where.startswith('Visit')
        where = check.where if bare else f'{named}: {check.where}'.removesuffix(': ')
        found.append(Check(level=check.level, where=where, text=check.text))
    if len(scene.visit.diseases) > 1:
        found.append(
            Check(
                level='note',
                where='Two tumour networks',
                text='The kind of tumour was not stated, so both networks were run. '
                'They may outline the same lesion, each in its own way; do not add their volumes.',
            )
        )
    order = ('stop', 'warn', 'note')
    found.sort(key=lambda check: order.index(check.level))
    return Part(html=fill(TEMPLATE, {'checks': found, 'signs': SIGNS}))


SECTION = Section(title='What to check', order=20, scope='top', render=render)
