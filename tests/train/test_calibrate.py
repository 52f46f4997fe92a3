# SPDX-License-Identifier: Apache-2.0
"""Scalings: found again where they are known, and only from voxels that count."""

import dataclasses
import functools

import nibabel as nb
import numpy as np
import pytest

from bids_seg.errors import UnavailableError
from bids_seg.segment import models
from bids_seg.segment.maps import Scaling
from bids_seg.train import calibrate, cli
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


def test_a_region_that_is_never_asked_for_keeps_its_logits():
    logits, sample = scene(0, 2.0)
    assert fit([(logits, sample._replace(weight=0 * sample.weight))]) == Scaling()


def test_an_outer_region_is_fitted_with_what_lies_within_it():
    logits, sample = scene(0, 1.0)
    # All that the outer region knows comes from the inner one, which is the same.
    both = np.concatenate([np.full_like(logits, -9.0), logits], axis=-1)
    twice = Sample(None, np.repeat(sample.target, 2, -1), np.repeat(sample.weight, 2, -1))
    outer, inner = calibrate.fit(lambda image: both, [twice], regions=2, spacing=2.0)
    assert inner.temperature == pytest.approx(1.0, rel=0.1)
    assert outer.probability(np.float32([-9.0]))[0] < 0.11


@pytest.mark.slow
@pytest.mark.filterwarnings('ignore:__array__ implementation:DeprecationWarning')
def test_opinions_are_those_of_each_member_and_of_its_mirror_image(tmp_path):
    from bids_seg.segment.networks import unet

    networks = [unet.build(channels=1, regions=1, widths=(4, 8)) for _ in range(2)]
    files = [tmp_path / f'{index}.weights.h5' for index in range(2)]
    for network, file in zip(networks, files, strict=True):
        network.save_weights(file)
    model = models.find('brain')
    build = functools.partial(unet.build, channels=1, regions=1, widths=(4, 8))
    model = dataclasses.replace(model, system=dataclasses.replace(model.own, build=build))
    image = np.random.default_rng(0).normal(size=(8, 12, 16, 1)).astype(np.float32)
    said = calibrate.looking(model, files)(image)
    assert said.shape == (4, 8, 12, 16, 1)
    for index, network in enumerate(networks):
        plain = np.asarray(network(image[None]))[0]
        mirrored = np.asarray(network(image[None, ::-1]))[0, ::-1]
        np.testing.assert_allclose(said[2 * index], plain, atol=1e-4)
        np.testing.assert_allclose(said[2 * index + 1], mirrored, atol=1e-4)


@pytest.mark.slow
def test_what_cannot_be_calibrated_is_said(tmp_path, caplog):
    assert cli.main(['brainmets', str(tmp_path), str(tmp_path), '--calibrate', '2']) == 2
    assert 'as they come' in caplog.text
    labels = np.zeros((40, 48, 44), np.int16)
    labels[4:-4, 4:-4, 4:-4] = 511
    labels[10:-10, 10:-10, 10:-10] = 2
    nb.Nifti1Image(labels, np.eye(4)).to_filename(tmp_path / 'training_seg_03.nii.gz')
    words = ['brain', str(tmp_path), str(tmp_path / 'out'), '--calibrate', '2']
    assert cli.main(words) == UnavailableError.code
    assert 'left out of training' in caplog.text
    with pytest.raises(SystemExit):
        cli.main(['brain', str(tmp_path), str(tmp_path), '--rate', '0'])
