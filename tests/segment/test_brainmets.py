# SPDX-License-Identifier: Apache-2.0
"""Metastases as Brain-Mets-Seg draws them: its network, its blending, its flips and folds."""

import numpy as np
import published_files as files
import pytest
from published_files import CASES, needs_cases

keras = pytest.importorskip('keras')

from bids_seg.errors import StageError, UnavailableError  # noqa: E402
from bids_seg.image import Grid, Volume  # noqa: E402
from bids_seg.segment import maps, windows  # noqa: E402
from bids_seg.segment.brain import dice  # noqa: E402
from bids_seg.segment.networks import brainmets as network  # noqa: E402
from bids_seg.segment.system import Manner, Scene  # noqa: E402
from bids_seg.segment.systems import brainmets as system  # noqa: E402

pytestmark = pytest.mark.slow

NARROW = (4, 6, 8)


def tensors_of(model):
    return {w.path.replace('-', '/'): np.asarray(w) for w in model.weights}


def test_it_has_as_many_parameters_as_published():
    assert network.build().count_params() == 31_194_017
    assert network.build(heads=2).count_params() == 31_194_211


@needs_cases
def test_its_keys_and_shapes_are_those_of_the_published_checkpoints():
    lines = (CASES / 'brainmets/unet_layout.csv').read_text().splitlines()[1:]
    listed = {line.split(',')[1]: line.split(',')[2] for line in lines}
    model = network.build(heads=2)
    assert {n: 'x'.join(map(str, t.shape)) for n, t in tensors_of(model).items()} == listed
    keys = (CASES / 'brainmets/checkpoint_keys.csv').read_text()
    assert all(f'\n{key},' in keys for key in network.names(model).values())


def test_a_checkpoint_fills_it_whether_or_not_heads_are_wanted(tmp_path):
    trained = files.seed_weights(network.build(NARROW, heads=1), 5)
    tensors = tensors_of(trained)
    momentum = dict(tensors) | {
        'output_block/conv/kernel/.OPTIMIZER_SLOT/optimizer/momentum': np.ones(3, np.float32)
    }
    folder = files.write_checkpoint(tmp_path / 'Model_0', momentum)
    for heads in (0, 1):
        model = network.build(NARROW, heads=heads)
        system.load(model, folder)
        for weight in model.weights:
            np.testing.assert_array_equal(
                np.asarray(weight), tensors[weight.path.replace('-', '/')]
            )
    del tensors['bottleneck/conv2/norm/beta']
    tensors['bottleneck/conv2/norm/moving_mean'] = np.ones(8, np.float32)
    with pytest.raises(UnavailableError) as caught:
        system.load(network.build(NARROW), files.write_checkpoint(tmp_path / 'Model_1', tensors))
    assert 'missing: model/model/bottleneck/conv2/norm/beta/' in caught.value.what
    assert 'not used: model/model/bottleneck/conv2/norm/moving_mean/' in caught.value.what


def test_seeded_weights_give_the_numbers_they_always_gave():
    x = np.random.RandomState(9).standard_normal((1, 16, 8, 24, 1)).astype(np.float32)
    whole, half = files.seed_weights(network.build(NARROW, heads=1), 1)(x)
    assert tuple(half.shape) == (1, 8, 4, 12, 1)
    found = np.asarray(whole)[0, [0, 7, 15], [0, 4, 7], [0, 13, 23], 0]
    np.testing.assert_allclose(found, GOLDEN, atol=2e-5)


@needs_cases
def test_the_published_width_agrees_with_the_original():
    model = network.build(heads=2)
    tensors = files.generated(CASES / 'brainmets/unet_layout.csv', 601)
    network.fill(model, {network.KEY.format(n): t for n, t in tensors.items()}, where='case')
    x = np.random.RandomState(51).standard_normal((1, 64, 64, 64, 1)).astype(np.float32)
    found = [np.asarray(said) for said in model(x)]
    deep = np.load(CASES / 'brainmets/unet_deep.npz')
    expected = (np.load(CASES / 'brainmets/unet_logits.npy'), deep['half'], deep['quarter'])
    for said, original in zip(found, expected, strict=True):
        np.testing.assert_allclose(said, original, atol=1e-3)


@needs_cases
def test_a_checkpoint_of_the_original_gives_its_answers():
    model = network.build((4, 8, 16, 32, 40, 40), heads=2)
    system.load(model, CASES / 'brainmets/narrow_ckpt')
    case = np.load(CASES / 'brainmets/narrow_io.npz')
    for said, name in zip(model(case['x']), ('logits', 'half', 'quarter'), strict=True):
        np.testing.assert_allclose(np.asarray(said), case[name], atol=1e-3)


