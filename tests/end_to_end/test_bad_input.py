# SPDX-License-Identifier: Apache-2.0
"""Whatever is wrong with the input: a clear message, the documented code, the others done."""

import dataclasses
import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import made_heads
import nibabel as nb
import numpy as np
import pytest

from bids_seg.write.check import problems

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings('default'), pytest.mark.timeout(900)]


@pytest.fixture
def run(tmp_path, capsys):
    """Return a function that runs the program here; only what ends before a network."""
    from bids_seg.cli import main

    def start(bids, *more, out=None):
        words = [str(bids), str(out or tmp_path / 'out'), 'participant', '--models', 'brain']
        code = main([*words, '--work-dir', str(tmp_path / 'work'), *more])
        return code, capsys.readouterr().err

    return start


@pytest.fixture
def one(make_dataset):
    """Return a dataset with one good visit."""
    return make_dataset(made_heads.visit('01', None, ('T1w',)))


def nothing_is_written(tmp_path):
    return sorted(path.name for path in tmp_path.iterdir() if path.name != 'bids') == []


def test_an_empty_folder_ends_with_65(run, tmp_path):
    (tmp_path / 'bids').mkdir()
    code, text = run(tmp_path / 'bids')
    assert (code, text.count('\n')) == (65, 1)
    assert 'no sub-<label> folder' in text
    assert 'root of a BIDS dataset' in text
    assert nothing_is_written(tmp_path)


def test_an_unknown_label_ends_with_2_and_those_there_are(run, one, tmp_path):
    code, text = run(one, '--participant-label', '1')
    assert code == 2
    assert '01' in text
    assert nothing_is_written(tmp_path)


def test_an_unknown_session_ends_with_2(run, one, tmp_path):
    code, text = run(one, '--session-label', 'post')
    assert code == 2
    assert 'post' in text
    assert nothing_is_written(tmp_path)


@pytest.mark.parametrize('place', ['.', 'out', 'derivatives', 'sub-01/out'])
def test_an_output_in_the_input_ends_with_2_and_a_better_one(run, one, place):
    before = sorted(one.rglob('*'))
    code, text = run(one, out=one / place)
    assert code == 2
    assert 'derivatives/bids-seg' in text
    assert sorted(one.rglob('*')) == before


def test_an_output_that_cannot_be_written_ends_with_73(run, one, tmp_path):
    (tmp_path / 'file').write_text('')
    code, text = run(one, out=tmp_path / 'file' / 'out')
    assert code == 73
    assert 'cannot be made or written' in text


def test_a_disk_without_room_ends_with_73_before_anything_is_written(
    run, one, tmp_path, monkeypatch
):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, 'disk_usage', lambda _: usage._replace(free=1000))
    code, text = run(one)
    assert code == 73
    assert 'are free' in text
    assert nothing_is_written(tmp_path)


def test_an_image_without_its_name_ends_with_65_unless_that_is_not_looked_at(
    run, make_dataset, tmp_path
):
    bids = make_dataset({'sub-01/anat/sub-01_T1W.nii.gz': {}})
    code, text = run(bids)
    assert code == 65
    assert 'sub-01_T1W.nii.gz' in text
    assert nothing_is_written(tmp_path)


def test_a_dataset_without_any_usable_image_ends_with_66(run, make_dataset, tmp_path):
    bids = make_dataset({'sub-01/anat/sub-01_T1w.nii.gz': b''})
    code, text = run(bids)
    assert code == 66
    assert 'sub-01 plan: skipped' in text
    assert (
        text.strip()
        .splitlines()[-1]
        .startswith('bids-seg: 0 ok, 0 up to date, 1 skipped, 0 failed; exit 66; logs/')
    )
    assert problems(tmp_path / 'out', raw=bids) == []


@pytest.mark.parametrize('device', ['gpu', 'gpu:7'])
def test_an_accelerator_that_is_not_there_ends_with_69(run, one, tmp_path, monkeypatch, device):
    from bids_seg.errors import UnavailableError
    from bids_seg.workflow import network

    if device == 'gpu':
        # What TensorFlow says is asked once, below; here only what follows from it.
        def absent(_):
            raise UnavailableError('0 were found', where='--device gpu', do='use --device cpu')

        monkeypatch.setattr(network, 'check_device', absent)
    code, text = run(one, '--device', device)
    assert code == 69
    assert '--device' in text
    assert nothing_is_written(tmp_path)


@pytest.mark.parametrize('fault', ['missing', 'other'])
def test_weights_that_are_missing_or_others_end_with_69(one, tmp_path, fault):
    package = tmp_path / 'program'
    ignored = shutil.ignore_patterns('__pycache__')
    shutil.copytree(ROOT / 'bids_seg', package / 'bids_seg', ignore=ignored)
    shutil.copy(ROOT / 'run.py', package)
    shutil.copy(ROOT / 'version', package)
    place = package / 'bids_seg/segment/weights/brain.weights.h5'
    if fault == 'missing':
        place.unlink()
    else:
        place.write_bytes(place.read_bytes()[:-1] + b'!')
    words = [sys.executable, 'run.py', str(one), str(tmp_path / 'out'), 'participant']
    done = subprocess.run(
        [*words, '--models', 'brain', '--work-dir', str(tmp_path / 'work')],
        cwd=package,
        capture_output=True,
        text=True,
        env={**os.environ, 'PYTHONPATH': ''},
    )
    assert (done.returncode, done.stderr.count('\n')) == (69, 1), done.stderr
    assert 'brain.weights.h5' in done.stderr
    assert ('missing' if fault == 'missing' else 'SHA-256') in done.stderr
    assert not (tmp_path / 'out').exists()
    assert not (tmp_path / 'work').exists()


