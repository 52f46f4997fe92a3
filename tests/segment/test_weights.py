# SPDX-License-Identifier: Apache-2.0
"""Weights are used only if they are the ones that were published."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest

from bids_seg.errors import UnavailableError
from bids_seg.segment import models, weights
from bids_seg.segment.model import Weights


@pytest.fixture
def model():
    digest = hashlib.sha256(b'learned').hexdigest()
    member = Weights(file='a.weights.h5', sha256=digest)
    return dataclasses.replace(models.find('brain'), members=(member,))


def test_the_right_file_is_returned(model, tmp_path):
    (tmp_path / 'a.weights.h5').write_bytes(b'learned')
    assert weights.verify(model, tmp_path) == (tmp_path / 'a.weights.h5',)


def test_a_missing_file_ends_with_code_69(model, tmp_path):
    with pytest.raises(UnavailableError, match='are missing') as caught:
        weights.verify(model, tmp_path)
    assert caught.value.code == 69


def test_another_content_is_refused_with_both_digests(model, tmp_path):
    (tmp_path / 'a.weights.h5').write_bytes(b'something else')
    with pytest.raises(UnavailableError, match='expected'):
        weights.verify(model, tmp_path)
