# SPDX-License-Identifier: Apache-2.0
"""Brain extraction as nobrainer does it: its network, its blocks, its way with images."""

import numpy as np
import published_files as files
import pytest
from published_files import CASES, needs_cases

keras = pytest.importorskip('keras')

from bids_seg.errors import UnavailableError  # noqa: E402
from bids_seg.image import Grid, Volume  # noqa: E402
from bids_seg.segment import maps, slices  # noqa: E402
from bids_seg.segment.brain import dice  # noqa: E402
from bids_seg.segment.networks import nobrainer as network  # noqa: E402
from bids_seg.segment.system import Manner, Scene  # noqa: E402
from bids_seg.segment.systems import nobrainer as system  # noqa: E402

pytestmark = pytest.mark.slow


def calls(model):
    return lambda batch: np.asarray(model(batch))


def published_tensors(width):
    """Return seeded tensors with the automatic names of a process that made a network before."""
    model = files.seed_weights(network.build(width), 3)
    weights = {weight.path: np.asarray(weight) for weight in model.weights}
    number = {'conv3d': 15, 'conv3d_transpose': 3}
    named = {}
    for path in network.order():
        layer, kind = path.split('/')
        sort = 'conv3d_transpose' if layer.startswith('grow') else 'conv3d'
        named[f'{sort}_{number[sort]}/{kind}:0'] = weights[path]
        number[sort] += kind == 'bias'
    return named


def test_it_has_as_many_parameters_as_published():
    assert network.build().count_params() == 4_768_289


@pytest.mark.parametrize('whole', [True, False])
def test_either_published_file_fills_it_by_order(tmp_path, whole):
    path = files.write_hdf5(tmp_path / 'model.h5', published_tensors(1), whole=whole)
    model = network.build(1)
    system.load(model, path)
    expected = files.seed_weights(network.build(1), 3)
    for weight, other in zip(model.weights, expected.weights, strict=True):
        np.testing.assert_array_equal(np.asarray(weight), np.asarray(other))


def test_a_file_with_batch_normalisation_is_refused(tmp_path):
    tensors = published_tensors(1)
    items = list(tensors.items())
    more = dict([*items[:2], ('batch_normalization/gamma:0', np.ones(1, np.float32)), *items[2:]])
    with pytest.raises(UnavailableError, match='batch_normalization/gamma:0, where down0_b/kernel'):
        system.load(network.build(1), files.write_hdf5(tmp_path / 'm.h5', more))


def test_seeded_weights_give_the_numbers_they_always_gave():
    x = np.random.RandomState(9).standard_normal((1, 16, 8, 24, 1)).astype(np.float32)
    said = np.asarray(files.seed_weights(network.build(2), 1)(x))
    assert said.shape == x.shape
    np.testing.assert_allclose(said[0, [0, 7, 15], [0, 4, 7], [0, 13, 23], 0], GOLDEN, atol=2e-5)


@needs_cases
def test_the_published_width_agrees_with_the_original():
    model = network.build()
    tensors = files.generated(CASES / 'nobrainer/unet_full_layout.csv', 101)
    network.fill(model, tensors, where='case')
    found = np.asarray(model(np.load(CASES / 'nobrainer/unet_full_x.npy')))
    np.testing.assert_allclose(found, np.load(CASES / 'nobrainer/unet_full_logits.npy'), atol=2e-4)


@needs_cases
@pytest.mark.parametrize('file', ['unet_small_model.h5', 'unet_small_weights.h5'])
def test_files_of_the_original_give_its_answers(file):
    model = network.build(2)
    system.load(model, CASES / 'nobrainer' / file)
    found = maps.sigmoid(np.asarray(model(np.load(CASES / 'nobrainer/unet_small_x.npy'))))
    np.testing.assert_allclose(found, np.load(CASES / 'nobrainer/unet_small_y.npy'), atol=1e-6)


@needs_cases
@pytest.mark.parametrize('turned', [False, True])
def test_the_whole_way_of_the_original_gives_its_masks(turned):
    case = np.load(CASES / 'nobrainer/cli_pipeline.npz')
    model = network.build(2)
    system.load(model, CASES / 'nobrainer/unet_small_model.h5')
    scores = system.standardise(system.stretch(case['x'], (32, 32, 32), order=1))
    found = system.probability(calls(model), scores, block=16, turned=turned, parity=True)

    def mask(threshold):
        return system.stretch(found > threshold, case['x'].shape, order=0) > 0.5

    kind = 'rotate' if turned else 'base'
    # Single voxels may lie on the threshold.
    assert (mask(system.THRESHOLD) != case[kind]).sum() <= 2
    largest = slices.largest(mask(system.THRESHOLD), corners=True)
    assert (largest != case['rotate_largest' if turned else 'largest']).sum() <= 2
    if not turned:
        assert (mask(0.5) != case['t05']).sum() <= 2


