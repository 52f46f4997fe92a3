# SPDX-License-Identifier: Apache-2.0
"""Where the brain ends in a label map: clefts are filled, wide gaps and the skull are not."""

import numpy as np
import pytest

from bids_seg.train import label_maps, tissues

BONE, FLUID = tissues.INDEX['bone'], tissues.INDEX['csf']
LEFT, RIGHT = (tissues.INDEX[f'white matter {side}'] for side in ('left', 'right'))


def halves(gap):
    """Return two blocks of white matter so many mm apart, in fluid, in bone."""
    classes = np.full((70, 48, 44), BONE, np.uint8)
    classes[4:-4, 4:-4, 4:-4] = FLUID
    classes[8:20, 8:-8, 8:-8] = LEFT
    classes[20 + gap : 62, 8:-8, 8:-8] = RIGHT
    return classes


def test_the_distance_is_zero_half_way_between_voxels_and_negative_inside():
    mask = np.zeros((9, 8, 7), bool)
    mask[3:7] = True
    line = label_maps.signed_distance(mask)[:, 4, 3]
    np.testing.assert_allclose(line, [2.5, 1.5, 0.5, -0.5, -1.5, -1.5, -0.5, 0.5, 1.5])


@pytest.mark.parametrize(('gap', 'filled'), [(3, True), (12, True), (18, False)])
def test_the_brain_mask_fills_what_is_narrower_than_twice_the_closing(gap, filled):
    classes = halves(gap)
    mask = label_maps.brain_mask(classes)
    assert mask[20 + gap // 2, 24, 22] == filled
    assert not mask[classes == BONE].any()
    assert mask[classes == RIGHT].all()
    # Two pieces are no brain: the larger one is kept.
    assert mask[classes == LEFT].all() == filled


def test_thin_layers_are_cut_out_of_the_fluid():
    refined = label_maps.refine(halves(3))
    assert refined[4, 24, 22] == tissues.INDEX['outer csf']
    assert refined[6, 24, 22] == FLUID
    assert (refined[halves(3) == LEFT] == LEFT).all()
