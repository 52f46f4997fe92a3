# SPDX-License-Identifier: Apache-2.0
"""What killed runs leave is removed, and nothing else."""

import os
import time

from bids_seg.workflow import leftovers


def make(root, *names, age_s=0.0):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('x')
        os.utime(path, (time.time() - age_s,) * 2)


def left(root):
    return {path.relative_to(root).as_posix() for path in root.rglob('*') if path.is_file()}


def test_hidden_files_of_one_participant_go_and_those_of_others_stay(tmp_path):
    out, work = tmp_path / 'out', tmp_path / 'work'
    keep = ('sub-01/anat/a.nii.gz', 'sub-01/.notes', 'sub-011/.a.json.1.tmp', '.sub-011.html.1.tmp')
    make(out, *keep)
    make(out, 'sub-01/anat/.a.nii.gz.new', 'sub-01/ses-1/anat/.a.nii.gz.old')
    make(out, '.sub-01.html.77.tmp', 'sub-01/figures/.b.json.77.tmp')
    make(work, 'sub-01/.state-plan.json.77.tmp')
    leftovers.sweep_participant('01', out_dir=out, work_dir=work)
    assert left(out) == set(keep)
    assert left(work) == set()


def test_what_runs_share_is_removed_only_when_it_is_old(tmp_path):
    out, work = tmp_path / 'out', tmp_path / 'work'
    keep = ('.bidsignore', '.README.md.7.tmp')
    make(out, *keep)
    make(out, '.group.html.7.tmp', 'logs/.CITATION.md.7.tmp', age_s=2 * leftovers.OLD_S)
    make(work, 'run-a.json', 'index-a/x')
    make(work, 'run-b.json', age_s=2 * leftovers.OLD_S)
    (work / 'index-b').mkdir()
    os.utime(work / 'index-b', (time.time() - 2 * leftovers.OLD_S,) * 2)
    leftovers.sweep_shared(out_dir=out, work_dir=work)
    assert left(out) == set(keep)
    assert left(work) == {'run-a.json', 'index-a/x'}
    assert not (work / 'index-b').exists()
