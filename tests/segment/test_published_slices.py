# SPDX-License-Identifier: Apache-2.0
"""The published networks for slices: weights from their files, numbers of their originals."""

import csv

import numpy as np
import pytest
from published_files import (
    CASES,
    draw,
    generated,
    needs_cases,
    write_hdf5,
    write_saved_model,
    write_torch_legacy,
)

from bids_seg.errors import UnavailableError
from bids_seg.image import Grid, Volume
from bids_seg.segment import maps
from bids_seg.segment.system import Manner, Scene
from bids_seg.segment.systems import budakeras, budatorch, effunet

keras = pytest.importorskip('keras')

from bids_seg.segment.networks import buda  # noqa: E402
from bids_seg.segment.networks import effunet as efficient  # noqa: E402

pytestmark = pytest.mark.slow

TABLES = {
    'effunet': (CASES / 'effunet' / 'effunet_layout.csv', 301),
    'budakeras': (CASES / 'budakeras' / 'unet_layout.csv', 401),
    'budatorch': (CASES / 'budatorch' / 'unet32_layout.csv', 501),
}
SYSTEMS = {'effunet': effunet.SYSTEM, 'budakeras': budakeras.FLAIR, 'budatorch': budatorch.SYSTEM}


def published(name, folder):
    """Return a file of generated weights in the published container."""
    tensors = generated(*TABLES[name])
    if name == 'effunet':
        keys = efficient.names('savedmodel')
        held = {keys[to_path(label)]: values for label, values in tensors.items()}
        held['optimizer/_iterations/.ATTRIBUTES/VARIABLE_VALUE'] = np.array(3, np.int64)
        return write_saved_model(folder / 'effunet', held)
    if name == 'budakeras':
        return write_hdf5(folder / 'weights_64.h5', tensors)
    counters = {
        label.replace('running_var', 'num_batches_tracked'): np.array([1000], np.int64)
        for label in tensors
        if label.endswith('running_var')
    }
    return write_torch_legacy(folder / 'unet.pt', {**tensors, **counters})


def to_path(label):
    """Return the path of a weight by its name in the table of the EfficientNet."""
    return label.removesuffix(':0').replace('depthwise_', '')


@pytest.fixture(scope='module')
def filled(tmp_path_factory):
    """Return the network of a system with generated weights, made once."""
    made = {}

    def make(name):
        if name not in made:
            network = SYSTEMS[name].build()
            SYSTEMS[name].load(network, published(name, tmp_path_factory.mktemp(name)))
            made[name] = network
        return made[name]

    return make


def case(name):
    """Return input and logits of an original network, channels last."""
    if name == 'effunet':
        folder = CASES / name
        return np.load(folder / 'effunet_x.npy'), np.load(folder / 'effunet_logits.npy')
    held = np.load(CASES / name / ('unet_io.npz' if name == 'budakeras' else 'unet32_io.npz'))
    if name == 'budakeras':
        return held['x'], held['logits']
    return held['x'].transpose(0, 2, 3, 1), held['logits'].transpose(0, 2, 3, 1)


@pytest.mark.parametrize(
    ('name', 'trained', 'all_in_all'),
    [('effunet', 10_071_501, 10_115_501), ('budakeras', 7_760_097, 7_760_097),
     ('budatorch', 7_763_041, 7_768_929)],
)  # fmt: skip
def test_each_network_has_as_many_weights_as_its_original(name, trained, all_in_all):
    network = SYSTEMS[name].build()
    assert sum(int(np.prod(weight.shape)) for weight in network.trainable_weights) == trained
    assert network.count_params() == all_in_all
    assert network.output_shape == (None, None, None, 1)


@needs_cases
@pytest.mark.parametrize(
    ('name', 'bound'), [('effunet', 2e-5), ('budakeras', 5e-5), ('budatorch', 2e-5)]
)
def test_logits_are_those_of_the_original(filled, name, bound):
    x, logits = case(name)
    assert np.abs(np.asarray(filled(name)(x)) - logits).max() < bound


@needs_cases
@pytest.mark.parametrize(
    ('name', 'layers'), [('effunet', 230), ('budakeras', 46)], ids=['effunet', 'budakeras']
)
def test_every_layer_gives_what_it_gave_in_the_original(filled, name, layers):
    network = filled(name)
    x, _ = case(name)
    file = CASES / name / f'{"effunet" if name == "effunet" else "unet"}_activations.csv'
    with file.open() as lines:
        rows = list(csv.DictReader(lines))
    if name == 'effunet':
        pairs = [(network.get_layer(row['layer']), row) for row in rows if known(network, row)]
    else:
        # The last of the original is a probability, and one convolution bends by itself.
        in_order = [network.get_layer(stage) for stage in order()]
        pairs = list(zip(in_order, rows[:-1], strict=True))
        pairs = [pair for pair in pairs if pair[0].name != 'decoder3_conv2']
    assert len(pairs) >= layers
    watched = keras.Model(network.input, [layer.output for layer, _ in pairs])
    for (layer, row), values in zip(pairs, watched(x[:1]), strict=True):
        array = np.asarray(values)
        assert str(row['shape']).split('x')[-1] == str(array.shape[-1]), layer.name
        for figure, value in (('mean', array.mean()), ('std', array.std())):
            assert value == pytest.approx(float(row[figure]), rel=2e-5, abs=2e-5), layer.name
        assert np.abs(array).max() == pytest.approx(float(row['absmax']), rel=2e-5), layer.name


