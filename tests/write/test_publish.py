# SPDX-License-Identifier: Apache-2.0
"""A visit's set is published whole or not at all (BIDS.md 2.1, rules 4 and 7)."""

import dataclasses
import errno
import os
import shutil
from pathlib import Path

import pytest

from bids_seg.errors import OutputError
from bids_seg.write import names, participant, publish
from bids_seg.write import visit as visit_texts

DIGESTS = {'settings_sha256': '5' * 64, 'input_sha256': '1' * 64}


def content_of(root: Path) -> dict[str, bytes]:
    """All files below a folder, hidden ones too."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob('*')
        if path.is_file()
    }


def put_set(work: Path, summary, *, mark: bytes) -> dict[str, str]:
    """A set without networks: images are a few bytes."""
    summary = dataclasses.replace(summary, models=())
    files = names.files_of(summary)
    for path in files.values():
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_bytes(mark)
    visit_texts.write_texts(work, summary, files=files, lesions={})
    return files


@pytest.fixture
def summary(summary_of):
    return summary_of('01', '01')


def test_a_set_arrives_whole_without_hidden_files(tmp_path, summary):
    files = put_set(tmp_path / 'work', summary, mark=b'new')
    publish.publish(tmp_path / 'work', tmp_path / 'out', visit=summary.visit, files=files)
    assert content_of(tmp_path / 'out') == content_of(tmp_path / 'work')


def test_files_of_an_older_set_that_the_new_one_lacks_are_removed(tmp_path, summary):
    out = tmp_path / 'out'
    files = put_set(tmp_path / 'a', summary, mark=b'old')
    publish.publish(tmp_path / 'a', out, visit=summary.visit, files=files)
    others = out / 'sub-01/ses-01/anat/sub-01_ses-010_T1w.nii.gz'
    others.write_bytes(b'of another visit')
    fewer = dataclasses.replace(summary, alignments=summary.alignments[:1])
    files = put_set(tmp_path / 'b', fewer, mark=b'new')
    publish.publish(tmp_path / 'b', out, visit=summary.visit, files=files)
    found = content_of(out)
    assert found.pop(others.relative_to(out).as_posix()) == b'of another visit'
    assert found == content_of(tmp_path / 'b')


def test_maps_of_a_participants_tracks_are_no_part_of_a_visit_without_session(tmp_path, summary_of):
    summary = summary_of('02', None)
    tracks = tmp_path / 'out/sub-02/anat/sub-02_space-individual_seg-gliomaTracks_dseg.nii.gz'
    tracks.parent.mkdir(parents=True)
    tracks.write_bytes(b'tracks')
    files = put_set(tmp_path / 'work', summary, mark=b'new')
    publish.publish(tmp_path / 'work', tmp_path / 'out', visit=summary.visit, files=files)
    assert tracks.read_bytes() == b'tracks'
    publish.withdraw(tmp_path / 'out', summary.visit)
    assert content_of(tmp_path / 'out') == {
        tracks.relative_to(tmp_path / 'out').as_posix(): b'tracks'
    }


class Breaker:
    """Lets the first calls of a function through and then fails."""

    def __init__(self, monkeypatch, allowed: int, error: BaseException) -> None:
        self.left, self.error = allowed, error
        for owner, name in ((os, 'fsync'), (Path, 'replace'), (shutil, 'copyfileobj')):
            monkeypatch.setattr(owner, name, self.wrapped(getattr(owner, name)))

    def wrapped(self, real):
        def call(*args):
            self.left -= 1
            if self.left == -1:
                raise self.error
            return real(*args)

        return call


# 10 files: 20 calls copy them, 14 set an older set aside, 10 give names, 1 syncs the folder.
@pytest.mark.parametrize(
    ('before', 'allowed'),
    [
        *(('nothing', allowed) for allowed in (0, 1, 19, 20, 25, 29, 30)),
        *(('an older set', allowed) for allowed in (0, 19, 20, 27, 33, 34, 40, 43, 44)),
    ],
)
def test_a_failure_in_between_leaves_what_was_there(
    tmp_path, summary, monkeypatch, before, allowed
):
    out = tmp_path / 'out'
    out.mkdir()
    (out / 'README.md').write_bytes(b'x')
    if before == 'an older set':
        files = put_set(tmp_path / 'a', summary, mark=b'old')
        publish.publish(tmp_path / 'a', out, visit=summary.visit, files=files)
    earlier = content_of(out)
    folders = {path for path in out.rglob('*') if path.is_dir()}
    fewer = dataclasses.replace(summary, alignments=summary.alignments[:2])
    files = put_set(tmp_path / 'b', fewer, mark=b'new')
    with monkeypatch.context() as patch:
        Breaker(patch, allowed, OSError(errno.ENOSPC, 'No space left on device'))
        with pytest.raises(OutputError, match='the disk is full') as caught:
            publish.publish(tmp_path / 'b', out, visit=summary.visit, files=files)
    assert caught.value.code == 73
    assert content_of(out) == earlier
    assert {path for path in out.rglob('*') if path.is_dir()} == folders


def test_an_interrupt_leaves_what_was_there_and_goes_on_upwards(tmp_path, summary, monkeypatch):
    files = put_set(tmp_path / 'work', summary, mark=b'new')
    with monkeypatch.context() as patch:
        Breaker(patch, 20, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            publish.publish(tmp_path / 'work', tmp_path / 'out', visit=summary.visit, files=files)
    assert not (tmp_path / 'out').exists()


def test_a_folder_that_cannot_be_written_is_said_with_what_to_do(tmp_path, summary):
    files = put_set(tmp_path / 'work', summary, mark=b'new')
    (tmp_path / 'out').write_text('a file where a folder should be')
    with pytest.raises(OutputError, match='cannot be written') as caught:
        publish.publish(tmp_path / 'work', tmp_path / 'out', visit=summary.visit, files=files)
    assert caught.value.code == 73


def test_what_a_killed_run_left_behind_is_swept_away(tmp_path, summary):
    files = put_set(tmp_path / 'work', summary, mark=b'new')
    folder = tmp_path / 'out/sub-01/ses-01/anat'
    folder.mkdir(parents=True)
    (folder / '.sub-01_ses-01_T1w.nii.gz.old').write_bytes(b'x')
    (folder / '.sub-01_ses-01_T1w.nii.gz.new').write_bytes(b'x')
    publish.publish(tmp_path / 'work', tmp_path / 'out', visit=summary.visit, files=files)
    assert content_of(tmp_path / 'out') == content_of(tmp_path / 'work')


def test_an_unfinished_set_is_refused(tmp_path, summary):
    files = put_set(tmp_path / 'work', summary, mark=b'new')
    (tmp_path / 'work' / files['xfm:T1w']).unlink()
    with pytest.raises(ValueError, match=r'missing: .*from-T1w'):
        publish.publish(tmp_path / 'work', tmp_path / 'out', visit=summary.visit, files=files)


def test_a_visit_is_up_to_date_by_its_names_and_digests_alone(tmp_path, summary):
    out = tmp_path / 'out'
    bare = dataclasses.replace(summary, models=())
    files = put_set(tmp_path / 'work', summary, mark=b'new')
    assert not publish.up_to_date(out, files, **DIGESTS)
    publish.publish(tmp_path / 'work', out, visit=summary.visit, files=files)
    assert publish.up_to_date(out, files, **DIGESTS)
    assert not publish.up_to_date(out, files, **{**DIGESTS, 'input_sha256': '2'})
    assert not publish.up_to_date(out, files, **{**DIGESTS, 'settings_sha256': '2'})
    assert not publish.visit_up_to_date(out, summary.visit, **DIGESTS)
    participant.write_summary(out, bare)
    assert publish.visit_up_to_date(out, summary.visit, **DIGESTS)
    participant.write_summary(out, dataclasses.replace(bare, status='failed'))
    assert not publish.visit_up_to_date(out, summary.visit, **DIGESTS)


@pytest.mark.parametrize('end', ['xfm.txt', 'FLAIR.json', 'FLAIR.nii.gz'])
def test_one_file_that_is_gone_makes_a_visit_be_made_again(tmp_path, summary, end):
    files = put_set(tmp_path / 'out', summary, mark=b'new')
    assert publish.up_to_date(tmp_path / 'out', files, **DIGESTS)
    next((tmp_path / 'out').rglob(f'*{end}')).unlink()
    assert not publish.up_to_date(tmp_path / 'out', files, **DIGESTS)


def test_a_summary_that_cannot_be_read_counts_as_none(tmp_path, summary):
    place = participant.write_summary(tmp_path, summary)
    assert publish.load_summary(place) == summary
    place.write_text('{"visit": 3')
    assert publish.load_summary(place) is None
    place.write_text('[]')
    assert publish.load_summary(place) is None
