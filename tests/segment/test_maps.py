# SPDX-License-Identifier: Apache-2.0
"""Opinions are averaged as probabilities; what they disagree on is kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from bids_seg.segment import maps


def logit(p):
    """Return the logit of a probability."""
    return np.log(p / (1 - p))


def test_two_opinions_that_agree_have_no_mutual_information():
    opinion = logit(np.full((3, 4, 5, 2), 0.7)).astype(np.float32)
    pooled = maps.pool([opinion, opinion], scalings=(maps.Scaling(), maps.Scaling()))
    assert pooled.mean == pytest.approx(0.7, abs=1e-5)
    assert pooled.mutual.shape == opinion.shape
    assert pooled.mutual == pytest.approx(0.0, abs=1e-5)


def test_two_sure_opinions_that_contradict_each_other_differ_by_one_bit():
    sure = np.full((3, 4, 5, 1), 20.0, np.float32)
    pooled = maps.pool([sure, -sure], scalings=(maps.Scaling(),))
    assert pooled.mean == pytest.approx(0.5)
    assert pooled.mutual == pytest.approx(1.0, abs=1e-4)


def test_one_opinion_cannot_disagree():
    assert (
        maps.pool([np.zeros((2, 3, 4, 1), np.float32)], scalings=(maps.Scaling(),)).mutual is None
    )


def test_no_opinion_is_an_error():
    with pytest.raises(ValueError, match='no opinion'):
        maps.pool([], scalings=(maps.Scaling(),))


def test_each_region_of_a_system_of_others_has_its_own_disagreement():
    sure, other = np.float32([1.0, 1.0]), np.float32([0.0, 1.0])
    pooled = maps.pool_regions([{'WT': sure, 'TC': sure}, {'WT': sure, 'TC': other}])
    assert list(pooled) == ['WT', 'TC']
    assert pooled['WT'].mutual.tolist() == [0, 0]
    assert pooled['TC'].mean.tolist() == [0.5, 1]
    assert pooled['TC'].mutual == pytest.approx([1, 0], abs=1e-5)
    assert maps.pool_regions([{'WT': sure}])['WT'].mutual is None
    with pytest.raises(ValueError, match='no opinion'):
        maps.pool_regions([])


def test_the_logits_of_each_region_are_scaled_and_shifted_by_its_own_numbers():
    logits = np.full((2, 3, 4, 2), [4.0, 2.0], np.float32)
    scalings = (maps.Scaling(temperature=2.0), maps.Scaling(shift=-1.0))
    pooled = maps.pool([logits], scalings=scalings)
    assert pooled.mean[..., 0] == pytest.approx(1 / (1 + np.exp(-2.0)), abs=1e-5)
    assert pooled.mean[..., 1] == pytest.approx(1 / (1 + np.exp(-1.0)), abs=1e-5)


@given(hnp.arrays(np.float32, (2, 3, 4, 3), elements=st.floats(0, 1, width=32)))
def test_nested_probabilities_never_rise_inwards_and_are_never_lowered(probability):
    nested = maps.nested(probability)
    assert np.all(np.diff(nested, axis=-1) <= 0)
    assert np.all(nested >= probability)
    assert np.array_equal(nested[..., -1], probability[..., -1])


@given(hnp.arrays(np.float32, (5,), elements=st.floats(0, 1, width=32)))
def test_entropy_is_symmetric_and_at_most_one_bit(probability):
    bits = maps.entropy(probability)
    assert np.all((bits >= 0) & (bits <= 1))
    np.testing.assert_allclose(bits, maps.entropy(1 - probability), atol=2e-4)


@given(
    hnp.arrays(np.float32, (4, 3, 5, 2), elements=st.floats(0, 1, width=32)),
    st.floats(0.1, 0.6),
    st.floats(0.0, 0.95),
)
def test_masks_nest_and_every_piece_reaches_the_peak(probability, threshold, peak):
    outer, inner = np.moveaxis(maps.nested(probability), -1, 0)
    masks = maps.masks({'WT': outer, 'TC': inner}, threshold=threshold, peak=peak)
    assert not (masks['TC'] & ~masks['WT']).any()
    for region, values in (('WT', outer), ('TC', inner)):
        assert not (masks[region] & (values < threshold)).any()
        pieces, count = ndimage.label(masks[region], structure=np.ones((3, 3, 3)))
        assert all(values[pieces == piece].max() >= peak for piece in range(1, count + 1))
    # Nothing that is likely is lost.
    assert masks['WT'][outer >= max(peak, threshold)].all()


def test_classes_follow_the_table_of_outputs():
    whole, core, enhancing = (
        np.array([1, 1, 1, 0]),
        np.array([1, 1, 0, 0]),
        np.array([1, 0, 0, 0]),
    )
    masks = {'WT': whole > 0, 'TC': core > 0, 'ET': enhancing > 0}
    assert maps.classes(masks).tolist() == [3, 1, 2, 0]
    del masks['ET']
    assert maps.classes(masks).tolist() == [5, 5, 2, 0]
    assert maps.classes({'TC': core > 0}).tolist() == [5, 5, 0, 0]
    assert maps.classes({'WT': whole > 0}).tolist() == [6, 6, 6, 0]
