# SPDX-License-Identifier: Apache-2.0
"""Temperatures: found again where they are known, and only from voxels that count."""

import numpy as np
import pytest

from bids_seg.train import calibrate
from bids_seg.train.stream import Sample


def scene(seed, factor):
    rng = np.random.default_rng(seed)
    i, j, k = np.indices((24, 20, 22))
    ball = (i - 12) ** 2 + (j - 10) ** 2 + (k - 11) ** 2 < 36
    chance = np.where(ball, 0.85, 0.1)
    target = (rng.random(ball.shape) < chance)[..., None].astype(np.float32)
    logits = np.log(chance / (1 - chance)) * factor
    drawn = (1 / (1 + np.exp(-logits)))[..., None].astype(np.float32)
    return drawn, Sample(None, target, np.ones_like(target))


@pytest.mark.parametrize('factor', [0.5, 1.0, 2.5])
def test_the_factor_by_which_a_network_is_too_sure_is_found(factor):
    drawn, samples = zip(*(scene(seed, factor) for seed in range(4)), strict=True)
    assert calibrate.fit(drawn, samples, spacing=2.0)[0] == pytest.approx(factor, rel=0.05)


def test_voxels_of_no_weight_do_not_count():
    drawn, sample = scene(0, 1.0)
    wrong = drawn.copy()
    wrong[:4] = 1 - 1e-6
    weight = sample.weight.copy()
    weight[:4] = 0
    found = calibrate.fit([wrong], [sample._replace(weight=weight)], spacing=2.0)
    assert found[0] == pytest.approx(1.0, rel=0.1)
    assert calibrate.fit([wrong], [sample], spacing=2.0)[0] > 2


def test_a_region_that_no_scene_holds_keeps_its_logits():
    drawn, sample = scene(0, 2.0)
    assert calibrate.fit([drawn], [sample._replace(target=0 * sample.target)], spacing=1.0) == [1.0]
