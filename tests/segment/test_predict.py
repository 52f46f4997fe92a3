# SPDX-License-Identifier: Apache-2.0
"""Masks lie on the reference's grid, nested, and implausible ones are told."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bids_seg.image import Volume
from bids_seg.segment import brain, models, predict
from bids_seg.segment.maps import Scaling
from bids_seg.segment.system import Scene


def seen(images, mask=None, *, stripped=()):
    """Return the scene of some images."""
    return Scene(images=images, reference=next(iter(images)), brain=mask, stripped=stripped)


@pytest.fixture
def brainy(two_views):
    """A network to which all that is bright is brain."""
    return two_views(lambda channels: 40 * (channels - 0.6))


def seeing(channel, low, high):
    """Return a function to which a channel between thresholds is tumour and its core."""

    def function(channels):
        image = channels[..., channel]
        return np.stack([8 * (image - low), 8 * (image - high), 8 * (image - high)], axis=-1)

    return function


def test_the_brain_comes_back_on_the_reference_grid(head, brainy):
    found = predict.extract_brain(
        seen({'T1w': head.volume(), 'FLAIR': head.volume()}),
        model=models.find('brain'),
        engine=brainy,
    )
    assert found.mask.grid is head.grid
    assert found.mask.array.dtype == np.uint8
    assert brain.dice(found.mask.array > 0, head.brain) > 0.97
    assert found.warnings == ()


def test_a_brain_border_grows_the_mask(head, brainy):
    model = models.find('brain')
    images = seen({'T1w': head.volume()})
    plain = predict.extract_brain(images, model=model, engine=brainy)
    grown = predict.extract_brain(images, model=model, engine=brainy, border_mm=3.0)
    assert np.all(grown.mask.array >= plain.mask.array)
    ratio = grown.mask.array.sum() / plain.mask.array.sum()
    assert ratio == pytest.approx((61 * 73 * 58) / (58 * 70 * 55), abs=0.04)


def test_the_outline_of_a_stripped_image_is_its_mask_and_a_network_that_differs_is_told(
    head, brainy
):
    values = np.where(head.brain, head.values, 0).astype(np.float32)
    stripped = seen({'T1w': Volume(values, head.grid)}, stripped=('T1w',))
    model = models.find('brain')
    found = predict.extract_brain(stripped, model=model, engine=brainy)
    assert brain.dice(found.mask.array > 0, head.brain) > 0.999
    assert found.warnings == ()

    def blind(channels):
        yield np.where(np.indices(channels.shape)[0] < channels.shape[0] // 2, 9.0, -9.0)

    other = predict.extract_brain(stripped, model=model, engine=blind)
    assert np.array_equal(other.mask.array, found.mask.array)
    assert any('came without skull' in warning for warning in other.warnings)


def test_an_image_without_brain_is_told(head):
    def nothing(channels):
        yield np.full(channels.shape, -9.0, np.float32)

    found = predict.extract_brain(
        seen({'T1w': head.volume()}), model=models.find('brain'), engine=nothing
    )
    assert 'no brain was found' in found.warnings[0]


def test_a_small_brain_is_told_in_litres(head, brainy):
    small = head.volume()
    values = np.where(np.indices(small.array.shape)[2] > 30, small.array, 0).astype(np.float32)
    found = predict.extract_brain(
        seen({'T1w': Volume(values, head.grid)}), model=models.find('brain'), engine=brainy
    )
    assert '0.8 to 2' in found.warnings[0]


def test_a_glioma_comes_back_nested_in_classes(head, two_views):
    model = models.find('glioma')
    images = {'T1wCE': head.volume(20), 'FLAIR': head.volume(20)}
    run = two_views(seeing(3, 3.5, 5.5))
    found = predict.draw_tumour(seen(images, head.mask()), model=model, engine=run)
    assert tuple(found.probabilities) == ('WT', 'TC', 'ET')
    assert brain.dice(found.masks['WT'].array > 0, head.lesion) > 0.8
    assert set(np.unique(found.labels.array)) <= {0, 1, 2, 3}
    whole, core, enhancing = (found.probabilities[name].array for name in ('WT', 'TC', 'ET'))
    assert np.all(whole >= core)
    assert np.all(core >= enhancing)
    assert found.entropy.array.max() <= 1
    assert tuple(found.mutual) == ('WT', 'TC', 'ET')
    assert found.images == ('T1wCE', 'FLAIR')
    assert found.unavailable == {}
    for volume in (found.labels, found.entropy, *found.mutual.values()):
        assert volume.grid is head.grid


def test_without_contrast_agent_enhancement_is_unavailable(head, two_views):
    found = predict.draw_tumour(
        seen({'FLAIR': head.volume(20)}, head.mask()),
        model=models.find('glioma'),
        engine=two_views(seeing(3, 1.0, 2.0)),
    )
    assert tuple(found.probabilities) == ('WT', 'TC')
    assert found.unavailable == {'ET': 'there is no T1wCE image'}
    assert set(np.unique(found.labels.array)) <= {0, 2, 5}


def test_the_network_is_told_which_images_are_there_and_sees_nothing_but_brain(head):
    shown = []

    def run(channels):
        shown.append(channels)
        yield np.full((*channels.shape[:3], 3), -9.0, np.float32)

    predict.draw_tumour(
        seen({'T1w': head.volume(), 'FLAIR': head.volume()}, head.mask()),
        model=models.find('glioma'),
        engine=run,
    )
    (channels,) = shown
    assert channels.shape[-1] == 8
    assert all(side % 16 == 0 for side in channels.shape[:3])
    assert channels[0, 0, 0, 4:].tolist() == [0, 1, 0, 1]
    assert not channels[..., 0].any()
    assert not channels[..., 2].any()
    share = float((channels[..., 1] != 0).mean() * channels[..., 1].size) * 8e-3
    assert share == pytest.approx(4 / 3 * np.pi * 6.1 * 7.3 * 5.8, rel=0.1)
    assert channels[0, :, :, 1].max() == 0


def test_what_lies_in_the_margin_around_the_brain_is_no_tumour(head, two_views):
    run, model = two_views(seeing(3, 3.5, 5.5)), models.find('glioma')
    values = head.volume(20).array.copy()
    outside, inside = (head.ball((x, 0, 0), (6, 9, 9)) for x in (62, -50))
    values[outside | inside] = 130
    images = {'FLAIR': Volume(values, head.grid)}
    found = predict.draw_tumour(seen(images, head.mask()), model=model, engine=run)
    whole = found.masks['WT'].array > 0
    assert found.probabilities['WT'].array[outside].max() > 0.5
    assert not whole[outside].any()
    assert whole[inside].mean() > 0.7
    assert whole[head.lesion].mean() > 0.9
    assert not found.labels.array[outside].any()


def test_a_piece_that_is_faint_throughout_is_dropped_and_one_with_a_likely_middle_kept(
    head, two_views
):
    def function(channels):
        enhanced, flair = channels[..., 0], channels[..., 3]
        logits = np.where(flair > 3.5, np.where(enhanced > 3.5, 3.0, 0.5), -6.0)
        return np.stack([logits] * 3, axis=-1)

    model = models.find('glioma')
    plain = {region: Scaling() for region in model.regions}
    own = dataclasses.replace(model.own, scaling=plain)
    values = head.volume(20).array.copy()
    faint = head.ball((-30, 0, 0), (9, 9, 9))
    values[faint] += 20
    enhanced = (head.values + 20 * head.core).astype(np.float32)
    images = {'T1wCE': Volume(enhanced, head.grid), 'FLAIR': Volume(values, head.grid)}
    images = seen(images, head.mask())
    for peak, kept in ((0.0, True), (0.9, False)):
        changed = dataclasses.replace(model, system=own, threshold=0.5, peak=peak)
        found = predict.draw_tumour(images, model=changed, engine=two_views(function))
        whole = found.masks['WT'].array > 0
        assert whole[head.lesion].mean() > 0.9
        assert (whole[faint].mean() > 0.7) == kept
        assert whole[faint].any() == kept
        assert found.probabilities['WT'].array[faint].max() > 0.5


def test_nothing_found_is_no_error(head):
    def run(channels):
        yield np.full((*channels.shape[:3], 1), -9.0, np.float32)

    found = predict.draw_tumour(
        seen({'T1wCE': head.volume()}, head.mask()), model=models.find('metastases'), engine=run
    )
    assert not found.labels.array.any()
    assert found.warnings == ()
    assert found.mutual == {}


def test_a_mask_that_is_everywhere_and_unsure_is_told(head):
    def run(channels):
        yield np.full((*channels.shape[:3], 1), 0.1, np.float32)

    model = models.find('metastases')
    own = dataclasses.replace(model.own, scaling={'TC': Scaling()})
    model = dataclasses.replace(model, system=own, threshold=0.5, peak=0.0)
    images = seen({'T1wCE': head.volume()}, head.mask())
    found = predict.draw_tumour(images, model=model, engine=run)
    assert any('of the brain mask, which no tumour does' in text for text in found.warnings)
    assert any('unsure' in text for text in found.warnings)


def test_a_single_region_is_labelled_as_undivided_core(head, two_views):
    model = models.find('metastases')
    model = dataclasses.replace(model, system=dataclasses.replace(model.own, spacing=2.0))
    found = predict.draw_tumour(
        seen({'T1wCE': head.volume(20)}, head.mask()),
        model=model,
        engine=two_views(lambda channels: 8 * (channels - 3.0)),
    )
    assert set(np.unique(found.labels.array)) == {0, 5}
    assert brain.dice(found.labels.array == 5, head.lesion) > 0.8