@needs_cases
def test_blending_agrees_with_the_original_with_and_without_its_defect():
    case = np.load(CASES / 'brainmets/sliding.npz')
    np.testing.assert_allclose(system.importance(8), case['importance8'], rtol=1e-6)
    whole = np.load(CASES / 'brainmets/importance.npz')
    diagonal = range(system.SIDE)
    np.testing.assert_allclose(
        system.importance()[diagonal, diagonal, diagonal], whole['diag'], rtol=1e-6
    )
    shape = case['x'].shape[1:4]
    places = [[s.start for s in box] for box in windows.places(shape, (8,) * 3, (2,) * 3)]
    np.testing.assert_array_equal(places, case['starts'])
    for name, parity in (('original', True), ('corrected', False)):
        found = system.logits(
            lambda t: 2 * t + t.mean(), case['x'][0, ..., 0], parity=parity, flips=[()], side=8
        )
        np.testing.assert_allclose(found, case[name][0, ..., 0], rtol=1e-5, atol=2e-6)


@needs_cases
def test_folds_are_pooled_as_in_the_original():
    case = np.load(CASES / 'brainmets/ensemble.npz')
    shape = case['logits'].shape[1:]
    image = np.random.default_rng(0).normal(100, 9, shape).astype(np.float32)
    grid = Grid(shape, np.eye(4))
    brain = Volume(np.ones(shape, np.uint8), grid)
    scene = Scene(images={'T1wCE': Volume(image, grid)}, reference='T1wCE', brain=brain)

    def fold(logits):
        _, box = windows.padded(image, (128, 128, 128))

        def call(batch):
            said = np.zeros_like(batch)
            said[0][box] = logits[..., None]
            return said

        return call

    drawn = system.draw(scene, [fold(logits) for logits in case['logits']], Manner(quick=True))
    np.testing.assert_array_equal(drawn.masks['TC'], case['label'])
    np.testing.assert_allclose(drawn.probabilities['TC'], case['prob'], atol=1e-6)
    expected = maps.entropy(drawn.probabilities['TC']) - drawn.mutual['TC']
    own = maps.entropy(maps.sigmoid(case['logits'].astype(np.float32))).mean(axis=0)
    np.testing.assert_allclose(expected, own, atol=1e-5)


def test_seven_mirror_images_follow_the_image_itself():
    assert [len(axes) for axes in system.FLIPS] == [0, 1, 1, 1, 2, 2, 2, 3]
    image = np.random.default_rng(0).normal(size=(9, 10, 11)).astype(np.float32)
    seen = []

    def ramp(batch):
        seen.append(batch[0, ..., 0])
        return np.broadcast_to(np.arange(16.0)[:, None, None, None], batch.shape)

    said = system.logits(ramp, image, parity=False, side=16)
    assert len({view.tobytes() for view in seen}) == 8
    # A network that hears only where it is says the same everywhere, looked at from both sides.
    np.testing.assert_allclose(said, 7.5, atol=1e-5)


def test_what_lies_outside_the_brain_is_not_looked_at():
    image = np.zeros((40, 30, 30), np.float32)
    image[20:30, 5:20, 8:25] = 1
    said = system.logits(np.ones_like, image, parity=False, flips=[()], side=16)
    assert said[20:30, 5:20, 8:25].min() > 0.99
    assert said.sum() == pytest.approx(10 * 15 * 17, rel=1e-4)


@pytest.mark.parametrize(('manner', 'looks'), [(Manner(), 8), (Manner(quick=True), 1)])
def test_lesions_are_found_where_they_are(head, manner, looks):
    scene = Scene(images={'T1wCE': head.volume(extra=100)}, reference='T1wCE', brain=head.mask())
    seen = []

    def call(batch):
        seen.append(batch.shape)
        return 4 * (batch - 2)

    drawn = system.draw(scene, [call], manner)
    assert set(seen) == {(1, 128, 128, 128, 1)}
    assert len(seen) % looks == 0
    assert dice(drawn.masks['TC'], head.lesion) > 0.9
    assert drawn.probabilities['TC'].shape == head.grid.shape
    assert not drawn.masks['TC'][~head.brain].any()
    assert drawn.images == ('T1wCE',)
    assert drawn.warnings == (() if looks == 8 else (system.FEWER,))


def test_the_original_s_blending_makes_it_less_sure(head):
    scene = Scene(images={'T1wCE': head.volume(100)}, reference='T1wCE', brain=head.mask())
    call = lambda batch: 4 * (batch - 2)  # noqa: E731
    sure = system.draw(scene, [call], Manner()).probabilities['TC'][head.lesion].mean()
    less = system.draw(scene, [call], Manner(parity=True)).probabilities['TC'][head.lesion].mean()
    assert sure - less > 0.001


def test_without_its_image_it_says_so(head):
    scene = Scene(images={'T1w': head.volume()}, reference='T1w', brain=head.mask())
    with pytest.raises(StageError, match='there is no T1wCE image'):
        system.draw(scene, [], Manner())


GOLDEN = [1.651822, 0.285884, 1.102053]
"""Logits of three voxels, from the network that agrees with the original."""
