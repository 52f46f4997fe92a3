# SPDX-License-Identifier: Apache-2.0
"""Heads made of a small made-up label map: a ball of tissues in the source's own numbers."""

from __future__ import annotations

import nibabel as nb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bids_seg.errors import UnavailableError
from bids_seg.train import heads, tissues

SIDES = (56, 62, 70)


def ball(radius: float, *, centre: tuple[float, float, float] = (27, 31, 42)) -> np.ndarray:
    grid = np.indices(SIDES)
    return sum((axis - c) ** 2 for axis, c in zip(grid, centre, strict=True)) < radius**2


def made_up() -> np.ndarray:
    """Nested balls: skin, fat, bone, fluid, two halves of cortex and white matter, ventricle."""
    labels = np.zeros(SIDES, np.int64)
    for radius, value in ((27, 511), (25.5, 507), (19, 515), (16, 24), (13, 3), (10, 2), (3, 4)):
        labels[ball(radius)] = value
    right = np.arange(SIDES[0])[:, None, None] > 27
    for left, other in ((2, 41), (3, 42), (4, 43)):
        labels[(labels == left) & right] = other
    labels[ball(14) & (np.abs(np.arange(SIDES[0]) - 27)[:, None, None] < 2)] = 24
    labels[ball(4, centre=(27, 53, 30))] = 506
    labels[20:35, 24:38, :24][labels[20:35, 24:38, :24] == 0] = 507
    return labels


@pytest.fixture(scope='module')
def head() -> heads.Head:
    return heads.prepare(made_up(), name='03')


@given(
    hnp.arrays(np.uint8, (3, 4, 5), elements=st.integers(0, len(tissues.TISSUES) - 1)),
    hnp.arrays(np.float32, (3, 4, 5), elements=st.floats(-30, 30, width=32)),
)
def test_packing_keeps_the_class_and_the_distance_to_half_a_step(classes, distance):
    again, mm = heads.unpack(heads.pack(classes, distance))
    np.testing.assert_array_equal(again, classes)
    limited = np.clip(distance, -heads.REACH, heads.REACH)
    assert np.abs(mm - limited).max() <= heads.DISTANCE_STEP / 2 + 1e-6


def test_every_tissue_fits_into_the_packed_bits():
    assert len(tissues.TISSUES) <= 64
    assert len(tissues.INDEX) == len(tissues.TISSUES)


def test_the_stored_distance_is_that_of_the_brain_grown_by_one_millimetre(head):
    classes, distance = heads.unpack(head.codes)
    brain = np.isin(classes, tissues.members('brain'))
    assert distance[brain].max() <= -1.0
    # A ball of radius 13 closes to itself but for the cleft; a millimetre more all around.
    volume = (distance < 0).sum()
    assert 0.95 * 14**3 < volume * 3 / (4 * np.pi) < 1.05 * 14**3


def test_all_heads_have_one_shape_and_air_at_the_edge_and_below(head):
    assert head.codes.shape == heads.SHAPE
    classes, distance = heads.unpack(head.codes)
    assert not classes[:, :, 0].any()
    assert (distance[:, :, 0] == heads.REACH).all()
    assert not classes[0].any()
    assert not classes[-1].any()


def test_thin_layers_are_cut_out_of_the_fluid_and_the_soft_tissue(head):
    classes, _ = heads.unpack(head.codes)
    counts = np.bincount(classes.ravel(), minlength=len(tissues.TISSUES))
    for name in ('outer csf', 'second csf', 'falx', 'outer soft tissue', 'inner soft tissue'):
        assert counts[tissues.INDEX[name]] > 0, name


def test_candidates_lie_in_their_tissue(head):
    classes, _ = heads.unpack(head.codes)
    for group in ('white matter', 'cortex'):
        places = head.candidates[group]
        voxels = np.rint(places + (np.asarray(heads.SHAPE) - 1) / 2).astype(int)
        assert np.isin(classes[tuple(voxels.T)], tissues.members(group)).all()
    assert len(head.candidates['stem']) == 0


def test_the_centre_is_that_of_the_brain(head):
    classes, _ = heads.unpack(head.codes)
    brain = np.argwhere(np.isin(classes, tissues.members('brain')))
    middle = (brain.min(0) + brain.max(0)) / 2 - (np.asarray(heads.SHAPE) - 1) / 2
    np.testing.assert_allclose(head.centre, middle, atol=1.0)
    assert head.eyes[1] > head.centre[1]


def test_values_lowered_by_300_mean_the_same(head):
    labels = made_up()
    lowered = np.where(labels > 501, labels - tissues.SOURCE_OFFSET, labels)
    again = heads.prepare(lowered, name='03')
    np.testing.assert_array_equal(again.codes, head.codes)


def test_heads_survive_being_stored(head, tmp_path):
    heads.save(tmp_path / 'deep' / 'heads.npz', [head, head])
    again = heads.load(tmp_path / 'deep' / 'heads.npz')
    assert len(again) == 2
    assert again[0].name == head.name
    assert (again[0].weight, again[0].centre, again[0].eyes, again[0].neck) == (
        head.weight,
        head.centre,
        head.eyes,
        head.neck,
    )
    np.testing.assert_array_equal(again[0].codes, head.codes)
    for group, places in head.candidates.items():
        np.testing.assert_array_equal(again[0].candidates[group], places)


def test_a_folder_is_read_in_any_orientation_and_kept(head, tmp_path):
    # Axes L, I, A as in the source.
    turned = made_up()[::-1, :, ::-1].transpose(0, 2, 1)
    affine = np.asarray([[-1.0, 0, 0, 9], [0, 0, 1, -4], [0, -1, 0, 7], [0, 0, 0, 1]])
    image = nb.Nifti1Image(turned.astype(np.int16), affine)
    image.to_filename(tmp_path / 'training_seg_03.nii.gz')
    found = heads.read(tmp_path, cache=tmp_path / 'kept')
    np.testing.assert_array_equal(found[0].codes, head.codes)
    (tmp_path / 'training_seg_03.nii.gz').write_bytes(b'')
    assert heads.read(tmp_path, cache=tmp_path / 'kept')[0].name == '03'


def test_heads_stored_by_another_convention_of_the_brain_are_made_again(
    head, tmp_path, monkeypatch
):
    heads.save(tmp_path / 'head-03.npz', [head])
    assert heads.load(tmp_path / 'head-03.npz')
    monkeypatch.setattr(heads, 'CONVENTION', (4.0, 1.0))
    assert heads.load(tmp_path / 'head-03.npz') == ()


def test_a_folder_without_maps_is_an_error(tmp_path):
    with pytest.raises(UnavailableError, match='no label map'):
        heads.read(tmp_path)


def test_left_out_heads_never_reach_training(head):
    from dataclasses import replace

    several = [replace(head, name=name) for name in ('01', '09', '13', '14', '15', '17')]
    assert [one.name for one in heads.training(several)] == ['01', '13']
    assert [one.name for one in heads.left_out(several)] == list(heads.LEFT_OUT)
