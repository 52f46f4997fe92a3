# SPDX-License-Identifier: Apache-2.0
"""The device is what was asked for, never something else in silence."""

from __future__ import annotations

import pytest

from bids_seg.errors import CommandError, UnavailableError
from bids_seg.segment import devices


@pytest.mark.parametrize('word', ['auto', 'cpu', 'gpu', 'gpu:0', 'gpu:3'])
def test_known_words_are_accepted(word):
    devices.check(word)


@pytest.mark.parametrize('word', ['', 'cuda', 'gpu:', 'gpu:a', 'GPU', 'tpu', 'cpu:0'])
def test_other_words_are_refused_by_name(word):
    with pytest.raises(CommandError, match='no device'):
        devices.check(word)


def test_auto_takes_an_accelerator_if_there_is_one():
    assert devices._chosen('auto', ['a', 'b']) == 'a'
    assert devices._chosen('auto', []) is None
    assert devices._chosen('cpu', ['a']) is None
    assert devices._chosen('gpu:1', ['a', 'b']) == 'b'


@pytest.mark.parametrize(('word', 'gpus'), [('gpu', []), ('gpu:2', ['a', 'b'])])
def test_an_accelerator_that_is_not_there_ends_with_code_69(word, gpus):
    with pytest.raises(UnavailableError, match='accelerators were found') as caught:
        devices._chosen(word, gpus)
    assert caught.value.code == 69


def test_the_cpu_hides_accelerators_before_tensorflow_is_imported(monkeypatch):
    for name in ('CUDA_VISIBLE_DEVICES', 'TF_NUM_INTRAOP_THREADS', 'KERAS_BACKEND'):
        monkeypatch.setenv(name, 'x')
    for name in ('OMP_NUM_THREADS', 'TF_NUM_INTEROP_THREADS', 'TF_CPP_MIN_LOG_LEVEL'):
        monkeypatch.setenv(name, '1')
    # Keras counts as imported, else the modules that it must not see would be hidden from tests.
    monkeypatch.setitem(devices.sys.modules, 'keras', devices)
    devices._before_import('cpu', 3)
    assert devices.os.environ['CUDA_VISIBLE_DEVICES'] == '-1'
    assert devices.os.environ['TF_NUM_INTRAOP_THREADS'] == '3'
    assert devices.os.environ['KERAS_BACKEND'] == 'tensorflow'
