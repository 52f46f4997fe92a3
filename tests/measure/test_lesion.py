# SPDX-License-Identifier: Apache-2.0
"""Lesions from labels and probabilities: sets, masks, specks, uncertainty, grids."""

from itertools import permutations

import bodies
import numpy as np
import pytest
from scipy import ndimage

from bids_seg.image import Grid, Volume, from_stored
from bids_seg.measure import lesions, usual_tissue
from bids_seg.measure.components import Tissues, measured_mask
from bids_seg.measure.recorded import half_up
from bids_seg.records import LesionSet, from_json, to_json

SPACING = (1.0, 1.0, 1.0)


def volume(array, spacing=SPACING):
    return Volume(array, Grid(array.shape, np.diag([*spacing, 1.0])))


def labels(array, spacing=SPACING):
    return volume(np.pad(array.astype(np.uint8), 3), spacing)


def measured(array, tissue='TC', **more):
    disease = 'metastases' if tissue == 'TC' else 'glioma'
    return lesions(
        labels(array), more.pop('probabilities', {}), disease=disease, tissue=tissue, **more
    )


def test_a_shell_around_necrosis_is_crossed_and_around_a_cavity_is_not():
    rim, hole = bodies.shell(6, 10)
    solid = measured(3 * rim + 1 * hole, 'ET')[0].lesions[0]
    assert (solid.longest.ld_mm, solid.longest.sd_mm) == (21.0, 21.0)
    assert solid.largest_product.product_mm2 == 441.0
    assert (solid.volume_mm3, solid.volume_filled_mm3) == (3244, 4169)
    assert (solid.et_mm3, solid.ncr_mm3) == (3244, 925)
    hollow = measured(3 * rim + 4 * hole, 'ET')[0].lesions[0]
    assert (hollow.longest.ld_mm, hollow.longest.sd_mm) == (17.3, 16.2)
    assert hollow.volume_filled_mm3 == hollow.volume_mm3 == 3244


def ring_with_gap(gap):
    x, y = np.mgrid[-14:15, -14:15]
    radius = np.hypot(x, y)
    rim = (radius <= 12) & (radius > 9) & ~((x > 0) & (abs(y) <= gap))
    core = (radius <= 12) & ~rim
    return np.repeat(rim[..., None], 3, axis=2), np.repeat(core[..., None], 3, axis=2)


def test_a_rim_broken_by_a_few_voxels_still_encloses_its_necrosis():
    rim, core = ring_with_gap(0)
    closed = measured(3 * rim + 1 * core, 'ET')[0].lesions[0]
    assert closed.longest.ld_mm == pytest.approx(25, abs=0.1)
    rim, core = ring_with_gap(4)
    opened = measured(3 * rim + 1 * core, 'ET')[0].lesions[0]
    assert opened.longest.ld_mm < 23


def test_without_necrosis_a_gap_opens_the_hole():
    rim, _ = ring_with_gap(0)
    assert measured(3 * rim, 'ET')[0].lesions[0].longest.ld_mm < 23


def test_pieces_of_a_rim_around_one_core_are_one_lesion():
    array = np.zeros((20, 9, 7), dtype=int)
    array[2:18, 2:7, 2:5] = 1
    array[2:4, 2:7, 2:5] = array[16:18, 2:7, 2:5] = 3
    found, image = measured(array, 'ET')
    assert len(found.lesions) == 1
    assert found.lesions[0].n_voxels == 60 == np.count_nonzero(image.array)
    apart, _ = measured(np.where(array == 1, 2, array), 'ET')
    assert [lesion.n_voxels for lesion in apart.lesions] == [30, 30]


def test_a_core_without_enhancement_is_no_lesion_of_the_enhancing_set():
    array = np.zeros((9, 8, 7), dtype=int)
    array[2:6, 2:6, 2:6] = 1
    assert measured(array, 'ET')[0].lesions == ()
    assert len(measured(array, 'TC')[0].lesions) == 1


def test_lesions_come_by_decreasing_volume_and_specks_are_counted_apart():
    array = np.zeros((24, 9, 8), dtype=int)
    array[1:3, 1:3, 1:3] = 5
    array[6:10, 2:6, 2:6] = 5
    array[14:16, 1, 1] = 5
    array[20, 1, 1] = 5
    found, image = measured(array)
    assert [lesion.volume_mm3 for lesion in found.lesions] == [64, 8]
    assert [lesion.component_index for lesion in found.lesions] == [1, 2]
    assert found.n_specks == 2
    assert np.bincount(image.array.ravel())[1:].tolist() == [64, 8]
    assert image.array.dtype == np.uint16
    assert len(measured(array, min_lesion_mm3=0)[0].lesions) == 2


