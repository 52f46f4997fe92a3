# SPDX-License-Identifier: Apache-2.0
"""New lesions at every visit: before, the place where they came up."""

from bids_seg.report import strip
from bids_seg.report.section import Part, Scene, Section


def render(scene: Scene) -> Part:
    """Return a strip for each of them."""
    return strip.part(scene, 'new')


SECTION = Section(title='New lesions', order=7, scope='top', render=render)
