# SPDX-License-Identifier: Apache-2.0
"""A visit of the made dataset, painted for real: it takes a minute."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bids_seg import image
from bids_seg.demo import dataset
from bids_seg.demo.plan import PEOPLE
from bids_seg.train import heads, tissues
from bids_seg.train.heads import Head

pytestmark = pytest.mark.slow

SEED = 5


@pytest.fixture(scope='module')
def head() -> Head:
    return dataset.painted_head(SEED)


@pytest.fixture(scope='module')
def made(head: Head, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a dataset that holds the second visit of the second participant alone."""
    folder = tmp_path_factory.mktemp('made')
    dataset.write_tables(folder)
    dataset.visit(folder, PEOPLE[1], head, number=1, seed=SEED)
    return folder


def test_the_head_is_whole(head: Head) -> None:
    classes, distance = heads.unpack(head.codes)
    for name in ('eye', 'bone', 'marrow', 'skin', 'fat', 'muscle', 'cord', 'vein', 'stem'):
        assert np.count_nonzero(classes == tissues.INDEX[name]) > 500, name
    brain = np.count_nonzero(distance + heads.BRAIN_GROWTH <= 0) / 1000
    assert 1200 < brain < 1700
    assert head.neck
    left = classes == tissues.INDEX['white matter left']
    assert np.argwhere(left)[:, 0].mean() < heads.SHAPE[0] / 2


def test_the_truth_holds_the_tumours_of_the_visit(made: Path) -> None:
    here = made / dataset.TRUTH / 'sub-metastases' / 'ses-02' / 'anat'
    truth = image.read_labels(here / 'sub-metastases_ses-02_space-orig_desc-truth_dseg.nii.gz')
    brain = image.read_labels(here / 'sub-metastases_ses-02_space-orig_label-brain_mask.nii.gz')
    raw = made / 'sub-metastases' / 'ses-02' / 'anat'
    seen, _ = image.read(raw / 'sub-metastases_ses-02_ce-gadolinium_T1w.nii.gz')
    assert set(np.unique(truth.array)) == {0, 5}
    assert truth.grid.same(seen.grid)
    assert np.all(brain.array[truth.array > 0] == 1)
    # All there but M1, which has a dark middle, are brighter than the brain.
    inside = seen.array[truth.array > 0]
    assert np.percentile(inside, 75) > 1.3 * np.median(seen.array[brain.array > 0])


def test_the_same_seed_gives_the_same_bytes(made: Path, head: Head, tmp_path: Path) -> None:
    dataset.visit(tmp_path, PEOPLE[1], head, number=1, seed=SEED)
    names = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob('*.nii.gz'))
    assert len(names) == 4
    assert all((tmp_path / name).read_bytes() == (made / name).read_bytes() for name in names)


def test_the_validator_finds_no_error(made: Path) -> None:
    beside = str(Path(sys.executable).parent)
    validator = shutil.which('bids-validator-deno', path=beside)
    validator = validator or shutil.which('bids-validator-deno')
    if validator is None:
        pytest.skip('the BIDS validator is not installed')
    # Only one of the participants that the table names is there.
    for end in ('tsv', 'json'):
        (made / f'participants.{end}').unlink()
    shutil.rmtree(made / 'sub-glioma')
    for root in (made, made / dataset.TRUTH):
        done = subprocess.run(
            [validator, str(root), '--format', 'json'], capture_output=True, text=True, check=False
        )
        issues = json.loads(done.stdout)['issues']['issues']
        assert [issue for issue in issues if issue['severity'] == 'error'] == []
