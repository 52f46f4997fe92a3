# SPDX-License-Identifier: Apache-2.0
"""The response at the latest visit: what changed since last time, since the best, how sure it is."""

import re
from collections import Counter
from collections.abc import Iterator

from bids_seg.records import Response
from bids_seg.report import history, sums
from bids_seg.report.history import Account
from bids_seg.report.section import Part, Scene, Section, fill
from bids_seg.report.wording import LESIONS, count, flag, sentence

TEMPLATE = """
{% if untracked %}<p class="aside">Lesions are not followed from visit to visit: {{ untracked }}</p>{% endif %}
{% for card in cards %}
<div class="answer response">
  <div class="words">
    <p class="eyebrow">{{ card.when }}</p>
    <p class="finding">{% if card.badge %}<span class="badge{{ ' hollow' if card.hollow }}" style="--ink: {{ card.ink }}">{{ card.badge }}</span>
    {% endif %}{{ card.sentence }}</p>
    <dl class="tiles">
      {% for name, value, more in card.tiles %}
      <div><dt>{{ name }}</dt><dd>{{ value }}{% if more %}<small>{{ more }}</small>{% endif %}</dd></div>
      {% endfor %}
    </dl>
  </div>
  {% if card.doubts %}<div class="sure">
    <h3>How sure is it</h3>
    <ul>{% for sign, text in card.doubts %}<li><b>{{ sign }}</b> {{ text }}</li>{% endfor %}</ul>
  </div>{% endif %}
</div>
{% endfor %}
"""

EVENTS = (
    ('new', 'new'), ('recurrent', 'back'), ('resolved', 'gone'), ('growing', 'grown'),
    ('shrinking', 'shrunk'), ('split', 'split'), ('merged', 'merged'),
)  # fmt: skip
"""Events of a visit and their words, in the order of the page."""
BASES = {
    'imaging_only': 'Imaging only: dose of steroids and clinical state are not known.',
    'no_steroid': 'The dose of steroids is not known.',
    'no_clinical': 'The clinical state is not known.',
}
"""What a response lacks, in words."""


def doubts(account: Account, row: Response) -> Iterator[tuple[str, str]]:
    """Yield what could change a response, each with a sign.

    Parameters
    ----------
    account
        Whose response it is.
    row
        At the latest visit.
    """
    if row.basis in BASES:
        yield '▲', f'{BASES[row.basis]} Provisional.'
    elif row.provisional:
        yield '▲', 'Provisional: a reader must complete it before use.'
    status = {
        'pending': '○ Not yet confirmed: a visit at least 28 days later decides.',
        'unconfirmed': '✕ A later visit did not confirm it.',
        'confirmed': f'✓ Confirmed at visit {row.confirm_session}.',
    }.get(row.confirm_status)
    if status:
        yield status[0], status[2:]
    if row.threshold_sensitive:
        other = (row.alternative_response or '').replace(';', ' or ')
        yield (
            '▲',
            f'Drawn a little smaller or larger, the targets would give {other or "another answer"}.',
        )
    place = len(account.visits) - 1
    unsure = [
        one.lesion_id
        for one in account.lesions
        if (seen := one.seen[place]) is not None and seen.event.low_confidence
    ]
    if unsure:
        yield '▲', f'{", ".join(unsure)} not segmented, but something is left at its place.'
    if row.n_new_equivocal:
        yield (
            '▲',
            f'{row.n_new_equivocal} possible new {"lesion" if row.n_new_equivocal == 1 else "lesions"}, too small or too faint to be certain.',
        )
    if row.reader_response and row.reader_response != row.response:
        yield '●', f'With corrections by a reader it is {history.badge(row.reader_response)}.'
    for word in row.flags:
        yield '●', sentence(flag(word))
    if account.criterion is not None and account.criterion.exploratory:
        yield '▲', 'Thresholds of this criterion are exploratory.'


