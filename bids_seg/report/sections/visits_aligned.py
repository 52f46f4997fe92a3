# SPDX-License-Identifier: Apache-2.0
"""How each visit was brought onto the others, and why a visit cannot be judged."""

from bids_seg.records import History
from bids_seg.report import history
from bids_seg.report.history import Account
from bids_seg.report.section import Part, Scene, Section, fill
from bids_seg.report.wording import NOTHING, flag, sentence

TEMPLATE = """
{{ parts.table(head, rows, 'Alignment of the visits') }}
{% if notes %}<ul class="checks">{% for note in notes %}<li class="note"><span class="sign">● note</span>
<span>{{ note }}</span></li>{% endfor %}</ul>{% endif %}
<p class="small">Every visit is brought onto {{ reference }} by a rigid movement, brains only
unless it is remarked. &ldquo;There and
back&rdquo; is the largest distance between forward and reverse registration, 60 mm from the centre; above 2 mm,
or with a Dice of the brains below 0.85, a turn above 45 degrees, or no gain over centring the heads, lesions
are not followed to that visit. Sizes are never taken from the moved images.</p>
"""

HEAD = (
    ('visit', ''), ('lesions followed', ''), ('rotation', 'n'), ('there and back', 'n'),
    ('brain Dice', 'n'), ('mutual information, centred', 'n'), ('registered', 'n'), ('remark', ''),
)  # fmt: skip
"""Columns of the table, numbers marked."""

HEADS = (
    'Brought together by the whole heads: by the brains alone it did not work, or none was drawn.'
)
"""Remark on a visit that was registered without brain masks."""


def _row(past: History, place: int) -> list[str]:
    """Return a visit's row."""
    session = past.visits[place]
    fault = past.faults[place] if place < len(past.faults) else ''
    made = past.registrations.get(session or '')
    figures = past.alignments.get(session or '') or (made.figures if made is not None else None)
    start = [session or 'visit', '✕ no' if fault else '✓ yes']
    remark = sentence(fault) or (
        'Reference of the others.' if session == past.reference else NOTHING
    )
    if made is not None and made.within == 'head' and not fault:
        remark = HEADS
    if figures is None:
        return [*start, *[NOTHING] * 5, remark]
    return [
        *start,
        f'{figures.rotation_deg:.1f}°',
        f'{figures.disagreement_mm:.2f} mm',
        NOTHING if figures.brain_dice is None else f'{figures.brain_dice:.3f}',
        f'{figures.mutual_information_before:.3f}',
        f'{figures.mutual_information:.3f}',
        remark,
    ]


def _notes(past: History, found: tuple[Account, ...]) -> list[str]:
    """Return what a reader must know of tracking."""
    notes = [sentence(warning) for warning in past.warnings]
    for tracking in past.trackings:
        for place, words in enumerate(tracking.visit_flags):
            notes += [f'Visit {past.visits[place] or ""}: {sentence(flag(word))}' for word in words]
    flagged: dict[tuple[str, str], list[str]] = {}
    for account in found:
        for one in account.lesions:
            for place, seen in enumerate(one.seen):
                for word in () if seen is None else seen.event.flags:
                    visit = history.name_of(account.visits[place])
                    flagged.setdefault((one.lesion_id, word), []).append(visit)
    for (name, word), visits in flagged.items():
        noun = 'visit' if len(visits) == 1 else 'visits'
        notes.append(f'{name} at {noun} {", ".join(visits)}: {flag(word)}.')
    if past.edits:
        edits = ', '.join(f'{edit.action} {edit.item} {edit.value}'.strip() for edit in past.edits)
        notes.append(f'Corrections by a reader in force: {edits}.')
    return list(dict.fromkeys(notes))


def render(scene: Scene) -> Part:
    """Return the table; nothing for a single visit, or where visits were not followed."""
    past = scene.patient.history
    if past is None or past.untracked or len(past.visits) < 2:
        return Part()
    reference = f'visit {past.reference}' if past.reference else 'the reference visit'
    html = fill(
        TEMPLATE,
        {
            'head': HEAD,
            'rows': [_row(past, place) for place in range(len(past.visits))],
            'notes': _notes(past, history.by_tissue(scene.several)),
            'reference': reference,
        },
    )
    return Part(html=html)


SECTION = Section(title='Alignment of the visits', order=9, scope='top', render=render)
