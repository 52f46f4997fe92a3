# SPDX-License-Identifier: Apache-2.0
"""The main job, from the command line, with the networks that ship: what lies where at the end."""

import dataclasses
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import made_heads
import pytest

from bids_seg.write.check import problems

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

ROLES = ('T1wCE', 'T1w', 'T2w', 'FLAIR')


@dataclasses.dataclass
class Ended:
    """How one run ended, and what lay in the output then."""

    code: int
    stdout: str
    text: str
    seconds: float
    files: dict[str, str]
    problems: list[str]
    validator: dict

    @property
    def last(self):
        return self.text.strip().splitlines()[-1]

    @property
    def results(self):
        return {name: sha for name, sha in self.files.items() if not name.startswith('logs/')}


@dataclasses.dataclass
class Story:
    """All runs, one after the other on one output."""

    bids: Path
    out: Path
    runs: dict[str, Ended]


def run(bids, out, *more, levels=('participant', 'group'), before=()):
    """Run the program as a user does, and look at what it left."""
    words = [*before, sys.executable, str(ROOT / 'run.py'), str(bids), str(out), *levels, *more]
    began = time.monotonic()
    done = subprocess.run(
        [*words, '--work-dir', str(out.parent / 'work'), '--nprocs', '2'],
        capture_output=True,
        text=True,
        cwd=out.parent,
        env={**os.environ, 'NO_COLOR': '1'},
    )
    files = {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob('*'))
        if path.is_file()
    }
    raw = bids if any(bids.glob('sub-*')) else None
    return Ended(
        code=done.returncode,
        stdout=done.stdout,
        text=done.stderr,
        seconds=time.monotonic() - began,
        files=files,
        problems=problems(out, raw=raw),
        validator=validate(out),
    )


def validate(out):
    """Return the errors and warnings of the BIDS validator by their codes."""
    beside = Path(sys.executable).parent / 'bids-validator-deno'
    program = shutil.which('bids-validator-deno') or str(beside)
    done = subprocess.run([program, '--format', 'json', str(out)], capture_output=True, text=True)
    found: dict[str, set[str]] = {'error': set(), 'warning': set()}
    for issue in json.loads(done.stdout)['issues']['issues']:
        found.setdefault(issue['severity'], set()).add(f'{issue["code"]} {issue.get("location")}')
    return found


@pytest.fixture(scope='module')
def story(tmp_path_factory):
    """Do all runs once: whole, again, pages, one more participant, group, without network."""
    from tiny_dataset import write_dataset

    top = tmp_path_factory.mktemp('story')
    out = top / 'out'
    files = {
        'participants.tsv': (
            'participant_id\tage\tgroup\nsub-01\t61\tglioma\nsub-02\t40\tcontrol\n'
            'sub-03\t58\tmetastasis\nsub-04\t33\tcontrol\n'
        ),
        **made_heads.visit('01', '01', ROLES),
        **made_heads.visit('01', '02', ROLES, radius_mm=18),
        **made_heads.visit('02', None, ('T1w',), radius_mm=0),
        **made_heads.visit('03', 'pre', ('T1wCE',), radius_mm=9),
    }
    bids = write_dataset(top / 'bids', files)
    runs = {'first': run(bids, out)}
    marks = {path: path.stat().st_mtime_ns for path in (top / 'work').rglob('results-*.jsonl')}
    runs['second'] = run(bids, out)
    assert marks
    runs['second'].stdout += ''.join(
        str(path) for path, mark in marks.items() if path.stat().st_mtime_ns != mark
    )
    runs['pages'] = run(bids, out, '--reports-only', levels=('participant',))
    write_dataset(bids, made_heads.visit('04', None, ('FLAIR',), skull=False, radius_mm=0))
    # Without any network: the kernel shows the program no interface at all.
    alone = ('unshare', '-n', '--map-root-user') if can_unshare() else ()
    runs['one more'] = run(
        bids,
        out,
        *('--participant-label', 'sub-04', '--models', 'brain'),
        levels=('participant',),
        before=alone,
    )
    runs['grown'] = run(bids, out, levels=('group',))
    empty = top / 'empty'
    empty.mkdir()
    runs['alone'] = run(empty, out, levels=('group',))
    return Story(bids=bids, out=out, runs=runs)


