# SPDX-License-Identifier: Apache-2.0
"""The sibling in PyTorch: cutting, resizing, z-scores, clean-up, and the way back."""

import numpy as np
import pytest
from published_files import CASES, needs_cases

from bids_seg.image import Grid, Volume
from bids_seg.segment import films, slices
from bids_seg.segment.system import Manner, Scene
from bids_seg.segment.systems import budatorch


@pytest.fixture
def case():
    return np.load(CASES / 'budatorch' / 'preprocess.npz')


@needs_cases
def test_pictures_are_cut_and_padded_as_in_the_original(case):
    kept, box = budatorch.crop(case['volume'])
    assert np.array_equal(kept, case['cropped'])
    assert [side.stop - side.start for side in box] == list(case['cropped'].shape[:3])
    assert np.array_equal(budatorch.pad(kept), case['padded'])


@needs_cases
def test_pictures_are_resized_and_scored_as_in_the_original(case):
    resized = budatorch.resize(case['padded'], side=64)
    np.testing.assert_allclose(resized, case['resized'], atol=1e-5)
    np.testing.assert_allclose(budatorch.normalise(resized), case['normalized'], atol=1e-5)


@needs_cases
def test_pieces_hang_together_by_faces_as_in_the_original():
    case = np.load(CASES / 'budatorch' / 'postprocess.npz')
    mask = case['prob'][:, 0] > budatorch.THRESHOLD
    assert np.array_equal(slices.largest(mask, corners=False), case['largest'][:, 0] > 0)


def test_a_channel_without_contrast_becomes_nothing():
    pictures = np.random.default_rng(0).random((3, 8, 9, 3)).astype(np.float32)
    pictures[..., 2] = 0.5
    scores = budatorch.normalise(pictures)
    assert not scores[..., 2].any()
    np.testing.assert_allclose(scores[..., :2].mean(axis=(0, 1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(scores[..., :2].std(axis=(0, 1, 2)), 1, atol=1e-5)
    assert not budatorch.normalise(np.full((2, 4, 4, 3), 0.3, np.float32)).any()


def test_background_goes_and_the_rest_keeps_its_place():
    pictures = np.full((6, 20, 22, 3), 9, np.uint8)
    pictures[2:5, 4:9, 6:18, 1] = 200
    kept, box = budatorch.crop(pictures)
    assert box == (slice(2, 5), slice(4, 9), slice(6, 18))
    assert set(np.unique(kept)) == {0, 200}
    assert budatorch.crop(np.zeros_like(pictures)) is None


SHAPE = (58, 71, 11)


def scene():
    """Return a visit whose lesion is bright in FLAIR, and where the lesion is."""
    i, j, k = np.indices(SHAPE)
    inside = ((i - 27) / 20) ** 2 + ((j - 36) / 26) ** 2 + ((k - 5) / 5.5) ** 2 < 1
    spot = ((i - 38) / 6) ** 2 + ((j - 28) / 5) ** 2 + ((k - 6) / 2.2) ** 2 < 1
    rng = np.random.default_rng(1)
    values = np.round(np.where(inside, rng.normal(150, 8, SHAPE), rng.uniform(0, 12, SHAPE)))
    affine = np.array([[-1.0, 0.1, 0, 80], [0.1, 1.0, 0, -90], [0, 0, 3.0, -70], [0, 0, 0, 1.0]])
    volume = Volume(np.where(spot, 280.0, values).astype(np.float32), Grid(SHAPE, affine))
    brain = Volume(inside.astype(np.uint8), volume.grid)
    return Scene(images={'FLAIR': volume}, reference='FLAIR', brain=brain), inside, spot


def bright(batch):
    """Return logits of a network that marks what is far brighter than the rest in FLAIR."""
    return 9 * (batch[..., 1:2] - 2.0)


@pytest.mark.parametrize('parity', [False, True])
def test_the_abnormality_is_drawn_where_it_lies(parity):
    visit, _, spot = scene()
    drawn = budatorch.SYSTEM.draw(visit, [bright], Manner(parity=parity))
    mask = drawn.masks['WT']
    assert drawn.images == ('FLAIR',)
    assert drawn.mutual == {}
    assert 2 * (mask & spot).sum() / (mask.sum() + spot.sum()) > 0.9
    middle = np.argwhere(mask).mean(axis=0) - np.argwhere(spot).mean(axis=0)
    assert np.abs(middle).max() < 0.3


def test_nothing_is_said_of_background_nor_of_the_first_and_last_slice():
    visit, inside, _ = scene()
    drawn = budatorch.SYSTEM.draw(
        visit, [lambda batch: np.ones_like(batch[..., :1]), bright], Manner()
    )
    said = drawn.probabilities['WT'] > 0.1
    assert not said[..., [0, -1]].any()
    seen = np.argwhere(inside[..., 1:-1])
    told = np.argwhere(said)
    assert np.abs(told.min(axis=0) - [0, 0, 1] - seen.min(axis=0)).max() <= 1
    assert np.abs(told.max(axis=0) - [0, 0, 1] - seen.max(axis=0)).max() <= 1
    assert drawn.mutual['WT'].shape == SHAPE


def test_a_visit_of_black_images_has_no_abnormality():
    visit, _, _ = scene()
    black = Volume(np.zeros(SHAPE, np.float32), visit.images['FLAIR'].grid)
    empty = Scene(images={'FLAIR': black}, reference='FLAIR', brain=None)
    drawn = budatorch.SYSTEM.draw(empty, [bright, bright], Manner())
    assert not drawn.masks['WT'].any()
    assert drawn.mutual['WT'].shape == SHAPE


def test_a_mirrored_visit_is_mirrored_on_its_way_in():
    rng = np.random.default_rng(2)
    pictures = np.zeros((5, 256, 256, 3), np.uint8)
    pictures[:, 30:230, 20:220] = rng.integers(30, 250, size=(5, 200, 200, 3))
    plain, mirrored = (budatorch.prepare(some) for some in (pictures, pictures[:, :, ::-1]))
    np.testing.assert_allclose(mirrored.channels, plain.channels[:, :, ::-1], atol=1e-5)
    assert mirrored.box[2] == slice(256 - 220, 256 - 20)
    assert films.frame(256, 256).scale == 1
