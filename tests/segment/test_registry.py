# SPDX-License-Identifier: Apache-2.0
"""Every model of the registry keeps the promises of its record."""

import dataclasses
import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import bids_seg.segment
from bids_seg.errors import CommandError
from bids_seg.records import ROLES
from bids_seg.segment import models
from bids_seg.segment.system import Published

PUBLISHED = Published(build=list, load=print, draw=print)
WEIGHTS = Path(bids_seg.segment.__file__).parent / 'weights'
NAMES = models.names()
OWN = tuple(name for name in NAMES if models.find(name).ships)


def test_the_list_of_models_is_the_list_of_files():
    folder = Path(models.__file__).parent
    files = {file.stem.replace('_', '-') for file in folder.glob('*.py')}
    assert set(NAMES) == files - {'--init--'}
    assert {'brain', 'glioma', 'metastases'} == set(OWN)


def test_asking_for_the_list_loads_no_network():
    code = (
        'import sys; from bids_seg.segment import models; [models.find(n) for n in models.names()];'
        'sys.exit(any(name in sys.modules for name in ("keras", "tensorflow")))'
    )
    assert subprocess.run([sys.executable, '-c', code], check=False).returncode == 0


def test_an_unknown_name_is_told_with_the_known_ones():
    with pytest.raises(CommandError, match='brain, brainmets'):
        models.find('liver')


@pytest.mark.parametrize('name', NAMES)
def test_a_record_agrees_with_itself(name):
    model = models.find(name)
    assert model.name == name
    assert set(model.contrasts) <= set(ROLES)
    assert all(set(needs) <= set(model.contrasts) for needs in model.needs)
    assert set(model.unavailable) <= set(model.regions)
    assert 0 < model.threshold < 1
    assert model.card.startswith(f'# {name}\n')
    assert model.licence.name
    assert model.scores
    assert all(member.url.startswith('https://') or member.ships for member in model.members)


@pytest.mark.parametrize('name', OWN)
def test_a_network_of_ours_states_its_grid_and_how_sure_it_may_be(name):
    own = models.find(name).own
    assert set(own.scaling) == set(models.find(name).regions)
    assert all(scaling.temperature > 0 for scaling in own.scaling.values())
    assert own.spacing > 0


def test_a_system_of_others_is_not_fed_as_ours():
    model = dataclasses.replace(models.find('brain'), name='theirs', system=PUBLISHED)
    with pytest.raises(CommandError, match='not of the kind'):
        _ = model.own


@pytest.mark.parametrize('name', OWN)
def test_shipped_weights_have_the_stated_digest(name):
    for member in models.find(name).members:
        data = (WEIGHTS / member.file).read_bytes()
        assert hashlib.sha256(data).hexdigest() == member.sha256
        assert len(data) < 3_000_000


@pytest.mark.parametrize('name', OWN)
def test_normalising_forgets_scale_and_stays_within_limits(name):
    model = models.find(name)
    rng = np.random.default_rng(0)
    image = rng.gamma(4.0, 30.0, size=(12, 14, 10)).astype(np.float32)
    mask = np.zeros(image.shape, bool)
    mask[2:10, 3:12, 2:8] = True
    once = model.own.normalise(image, mask)
    assert once.dtype == np.float32
    assert once.shape == image.shape
    np.testing.assert_allclose(model.own.normalise(7 * image, mask), once, atol=1e-4)
    assert once.min() >= -4
    assert once.max() <= 6
    assert np.isfinite(model.own.normalise(np.full_like(image, 3.0), mask)).all()


@pytest.mark.slow
@pytest.mark.parametrize('name', OWN)
def test_the_network_takes_the_stated_channels_and_the_shipped_weights(name):
    model = models.find(name)
    network = model.own.build()
    for member in model.members:
        network.load_weights(WEIGHTS / member.file)
    side = model.own.multiple
    image = np.zeros((1, side, 2 * side, side, model.channels), np.float32)
    logits = np.asarray(network(image))
    assert logits.shape == (*image.shape[:4], len(model.regions))
    assert np.isfinite(logits).all()