def can_unshare():
    words = ['unshare', '-n', '--map-root-user', 'true']
    return bool(shutil.which('unshare')) and subprocess.run(words, check=False).returncode == 0


def braces(text):
    """Return the names that a pattern with braces stands for."""
    found = re.search(r'\{([^{}]*)\}', text)
    if not found:
        return [text]
    parts = [text[: found.start()] + part + text[found.end() :] for part in found[1].split(',')]
    return [name for part in parts for name in braces(part)]


def glioma_visit(name, folder):
    """Return the names of a glioma visit with all four images."""
    return [
        f'{folder}/{name}_{end}'
        for pattern in (
            'ce-gadolinium_space-orig_desc-brain_mask.{nii.gz,json}',
            'ce-gadolinium_space-orig_desc-preproc_T1w.{nii.gz,json}',
            'space-T1wCE_desc-preproc_{T1w,T2w,FLAIR}.{nii.gz,json}',
            'from-{T1w,T2w,FLAIR}_to-T1wCE_mode-image_xfm.{txt,json}',
            'space-orig_seg-glioma_dseg.{nii.gz,json,tsv}',
            'space-orig_seg-glioma_label-{WT,TC,ET}_probseg.{nii.gz,json}',
            'space-orig_seg-glioma_desc-entropy_probseg.{nii.gz,json}',
            'space-orig_label-{WT,TC,ET}_desc-glioma_mask.{nii.gz,json}',
            'space-orig_seg-gliomaLesions_dseg.{nii.gz,json,tsv}',
        )
        for end in braces(pattern)
    ]


def expected():
    """Return the names of everything but logs and figures after the first run."""
    names = [
        *braces('{.bidsignore,README.md,dataset_description.json,descriptions.tsv}'),
        *('descriptions.json', 'group.html'),
        *braces('participants.{tsv,json}'),
        *braces('group_{lesions,visits,best,qc}.{tsv,json}'),
        *braces('sub-{01,02,03}.html'),
        *braces('sub-01/sub-01_{sessions,lesions}.{tsv,json}'),
        *braces('sub-02/sub-02_lesions.{tsv,json}'),
        *braces('sub-03/sub-03_{sessions,lesions}.{tsv,json}'),
    ]
    for session in ('01', '02'):
        names += glioma_visit(f'sub-01_ses-{session}', f'sub-01/ses-{session}/anat')
        stem = f'sub-01/ses-{session}/anat/sub-01_ses-{session}_'
        for pattern in (
            'from-orig_to-individual_mode-image_xfm.{txt,json}',
            'space-orig_seg-gliomaNonCELesions_dseg.{nii.gz,json,tsv}',
            'space-individual_seg-glioma{Lesions,NonCELesions}_dseg.{nii.gz,json,tsv}',
        ):
            names += [stem + end for end in braces(pattern)]
    tracks = 'sub-01/anat/sub-01_space-individual_seg-glioma{Tracks,NonCETracks}_dseg'
    names += braces(f'{tracks}.{{nii.gz,json,tsv}}')
    names += braces('sub-02/anat/sub-02_space-orig_desc-{brain_mask,preproc_T1w}.{nii.gz,json}')
    stem = 'sub-03/ses-pre/anat/sub-03_ses-pre_'
    for pattern in (
        'ce-gadolinium_space-orig_desc-{brain_mask,preproc_T1w}.{nii.gz,json}',
        'space-orig_seg-metastases_dseg.{nii.gz,json,tsv}',
        'space-orig_seg-metastases_label-TC_probseg.{nii.gz,json}',
        'space-orig_seg-metastases_desc-entropy_probseg.{nii.gz,json}',
        'space-orig_label-TC_desc-metastases_mask.{nii.gz,json}',
        'space-orig_seg-metastasesLesions_dseg.{nii.gz,json,tsv}',
    ):
        names += [stem + end for end in braces(pattern)]
    return set(names)


