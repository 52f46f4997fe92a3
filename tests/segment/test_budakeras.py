# SPDX-License-Identifier: Apache-2.0
"""Brain and abnormality in axial slices of FLAIR: channels, clean-up, and places."""

import numpy as np
import pytest
from published_files import CASES, needs_cases

from bids_seg.errors import StageError
from bids_seg.image import Grid, Volume
from bids_seg.segment import slices
from bids_seg.segment.system import Manner, Scene
from bids_seg.segment.systems import budakeras

AFFINE = np.array([[-1.0, 0.1, 0, 80], [0.1, 1.0, 0, -90], [0, 0, 3.0, -70], [0, 0, 0, 1.0]])
SHAPE = (58, 70, 9)


@needs_cases
def test_the_network_is_given_the_numbers_of_the_original():
    case = np.load(CASES / 'budakeras' / 'unet_io.npz')
    np.testing.assert_allclose(budakeras.normalise(case['u8'], 'brain'), case['x'], rtol=1e-6)


def test_each_task_has_its_own_mean_and_spread():
    values = np.array([63], np.uint8)
    assert budakeras.normalise(values, 'abnormality').tolist() == [1.0]
    assert budakeras.normalise(values, 'brain')[0] == pytest.approx(0.66)


@needs_cases
def test_the_largest_piece_is_that_of_the_original():
    case = np.load(CASES / 'budakeras' / 'postprocess.npz')
    mask = np.round(case['prob']) > 0
    assert np.array_equal(mask, case['prob'] > budakeras.THRESHOLD)
    assert np.array_equal(slices.largest(mask, corners=True), case['largest'] > 0)


def test_a_hull_is_convex_and_holds_all_it_was_made_of():
    rng = np.random.default_rng(0)
    mask = rng.random((23, 31)) > 0.97
    full = budakeras.hull(mask)
    assert (full | ~mask).all()
    for _ in range(200):
        first, second = np.argwhere(full)[rng.integers(full.sum(), size=2)]
        between = np.round(np.linspace(first, second, 40)).astype(int)
        near = full[between[:, 0], between[:, 1]]
        assert near.mean() > 0.8


def test_a_convex_mask_is_its_own_hull():
    row, column = np.ogrid[:23, :31]
    wide = (row > 5) & (row < 14) & (column > 2) & (column < 29)
    for mask in (wide, (row == 4) & (column == 7), (row == 9) & (column > 20)):
        assert np.array_equal(budakeras.hull(mask), mask)


def test_the_hull_closes_the_largest_piece_slice_by_slice():
    mask = np.zeros((20, 22, 6), dtype=bool)
    mask[4:16, 5:18, 1:4] = True
    mask[8:12, 5:12, 2] = False
    mask[0:2, 0:2, :] = True
    full = budakeras.hulled(mask)
    assert full[4:16, 5:18, 1:4].all()
    assert full.sum() == 12 * 13 * 3


def head():
    """Return FLAIR with a bright spot, where the head is, and where the spot is."""
    i, j, k = np.indices(SHAPE)
    inside = ((i - 27) / 20) ** 2 + ((j - 36) / 26) ** 2 + ((k - 4) / 4.5) ** 2 < 1
    spot = ((i - 38) / 6) ** 2 + ((j - 28) / 5) ** 2 + ((k - 5) / 2.2) ** 2 < 1
    rng = np.random.default_rng(1)
    values = np.round(np.where(inside, rng.normal(150, 8, SHAPE), rng.uniform(0, 12, SHAPE)))
    return np.where(spot, 280.0, values), inside, spot


def scene(brain=None, **images):
    grid = Grid(SHAPE, AFFINE)
    volumes = {role: Volume(array.astype(np.float32), grid) for role, array in images.items()}
    mask = None if brain is None else Volume(brain.astype(np.uint8), grid)
    return Scene(images=volumes, reference='FLAIR', brain=mask)


def brighter_than(level, channel=1):
    """Return a network that marks what is brighter in one channel."""
    return lambda batch: 9 * (batch[..., channel : channel + 1] - level)


def dice(first, second):
    return 2 * (first & second).sum() / (first.sum() + second.sum())


@pytest.mark.parametrize('parity', [False, True])
def test_the_brain_is_drawn_where_it_lies(parity):
    values, inside, _ = head()
    drawn = budakeras.BRAIN.draw(scene(FLAIR=values), [brighter_than(0)], Manner(parity=parity))
    assert drawn.images == ('FLAIR',)
    assert drawn.probabilities['brain'].shape == SHAPE
    assert dice(drawn.masks['brain'], inside) > 0.97
    assert drawn.warnings == ()


def test_a_brain_that_is_cut_off_is_told():
    values, _, _ = head()
    tall = np.concatenate([values, values[:, ::-1]], axis=1)
    volume = Volume(tall.astype(np.float32), Grid(tall.shape, AFFINE))
    given = Scene(images={'FLAIR': volume}, reference='FLAIR', brain=None)
    drawn = budakeras.BRAIN.draw(given, [brighter_than(0)], Manner())
    assert drawn.warnings == (budakeras.CUT,)


def test_neighbours_come_from_below_and_above():
    values, inside, _ = head()
    for channel, shift in ((0, 1), (2, -1)):
        drawn = budakeras.BRAIN.draw(scene(FLAIR=values), [brighter_than(0, channel)], Manner())
        moved = np.roll(inside, shift, axis=2)
        moved[:, :, 0 if shift > 0 else -1] = False
        assert dice(drawn.masks['brain'], moved) > 0.97


@pytest.mark.parametrize('parity', [False, True])
def test_the_abnormality_is_drawn_where_it_lies_without_small_pieces(parity):
    values, inside, spot = head()
    values[10:12, 36:38, 4] = 300
    given = scene(inside, FLAIR=values, T1w=values, T1wCE=values)
    drawn = budakeras.FLAIR.draw(given, [brighter_than(3.2)], Manner(parity=parity))
    assert drawn.images == ('T1w', 'FLAIR', 'T1wCE')
    assert dice(drawn.masks['WT'], spot) > 0.9
    assert drawn.probabilities['WT'][11, 37, 4] > 0.5
    assert not drawn.masks['WT'][11, 37, 4]


def test_two_opinions_leave_a_map_of_how_far_they_differ():
    values, inside, spot = head()
    calls = [brighter_than(3.2), brighter_than(90)]
    drawn = budakeras.FLAIR.draw(scene(inside, FLAIR=values), calls, Manner())
    assert drawn.mutual['WT'][spot].mean() > 0.5
    assert drawn.mutual['WT'][~spot].mean() < 0.02


def test_without_flair_nothing_is_drawn():
    values, _, _ = head()
    with pytest.raises(StageError, match='there is no FLAIR image'):
        budakeras.FLAIR.draw(scene(T1w=values), [brighter_than(3)], Manner())
