# SPDX-License-Identifier: Apache-2.0
"""Target lesions at every visit, drawn on and plain."""

from bids_seg.report import strip
from bids_seg.report.history import LesionCourse
from bids_seg.report.section import Part, Scene, Section


def wanted(one: LesionCourse) -> bool:
    """Tell whether a lesion belongs here."""
    return one.role in {'target', 'fragment'} or (not one.role and one.resolved is None)


def render(scene: Scene) -> Part:
    """Return a strip for each of them."""
    return strip.part(scene, wanted)


SECTION = Section(title='Target lesions', order=6, scope='top', render=render)
