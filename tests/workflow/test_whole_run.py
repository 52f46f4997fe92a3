# SPDX-License-Identifier: Apache-2.0
"""Whole runs whose networks are replaced: what goes wrong, what is lost by it, what is told."""

import dataclasses
import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import faked
import numpy as np
import psutil
import pytest

from bids_seg.write.check import problems

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings('default')]

VISITS = ('sub-01_ses-1', 'sub-01_ses-2', 'sub-02')


@dataclasses.dataclass
class Ended:
    """How a run ended."""

    code: int
    text: str
    out: Path

    @property
    def last(self):
        return self.text.strip().splitlines()[-1]

    def summary(self, visit):
        found = next(self.out.glob(f'sub-*/figures/{visit}_desc-summary.json'))
        return json.loads(found.read_text())

    @property
    def events(self):
        newest = max(self.out.glob('logs/*.jsonl'), key=lambda path: path.stat().st_mtime_ns)
        return [json.loads(line) for line in newest.read_text().splitlines()]


def image(seed=1):
    """Return a block of brain with a bright spot, for `make_dataset`."""
    data = np.random.default_rng(seed).integers(300, 500, (14, 15, 12))
    data[[0, -1]] = data[:, [0, -1]] = data[:, :, [0, -1]] = 0
    data[5:8, 5:9, 5:7] = 1000
    return {'data': data}


@pytest.fixture
def bids(make_dataset):
    """Return a dataset of three visits."""
    files = {
        'participants.tsv': 'participant_id\tgroup\nsub-01\tglioma\nsub-02\tcontrol\n',
        'sub-01/ses-1/anat/sub-01_ses-1_ce-gd_T1w.nii.gz': image(1),
        'sub-01/ses-2/anat/sub-01_ses-2_ce-gd_T1w.nii.gz': image(2),
        'sub-02/anat/sub-02_T1w.nii.gz': image(3),
    }
    return make_dataset(files)


def words(bids, *more, levels=('participant',)):
    out, work = bids.parent / 'out', bids.parent / 'work'
    return [
        *(str(bids), str(out), *levels, '--work-dir', str(work), '--skip-bids-validation'),
        *('--nprocs', '2', *more),
    ]


@pytest.fixture
def run(bids, monkeypatch, capsys):
    """Return a function that runs the program here, but for its networks."""
    from bids_seg.cli import main

    faked.replace_networks(monkeypatch.setattr)

    def start(*more, levels=('participant',), plan=None):
        monkeypatch.setenv('FAKED', json.dumps(plan or {}))
        code = main(words(bids, *more, levels=levels))
        return Ended(code, capsys.readouterr().err, bids.parent / 'out')

    return start


def digests(out, *, pattern='sub-*/**/*'):
    """Return the digest of every file outside of the logs."""
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.glob(pattern))
        if path.is_file()
    }


def hidden(*folders):
    found = [path for folder in folders for path in folder.rglob('.*') if path.is_file()]
    return [path.name for path in found if path.name not in ('.bidsignore', '.bids-seg-work')]


def test_all_is_done_told_and_done_only_once(run, bids):
    first = run(levels=('participant', 'group'))
    assert (first.code, first.last.rpartition('; ')[0]) == (
        0,
        'bids-seg: 3 ok, 0 up to date, 0 skipped, 0 failed; exit 0',
    )
    assert problems(first.out, raw=bids) == []
    assert hidden(first.out, bids.parent / 'work') == []
    assert (first.out / 'group.html').is_file()
    before = digests(first.out, pattern='**/*[!gl]')
    again = run(levels=('participant', 'group'), plan=dict.fromkeys(VISITS, 'kill'))
    assert '0 ok, 3 up to date' in again.last
    assert again.code == 0
    after = digests(first.out, pattern='**/*[!gl]')
    assert {name for name in after if before.get(name) != after[name]} <= {
        name for name in after if name.startswith('logs/')
    }


@pytest.mark.usefixtures('run')
def test_folders_may_be_named_from_where_one_stands(bids, monkeypatch, capsys):
    from bids_seg.cli import main

    monkeypatch.chdir(bids.parent)
    relative = ['bids', 'out', 'participant', '-w', 'work', '--skip-bids-validation']
    assert main(relative) == 0
    assert ' 0 failed; exit 0' in capsys.readouterr().err


def test_a_killed_child_costs_its_visit_which_alone_is_done_again(run, bids):
    first = run(plan={'sub-01_ses-1': 'kill'})
    assert first.code == 1
    assert '2 ok, 0 up to date, 0 skipped, 1 failed; exit 1' in first.last
    told = first.summary('sub-01_ses-1')
    assert told['status'] == 'failed'
    for words_of_it in ('SIGKILL', 'out of memory', 'GB', '--mem'):
        assert words_of_it in told['reason']
    assert (first.out / told['crash']).is_file()
    assert 'sub-01_ses-1 brain: failed' in first.text
    assert not (first.out / 'sub-01/ses-1/anat').exists()
    assert 'killed (SIGKILL), most likely out of memory' in (first.out / 'sub-01.html').read_text()
    assert problems(first.out, raw=bids) == []
    again = run()
    assert (again.code, '1 ok, 2 up to date' in again.last) == (0, True)
    assert again.summary('sub-01_ses-1')['status'] == 'complete'
    assert problems(first.out, raw=bids) == []