@needs_cases
def test_stretching_and_scores_agree_with_the_original():
    case = np.load(CASES / 'nobrainer/resize.npz')
    for name, side in (('down', 16), ('up', 32)):
        found = system.stretch(case['x'], (side,) * 3, order=1)
        np.testing.assert_allclose(found, case[name], atol=1e-5 * np.ptp(case['x']))
    back = system.stretch(case['mask'], (20, 24, 18), order=0)
    np.testing.assert_array_equal(back, case['mask_back'])
    case = np.load(CASES / 'nobrainer/standardize.npz')
    np.testing.assert_allclose(system.standardise(case['x']), case['y'], rtol=1e-6, atol=1e-6)


@needs_cases
def test_turning_agrees_with_the_original():
    case = np.load(CASES / 'nobrainer/rigid.npz')
    matrix = system.rotation((12, 14, 10), (0.3, -0.7, 1.1), (1.5, -2, 0.25))
    np.testing.assert_allclose(matrix, case['matrix'], atol=2e-6)
    view = system.rotation((16, 16, 16), system.TURN, (0, 0, 0))
    np.testing.assert_allclose(view, case['matrix_tta_16'], atol=2e-6)
    linear = system.warp(case['volume'], case['matrix'])
    np.testing.assert_allclose(linear, case['linear'], atol=1e-5 * np.ptp(case['volume']))
    wrapped = system.warp_nearest(case['volume'], case['matrix'], parity=True)
    np.testing.assert_array_equal(wrapped, case['nearest'])


def test_one_place_beyond_the_end_is_outside_unless_the_original_is_followed():
    array = np.arange(1, 25, dtype=np.float32).reshape(2, 3, 4)
    beside = np.eye(4, dtype=np.float32)
    beside[2, 3] = 1
    assert system.warp_nearest(array, beside)[0, 0].tolist() == [2, 3, 4, 0]
    assert system.warp_nearest(array, beside, parity=True)[0, 0].tolist() == [2, 3, 4, 5]


def test_turning_there_and_back_leaves_the_middle_where_it_was():
    array = np.zeros((20, 20, 20), np.float32)
    array[8:13, 5:12, 9:14] = 1
    matrix = system.rotation(array.shape, system.TURN, (0, 0, 0))
    back = system.warp_nearest(system.warp(array, matrix), np.linalg.inv(matrix))
    assert dice(back > 0.5, array > 0) > 0.85


class Threshold:
    """A network that takes for brain what is brighter than so many standard deviations."""

    def __init__(self, level):
        self.level = level
        self.seen = []

    def __call__(self, batch):
        self.seen.append(batch.shape)
        return 20 * (batch - self.level)


@pytest.mark.parametrize(
    ('manner', 'level', 'blocks', 'pieces'),
    [(Manner(), 2.5, 27, 1), (Manner(parity=True), 0.9, 8, 2)],
)
def test_the_brain_is_found_where_it_is(head, manner, level, blocks, pieces):
    image = head.volume()
    image.array[10:16, 10:16, 10:16] = 90
    call = Threshold(level)
    scene = Scene(images={'T1wCE': image}, reference='T1wCE', brain=None)
    drawn = system.draw(scene, [call], manner)
    assert call.seen == [(1, 128, 128, 128, 1)] * blocks
    assert dice(drawn.masks['brain'], head.brain) > 0.97
    assert drawn.probabilities['brain'][head.brain].mean() == pytest.approx(1, abs=0.03)
    # The original leaves pieces that are no brain, unless it is asked to take them away.
    assert drawn.masks['brain'][11:15, 11:15, 11:15].any() == (pieces == 2)
    assert drawn.images == ('T1wCE',)
    assert drawn.mutual == {}


def test_opinions_that_differ_are_told(head):
    scene = Scene(images={'T1w': head.volume()}, reference='T1w', brain=None)
    sure = Threshold(-100)
    voices = [sure, lambda batch: np.full_like(batch, -99.0)]
    drawn = system.draw(scene, voices, Manner(quick=True))
    middle = tuple(side // 2 for side in head.grid.shape)
    assert drawn.probabilities['brain'][middle] == pytest.approx(0.5, abs=1e-3)
    assert drawn.mutual['brain'][middle] > 0.99
    assert len(sure.seen) == 8


def test_of_a_body_too_tall_the_head_is_kept():
    grid = Grid((30, 30, 80), np.diag([6.0, 6.0, 6.0, 1.0]))
    array = np.zeros(grid.shape, np.float32)
    array[8:22, 8:22, 2:70] = 100
    conformed = system.conformed_grid(Volume(array, grid))
    top = (np.linalg.inv(conformed.affine) @ grid.affine @ [15, 15, 69, 1])[:3]
    assert conformed.shape == (256, 256, 256)
    assert 225 < top[2] < 256
    assert abs(top[0] - 128) < 8


GOLDEN = [-0.424475, -0.328371, -0.131344]
"""Logits of three voxels, from the network that agrees with the original."""
