# SPDX-License-Identifier: Apache-2.0
"""Glioma as MONAI's bundle draws it: its network, its window, its label map."""

import numpy as np
import published_files as files
import pytest
from published_files import CASES, needs_cases

keras = pytest.importorskip('keras')

from bids_seg.errors import StageError, UnavailableError  # noqa: E402
from bids_seg.image import Volume, to_stored  # noqa: E402
from bids_seg.segment import maps, windows  # noqa: E402
from bids_seg.segment.brain import dice  # noqa: E402
from bids_seg.segment.networks import segresnet as network  # noqa: E402
from bids_seg.segment.system import Manner, Scene  # noqa: E402
from bids_seg.segment.systems import segresnet as system  # noqa: E402

pytestmark = pytest.mark.slow


def last(array):
    return np.moveaxis(array, 1, -1)


def tensors_of(model):
    """Return a network's weights as PyTorch would hold them."""
    held = {weight.path: np.asarray(weight) for weight in model.weights}
    names = network.names(model)
    return {
        names[path]: np.transpose(values, (4, 3, 0, 1, 2)) if values.ndim > 2 else values
        for path, values in held.items()
    }


def test_it_has_as_many_parameters_and_tensors_as_published():
    model = network.build()
    assert model.count_params() == 4_702_227
    names = set(network.names(model).values())
    assert len(names) == 83
    assert {'convInit.conv.weight', 'down_layers.3.4.norm2.bias', 'up_samples.2.0.conv.weight',
            'up_layers.0.0.conv1.conv.weight', 'conv_final.0.bias', 'conv_final.2.conv.bias'} <= names  # fmt: skip


@needs_cases
def test_its_names_and_shapes_are_those_of_the_published_file():
    lines = (CASES / 'segresnet/segresnet16_layout.csv').read_text().splitlines()[1:]
    listed = {line.split(',')[1]: line.split(',')[2] for line in lines}
    ours = {name: 'x'.join(map(str, t.shape)) for name, t in tensors_of(network.build()).items()}
    assert ours == listed


def test_an_archive_fills_it_and_one_with_a_gap_does_not(tmp_path):
    model = files.seed_weights(network.build(8), 4)
    tensors = tensors_of(model)
    other = network.build(8)
    system.load(other, files.write_torch_zip(tmp_path / 'model.pt', tensors))
    for weight, filled in zip(model.weights, other.weights, strict=True):
        np.testing.assert_array_equal(np.asarray(weight), np.asarray(filled))
    del tensors['down_layers.2.1.norm1.bias']
    with pytest.raises(UnavailableError, match=r'missing: down_layers\.2\.1\.norm1\.bias'):
        system.load(other, files.write_torch_zip(tmp_path / 'model.pt', tensors))


def test_seeded_weights_give_the_numbers_they_always_gave():
    x = np.random.RandomState(9).standard_normal((1, 16, 8, 24, 4)).astype(np.float32)
    said = np.asarray(files.seed_weights(network.build(8), 1)(x))
    assert said.shape == (1, 16, 8, 24, 3)
    found = said[0, [0, 7, 15], [0, 4, 7], [0, 13, 23]]
    np.testing.assert_allclose(found, GOLDEN, atol=2e-5)


@pytest.mark.filterwarnings('ignore')
def test_it_is_monai_s_own_network_on_fresh_random_weights():
    torch = pytest.importorskip('torch')
    nets = pytest.importorskip('monai.networks.nets')
    theirs = nets.SegResNet(
        blocks_down=(1, 2, 2, 4), blocks_up=(1, 1, 1), init_filters=16,
        in_channels=4, out_channels=3, dropout_prob=0.2,
    ).eval()  # fmt: skip
    ours = network.build()
    network.fill(
        ours, {name: value.numpy() for name, value in theirs.state_dict().items()}, where='MONAI'
    )
    x = np.random.default_rng().standard_normal((1, 32, 24, 40, 4)).astype(np.float32)
    with torch.no_grad():
        expected = theirs(torch.from_numpy(np.moveaxis(x, -1, 1))).numpy()
    np.testing.assert_allclose(keras.ops.convert_to_numpy(ours(x)), last(expected), atol=5e-5)


def test_dropout_works_in_training_alone():
    model = files.seed_weights(network.build(8), 1)
    x = np.ones((1, 8, 8, 8, 4), np.float32)
    assert np.array_equal(np.asarray(model(x)), np.asarray(model(x)))
    keras.utils.set_random_seed(1)
    assert not np.allclose(np.asarray(model(x, training=True)), np.asarray(model(x)))


@needs_cases
def test_the_published_width_agrees_with_the_original():
    model = network.build()
    tensors = files.generated(CASES / 'segresnet/segresnet16_layout.csv', 201)
    network.fill(model, tensors, where='case')
    found = np.asarray(model(last(np.load(CASES / 'segresnet/segresnet16_x.npy'))))
    expected = last(np.load(CASES / 'segresnet/segresnet16_logits.npy'))
    np.testing.assert_allclose(found, expected, atol=5e-5)


