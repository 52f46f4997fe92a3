# SPDX-License-Identifier: Apache-2.0
"""Which model does a task, and with which weights, is settled and refused before any work."""

from pathlib import Path

import pytest

from bids_seg.errors import CommandError, UnavailableError
from bids_seg.segment import models
from bids_seg.segment.job import Choice
from bids_seg.settings import Settings
from bids_seg.workflow import choice, network


def settings(**said):
    """Return settings that say no more than they must."""
    return Settings(
        bids_dir=Path('in'), output_dir=Path('out'), analysis_level=('participant',), **said
    )


def test_without_a_word_the_networks_that_ship_are_taken():
    chosen = choice.choices(settings(), ('brain', 'glioma'))
    assert {task: one.model for task, one in chosen.items()} == {
        'brain': 'brain',
        'glioma': 'glioma',
    }
    assert chosen['glioma'].sha256 == (models.find('glioma').members[0].sha256,)


@pytest.mark.parametrize(
    ('said', 'words'),
    [
        ({'glioma': 'effunet'}, 'draws no glioma'),
        ({'brain_extraction': 'liver'}, 'draws no brain'),
        ({'metastases': 'glioma'}, 'draws no metastases'),
    ],
)
def test_a_model_of_another_task_is_refused_with_those_that_fit(said, words):
    with pytest.raises(CommandError, match=words) as caught:
        choice.selected(settings(**said))
    assert caught.value.code == 2
    assert 'default' in caught.value.do


@pytest.mark.parametrize('word', ['segresnet', 'segresnet=', 'liver=model.pt', '=model.pt'])
def test_weights_without_a_known_name_or_a_path_are_refused(word):
    with pytest.raises(CommandError):
        choice.given([word])


def test_other_weights_parity_and_dropout_count_as_a_change(tmp_path):
    file = tmp_path / 'model.pt'
    file.write_bytes(b'learned')
    said = {'glioma': 'segresnet', 'weights': (f'segresnet={file}',)}
    seen = set()
    for more in ({}, {'parity': True}, {'mc_dropout': 3}):
        chosen = choice.choices(settings(**said, **more), ('glioma',))
        assert chosen['glioma'].weights == (file,)
        seen.add(tuple(choice.shares(chosen, ('glioma',)).items()))
    file.write_bytes(b'learned more')
    chosen = choice.choices(settings(**said), ('glioma',))
    seen.add(tuple(choice.shares(chosen, ('glioma',)).items()))
    assert len(seen) == 4
    default = choice.choices(settings(parity=True), ('glioma',))
    assert list(choice.shares(default, ('glioma',))) == ['weights-glioma']


def test_missing_weights_end_with_69(tmp_path):
    with pytest.raises(UnavailableError) as caught:
        choice.choices(settings(metastases='brainmets', weights_dir=tmp_path), ('metastases',))
    assert caught.value.code == 69
    assert str(tmp_path / 'brainmets' / 'Model_0') in caught.value.do


def test_only_weights_that_do_not_ship_are_looked_into(monkeypatch):
    asked = []
    monkeypatch.setattr(network, 'check_weights', asked.append)
    ours = choice.choices(settings(), ('brain', 'glioma', 'metastases'))
    other = Choice(model='glioma', weights=(Path('other.h5'),), sha256=('ab' * 32,))
    choice.check({**ours, 'glioma': other})
    assert asked == [other]