def test_large_voxels_do_not_make_lesions_of_two_voxels():
    array = np.zeros((9, 8, 7), dtype=np.uint8)
    array[2:4, 3, 3] = 5
    big = volume(array, (3.0, 3.0, 5.0))
    found, _ = lesions(big, {}, disease='metastases', tissue='TC')
    assert (found.lesions, found.n_specks) == ((), 1)


def test_corners_connect_components():
    array = np.zeros((12, 12, 12), dtype=int)
    array[1:5, 1:5, 1:5] = array[5:9, 5:9, 5:9] = 5
    assert len(measured(array)[0].lesions) == 1


def test_totals_follow_from_nested_classes():
    array = np.zeros((8, 9, 10), dtype=int)
    for number in range(1, 5):
        array[1:3, 1:3, number] = number
    assert measured(array, 'ET')[0].totals_mm3 == {'WT': 12, 'TC': 8, 'ET': 4}


def test_non_enhancing_lesion_leaves_out_rim_and_enclosed_necrosis():
    rim, hole = bodies.shell(4, 6)
    around = np.zeros((31, 31, 31), dtype=bool)
    around[5:26, 5:26, 5:26] = True
    array = 2 * around
    centre = tuple(slice(15 - n // 2, 15 - n // 2 + n) for n in rim.shape)
    array[centre] = np.where(rim, 3, np.where(hole, 1, array[centre]))
    found = measured(array, 'NonCE')[0].lesions[0]
    assert found.volume_mm3 == 21**3 - int((rim | hole).sum())


def soft(mask, width=1.5):
    distance = ndimage.distance_transform_edt(mask) - ndimage.distance_transform_edt(~mask)
    return (1 / (1 + np.exp(-(distance - 0.5 * np.sign(distance)) / width))).astype(np.float32)


def test_low_and_high_come_from_the_components_at_other_probabilities():
    mask = np.pad(bodies.ball(8), 6)
    probability = soft(mask)
    given = {'TC': volume(probability)}
    image = volume((5 * mask).astype(np.uint8))
    found = lesions(image, given, disease='metastases', tissue='TC')[0].lesions[0]
    assert found.volume_low_mm3 == np.count_nonzero(probability >= 0.7)
    assert found.volume_high_mm3 == np.count_nonzero(probability >= 0.3)
    assert found.ld_low_mm < found.longest.ld_mm < found.ld_high_mm
    assert found.mean_prob == pytest.approx(probability[mask].mean(), abs=1e-4)
    assert found.max_prob == pytest.approx(probability.max(), abs=1e-4)
    assert found.mutual_info_bits is None


def test_a_lesion_that_is_nowhere_certain_has_low_bounds_of_zero():
    mask = np.pad(bodies.ball(3), 3)
    given = {'TC': volume(np.where(mask, np.float32(0.6), np.float32(0.1)))}
    image = volume((5 * mask).astype(np.uint8))
    found = lesions(image, given, disease='metastases', tissue='TC')[0].lesions[0]
    assert (found.ld_low_mm, found.volume_low_mm3) == (0.0, 0)
    assert found.volume_high_mm3 == found.volume_mm3


def test_a_mask_drawn_by_a_person_has_no_probabilities():
    found = measured(5 * bodies.ball(3))[0].lesions[0]
    nothing = (found.mean_prob, found.max_prob, found.total_entropy_bits, found.ld_low_mm)
    assert nothing == (None, None, None, None)
    assert found.et_mm3 is None


def test_disagreement_is_total_minus_mean_member_entropy():
    mask = np.pad(bodies.ball(3), 3)
    half = np.full(mask.shape, 0.5, dtype=np.float32)
    image = volume((5 * mask).astype(np.uint8))
    member = {'TC': volume(np.full(mask.shape, 0.25, dtype=np.float32))}
    found = lesions(
        image, {'TC': volume(half)}, disease='metastases', tissue='TC', member_entropies=member
    )[0].lesions[0]
    assert (found.total_entropy_bits, found.mutual_info_bits) == (1.0, 0.75)


def test_a_map_on_another_grid_is_refused():
    image = volume(np.zeros((7, 8, 9), dtype=np.uint8))
    other = volume(np.zeros((7, 8, 9), dtype=np.float32), (1.0, 1.0, 3.0))
    with pytest.raises(ValueError, match='not on the grid'):
        lesions(image, {'TC': other}, disease='metastases', tissue='TC')


def oblique(array, order, flips, tilt):
    """A volume stored with permuted and flipped axes, all on one tilted grid."""
    cosine, sine = np.cos(np.radians(tilt)), np.sin(np.radians(tilt))
    affine = np.eye(4)
    turn = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    affine[:3, :3] = turn * (0.8, 1.1, 3.0)
    affine[:3, 3] = 5, -7, 11
    stored = array.transpose(order)
    change = np.zeros((4, 4))
    change[3, 3] = 1
    for axis, origin in enumerate(order):
        change[origin, axis] = -1 if flips[axis] else 1
        change[origin, 3] = stored.shape[axis] - 1 if flips[axis] else 0
    stored = np.flip(stored, [axis for axis in range(3) if flips[axis]])
    return from_stored(stored.copy(), Grid(stored.shape, affine @ change))


def random_labels():
    noise = np.random.default_rng(5).normal(size=(32, 27, 15))
    smooth = ndimage.gaussian_filter(noise, (2, 2, 1))
    return (3 * (smooth > np.quantile(smooth, 0.9))).astype(np.uint8)


@pytest.mark.parametrize('order', list(permutations(range(3))))
@pytest.mark.parametrize(
    'flips', [(False, False, False), (True, False, True), (False, True, False)]
)
def test_numbers_and_places_do_not_depend_on_how_the_file_is_stored(order, flips):
    array = random_labels()
    plain, _ = lesions(
        oblique(array, (0, 1, 2), (False,) * 3, 8.0), {}, disease='glioma', tissue='ET'
    )
    stored = oblique(array, order, flips, 8.0)
    turned, _ = lesions(stored, {}, disease='glioma', tissue='ET')
    assert len(plain.lesions) > 3
    axis = order.index(2)
    for first, second in zip(plain.lesions, turned.lesions, strict=True):
        assert second.centroid == pytest.approx(first.centroid, abs=1e-3)
        assert second.longest.ld.start == pytest.approx(first.longest.ld.start, abs=1e-3)
        index = first.longest.slice
        expected = array.shape[2] - 1 - index if flips[axis] else index
        assert second.longest.slice == expected
        fields = ('volume_mm3', 'hull_ld_mm', 'sphericity', 'n_slices', 'slice_spacing_mm')
        for field in fields:
            assert getattr(first, field) == pytest.approx(getattr(second, field))
        assert first.longest.ld_mm == second.longest.ld_mm
        assert first.largest_product.product_mm2 == second.largest_product.product_mm2


def test_an_oblique_plane_is_flagged_and_its_angle_told():
    array = random_labels()
    straight = lesions(
        oblique(array, (0, 1, 2), (False,) * 3, 8), {}, disease='glioma', tissue='ET'
    )
    tilted = lesions(oblique(array, (0, 1, 2), (False,) * 3, 25), {}, disease='glioma', tissue='ET')
    assert straight[0].lesions[0].axial_obliquity_deg == pytest.approx(8, abs=0.01)
    assert 'plane_oblique' not in straight[0].lesions[0].flags
    assert 'plane_oblique' in tilted[0].lesions[0].flags
    assert tilted[0].lesions[0].slice_spacing_mm == pytest.approx(3)


def test_end_points_lie_in_scanner_space():
    array = np.zeros((12, 5, 4), dtype=np.uint8)
    array[1:11, 2:3, 2] = 5
    affine = np.diag([-2.0, 2.0, 4.0, 1.0])
    affine[:3, 3] = 40, 10, -6
    image = from_stored(array, Grid(array.shape, affine))
    found = lesions(image, {}, disease='metastases', tissue='TC')[0].lesions[0]
    ends = sorted([found.longest.ld.start, found.longest.ld.end])
    assert ends == [(19.0, 14.0, 2.0), (39.0, 14.0, 2.0)]
    assert found.longest.ld_mm == 20.0
    assert found.centroid == (29.0, 14.0, 2.0)


def test_a_corner_is_flagged_as_concave():
    found = measured(5 * bodies.corner())[0].lesions[0]
    assert found.concave
    assert found.flags == ('concave',)
    assert found.hull_ld_mm == 27.6


def test_no_labels_give_an_empty_set():
    found, image = measured(np.zeros((5, 6, 7)))
    assert found.lesions == ()
    assert not image.array.any()


def test_records_survive_json():
    found, _ = measured(5 * bodies.ball(4))
    assert from_json(LesionSet, to_json(found)) == found


def test_halves_are_rounded_up_in_decimals():
    assert [half_up(value, '0.1') for value in (0.25, 12.35, 12.349999999999999)] == [
        0.3,
        12.4,
        12.4,
    ]


def test_what_is_measured_follows_from_disease_and_regions():
    assert usual_tissue('metastases', ('TC',)) == 'TC'
    assert usual_tissue('glioma', ('WT', 'TC', 'ET')) == 'ET'
    assert usual_tissue('glioma', ('WT', 'TC')) == 'WT'


def test_a_hole_at_the_edge_of_the_image_is_open():
    mask = np.zeros((5, 6, 1), dtype=bool)
    mask[:3, 1] = mask[:3, 4] = mask[2, 1:5] = True
    nothing = np.zeros_like(mask)
    tissues = Tissues(mask, mask, nothing, nothing)
    assert np.array_equal(measured_mask(mask, tissues, SPACING), mask)
