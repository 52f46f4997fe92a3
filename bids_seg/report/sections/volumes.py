# SPDX-License-Identifier: Apache-2.0
"""Volumes of all regions of a visit, by network, and what could not be reported."""

from bids_seg.records import ModelRun
from bids_seg.report.section import Part, Scene, Section, fill
from bids_seg.report.wording import NOTHING, REGIONS, ml

TEMPLATE = """
{{ parts.table(head, rows, 'Volumes by network') }}
<p class="small">Voxels with a probability of at least the threshold, in pieces that reach the peak
somewhere, times the volume of a voxel, on the grid of the reference image. Regions are nested: the
whole lesion contains the core, the core the enhancing tumour.</p>
"""


def render(scene: Scene) -> Part:
    """Return one row for each region, also for those that could not be reported."""
    rows = []
    for model in scene.visit.summary.models:
        network = f'{model.task} ({model.model})'
        images = ', '.join(model.images)
        for region in model.regions:
            name = 'brain' if region == 'brain' else f'{REGIONS.get(region, region)} ({region})'
            volume = ml(model.volumes_mm3.get(region))
            rows.append([network, name, volume, _cut(model), images])
        for region, reason in model.unavailable.items():
            name = f'{REGIONS.get(region, region)} ({region})'
            rows.append([network, name, f'not reported: {reason}', NOTHING, images])
    if not rows:
        return Part()
    head = [
        ('network', ''),
        ('region', ''),
        ('volume', 'n'),
        ('threshold (peak)', 'n'),
        ('images', ''),
    ]
    return Part(html=fill(TEMPLATE, {'head': head, 'rows': rows}))


def _cut(model: ModelRun) -> str:
    """Return the threshold, and the peak where one is asked for."""
    return f'{model.threshold:g}' + (f' ({model.peak:g})' if model.peak else '')


SECTION = Section(title='Volumes', order=35, scope='visit', render=render)
