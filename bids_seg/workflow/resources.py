# SPDX-License-Identifier: Apache-2.0
"""Memory and threads of each stage, known before it starts, from the size of the images."""

from __future__ import annotations

import math
from collections.abc import Mapping

from bids_seg.records import Visit

BASE_GB: Mapping[str, float] = {
    'prepare': 0.6,
    'brain': 1.6,
    'glioma': 1.6,
    'metastases': 1.6,
    'finish': 0.5,
    'follow': 0.9,
    'report': 0.7,
}
"""Memory of a stage without any image, GB (programs and libraries)."""

BYTES_A_VOXEL: Mapping[str, float] = {
    'prepare': 60,
    'brain': 70,
    'glioma': 90,
    'metastases': 90,
    'finish': 60,
    'follow': 120,
    'report': 40,
}
"""What a stage holds for each voxel of the largest image of a visit."""


def memory_gb(stage: str, visits: tuple[Visit, ...]) -> float:
    """Return what a stage may need for the largest of some visits, GB.

    Parameters
    ----------
    stage
        Name of the stage.
    visits
        What it works on, one after another.
    """
    sizes = [math.prod(scan.shape) for visit in visits for scan in visit.scans]
    return BASE_GB[stage] + BYTES_A_VOXEL[stage] * max(sizes, default=0) / 1e9
