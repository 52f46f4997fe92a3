# SPDX-License-Identifier: Apache-2.0
"""Lesions that are gone, and the place where they were."""

from bids_seg.report import strip
from bids_seg.report.section import Part, Scene, Section


def render(scene: Scene) -> Part:
    """Return a strip for each of them."""
    return strip.part(scene, 'resolved')


SECTION = Section(title='Resolved lesions', order=8, scope='top', render=render)