def tiles(account: Account, row: Response) -> list[tuple[str, str, str]]:
    """Return name, value and remark of what changed.

    Parameters
    ----------
    account
        Whose response it is.
    row
        At the latest visit.
    """
    if account.criterion is None:
        return []
    measure, found = account.criterion.measure, []
    now = history.total(row.aggregate, measure)
    before = account.previous()
    if before is not None:
        then = account.rows[before].aggregate
        name = f'since the last visit ({history.name_of(account.visits[before])})'
        found.append(
            (name, history.change(row.aggregate, then), f'{history.total(then, measure)} → {now}')
        )
    for name, session, then, percent in (
        ('since the best', row.nadir_session, row.nadir_aggregate, row.pct_from_nadir),
        ('since baseline', row.baseline_session, row.baseline_aggregate, row.pct_from_baseline),
    ):
        if then is not None:
            where = f'{name} ({session})' if session else name
            found.append(
                (where, history.signed(percent), f'{history.total(then, measure)} → {now}')
            )
    found.append(_lesions(account))
    if row.steroid_mg is not None:
        compared = row.steroid != 'unknown' and row.reason != 'baseline'
        word = f'{row.steroid} since baseline' if compared else ''
        found.append(('steroid', f'{row.steroid_mg} mg/day', word))
    return found


def _lesions(account: Account) -> tuple[str, str, str]:
    """Return how many lesions there are at the latest visit, and what happened to them."""
    last = len(account.visits) - 1
    seen = [one.seen[last] for one in account.lesions]
    present = sum(one is not None and one.lesion is not None for one in seen)
    counts: Counter[str] = Counter()
    for one in seen:
        if one is not None:
            counts.update({*one.event.events, one.event.identity or ''})
    said = [f'{counts[key]} {word}' for key, word in EVENTS if counts[key]]
    return 'lesions now', str(present), ', '.join(said) or 'none new, none gone'


def _card(account: Account, row: Response, *, dates: bool) -> dict[str, object]:
    """Return what the card of one criterion says."""
    visit = account.visits[-1]
    title = '' if account.criterion is None else f'{account.criterion.title} · '
    known = list(doubts(account, row))
    if not known:
        known = [
            ('●', 'Nothing was noticed that would change it. The masks still have to be looked at.')
        ]
    return {
        'when': f'{title}latest visit {history.titled(visit, dates=dates)}',
        'badge': history.badge(row.response),
        'hollow': row.provisional or row.response.startswith(('PD_', 'NE')),
        'ink': sums.INKS.get(row.response, '#6b6b6b'),
        'sentence': _said(row),
        'tiles': tiles(account, row),
        'doubts': known,
    }


def _events(account: Account, *, dates: bool) -> dict[str, object]:
    """Return what the card of lesions says that no criterion judges."""
    _, present, happened = _lesions(account)
    one, many = LESIONS[account.tissue]
    return {
        'when': f'no criterion in force · latest visit {history.titled(account.visits[-1], dates=dates)}',
        'badge': '',
        'hollow': False,
        'ink': '',
        'sentence': f'{count(int(present), one, many)} segmented: {happened} since the visit before.',
        'tiles': [],
        'doubts': [],
    }


def _said(row: Response) -> str:
    """Return the sentence of a response behind its letters, with typographic minus signs."""
    # That it is provisional stands beside it, with the reason.
    whole = row.sentence.removesuffix(' (imaging only, provisional)')
    said = whole.partition(': ')[2] or whole
    minus = re.sub(r'(?<=[ (])-(?=\d)', '\N{MINUS SIGN}', sentence(said))
    # A number stays on the line of its unit.
    return re.sub(r'(\d) (mL|mm)', '\\1\N{NO-BREAK SPACE}\\2', minus)


def render(scene: Scene) -> Part:
    """Return a card for each disease; nothing for participants with one visit."""
    past = scene.patient.history
    dates = scene.shape.keep_dates
    cards = [
        _events(account, dates=dates)
        if account.answer is None
        else _card(account, account.answer, dates=dates)
        for account in history.leading(scene.several)
        if account.answer is not None or account.criterion is None
    ]
    untracked = '' if past is None or len(past.visits) < 2 else sentence(past.untracked)
    if not cards and not untracked:
        return Part()
    return Part(html=fill(TEMPLATE, {'cards': cards, 'untracked': untracked}))


SECTION = Section(title='', order=1, scope='top', render=render, anchor='answer')