@needs_cases
def test_files_of_the_original_give_its_answers_through_its_windows():
    model = network.build(8)
    system.load(model, CASES / 'segresnet/segresnet8_model.pt')
    case = np.load(CASES / 'segresnet/segresnet8_io.npz')
    np.testing.assert_allclose(np.asarray(model(last(case['x']))), last(case['logits']), atol=5e-5)
    case = np.load(CASES / 'segresnet/sliding.npz')
    for kind in ('pad', 'multi'):
        window = tuple(case[f'roi_{kind}'].tolist())
        channels = last(case[f'x_{kind}'])[0]
        found = system.logits(lambda batch: np.asarray(model(batch)), channels, window=window)
        np.testing.assert_allclose(found, last(case[f'y_{kind}'])[0], atol=5e-5)


def test_a_compiled_network_says_what_it_says_step_by_step():
    import tensorflow as tf

    model = files.seed_weights(network.build(8), 1)
    x = np.random.RandomState(9).standard_normal((1, 24, 32, 40, 4)).astype(np.float32)
    compiled = tf.function(lambda batch: model(batch, training=False), jit_compile=False)
    np.testing.assert_allclose(compiled(x).numpy(), np.asarray(model(x)), atol=2e-5)


@needs_cases
def test_scores_and_label_map_agree_with_the_original():
    case = np.load(CASES / 'segresnet/normalize.npz')
    found = np.stack([system.normalise(channel) for channel in case['x']])
    np.testing.assert_allclose(found, case['y'], rtol=1e-6, atol=1e-6)
    case = np.load(CASES / 'segresnet/postprocess.npz')
    probability = maps.sigmoid(np.moveaxis(case['logits'], 0, -1))
    assert case['logits'].ravel()[0] == 0
    masks = {n: p >= system.THRESHOLD for n, p in system.regions(probability).items()}
    labels = masks['WT'] * 2
    labels[masks['TC']] = 1
    labels[masks['ET']] = 4
    np.testing.assert_array_equal(labels, case['labelmap'][0])


def test_a_constant_or_empty_image_is_no_reason_to_divide_by_zero():
    flat = np.zeros((3, 4, 5), np.float32)
    assert not system.normalise(flat).any()
    flat[1, 2] = 7
    assert not system.normalise(flat).any()


@pytest.fixture
def scene(head):
    """Four contrasts; the lesion is bright in FLAIR, its core in post-contrast T1w."""
    core = head.values + 200.0 * head.core
    images = {role: head.volume() for role in ('T1w', 'T2w')}
    images['FLAIR'] = head.volume(extra=150)
    images['T1wCE'] = Volume(core.astype(np.float32), head.grid)
    return Scene(images=images, reference='T1w', brain=head.mask())


class Threshold:
    """A network that takes bright voxels of the first and of the last channel."""

    def __init__(self):
        self.seen = []

    def __call__(self, batch):
        self.seen.append(batch)
        core, whole = batch[..., 0] - 4, batch[..., 3] - 2
        return np.stack([core, whole, core - 100], axis=-1)


def test_the_network_sees_one_window_from_right_to_left_and_front_to_back(scene, head):
    call = Threshold()
    drawn = system.draw(scene, [call], Manner())
    (batch,) = call.seen
    assert batch.shape == (1, 240, 240, 160, 4)
    place = np.argwhere(batch[0, ..., 0] > 4).mean(axis=0)
    # The lesion lies 22 mm to the right, 10 mm forward and 5 mm up from the middle.
    assert place[0] < 105 < place[1] + 10 < 125
    assert place[2] > 80
    assert dice(drawn.masks['TC'], head.core) > 0.9
    assert dice(drawn.masks['WT'], head.lesion) > 0.9
    assert not drawn.masks['ET'].any()
    assert list(drawn.masks) == list(drawn.probabilities) == ['WT', 'TC', 'ET']
    assert drawn.images == ('T1wCE', 'T1w', 'T2w', 'FLAIR')
    # The skull was taken off before scores were made; a voxel of the images is 3 mm3.
    values = batch[0, ..., 1]
    assert values[values != 0].size == pytest.approx(3 * head.brain.sum(), rel=0.03)
    assert values[values != 0].std() == pytest.approx(1, abs=1e-3)


def test_parity_takes_the_array_as_its_file_stores_it(scene, head):
    call = Threshold()
    drawn = system.draw(scene, [call, call], Manner(parity=True))
    _, box = windows.padded(np.zeros(head.grid.stored_shape), (240, 240, 160))
    expected = to_stored(Volume(system.normalise(head.brain * head.values), head.grid))
    np.testing.assert_allclose(call.seen[0][0][box][..., 1], expected, atol=1e-4)
    assert dice(drawn.masks['TC'], head.core) > 0.97
    assert float(drawn.mutual['TC'].max()) == 0


def test_a_missing_contrast_is_named(scene):
    images = {role: volume for role, volume in scene.images.items() if role != 'T2w'}
    with pytest.raises(StageError, match='there is no T2w image'):
        system.draw(Scene(images=images, reference='T1w', brain=scene.brain), [], Manner())


GOLDEN = [
    [0.387382, -0.018215, -0.418245],
    [-3.139925, -0.292024, -0.189591],
    [-0.87615, -2.891583, 1.53895],
]
"""Logits of three voxels, from the network that agrees with the original."""
