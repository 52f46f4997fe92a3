# SPDX-License-Identifier: Apache-2.0
"""Lesions by visits: size, change and event of each, with the sum over targets."""

from dataclasses import dataclass

from bids_seg.report import history, strip
from bids_seg.report.history import Account, LesionCourse
from bids_seg.report.section import Part, Scene, Section, fill
from bids_seg.report.wording import NOTHING, TIMES

TEMPLATE = """
{% for block in blocks %}
{% if block.title %}<h4>{{ block.title }}</h4>{% endif %}
<div class="scroll" role="region" tabindex="0" aria-label="Lesions at each visit"><table class="followed">
<thead><tr><th scope="col">lesion</th>{% for name, day, mark in block.head %}<th scope="col">{{ name }}<small>{{ day }}</small>
{% if mark %}<small class="mark">{{ mark }}</small>{% endif %}</th>{% endfor %}</tr></thead>
<tbody>{% for row in block.rows %}
<tr><th scope="row"><i class="swatch" style="background: {{ row.colour }}"></i>{% if row.anchor %}<a href="#{{ row.anchor }}">{{ row.name }}</a>{% else %}{{ row.name }}{% endif %}<small>{{ row.role }}</small></th>
{% for cell in row.cells %}<td{% if cell.faint %} class="faint"{% endif %}>{{ cell.size }}{% if cell.arrow %} <b title="{{ cell.said }}">{{ cell.arrow }}</b>{% endif %}{% if cell.event %}<small>{{ cell.event }}</small>{% endif %}</td>{% endfor %}</tr>
{% endfor %}
{% if block.sums %}<tr class="sum"><th scope="row">sum over targets<small>{{ block.measure }}</small></th>{% for value, change in block.sums %}<td>{{ value }}<small>{{ change }}</small></td>{% endfor %}</tr>{% endif %}
</tbody></table></div>
{% if block.rest %}<p class="small">{{ block.rest }}</p>{% endif %}
{% endfor %}
<p class="small">{{ unit }}. ▲ larger and ▼ smaller than at the visit before, by more than the size can be off (5 %
and 1 mm); = about the same. ★ new · ✕ gone · ↺ back · ⊖ split · ⊕ grown together.</p>
"""

MOST = 40
"""Lesions in the table on the page; all are in the long table."""
WORDS = {
    'baseline': '',
    'new': '★ new',
    'new_unverified': '★ new, site not seen before',
    'continuing': '',
    'resolved': '✕ gone',
    'recurrent': '↺ back',
    'fragment': '⊖ part of {parent}',
    'merged_into': '⊕ now part of {host}',
    'separated': '⊖ apart again',
}
"""What happened to an identity, with its symbol."""
MEASURES = {
    'ld': 'longest diameters',
    'product': 'products of diameters',
    'volume': 'volumes',
}
"""What is summed, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One lesion at one visit."""

    size: str
    """Its size, or why there is none."""
    arrow: str = ''
    """Which way it went."""
    said: str = ''
    """The same in words."""
    event: str = ''
    """What happened to it."""
    faint: bool = False
    """Whether there is nothing to see."""


def cell(one: LesionCourse, account: Account, place: int) -> Cell:
    """Return the cell of a lesion at a visit.

    Parameters
    ----------
    one, account
        The lesion.
    place
        Of the visit.
    """
    seen, lesion = one.seen[place], one.lesion(place)
    if seen is None:
        nothing = NOTHING if one.parent is None else f'in {one.parent}'
        return Cell(
            size=nothing if account.visits[place].evaluable else 'not evaluable', faint=True
        )
    event = seen.event
    happened = WORDS.get(event.identity or '', '').format(
        parent=event.parent_id or '?', host=event.merged_into or '?'
    )
    more = [word for word in (happened, *(_topology(word) for word in event.events)) if word]
    if lesion is None:
        status = {'absorbed': f'in {event.merged_into}', 'not_evaluable': 'not evaluable'}
        size = status.get(event.status, 'not segmented')
        if event.low_confidence:
            more.append('? something is left')
        return Cell(size=size, event=' · '.join(more), faint=True)
    arrow, said = _arrow(one, account, place)
    return Cell(size=history.cell(lesion, account), arrow=arrow, said=said, event=' · '.join(more))


def _topology(word: str) -> str:
    """Return an event of size or shape with its symbol; the arrow says growth."""
    return {'split': '⊖ split', 'merged': '⊕ grown together'}.get(word, '')


def _arrow(one: LesionCourse, account: Account, place: int) -> tuple[str, str]:
    """Return which way a lesion went since it was last measured."""
    earlier = [other for other in one.present if other < place]
    now, then = one.lesion(place), one.lesion(earlier[-1]) if earlier else None
    if now is None or then is None:
        return '', ''
    if account.criterion is not None and account.criterion.measure == 'volume':
        before, after, least = then.volume_mm3 / 1, now.volume_mm3 / 1, 0.1 * then.volume_mm3
    else:
        before = history.sides(then, account.criterion)[0]
        after = history.sides(now, account.criterion)[0]
        least = max(1.0, 0.05 * before)
    if abs(after - before) < least:
        return '=', 'about the same'
    return ('▲', 'larger') if after > before else ('▼', 'smaller')


def _block(account: Account, *, dates: bool, titled: bool) -> dict[str, object]:
    """Return the table of an account."""
    shown = strip.chosen(account)
    head = []
    last = account.answer
    for place, visit in enumerate(account.visits):
        marks = ['baseline'] if place == account.baseline else []
        if (
            last is not None
            and last.nadir_aggregate is not None
            and visit.session == last.nadir_session
        ):
            marks.append('nadir')
        head.append((history.name_of(visit), history.when(visit, dates=dates), ', '.join(marks)))
    rows = [
        {
            'name': one.lesion_id,
            'colour': one.colour,
            'role': ', '.join(
                word
                for word in (history.ROLES[one.role], 'gone' if one.resolved is not None else '')
                if word
            ),
            'anchor': one.lesion_id in {other.lesion_id for other in shown},
            'cells': [cell(one, account, place) for place in range(len(account.visits))],
        }
        for one in account.lesions[:MOST]
    ]
    rest = len(account.lesions) - MOST
    found: dict[str, object] = {
        'title': account.title if titled else '',
        'head': head,
        'rows': rows,
        'sums': [],
        'measure': '',
        'rest': f'{rest} more lesions are in the long table.' if rest > 0 else '',
    }
    if account.criterion is not None and account.rows:
        measure = account.criterion.measure
        found['measure'] = MEASURES[measure]
        found['sums'] = [
            (
                history.total(row.aggregate, measure),
                ''
                if row.response == 'n/a'
                else f'{history.signed(row.pct_from_baseline)} from baseline',
            )
            for row in account.rows
        ]
    return found


def render(scene: Scene) -> Part:
    """Return a table for each disease; nothing for a single visit."""
    first = [account for account in history.by_tissue(scene.several) if account.lesions]
    if not first:
        return Part()
    blocks = []
    for account in first:
        block = _block(account, dates=scene.shape.keep_dates, titled=len(first) > 1)
        for row in block['rows']:  # type: ignore[attr-defined]
            name = strip.stem(scene.patient.participant, account.label, row['name'])
            row['anchor'] = name if row['anchor'] else ''
        blocks.append(block)
    volume = first[0].criterion is not None and first[0].criterion.measure == 'volume'
    unit = 'Volumes' if volume else f'Longest {TIMES} perpendicular diameter, mm'
    return Part(html=fill(TEMPLATE, {'blocks': blocks, 'unit': unit}))


SECTION = Section(title='Lesions at each visit', order=5, scope='top', render=render)
