# SPDX-License-Identifier: Apache-2.0
"""The program does all visits of its job, whatever becomes of one of them."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from bids_seg import image
from bids_seg.errors import StageError
from bids_seg.image import Grid, Volume
from bids_seg.records import ModelRun, from_json, to_json
from bids_seg.segment import models, worker
from bids_seg.segment.job import Choice, Job, VisitJob

REGIONS = ('WT', 'TC', 'ET')


def visit_job(folder, name, head, *, task='glioma'):
    """Write a visit's images and return its job."""
    here = folder / name
    image.save(head.volume(20), here / 'T1wCE.nii.gz')
    image.save(head.mask(), here / 'brain.nii.gz')
    keys = ['brain_mask'] if task == 'brain' else [f'dseg:{task}', f'entropy:{task}']
    if task != 'brain':
        keys += [f'{kind}:{task}:{region}' for kind in ('mask', 'probseg') for region in REGIONS]
    outputs = {key: here / f'out_{key.replace(":", "-")}.nii.gz' for key in keys}
    if task != 'brain':
        outputs[f'entropy:{task}'] = here / 'out_desc-entropy_probseg.nii.gz'
    return VisitJob(
        visit=name,
        images={'T1wCE': here / 'T1wCE.nii.gz'},
        reference='T1wCE',
        brain=None if task == 'brain' else here / 'brain.nii.gz',
        stripped=(),
        outputs=outputs,
    )


def job_of(folder, visits, *, model='glioma'):
    """Return a job of visits."""
    return Job(
        choice=Choice(model=model, weights=(), sha256=('ab' * 32,)),
        device='cpu',
        threads=1,
        seed=1,
        brain_border_mm=0.0,
        low_mem=False,
        results=folder / 'results.jsonl',
        visits=tuple(visits),
    )


def lines(job):
    """Return the results so far."""
    return [json.loads(line) for line in job.results.read_text().splitlines()]


@pytest.fixture(scope='module')
def small_head():
    """A head that costs little: the networks' answers are made up here anyway."""

    class Small:
        grid = Grid((30, 32, 11), np.diag([3.0, 3.0, 8.0, 1.0]))

        def mask(self):
            values = np.zeros(self.grid.shape, np.uint8)
            values[6:24, 6:26, 2:9] = 1
            return Volume(values, self.grid)

        def volume(self, extra=0.0):
            rng = np.random.default_rng(1)
            values = self.mask().array * (100 + extra * rng.normal(size=self.grid.shape))
            return Volume(values.astype(np.float32), self.grid)

    return Small()