GOOD = {'head': made_heads.head('T1w', skull=False, radius_mm=0)}


def bytes_of(data, affine=None, change=None, dtype=np.float32):
    """Return an image as compressed bytes, its header changed at the end."""
    made = nb.Nifti1Image(np.asarray(data, dtype=dtype), affine, dtype=dtype)
    made.set_sform(affine, 1)
    made.set_qform(affine, 1)
    raw = bytearray(made.to_bytes())
    if change is not None:
        change(raw)
    return gzip.compress(bytes(raw), compresslevel=1)


def spacing(raw, axis, value):
    """Write one voxel size into the bytes of a header."""
    at = 76 + 4 * axis
    raw[at : at + 4] = np.float32(value).tobytes()


def one_value(value):
    return np.full(made_heads.SHAPE, value)


def some(value):
    """Return a head with a few voxels of an odd value."""
    data = GOOD['head'].astype(np.float32)
    data[30:33, 30, 20] = value
    return data


def cases():
    """Return for each session: its T1w, its status, and what must be said about it."""
    head, affine = GOOD['head'], made_heads.affine()
    turned = affine.copy()
    turned[:3, 3] += 40
    whole = bytes_of(head, affine)
    two_forms = nb.Nifti1Image(head, affine)
    two_forms.set_sform(turned, 1)
    two_forms.set_qform(affine, 1)
    return {
        'good': (whole, 'complete', ''),
        'cut': (whole[: len(whole) // 2], 'failed', 'cut short'),
        'plain': (gzip.decompress(whole), 'skipped', 'not compressed'),
        'series': (bytes_of(np.stack([head] * 4, axis=-1), affine), 'skipped', '4 volumes'),
        'zero': (bytes_of(one_value(0), affine), 'failed', 'every voxel is 0'),
        'constant': (bytes_of(one_value(7), affine), 'failed', 'every voxel is 7'),
        'nan': (bytes_of(some(np.nan), affine), 'complete', 'not finite'),
        'inf': (bytes_of(some(np.inf), affine), 'complete', 'not finite'),
        'allnan': (bytes_of(one_value(np.nan), affine), 'failed', 'every voxel'),
        'thin': (bytes_of(head[:, :, 18:21], affine), 'skipped', '3 slices'),
        'nospace': (
            bytes_of(head, affine, lambda raw: spacing(raw, 1, 0)),
            'skipped',
            'voxel size 0 x 3 x 3 mm',
        ),
        'negative': (
            bytes_of(head, affine, lambda raw: spacing(raw, 2, -3)),
            'complete',
            'negative voxel size',
        ),
        'forms': (gzip.compress(two_forms.to_bytes()), 'complete', 'sform and qform differ'),
        'dangling': (Path('nowhere/T1w.nii.gz'), 'skipped', 'the link leads nowhere'),
        'latin': (whole, 'complete', 'it was read as Latin-1'),
        'runs': (whole, 'complete', 'it is the later run'),
    }


@dataclasses.dataclass
class Bad:
    """One run over all faults at once."""

    code: int
    text: str
    out: Path
    bids: Path

    def summary(self, session):
        name = f'sub-01_ses-{session}'
        return json.loads((self.out / f'sub-01/figures/{name}_desc-summary.json').read_text())


@pytest.fixture(scope='module')
def bad(tmp_path_factory):
    """Run over a participant with one fault in each session, and a good one, once."""
    from tiny_dataset import write_dataset

    top = tmp_path_factory.mktemp('bad')
    files = {}
    for session, (content, *_) in cases().items():
        stem = f'sub-01/ses-{session}/anat/sub-01_ses-{session}'
        if session == 'runs':
            files |= {f'{stem}_run-1_T1w.nii.gz': content, f'{stem}_run-2_T1w.nii.gz': content}
        else:
            files[f'{stem}_T1w.nii.gz'] = content
    sidecar = 'sub-01/ses-latin/anat/sub-01_ses-latin_T1w.json'
    files[sidecar] = '{"InstitutionName": "Universität"}'.encode('latin-1')
    files |= made_heads.visit('02', None, ('T1w',), skull=False, radius_mm=0)
    bids = write_dataset(top / 'bids', files, description=None)
    words = [sys.executable, str(ROOT / 'run.py'), str(bids), str(top / 'out'), 'participant']
    done = subprocess.run(
        [*words, '--models', 'brain', '--work-dir', str(top / 'work'), '--nprocs', '2'],
        capture_output=True,
        text=True,
        cwd=top,
    )
    return Bad(code=done.returncode, text=done.stderr, out=top / 'out', bids=bids)


def test_a_run_over_all_faults_ends_with_1_and_the_good_ones_are_done(bad):
    assert bad.code == 1, bad.text
    assert 'sub-02 finish: ok' in bad.text
    assert 'Traceback' not in bad.text
    last = bad.text.strip().splitlines()[-1]
    assert '; exit 1; logs/' in last
    assert 'dataset_description.json is missing' in bad.text
    assert problems(bad.out, raw=bad.bids) == []


@pytest.mark.parametrize('session', list(cases()))
def test_each_fault_is_named_and_nothing_half_is_left(bad, session):
    _, status, said = cases()[session]
    summary = bad.summary(session)
    everything = json.dumps(summary, ensure_ascii=False)
    assert said in everything
    assert summary['status'] == status, summary['reason']
    complete = summary['status'] == 'complete'
    anat = bad.out / f'sub-01/ses-{session}/anat'
    assert anat.is_dir() == complete
    assert bool(summary['reason']) != complete
    assert 'defect' not in summary['reason']
    assert f'ses-{session}' in (bad.out / 'sub-01.html').read_text()
