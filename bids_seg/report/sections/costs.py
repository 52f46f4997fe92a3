# SPDX-License-Identifier: Apache-2.0
"""What each stage of a visit took: time and memory."""

from bids_seg.report.section import Part, Scene, Section, fill
from bids_seg.report.wording import NOTHING, duration

TEMPLATE = """
{{ parts.table(head, rows, 'Time and memory of each stage') }}
"""


def render(scene: Scene) -> Part:
    """Return a row for each stage with a bar of its share of time."""
    costs = scene.visit.summary.costs
    if not costs:
        return Part()
    total = sum(cost.seconds for cost in costs)
    rows = [
        [
            cost.stage,
            duration(cost.seconds),
            f'{100 * cost.seconds / total:.0f} %' if total else NOTHING,
            NOTHING if cost.peak_mb is None else f'{cost.peak_mb:.0f} MB',
        ]
        for cost in costs
    ]
    peaks = [cost.peak_mb for cost in costs if cost.peak_mb is not None]
    peak = f'{max(peaks):.0f} MB' if peaks else NOTHING
    rows.append(['all, one after the other', duration(total), '100 %', peak])
    head = [('stage', ''), ('time', 'n'), ('share', 'n'), ('peak memory', 'n')]
    return Part(html=fill(TEMPLATE, {'head': head, 'rows': rows}))


SECTION = Section(title='Time and memory', order=80, scope='visit', render=render)
