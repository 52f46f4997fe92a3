# SPDX-License-Identifier: Apache-2.0
"""What masks have in common: spheres at known distances, anisotropic voxels, lesions by voxel."""

from dataclasses import replace

import numpy as np
import pytest

from bids_seg.records import VisitAlignment
from bids_seg.track.follow import VisitComponents, follow
from bids_seg.track.match import Component
from bids_seg.track.overlap import Masks, edges_of, in_view, look_at, residue
from bids_seg.track.quality import faults

ONE = (1.0, 1.0, 1.0)


def ball(centre, radius, *, shape=(40, 28, 24), spacing=ONE, strict=False):
    axes = [np.arange(side) * step for side, step in zip(shape, spacing, strict=True)]
    grids = np.meshgrid(*axes, indexing='ij')
    square = sum((grid - place) ** 2 for grid, place in zip(grids, centre, strict=True))
    return square < radius**2 if strict else square <= radius**2


def edge_between(first, second, spacing=ONE):
    found = edges_of(first, second.astype(int), lesion_id='L001', spacing=spacing)
    return found[0] if found else None


@pytest.mark.parametrize(
    ('radius', 'shift', 'a'), [(5, 6, 0.464), (5, 8, None), (1.5, 3, 0.526), (1.5, 5, None)]
)
def test_a_shift_of_a_misfit_keeps_identity_and_a_larger_one_does_not(radius, shift, a):
    edge = edge_between(ball((12, 12, 12), radius), ball((12 + shift, 12, 12), radius))
    assert (edge and round(edge.a, 3)) == a


def test_a_small_lesion_within_a_large_one_is_wholly_in_it():
    edge = edge_between(ball((12, 12, 12), 3), ball((13, 12, 12), 10))
    assert edge.a == 1
    assert edge.overlap_mm3 == ball((12, 12, 12), 3).sum()


def test_spheres_that_merely_touch_are_not_the_same_lesion():
    # S25: 485 voxels each, 9 mm apart.
    first, second = (ball((x, 12, 12), 5, strict=True) for x in (12, 21))
    assert first.sum() == 485
    assert edge_between(first, second) is None
    near = np.count_nonzero(_near(first) & second) / second.sum()
    assert round(near, 3) == 0.103


def _near(mask):
    """Grow by 2 mm, voxel by voxel, as a check of the distance transform."""
    steps = [(x, y, z) for x in range(-2, 3) for y in range(-2, 3) for z in range(-2, 3)]
    grown = np.zeros_like(mask)
    for step in steps:
        if sum(value**2 for value in step) <= 4:
            grown |= np.roll(mask, step, axis=(0, 1, 2))
    return grown


def test_the_tolerance_is_in_millimetres_on_every_axis():
    mask = np.zeros((12, 13, 9), dtype=bool)
    mask[5, 5, 4] = True
    for step, met in (((2, 0, 0), True), ((3, 0, 0), False), ((0, 0, 1), False), ((0, 4, 0), True)):
        other = np.roll(mask, step, axis=(0, 1, 2))
        assert bool(edge_between(mask, other, (1.0, 0.5, 3.0))) == met


def test_volumes_in_common_are_in_cubic_millimetres():
    mask = np.zeros((9, 8, 7), dtype=bool)
    mask[2:5, 2:6, 2:4] = True
    assert edge_between(mask, mask, (1.0, 0.5, 3.0)).overlap_mm3 == pytest.approx(24 * 1.5)


def test_shares_are_those_of_masks_grown_voxel_by_voxel():
    generator = np.random.default_rng(5)
    first = np.zeros((20, 19, 18), dtype=bool)
    second = first.copy()
    first[6:12, 6:11, 6:10] = generator.random((6, 5, 4)) > 0.4
    second[8:14, 8:12, 7:12] = generator.random((6, 4, 5)) > 0.4
    edge = edge_between(first, second)
    assert edge.a == np.count_nonzero(first & _near(second)) / first.sum()
    assert edge.b == np.count_nonzero(second & _near(first)) / second.sum()


