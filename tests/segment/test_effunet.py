# SPDX-License-Identifier: Apache-2.0
"""Brain extraction by sagittal slices: what goes into the network, and what comes back."""

import numpy as np
import pytest
from published_files import CASES, needs_cases

from bids_seg.image import Grid, Volume
from bids_seg.segment.system import Manner, Scene
from bids_seg.segment.systems import effunet

PIPELINE = CASES / 'effunet' / 'pipeline.npz'


@needs_cases
@pytest.mark.parametrize('parity', [False, True])
def test_slices_go_in_as_in_the_original(parity):
    case = np.load(PIPELINE)
    grey = effunet.to_bytes(case['canonical'], parity=parity)
    assert np.array_equal(grey, case['slices_u8'])
    inputs = effunet.normalise(effunet.prepare(case['canonical'], parity=parity))
    np.testing.assert_allclose(
        inputs[1, ::4, ::4], case['net_input_slice1_every4'], rtol=1e-6, atol=1e-6
    )
    np.testing.assert_allclose(inputs[3, ..., 0], case['net_input_slice3_ch0'], atol=1e-6)
    sums = inputs.sum(axis=(1, 2), dtype=np.float64)
    np.testing.assert_allclose(sums, case['net_input_checksum'], rtol=1e-6)


@needs_cases
def test_shrinking_smooths_as_in_the_original():
    case = np.load(CASES / 'effunet' / 'resize_down.npz')
    assert np.array_equal(effunet.squared(case['x']), case['y'])


@needs_cases
def test_channels_are_those_of_photographs():
    case = np.load(CASES / 'effunet' / 'preprocess.npz')
    np.testing.assert_allclose(effunet.normalise(case['x'][..., 0]), case['y'], atol=1e-6)


@needs_cases
def test_probabilities_come_back_as_in_the_original():
    case = np.load(PIPELINE)
    said = np.repeat(case['pred256_slice3'][None], 5, axis=0)
    back = effunet.restore(said, case['canonical'])[3]
    np.testing.assert_allclose(back, case['prob_resized'][3], atol=1e-5)
    assert np.array_equal(back > effunet.THRESHOLD, case['label'][3] > 0)


def head(shape=(9, 44, 60)):
    i, j, k = np.indices(shape)
    middle = [(side - 1) / 2 for side in shape]
    inside = sum(((at - m) / (0.3 * s)) ** 2 for at, m, s in zip((i, j, k), middle, shape)) < 1  # noqa: B905
    return np.where(inside, 900.0, 100.0), inside


def scene(array, role='T1w'):
    affine = np.array([[-1.0, 0.1, 0, 8], [0.1, 1.0, 0, -9], [0, 0, 3.0, -7], [0, 0, 0, 1.0]])
    images = {role: Volume(array.astype(np.float32), Grid(array.shape, affine))}
    return Scene(images=images, reference=role, brain=None)


def bright(batch):
    """Return logits of a network that takes what is brighter than a photograph's mean."""
    return 4 * batch[..., :1]


@pytest.mark.parametrize('role', ['T1w', 'T1wCE'])
def test_a_bright_brain_is_drawn_where_it_lies(role):
    array, inside = head()
    drawn = effunet.draw(scene(array, role), [bright], Manner())
    assert drawn.images == (role,)
    assert drawn.mutual == {}
    mask = drawn.masks['brain']
    # A slice whose brightest voxel is background is all white.
    through = inside.any(axis=(1, 2))
    assert np.mean(mask[through] == inside[through]) > 0.98
    assert mask[0].all()


def test_opinions_that_differ_are_told_voxel_by_voxel():
    array, _ = head()
    drawn = effunet.draw(scene(array), [bright, lambda batch: -bright(batch)], Manner())
    np.testing.assert_allclose(drawn.probabilities['brain'], 0.5, atol=1e-6)
    assert drawn.mutual['brain'].max() > 0.9


@pytest.mark.parametrize(('parity', 'said'), [(False, False), (True, True)])
def test_a_slice_without_content_has_no_brain_unless_the_original_is_asked_for(parity, said):
    array, _ = head()
    array[2] = 0
    drawn = effunet.draw(
        scene(array), [lambda batch: np.ones_like(batch[..., :1])], Manner(parity=parity)
    )
    assert drawn.masks['brain'][2].any() == said
    assert drawn.masks['brain'][3].all()


def test_what_lies_below_zero_is_black_and_wraps_around_only_in_the_original():
    array = np.array([[[-100.0, 0.0], [50.0, 200.0]]])
    assert effunet.to_bytes(array, parity=False).ravel().tolist() == [0, 0, 63, 255]
    assert effunet.to_bytes(array, parity=True).ravel().tolist() == [129, 0, 63, 255]
