# SPDX-License-Identifier: Apache-2.0
"""N4 evens out a painted bias field and leaves the rest alone."""

from __future__ import annotations

import numpy as np

from bids_seg.image import Grid, Volume
from bids_seg.preprocess.bias import n4


def test_a_slow_field_is_taken_out_of_a_ball_of_two_tissues():
    shape = (40, 48, 22)
    spacing = np.array([4.0, 4.0, 8.0])
    middle = (np.array(shape) - 1) / 2
    place = (np.moveaxis(np.indices(shape), 0, -1) - middle) * spacing
    far = np.linalg.norm(place, axis=-1)
    tissue = np.where(far < 45, 140.0, 100.0) * (far < 72)
    field = np.exp(0.005 * place[..., 0])
    rng = np.random.default_rng(1)
    bent = (tissue * field + rng.normal(0, 1, shape) * (far < 72)).astype(np.float32)
    volume = Volume(bent, Grid(shape, np.diag([*spacing, 1.0])))
    even = n4(volume).array
    outer = (far > 48) & (far < 70)
    before = bent[outer].std() / bent[outer].mean()
    after = even[outer].std() / even[outer].mean()
    assert after < 0.4 * before
    assert np.isfinite(even).all()
    assert even.dtype == np.float32
    assert np.all(np.abs(even[far > 75]) < 5)