def test_a_failure_of_a_network_leaves_a_crash_file_without_folders(run, bids):
    ended = run(plan={'sub-02': 'fail'})
    crash = (ended.out / ended.summary('sub-02')['crash']).read_text()
    assert 'it was told to fail' in crash
    assert 'T1w: sub-02/anat/sub-02_T1w.nii.gz' in crash
    assert str(faked.ROOT) not in crash
    assert problems(ended.out, raw=bids) == []


@pytest.mark.parametrize('times', [1, 2])
def test_a_killed_worker_is_tried_once_more_and_then_named(run, bids, monkeypatch, times):
    from bids_seg.workflow import stages

    prepare, marks = stages.prepare, bids.parent / 'marks'
    marks.mkdir()

    def deadly(in_state, **how):
        if 'ses-2' in str(in_state) and len(list(marks.iterdir())) < times:
            (marks / str(os.getpid())).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return prepare(in_state, **how)

    monkeypatch.setattr(stages, 'prepare', deadly)
    ended = run()
    assert len(list(marks.iterdir())) == times
    if times == 1:
        assert (ended.code, '3 ok' in ended.last) == (0, True)
        return
    assert ended.code == 1
    told = ended.summary('sub-01_ses-2')
    assert 'killed' in told['reason']
    assert 'stage prepare' in told['reason']
    assert (ended.out / told['crash']).is_file()
    assert 'sub-02 finish: ok' in ended.text
    assert problems(ended.out, raw=bids) == []