def answer(channels):
    """Stand for a network: tumour in the right half."""
    logits = np.full((*channels.shape[:3], 3), -6.0, np.float32)
    logits[channels.shape[0] // 2 :, ..., 0] = 6
    logits[channels.shape[0] // 2 :, :20, :, 1:] = 6
    yield logits
    yield logits * 0.5


def test_a_visit_is_written_and_its_line_can_be_read_back(tmp_path, small_head):
    job = job_of(tmp_path, [visit_job(tmp_path, 'sub-01', small_head)])
    assert from_json(Job, to_json(job)) == job
    worker.work(job, models.find('glioma'), answer, device='cpu', began=worker.time.monotonic())
    (line,) = lines(job)
    assert (line['visit'], line['status']) == ('sub-01', 'ok')
    run = from_json(ModelRun, json.dumps(line['run']))
    assert run.regions == REGIONS
    assert run.volumes_mm3['WT'] > run.volumes_mm3['ET'] > 0
    assert all(path.is_file() for path in job.visits[0].outputs.values())
    labels = image.read_labels(job.visits[0].outputs['dseg:glioma'])
    assert labels.grid.same(small_head.grid)
    assert (tmp_path / 'sub-01' / 'out_desc-mutualET_probseg.nii.gz').is_file()
    assert run.weights_sha256 == job.choice.sha256
    assert line['seconds'] >= 0
    assert line['peak_mb'] > 10


def test_an_error_of_one_visit_does_not_stop_the_next(tmp_path, small_head):
    visits = [visit_job(tmp_path, name, small_head) for name in ('sub-01', 'sub-02', 'sub-03')]
    visits[0].images['T1wCE'].write_bytes(b'not an image')
    broken = iter([True, False])

    def sometimes(channels):
        if next(broken):
            raise ZeroDivisionError('surprise')
        yield from answer(channels)

    job = job_of(tmp_path, visits)
    worker.work(job, models.find('glioma'), sometimes, device='cpu', began=0.0)
    first, second, third = lines(job)
    assert [line['status'] for line in (first, second, third)] == ['failed', 'failed', 'ok']
    assert 'T1wCE.nii.gz' in first['where']
    assert first['trace'] == ''
    assert 'ZeroDivisionError: surprise' in second['what']
    assert 'Traceback' in second['trace']
    assert not visits[1].outputs['dseg:glioma'].exists()


def test_an_empty_or_missing_brain_mask_is_told(tmp_path, small_head):
    visits = [visit_job(tmp_path, name, small_head) for name in ('sub-01', 'sub-02')]
    image.save(Volume(np.zeros(small_head.grid.shape, np.uint8), small_head.grid), visits[0].brain)
    visits[1] = dataclasses.replace(visits[1], brain=None)
    job = job_of(tmp_path, visits)
    worker.work(job, models.find('glioma'), answer, device='cpu', began=0.0)
    empty, missing = lines(job)
    assert empty['what'] == 'the brain mask is empty'
    assert missing['what'].startswith('no brain mask')


def test_a_brain_job_writes_its_mask(tmp_path, small_head):
    job = job_of(tmp_path, [visit_job(tmp_path, 'sub-01', small_head, task='brain')], model='brain')

    def brainy(channels):
        yield 40 * (channels - 0.5)

    worker.work(job, models.find('brain'), brainy, device='cpu', began=0.0)
    (line,) = lines(job)
    mask = image.read_labels(job.visits[0].outputs['brain_mask'])
    assert line['run']['volumes_mm3'] == {'brain': int(mask.array.sum()) * 72}
    assert line['run']['images'] == ['T1wCE']


def test_what_no_visit_can_do_without_is_told_for_each(tmp_path, small_head):
    visits = [visit_job(tmp_path, name, small_head) for name in ('sub-01', 'sub-02')]
    gone = Choice(model='glioma', weights=(tmp_path / 'gone.h5',), sha256=('ab' * 32,))
    job = dataclasses.replace(job_of(tmp_path, visits), choice=gone)
    (tmp_path / 'job.json').write_text(to_json(job))
    assert worker.main([str(tmp_path / 'job.json')]) == 69
    assert [line['what'] for line in lines(job)] == ['the weights are missing'] * 2


def test_memory_that_runs_out_is_told_as_such(tmp_path, small_head):
    def greedy(channels):
        raise MemoryError('no 3 GB')
        yield channels

    job = job_of(tmp_path, [visit_job(tmp_path, 'sub-01', small_head)])
    worker.work(job, models.find('glioma'), greedy, device='cpu', began=0.0)
    (line,) = lines(job)
    assert '--low-mem' in line['do']


def test_a_full_disk_is_told_as_such_and_is_no_defect(tmp_path, small_head, monkeypatch):
    def full(volume, path):
        raise OSError(errno.ENOSPC, 'No space left on device', str(path))

    job = job_of(tmp_path, [visit_job(tmp_path, 'sub-1', small_head)])
    monkeypatch.setattr(worker.image, 'save', full)
    worker.work(job, models.find('glioma'), answer, device='cpu', began=0.0)
    (line,) = lines(job)
    assert line['status'] == 'failed'
    assert 'the disk is full' in line['what']
    assert '--work-dir' in line['do']
    assert not line['trace']


def test_errors_of_users_keep_their_three_parts():
    visit = VisitJob(
        visit='sub-01', images={}, reference='T1w', brain=None, stripped=(), outputs={}
    )
    result = worker._refused(visit, StageError('a', where='b', do='c'), worker.time.monotonic())
    assert (result.what, result.where, result.do) == ('a', 'b', 'c')


@pytest.mark.slow
def test_a_network_with_random_weights_runs_in_a_program_of_its_own(tmp_path, small_head):
    job = job_of(tmp_path, [visit_job(tmp_path, 'sub-01', small_head)])
    (tmp_path / 'job.json').write_text(to_json(job))
    code = """
import dataclasses, sys
from pathlib import Path
from bids_seg.records import from_json, to_json
from bids_seg.segment import devices, models, weights, worker
from bids_seg.segment.job import Choice, Job
folder = Path(sys.argv[1])
devices.start('cpu', threads=1, seed=1)
assert 'sklearn' not in sys.modules or sys.modules['sklearn'] is None
file = folder / 'random.weights.h5'
models.find('glioma').own.build().save_weights(file)
choice = Choice(model='glioma', weights=(file,), sha256=(weights.digest(file),))
job = from_json(Job, (folder / 'job.json').read_text())
(folder / 'job.json').write_text(to_json(dataclasses.replace(job, choice=choice)))
sys.exit(worker.main([str(folder / 'job.json')]))
"""
    ended = subprocess.run(
        [sys.executable, '-c', code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)},
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    (line,) = lines(job)
    assert line['status'] == 'ok', line
    assert line['run']['device'] == 'cpu'
