# SPDX-License-Identifier: Apache-2.0
"""The stream of samples: replayable, in order, and never silent about an error."""

import itertools
import threading

import numpy as np
import pytest

from bids_seg.train import stream
from bids_seg.train.stream import Sample


def source(index):
    tensor = np.full((2, 3, 4, 1), index, np.float32)
    tensor[0] += 0.5
    return Sample(tensor, tensor + 100, tensor + 200)


def test_samples_come_in_the_order_of_their_indices():
    samples = stream.ahead(source, 7)
    assert [sample.image[1, 0, 0, 0] for sample in itertools.islice(samples, 5)] == [
        7,
        8,
        9,
        10,
        11,
    ]
    samples.close()


def test_an_error_in_the_thread_reaches_the_caller():
    def broken(index):
        if index == 2:
            raise ValueError('sample 2 is broken')
        return source(index)

    with pytest.raises(ValueError, match='sample 2 is broken'):
        list(itertools.islice(stream.ahead(broken, 0), 5))


def test_closing_the_stream_ends_its_thread():
    before = threading.active_count()
    samples = stream.ahead(source, 0)
    next(samples)
    assert threading.active_count() == before + 1
    samples.close()
    assert threading.active_count() == before


def test_mirroring_swaps_left_and_right_of_all_three():
    sample = source(3)
    swapped = stream.mirror(sample)
    for one, other in zip(sample, swapped, strict=True):
        np.testing.assert_array_equal(one[0], other[1])


@pytest.mark.parametrize('first', [0, 1, 9, 10, 23])
def test_an_echo_does_not_depend_on_where_the_stream_was_begun(first):
    whole, part = (stream.echoed(source, times=3, lag=2) for _ in range(2))
    steps = [whole(step) for step in range(30)][first:]
    for expected, step in zip(steps, range(first, 30), strict=True):
        np.testing.assert_array_equal(part(step).image, expected.image)


def test_an_echo_paints_each_sample_once():
    painted = []

    def counted(index):
        painted.append(index)
        return source(index)

    echo = stream.echoed(counted, times=4, lag=3)
    for step in range(40):
        echo(step)
    assert painted == list(range(10))
