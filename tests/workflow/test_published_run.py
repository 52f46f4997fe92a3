# SPDX-License-Identifier: Apache-2.0
"""Whole runs with a system of others: random weights in the published container."""

import json

import numpy as np
import pytest
from published_files import write_torch_legacy
from published_random import write_random
from tiny_dataset import write_dataset

from bids_seg import image
from bids_seg.cli import main
from bids_seg.segment import models, weights
from bids_seg.segment.readers import read

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings('default'), pytest.mark.timeout(600)]


@pytest.fixture(scope='module')
def here(tmp_path_factory):
    """Return a folder with a dataset of one FLAIR, a brain mask, and weights."""
    folder = tmp_path_factory.mktemp('published')
    grey = np.random.default_rng(1).integers(300, 500, (14, 15, 12))
    inside = np.zeros(grey.shape, np.int16)
    inside[2:-2, 2:-2, 1:-1] = 1
    grey[5:8, 5:9, 5:7] = 1000
    write_dataset(folder / 'in', {'sub-01/anat/sub-01_FLAIR.nii.gz': {'data': grey * inside}})
    write_dataset(
        folder / 'masks',
        {'sub-01/anat/sub-01_desc-brain_mask.nii.gz': {'data': inside}},
        description={'Name': 'masks', 'BIDSVersion': '1.11.1', 'DatasetType': 'derivative'},
    )
    write_random('budatorch', folder / 'weights')
    return folder


def run(here, file, *more):
    """Run the program and return its exit code."""
    return main(
        [
            *(str(here / 'in'), str(here / 'out'), 'participant', '--skip-bids-validation'),
            *('--derivatives', str(here / 'masks'), '--work-dir', str(here / 'work')),
            *('--nprocs', '2', '--models', 'glioma', '--glioma', 'budatorch'),
            *('--weights', f'budatorch={file}', *more),
        ]
    )


def test_a_chosen_system_runs_and_its_weights_are_known_by_their_digest(here, capsys):
    file = here / 'weights' / 'unet.pt'
    assert run(here, file) == 0
    assert '1 ok' in capsys.readouterr().err
    summary = json.loads(next(here.glob('out/sub-01/figures/*_desc-summary.json')).read_text())
    (done,) = (each for each in summary['models'] if each['task'] == 'glioma')
    assert (done['model'], done['regions'], done['licence']) == ('budatorch', ['WT'], 'MIT')
    assert done['weights_sha256'] == [weights.digest(file)]
    (place,) = here.glob('out/sub-01/anat/*label-WT_probseg.nii.gz')
    probability = image.read_map(place).array
    assert 0 < probability.max() <= 1
    sidecar = json.loads(place.with_name(place.name.replace('.nii.gz', '.json')).read_text())
    assert (sidecar['Model'], sidecar['ModelSHA256']) == ('budatorch', done['weights_sha256'])
    # The mirror image is a second opinion.
    assert list(here.glob('work/**/*desc-mutualWT_probseg.nii.gz'))


def test_weights_that_do_not_fit_are_refused_before_any_work(here, tmp_path, capsys):
    tensors = read(here / 'weights' / 'unet.pt')
    del tensors['conv.bias']
    bad = write_torch_legacy(tmp_path / 'bad.pt', tensors)
    out = tmp_path / 'out'
    words = ('--work-dir', str(tmp_path / 'work'), '--nprocs', '2', '--models', 'glioma')
    given = ('--glioma', 'budatorch', '--weights', f'budatorch={bad}')
    code = main([str(here / 'in'), str(out), 'participant', *words, *given])
    assert code == 69
    assert 'missing: conv.bias' in capsys.readouterr().err
    assert not out.exists()


def test_a_published_name_with_another_content_is_refused(here, tmp_path, capsys):
    file = tmp_path / 'weights' / 'segresnet' / models.find('segresnet').members[0].file
    file.parent.mkdir(parents=True)
    file.write_bytes(b'another')
    out = tmp_path / 'out'
    given = ('--glioma', 'segresnet', '--weights-dir', str(tmp_path / 'weights'))
    assert main([str(here / 'in'), str(out), 'participant', *given]) == 69
    assert 'not the published weights' in capsys.readouterr().err
    assert not out.exists()