def test_a_full_disk_costs_visits_and_leaves_nothing_half_written(run, bids, monkeypatch):
    from bids_seg.write import publish

    copy = publish._copy

    def full(source, target):
        if 'sub-02' in target.name and 'preproc' in target.name:
            target.write_bytes(b'half')
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        copy(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(publish, '_copy', full)
        ended = run()
    assert (ended.code, '2 ok' in ended.last, '1 failed' in ended.last) == (1, True, True)
    assert 'the disk is full' in ended.summary('sub-02')['reason']
    assert not (ended.out / 'sub-02/anat').exists()
    assert hidden(ended.out) == []
    assert '1 ok, 2 up to date' in run().last


def test_a_full_work_folder_is_told_as_such(run, monkeypatch):
    from bids_seg.preprocess import visit

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(visit, 'prepare', full)
    ended = run()
    assert (ended.code, '3 failed' in ended.last) == (1, True)
    assert 'the disk is full' in ended.summary('sub-02')['reason']


def test_older_results_stay_where_a_new_run_on_the_same_images_fails(run, bids):
    first = run()
    before = digests(first.out, pattern='sub-02/anat/*')
    assert before
    again = run('--overwrite', 'always', plan={'sub-02': 'fail'})
    assert again.code == 1
    assert digests(first.out, pattern='sub-02/anat/*') == before
    assert 'of an earlier run on the same images' in again.summary('sub-02')['reason']
    assert problems(first.out, raw=bids) == []


def test_results_of_other_images_are_withdrawn_where_a_new_run_fails(run, bids, make_dataset):
    first = run()
    make_dataset({'sub-02/anat/sub-02_T1w.nii.gz': image(9)})
    again = run(plan={'sub-02': 'fail'})
    assert '2 up to date, 0 skipped, 1 failed' in again.last
    assert digests(first.out, pattern='sub-02/anat/*') == {}


def test_images_that_are_gone_take_their_results_with_them(run, bids):
    first = run()
    (bids / 'sub-02/anat/sub-02_T1w.nii.gz').unlink()
    kept = run('--overwrite', 'never')
    assert (kept.code, '3 up to date' in kept.last) == (0, True)
    again = run()
    assert (again.code, '2 up to date, 1 skipped' in again.last) == (0, True)
    assert again.summary('sub-02')['status'] == 'skipped'
    assert digests(first.out, pattern='sub-02/anat/*') == {}


def test_the_first_failure_ends_the_run_where_that_is_asked_for(run):
    ended = run('--stop-on-first-crash', '--low-mem', plan={'sub-01_ses-1': 'fail'})
    assert ended.code == 1
    assert 'not done' in ended.last
    assert ended.summary('sub-01_ses-1')['status'] == 'failed'
    assert '3 ok' in ended.last or '1 failed' in ended.last


def test_a_participant_that_another_run_is_at_is_left_alone(run, bids):
    lock = bids.parent / 'out/logs/.sub-01.lock'
    lock.parent.mkdir(parents=True)
    parent = psutil.Process(os.getppid())
    holder = {'host': os.uname().nodename, 'pid': parent.pid, 'start': time.time()}
    lock.write_text(json.dumps(holder))
    ended = run()
    assert (ended.code, '1 ok' in ended.last, '1 locked' in ended.last) == (75, True, True)
    assert str(parent.pid) in ended.text
    assert lock.is_file()
    lock.unlink()
    assert '2 ok, 1 up to date' in run().last


def test_a_work_folder_that_lost_files_is_not_trusted(run, bids):
    run(plan={'sub-01_ses-2': 'kill', 'sub-02': 'kill'})
    for path in (bids.parent / 'work').glob('sub-*/**/anat/*'):
        path.unlink()
    ended = run()
    assert (ended.code, '2 ok, 1 up to date' in ended.last) == (0, True)
    assert problems(ended.out, raw=bids) == []


def test_a_page_that_is_missing_is_made_again(run):
    first = run()
    page = first.out / 'sub-02.html'
    before = page.read_bytes()
    page.unlink()
    again = run()
    assert (again.code, '3 up to date' in again.last) == (0, True)
    assert page.read_bytes() == before


def test_a_page_that_fails_ends_with_code_3_and_all_images(run, monkeypatch):
    from bids_seg import report

    def broken(out_dir, label, *, shape):
        raise ValueError(f'no ink for {out_dir}/{label}')

    monkeypatch.setattr(report, 'participant', broken)
    ended = run()
    assert (ended.code, '3 ok' in ended.last) == (3, True)
    crash = next(ended.out.glob('logs/*/crash-sub-02-report.txt')).read_text()
    assert 'no ink for <out>/02' in crash
    assert 'File "<package>/workflow/' in crash


def test_a_participant_that_comes_later_is_listed_with_what_became_of_it(run, bids, make_dataset):
    run(levels=('participant', 'group'))
    make_dataset({'sub-03/anat/sub-03_T1w.nii.gz': image(4)})
    ended = run('--participant-label', '03', plan={'sub-03': 'fail'})
    table = (ended.out / 'participants.tsv').read_text().splitlines()
    row = next(line for line in table if line.startswith('sub-03'))
    assert 'failed' in row.split('\t')
    assert problems(ended.out, raw=bids) == []


def test_pages_and_group_need_no_images(run, bids):
    first = run(levels=('participant', 'group'))
    before = digests(first.out)
    bids.rename(bids.parent / 'elsewhere')
    bids.mkdir()
    assert run('--reports-only').code == 0
    assert run(levels=('group',)).code == 0
    assert digests(first.out) == before


@pytest.mark.parametrize('levels', [('group',), ('participant',)])
def test_pages_of_nothing_end_with_code_66_and_write_nothing(run, bids, levels):
    more = ['--reports-only'] if levels == ('participant',) else []
    ended = run(*more, levels=levels)
    assert ended.code == 66
    assert not ended.out.exists()


def start(bids, *more, plan, mark):
    """Start the program in a process group of its own."""
    variables = {**os.environ, 'FAKED': json.dumps(plan), 'FAKED_AT': str(mark)}
    return subprocess.Popen(
        [sys.executable, faked.__file__, *words(bids, *more)],
        env=variables,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=bids.parent,
        # A shell that started the tests in the background had them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_for(mark, program):
    for _ in range(1200):
        if mark.is_file() and mark.read_text():
            return int(mark.read_text())
        assert program.poll() is None, program.stderr.read()
        time.sleep(0.05)
    raise AssertionError('the network did not begin')


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_ended_leaves_no_process_and_is_gone_on_with(run, bids, number):
    mark = bids.parent / 'mark'
    program = start(bids, plan={'sub-01_ses-2': 'sleep'}, mark=mark)
    child = wait_for(mark, program)
    below = psutil.Process(program.pid).children(recursive=True)
    # As the terminal does: Ctrl-C reaches the whole group.
    os.killpg(program.pid, number) if number == signal.SIGINT else program.send_signal(number)
    _, told = program.communicate(timeout=60)
    gone, alive = psutil.wait_procs(below, timeout=10)
    assert alive == []
    assert child in {each.pid for each in gone}
    out, work = bids.parent / 'out', bids.parent / 'work'
    if number == signal.SIGKILL:
        assert program.returncode == -9
    else:
        assert program.returncode == 128 + number
        last = told.strip().splitlines()[-1]
        assert f'not done; exit {128 + number}; logs/' in last
        assert 'Traceback' not in told
        assert hidden(out, work) == []
        assert not list(work.glob('index-*')) + list(work.glob('run-*'))
    ended = run()
    assert ended.code == 0
    assert '0 failed; exit 0' in ended.last
    assert hidden(out, work) == []
    assert problems(out, raw=bids) == []
    resumed = digests(out, pattern='sub-*/**/anat/*')
    for path in (out, work):
        path.rename(path.with_name(f'{path.name}-1'))
    run()
    assert digests(out, pattern='sub-*/**/anat/*') == resumed
