# SPDX-License-Identifier: Apache-2.0
"""Scalings: found again where they are known, and only from voxels that count."""

import numpy as np
import pytest

from bids_seg.segment.maps import Scaling
from bids_seg.train import calibrate
from bids_seg.train.stream import Sample


def scene(seed, factor, less=0.0):
    """Return logits that are too large by a factor and too low by what is less, and a sample."""
    rng = np.random.default_rng(seed)
    i, j, k = np.indices((24, 20, 22))
    ball = (i - 12) ** 2 + (j - 10) ** 2 + (k - 11) ** 2 < 36
    chance = np.where(ball, 0.85, 0.1)
    target = (rng.random(ball.shape) < chance)[..., None].astype(np.float32)
    logits = (np.log(chance / (1 - chance)) - less) * factor
    return logits[None, ..., None].astype(np.float32), Sample(None, target, np.ones_like(target))


def fit(scenes):
    """Fit scenes whose logits are known."""
    logits = iter([one for one, _ in scenes])
    samples = [sample for _, sample in scenes]
    return calibrate.fit(lambda image: next(logits), samples, regions=1, spacing=2.0)[0]


@pytest.mark.parametrize('factor', [0.5, 1.0, 2.5])
@pytest.mark.parametrize('less', [0.0, 0.8])
def test_how_far_a_network_is_too_sure_and_too_shy_is_found(factor, less):
    found = fit([scene(seed, factor, less) for seed in range(4)])
    assert found.temperature == pytest.approx(factor, rel=0.05)
    assert found.shift == pytest.approx(less, abs=0.06)


def test_what_the_mean_of_two_opinions_says_is_fitted():
    logits, sample = scene(0, 1.0)
    both = np.concatenate([logits, 3 * logits])
    found = fit([(both, sample)])
    mean = found.probability(both).mean(axis=0)
    target = sample.target > 0
    for shown in (mean > 0.5, mean < 0.5):
        assert mean[shown].mean() == pytest.approx(target[shown].mean(), abs=0.02)


def test_voxels_of_no_weight_do_not_count():
    logits, sample = scene(0, 1.0)
    wrong = logits.copy()
    wrong[:, :4] = 14
    weight = sample.weight.copy()
    weight[:4] = 0
    assert fit([(wrong, sample._replace(weight=weight))]).temperature == pytest.approx(1, rel=0.1)
    assert fit([(wrong, sample)]).temperature > 2


def test_a_region_that_no_scene_holds_keeps_its_logits():
    logits, sample = scene(0, 2.0)
    assert fit([(logits, sample._replace(target=0 * sample.target))]) == Scaling()
