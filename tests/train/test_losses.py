# SPDX-License-Identifier: Apache-2.0
"""Losses fall as drawings get better, ignore what does not count, and keep their digits."""

import numpy as np
import pytest

keras = pytest.importorskip('keras')

from bids_seg.train import losses  # noqa: E402

pytestmark = pytest.mark.slow

SHAPE = (1, 20, 22, 24, 3)


def scene():
    i, j, k = np.indices(SHAPE[1:4])
    distance = np.sqrt((i - 10) ** 2 + (j - 11) ** 2 + (k - 12) ** 2)
    target = np.stack([distance < radius for radius in (8, 6, 4)], -1)[None].astype(np.float32)
    return target, np.ones((*SHAPE[:4], 1), np.float32)


def logits_of(target, sure):
    return (sure * (2 * target - 1)).astype(np.float32)


@pytest.mark.parametrize('loss', [losses.brain, losses.glioma, losses.metastases])
def test_a_better_drawing_costs_less(loss):
    target, weight = scene()
    costs = [float(loss(logits_of(target, sure), target, weight)) for sure in (-4, 0, 2, 8)]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] < 0.02


@pytest.mark.parametrize('loss', [losses.brain, losses.glioma, losses.metastases])
def test_voxels_of_no_weight_change_nothing(loss):
    target, weight = scene()
    weight[:, :5] = 0
    logits = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    other = logits.copy()
    other[:, :5] = 30
    assert float(loss(logits, target, weight)) == pytest.approx(float(loss(other, target, weight)))


def test_a_region_that_is_not_asked_for_costs_nothing():
    target, weight = scene()
    weights = np.repeat(weight, 3, axis=-1)
    weights[..., 2] = 0
    logits = logits_of(target, 3)
    wrong = logits.copy()
    wrong[..., 2] = 20
    assert float(losses.glioma(wrong, target, weights)) == pytest.approx(
        float(losses.glioma(logits, target, weights))
    )


def test_an_absent_region_still_punishes_false_alarms():
    target, weight = scene()
    target[..., 2] = 0
    quiet = logits_of(target, 3)
    loud = quiet.copy()
    loud[..., 2] = 3
    assert losses.glioma(loud, target, weight) > losses.glioma(quiet, target, weight) + 0.5


def test_a_missed_lesion_costs_more_than_as_much_false_alarm():
    target = np.zeros((1, 20, 22, 24, 1), np.float32)
    target[0, 5:10, 5:10, 5:10] = 1
    weight = np.ones_like(target)
    right = logits_of(target, 6)
    missed, alarm = right.copy(), right.copy()
    missed[0, 5:10, 5:10, 5:7] = -6
    alarm[0, 5:10, 5:10, 10:12] = 6
    assert losses.metastases(missed, target, weight) > losses.metastases(alarm, target, weight)


def test_cross_entropy_survives_large_logits():
    value = np.asarray(losses.cross_entropy(np.array([-200.0, 200.0]), np.array([1.0, 1.0])))
    np.testing.assert_allclose(value, [200.0, 0.0], atol=1e-6)


def test_sums_over_a_whole_volume_agree_with_float64():
    rng = np.random.default_rng(1)
    values = (100 + rng.normal(size=(1, 240, 240, 160, 4))).astype(np.float32)
    exact = values.astype(np.float64).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(np.asarray(losses.total(values)), exact, rtol=2e-6)