def known(network, row):
    """Return whether a layer of the original is one of ours, with the same output."""
    names = {layer.name for layer in network.layers}
    # Sigmoid and swish of the squeeze are layers of their own there.
    return row['layer'] in names


def order():
    """Return our layers in the order in which the original's table lists its own."""
    for stage in buda.stages():
        level = stage[-1]
        if stage.startswith('decoder'):
            yield from (f'upconv{level}', f'join{level}')
        for part in (1, 2):
            yield from (f'{stage}_conv{part}', f'{stage}_conv{part}_relu')
        if stage.startswith('encoder'):
            yield f'pool{level}'


@needs_cases
def test_variables_of_a_saved_model_have_the_published_keys():
    table = efficient.names('savedmodel')
    with (CASES / 'effunet' / 'savedmodel_map.csv').open() as lines:
        rows = [row for row in csv.reader(lines) if row[0] != 'index']
    assert len(rows) == len(table) == 361
    for (path, key), (_, label, published_key) in zip(table.items(), rows, strict=True):
        assert (path, key) == (to_path(label), published_key)


@needs_cases
@pytest.mark.parametrize('container', ['unet4_zip.pt', 'unet4_legacy.pt'])
def test_both_containers_of_pytorch_fill_the_network(container):
    network = buda.build(norm='batch', width=4)
    budatorch.load(network, CASES / 'budatorch' / container)
    held = np.load(CASES / 'budatorch' / 'unet4_io.npz')
    said = maps.sigmoid(np.asarray(network(held['x'].transpose(0, 2, 3, 1))))
    np.testing.assert_allclose(said, held['y'].transpose(0, 2, 3, 1), atol=5e-6)


@needs_cases
def test_a_file_of_keras_2_fills_the_network():
    network = buda.build(norm='none', width=6)
    budakeras.load(network, CASES / 'budakeras' / 'unet_narrow_weights.h5')
    held = np.load(CASES / 'budakeras' / 'unet_narrow_io.npz')
    said = maps.sigmoid(np.asarray(network(held['x'])))
    np.testing.assert_allclose(said, held['y'], atol=1.2e-5)


@needs_cases
def test_a_head_becomes_the_mask_of_the_original(filled):
    held = np.load(CASES / 'effunet' / 'pipeline.npz')
    volume = Volume(held['canonical'], Grid(held['canonical'].shape, np.eye(4)))
    network = filled('effunet')
    drawn = effunet.draw(
        Scene(images={'T1w': volume}, reference='T1w', brain=None),
        [lambda batch: np.asarray(network(batch))],
        Manner(parity=True),
    )
    np.testing.assert_allclose(drawn.probabilities['brain'], held['prob_resized'], atol=1e-5)
    near = np.abs(held['prob_resized'] - 0.5) < 1e-5
    assert np.array_equal(drawn.masks['brain'][~near], held['label'][~near] > 0)


def seeded(network, *, seed):
    """Fill a network with numbers that are the same everywhere; kernels keep the variance."""
    for index, weight in enumerate(network.weights):
        r = np.random.RandomState(seed + index).standard_normal(weight.shape)
        if weight.name == 'kernel':
            values = r * np.sqrt(2 / np.prod(weight.shape[:-1]))
        else:
            values = 0.1 * np.abs(r) + (weight.name in {'gamma', 'moving_variance'})
        weight.assign(values.astype(np.float32))


GOLDEN = (
    (0.076800, 0.363657, 0.421909, 0.034295),
    (-0.488870, -0.069666, 0.692269, 0.026949),
    (0.192856, 2.731112, 2.263389, 2.770165),
)
"""Logits of the three networks, from the same code that reproduced the originals."""


def test_seeded_networks_give_the_numbers_they_gave():
    image = np.random.RandomState(9).standard_normal((1, 64, 96, 3)).astype(np.float32)
    made = (efficient.build(), buda.build(norm='none', width=4), buda.build(norm='batch', width=4))
    for network, wanted in zip(made, GOLDEN, strict=True):
        seeded(network, seed=100)
        said = np.asarray(network(image))[0, [0, 21, 40, 63], [0, 30, 77, 95], 0]
        np.testing.assert_allclose(said, wanted, rtol=1e-5, atol=2e-5, err_msg=network.name)


def test_weights_that_were_saved_again_layer_by_layer_are_found_by_name(tmp_path):
    network = efficient.build()
    labels = efficient.names('hdf5')
    tensors = {labels[weight.path]: np.asarray(weight).copy() for weight in network.weights}
    path = write_hdf5(tmp_path / 'model.h5', tensors, whole=True)
    for weight in network.weights:
        weight.assign(np.zeros(weight.shape))
    effunet.load(network, path)
    for weight in network.weights:
        np.testing.assert_array_equal(np.asarray(weight), tensors[labels[weight.path]])


def test_the_weights_of_one_system_are_refused_by_another(tmp_path):
    shapes = {weight.path: tuple(weight.shape) for weight in buda.build(norm='none').weights}
    path = write_hdf5(tmp_path / 'a.h5', draw(shapes))
    with pytest.raises(UnavailableError, match='missing: encoder1'):
        budatorch.load(budatorch.build(), path)
    with pytest.raises(UnavailableError, match='missing: stem_conv/kernel:0'):
        effunet.load(effunet.build(), path)
    with pytest.raises(UnavailableError, match='shape'):
        budakeras.load(buda.build(norm='none', width=4), path)
