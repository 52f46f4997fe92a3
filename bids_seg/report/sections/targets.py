# SPDX-License-Identifier: Apache-2.0
"""Target lesions at every visit, drawn on and plain."""

from bids_seg.report import strip
from bids_seg.report.section import Part, Scene, Section


def render(scene: Scene) -> Part:
    """Return a strip for each of them."""
    return strip.part(scene, 'target')


SECTION = Section(title='Target lesions', order=6, scope='top', render=render)