def test_an_empty_mask_meets_nothing():
    empty = np.zeros((9, 8, 7), dtype=bool)
    assert edges_of(empty, np.ones((9, 8, 7), dtype=int), lesion_id='L001', spacing=ONE) == []
    assert residue(empty, Masks(np.zeros((9, 8, 7), int)), spacing=ONE).probability is None


def test_what_is_left_is_sought_within_two_millimetres():
    mask = np.zeros((12, 11, 9), dtype=bool)
    mask[5, 5, 4] = True
    chance = np.zeros(mask.shape)
    chance[7, 5, 4], chance[8, 5, 4] = 0.4, 0.9
    specks = np.roll(mask, 2, axis=1)
    left = residue(mask, Masks(mask * 0, probability=chance, specks=specks), spacing=ONE)
    assert (left.probability, left.speck) == (0.4, True)
    left = residue(mask, Masks(mask * 0, specks=np.roll(mask, 3, axis=1)), spacing=ONE)
    assert (left.probability, left.speck) == (None, False)


def test_a_component_is_in_view_where_half_of_it_is():
    mask = np.zeros((6, 5, 4), dtype=bool)
    mask[2:4] = True
    half, less = np.zeros_like(mask), np.zeros_like(mask)
    half[2], less[0] = True, True
    assert in_view(mask, [half, less, None]) == (0, 2)


def test_lesions_are_followed_by_their_voxels():
    """One grows, one splits, one goes and comes back, one is new and far from all."""
    big = ball((10, 10, 10), 5)
    bar = np.zeros_like(big)
    bar[20:32, 18:22, 6:9] = True
    parts = bar.copy()
    parts[25:27] = False
    small = ball((33, 6, 18), 2)
    new = ball((6, 22, 18), 2)
    scenes = [
        [big, bar, small],
        [ball((11, 10, 10), 6), bar],
        [ball((11, 10, 10), 6), parts & _first_half(), parts & ~_first_half(), small, new],
    ]
    masks, visits = [], []
    for scene in scenes:
        ordered = sorted(scene, key=lambda mask: -mask.sum())
        numbers = sum(mask * (i + 1) for i, mask in enumerate(ordered))
        masks.append(Masks(numbers))
        visits.append(
            VisitComponents(
                components=tuple(
                    Component(
                        index=i + 1,
                        volume_mm3=int(mask.sum()),
                        centroid=tuple(float(x) for x in np.argwhere(mask).mean(axis=0)),
                    )
                    for i, mask in enumerate(ordered)
                )
            )
        )
    look = look_at(masks, [visit.components for visit in visits], spacing=ONE)
    tracks = follow(visits, look, disease='metastases', tissue='TC').tracks
    assert [[event.identity for event in track.events] for track in tracks] == [
        ['baseline', 'continuing', 'continuing'],
        ['baseline', 'continuing', 'continuing'],
        ['baseline', 'resolved', 'recurrent'],
        ['fragment'],
        ['new'],
    ]
    assert tracks[0].at(1).events == ('growing',)
    assert tracks[1].at(2).events == ('split',)
    assert tracks[3].parent_id == 'L002'


def _first_half():
    half = np.zeros((40, 28, 24), dtype=bool)
    half[:26] = True
    return half


GOOD = VisitAlignment(
    disagreement_mm=2.0,
    rotation_deg=45.0,
    mutual_information=1.1,
    mutual_information_before=1.1,
    brain_dice=0.85,
)


def test_a_good_alignment_has_no_faults_at_its_bounds():
    assert faults(GOOD) == ()
    assert faults(replace(GOOD, brain_dice=None)) == ()


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        ({'disagreement_mm': 2.01}, 'forward and reverse'),
        ({'disagreement_mm': float('nan')}, 'forward and reverse'),
        ({'rotation_deg': 45.1}, 'turned'),
        ({'mutual_information': 1.099}, 'mutual information'),
        ({'brain_dice': 0.849}, 'brains'),
    ],
)
def test_each_figure_beyond_its_bound_is_a_fault(change, words):
    (text,) = faults(replace(GOOD, **change))
    assert words in text
