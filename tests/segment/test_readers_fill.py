# SPDX-License-Identifier: Apache-2.0
"""Filling a network: every tensor used, every weight filled, or nothing at all."""

import numpy as np
import pytest

from bids_seg.errors import UnavailableError
from bids_seg.segment.readers import fill, in_order

PATHS = ('conv/kernel', 'conv/bias', 'norm/gamma')


class Weight:
    """What a network's weight has of a Keras variable."""

    def __init__(self, path, shape):
        self.path, self.shape = path, shape
        self.value = None

    def assign(self, values):
        self.value = values


class Network:
    """A network of three weights."""

    name = 'toy'

    def __init__(self):
        self.weights = [
            Weight(path, shape)
            for path, shape in zip(PATHS, [(3, 2, 1, 4, 5), (5,), (5,)], strict=True)
        ]


NAMES = {'conv/kernel': 'c.weight', 'conv/bias': 'c.bias', 'norm/gamma': 'n.weight'}


def torch_tensors():
    rng = np.random.default_rng(0)
    shapes = {'c.weight': (5, 4, 3, 2, 1), 'c.bias': (5,), 'n.weight': (5,)}
    return {name: rng.normal(size=shape).astype('f4') for name, shape in shapes.items()}


def test_kernels_of_pytorch_are_turned_and_vectors_are_not():
    network, tensors = Network(), torch_tensors()
    fill(network, tensors, NAMES, where='model.pt', order='torch')
    kernel = network.weights[0].value
    assert kernel[2, 1, 0, 3, 4] == tensors['c.weight'][4, 3, 2, 1, 0]
    np.testing.assert_array_equal(network.weights[1].value, tensors['c.bias'])


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda t: t.pop('c.bias'), 'missing: c.bias'),
        (lambda t: t.update({'head.weight': np.ones(3, 'f4')}), 'not used: head.weight'),
        (
            lambda t: t.update({'c.weight': np.ones((5, 4, 3, 3, 1), 'f4')}),
            r'c.weight has shape \(5, 4, 3, 3, 1\), \(5, 4, 3, 2, 1\) was expected',
        ),
        (lambda t: t.update({'c.bias': np.full(5, np.nan, 'f4')}), 'c.bias holds values that are'),
        (lambda t: t.update({'c.bias': np.ones(5, 'i8')}), 'c.bias holds values that are'),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_filled(change, message):
    network, tensors = Network(), torch_tensors()
    change(tensors)
    with pytest.raises(UnavailableError, match=message) as caught:
        fill(network, tensors, NAMES, where='model.pt', order='torch')
    assert caught.value.where == 'model.pt'
    assert 'toy' in caught.value.what
    assert all(weight.value is None for weight in network.weights)


def test_tensors_that_are_no_weights_are_left_alone_only_if_named():
    tensors = torch_tensors() | {'n.num_batches_tracked': np.array(3)}
    fill(
        Network(), tensors, NAMES, where='model.pt', order='torch',
        ignored=lambda name: name.endswith('num_batches_tracked'),
    )  # fmt: skip
    with pytest.raises(UnavailableError, match=r'not used: n\.num_batches_tracked'):
        fill(Network(), tensors, NAMES, where='model.pt', order='torch')


def test_many_faults_are_counted_and_a_few_are_told():
    tensors = {name: np.full(values.shape[:-1], np.nan) for name, values in torch_tensors().items()}
    tensors |= {f'extra{n}': np.ones(1, 'f4') for n in range(7)}
    with pytest.raises(UnavailableError, match=r'extra3 \(and 3 more\)'):
        fill(Network(), tensors, NAMES, where='model.pt', order='torch')


def test_a_table_that_does_not_fit_its_network_is_our_own_fault():
    with pytest.raises(ValueError, match='conv/bias, norm/gamma'):
        fill(Network(), {}, {'conv/kernel': 'c.weight'}, where='model.pt')


def test_automatic_names_are_passed_over_and_kinds_are_compared():
    found = {'conv3d_15/kernel:0': np.ones(3), 'conv3d_15/bias:0': np.ones(2), 'x/gamma:0': 1}
    assert list(in_order(found, PATHS, where='w.h5')) == list(PATHS)
    with pytest.raises(UnavailableError, match=r'3 tensors, .* 2 weights; not used: x/gamma:0'):
        in_order(found, PATHS[:2], where='w.h5')
    del found['conv3d_15/bias:0']
    with pytest.raises(UnavailableError, match='tensor 2 of 2 is x/gamma:0, where conv/bias was'):
        in_order(found, PATHS, where='w.h5')
    del found['x/gamma:0']
    with pytest.raises(UnavailableError, match='missing: conv/bias, norm/gamma'):
        in_order(found, PATHS, where='w.h5')