def test_the_first_run_does_every_visit_and_says_so_last(story):
    first = story.runs['first']
    assert first.code == 0, first.text
    pattern = (
        r'bids-seg: 4 ok, 0 up to date, 0 skipped, 0 failed; exit 0; logs/\d{8}T\d{6}Z-\w{8}\.log'
    )
    assert re.fullmatch(pattern, first.last)
    assert first.stdout == ''


def test_the_output_holds_these_files_and_no_others(story):
    found = {
        name for name in story.runs['first'].files if not re.search('(^|/)(figures|logs)/', name)
    }
    assert found == expected()


def test_the_logs_are_there_and_no_lock_or_hidden_file_is_left(story):
    names = [name for name in story.runs['first'].files if name.startswith('logs/')]
    ends = sorted(name.partition('.')[2] for name in names)
    assert ends == ['jsonl', 'log', 'md', 'toml']
    hidden = [name for name in story.runs['alone'].files if '/.' in f'/{name}']
    assert hidden == ['.bidsignore']


@pytest.mark.parametrize('name', ['first', 'second', 'pages', 'one more', 'grown', 'alone'])
def test_every_tree_keeps_the_contract_and_the_validator_finds_no_error(story, name):
    ended = story.runs[name]
    assert ended.code == 0, ended.text
    assert ended.problems == []
    assert ended.validator['error'] == set()
    assert len(ended.validator['warning']) <= 1, ended.validator


def test_a_second_run_starts_no_network_and_changes_no_byte(story):
    first, second = story.runs['first'], story.runs['second']
    assert '0 ok, 4 up to date, 0 skipped, 0 failed; exit 0' in second.last
    assert second.stdout == ''
    assert second.results == first.results


def test_pages_are_built_again_with_the_same_bytes(story):
    pages = story.runs['pages']
    assert pages.results == story.runs['second'].results
    assert 'sub-01 report: ok' in pages.text


def test_one_more_participant_touches_nothing_of_the_others(story):
    before, after = story.runs['pages'], story.runs['one more']
    assert '1 ok, 0 up to date' in after.last
    changed = {name for name, sha in after.results.items() if before.results.get(name) != sha}
    assert {name for name in changed if not name.startswith('sub-04')} == {'participants.tsv'}
    assert 'sub-04/anat/sub-04_space-orig_desc-brain_mask.nii.gz' in changed


def test_the_group_takes_it_up_and_needs_no_images_for_it(story):
    grown, alone = story.runs['grown'], story.runs['alone']
    table = (story.out / 'participants.tsv').read_text().splitlines()
    assert [line.split('\t')[0] for line in table[1:]] == [f'sub-0{n}' for n in range(1, 5)]
    tables = [name for name in grown.results if name.startswith('group_')]
    assert {name: alone.results[name] for name in tables} == {
        name: grown.results[name] for name in tables
    }


def test_the_masks_show_the_brain_and_what_was_measured_is_in_the_tables(story):
    import nibabel as nb
    import numpy as np

    anat = story.out / 'sub-01/ses-01/anat'
    stem = 'sub-01_ses-01'
    mask = nb.load(anat / f'{stem}_ce-gadolinium_space-orig_desc-brain_mask.nii.gz')
    assert mask.shape == made_heads.SHAPE
    assert np.allclose(mask.affine, made_heads.affine())
    assert np.asarray(mask.dataobj).any()
    rows = (story.out / 'group_visits.tsv').read_text().splitlines()
    assert len([row for row in rows if row.startswith('sub-01')]) == 2
    summary = json.loads((story.out / f'sub-01/figures/{stem}_desc-summary.json').read_text())
    assert summary['status'] == 'complete'
    assert {cost['stage'] for cost in summary['costs']} == {
        *('prepare', 'brain', 'glioma', 'measure'),
    }
