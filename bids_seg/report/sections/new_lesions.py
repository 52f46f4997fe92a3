# SPDX-License-Identifier: Apache-2.0
"""New lesions at every visit: before, the place where they came up."""

from bids_seg.report import strip
from bids_seg.report.history import LesionCourse
from bids_seg.report.section import Part, Scene, Section


def wanted(one: LesionCourse) -> bool:
    """Tell whether a lesion belongs here."""
    return one.role == 'new' and one.resolved is None


def render(scene: Scene) -> Part:
    """Return a strip for each of them."""
    return strip.part(scene, wanted)


SECTION = Section(title='New lesions', order=7, scope='top', render=render)
