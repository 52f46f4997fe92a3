# SPDX-License-Identifier: Apache-2.0
"""Which files were used, which were passed over, and why."""

from bids_seg.report.section import Part, Scene, Section, fill
from bids_seg.report.wording import NOTHING, ROLE_NAMES, size

TEMPLATE = """
{% if used %}{{ parts.table(head, used, 'Files used') }}{% else %}<p>No image was usable.</p>{% endif %}
{% if passed %}
<h4>Passed over</h4>
{{ parts.table([('file', ''), ('might have been', ''), ('reason', '')], passed, 'Files passed over') }}
{% endif %}
"""


def render(scene: Scene) -> Part:
    """Return both tables."""
    visit = scene.visit.summary.visit
    reference = visit.reference
    used = [
        [
            ROLE_NAMES[scan.role] + (' (reference)' if reference and scan == reference else ''),
            scan.relative,
            size(tuple(float(side) for side in scan.shape)),
            f'{size(scan.spacing)} mm',
            '; '.join(scan.notes) or NOTHING,
        ]
        for scan in visit.scans
    ]
    passed = [
        [item.relative, ROLE_NAMES[item.role] if item.role else NOTHING, item.reason]
        for item in visit.passed_over
    ]
    head = [('contrast', ''), ('file', ''), ('voxels', 'n'), ('voxel size', 'n'), ('remark', '')]
    return Part(html=fill(TEMPLATE, {'head': head, 'used': used, 'passed': passed}))


SECTION = Section(title='Files', order=70, scope='visit', render=render)
