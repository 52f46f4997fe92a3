# SPDX-License-Identifier: Apache-2.0
"""Weights are used only if they are the ones that were published."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

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


def test_what_the_user_names_comes_before_everything_else(tmp_path):
    own, theirs = tmp_path / 'own.h5', tmp_path / 'model.pt'
    own.write_bytes(b'own')
    theirs.write_bytes(b'theirs')
    given = {'glioma': own, 'segresnet': theirs}
    assert weights.collect(models.find('glioma'), given=given, folder=None) == (own,)
    assert weights.collect(models.find('segresnet'), given=given, folder=None) == (theirs,)
    # The name of a task stands for whichever model does it.
    del given['segresnet']
    assert weights.collect(models.find('segresnet'), given=given, folder=None) == (own,)


@pytest.mark.parametrize('folder', [None, 'here'])
def test_weights_that_do_not_ship_are_told_with_what_to_fetch_and_where_to_put_it(folder, tmp_path):
    place = None if folder is None else tmp_path / folder
    with pytest.raises(UnavailableError, match='do not ship') as caught:
        weights.collect(models.find('segresnet'), given={}, folder=place)
    assert caught.value.code == 69
    assert 'https://developer.download.nvidia.com/' in caught.value.do
    assert str((place or Path('FOLDER')) / 'segresnet' / 'model.pt') in caught.value.do
    assert 'Apache-2.0' in caught.value.do


@pytest.mark.parametrize(('name', 'file'), [('segresnet', 'model.pt'), ('nobrainer', None)])
def test_a_file_of_a_published_name_and_another_content_is_refused(name, file, tmp_path):
    model = models.find(name)
    place = tmp_path / name / (file or model.members[0].file)
    place.parent.mkdir()
    place.write_bytes(b'something else')
    with pytest.raises(UnavailableError, match='not the published weights'):
        weights.collect(model, given={}, folder=tmp_path)


def test_fewer_folds_than_were_published_are_run_and_told(tmp_path, caplog):
    for number in (0, 3):
        fold = tmp_path / 'brainmets' / f'Model_{number}'
        fold.mkdir(parents=True)
        (fold / 'ckpt-best-1.index').write_bytes(b'index')
    found = weights.collect(models.find('brainmets'), given={}, folder=tmp_path)
    assert [path.name for path in found] == ['Model_0', 'Model_3']
    assert '2 of its 5 networks' in caplog.text


def test_members_are_found_in_files_and_in_folders_of_folds(tmp_path):
    for name in ('fold10.pt', 'fold2.pt', 'notes.txt'):
        (tmp_path / name).write_bytes(b'x')
    assert [path.name for path in weights.members(tmp_path)] == ['fold2.pt', 'fold10.pt']
    assert weights.members(tmp_path / 'fold2.pt') == (tmp_path / 'fold2.pt',)
    saved = tmp_path / 'saved' / 'variables'
    saved.mkdir(parents=True)
    (saved / 'variables.index').write_bytes(b'x')
    assert weights.members(tmp_path / 'saved') == (tmp_path / 'saved',)
    data = tmp_path / 'bundle.data-00000-of-00001'
    data.write_bytes(b'x')
    data.with_name('bundle.index').write_bytes(b'x')
    assert weights.members(data) == (tmp_path / 'bundle.index',)


@pytest.mark.parametrize('name', ['gone.pt', 'empty'])
def test_a_path_without_weights_is_refused(name, tmp_path):
    (tmp_path / 'empty').mkdir()
    with pytest.raises(UnavailableError, match='weights'):
        weights.members(tmp_path / name)


def test_a_digest_covers_all_files_of_a_member_and_their_names(tmp_path):
    one = tmp_path / 'a.pt'
    one.write_bytes(b'learned')
    assert weights.digest(one) == hashlib.sha256(b'learned').hexdigest()
    index, data = tmp_path / 'c.index', tmp_path / 'c.data-00000-of-00001'
    index.write_bytes(b'index')
    data.write_bytes(b'data')
    before = weights.digest(index)
    data.write_bytes(b'other')
    assert weights.digest(index) != before


def test_weights_that_change_during_a_run_are_refused(tmp_path):
    file = tmp_path / 'a.pt'
    file.write_bytes(b'learned')
    began = (weights.digest(file),)
    weights.unchanged((file,), began)
    file.write_bytes(b'forgot')
    with pytest.raises(UnavailableError, match='changed during the run'):
        weights.unchanged((file,), began)
    file.unlink()
    with pytest.raises(UnavailableError, match='missing'):
        weights.unchanged((file,), began)
