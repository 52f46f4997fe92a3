# SPDX-License-Identifier: Apache-2.0
"""Files of lesions that are followed: written, left alone, taken back (BIDS.md 2.1-2.4)."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import through_time

from bids_seg import image
from bids_seg.errors import OutputError
from bids_seg.records import ReaderEdit
from bids_seg.write import check, group, names, participant, publish
from bids_seg.write import history as written
from bids_seg.write.text import read_tsv

ANAT = 'sub-01/ses-{}/anat/sub-01_ses-{}_'
LESIONS = 'seg-metastasesLesions_dseg'


@pytest.fixture
def out(finished: Path, tmp_path: Path) -> Path:
    """A copy of the whole tree that a test may change."""
    shutil.copytree(finished, tmp_path / 'raw')
    return tmp_path / 'raw' / 'derivatives' / 'bids-seg'


def place(session: str, end: str) -> str:
    return ANAT.format(session, session) + end


def content(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob('*')
        if path.is_file()
    }


def told(out: Path, label: str = '01'):
    found = participant.account(out, label)
    assert found.history is not None
    return [one.summary for one in found.outcomes], found.history


def test_all_that_was_followed_comes_back_as_it_was_stored(out):
    summaries, history = told(out)
    assert written.read_history(out, '01') == history
    assert history.visits == ('01', '02')
    there = written.paths(history, summaries)
    assert all((out / path).is_file() for path in there)
    followed = {
        path for path in content(out) if 'individual' in path and path.startswith('sub-01/')
    }
    assert followed <= set(there)
    assert len(followed) == 2 * (2 + 2 * 3) + 2 * 3


@pytest.mark.parametrize('text', ['', '{', '{"participant": "01"}', '[]'])
def test_a_history_that_cannot_be_read_is_none_and_the_tables_still_come_out(out, text):
    (out / names.history('01')).write_text(text)
    assert written.read_history(out, '01') is None
    participant.write_tables(out, '01')
    rows = read_tsv(out / names.lesions_table('01'))[1]
    assert [row['lesion_id'] for row in rows][:2] == ['L001', 'L002']
    header, _ = read_tsv(out / names.sessions_table('01'))
    assert not any('rano' in name for name in header)


def test_the_same_input_writes_nothing_again(out, tmp_path):
    before = content(out)
    summaries, history = told(out)
    assert through_time.follow(out, tmp_path / 'work', summaries, history) == set()
    participant.write_tables(out, '01')
    group.write_tables(out, bids_dir=out.parents[1])
    assert content(out) == before


def test_the_image_of_a_visit_carries_the_numbers_of_its_table(out):
    for session, numbers in (('01', {1, 2}), ('02', {1, 3})):
        for space in ('orig', 'individual'):
            stem = place(session, f'space-{space}_{LESIONS}')
            values = {*np.unique(image.read_labels(out / f'{stem}.nii.gz').array).tolist()} - {0}
            assert values == numbers
            listed, rows = read_tsv(out / f'{stem}.tsv')
            assert listed[:3] == ['index', 'name', 'color']
            assert numbers <= {int(row['index']) for row in rows}
            assert (len(listed) == 3) == (space == 'individual')


def test_a_visit_is_up_to_date_with_and_without_what_was_followed(out, tmp_path):
    summaries, history = told(out)
    digests = {'settings_sha256': '5' * 64, 'input_sha256': '1' * 64}
    assert all(publish.visit_up_to_date(out, one.visit, **digests) for one in summaries)
    bare = dataclasses.replace(history, untracked='sessionwise', trackings=(), responses={})
    through_time.follow(out, tmp_path / 'work', summaries, bare)
    assert all(publish.visit_up_to_date(out, one.visit, **digests) for one in summaries)


def test_sidecars_say_where_lesions_come_from_and_where_they_lie(out):
    own = json.loads((out / place('02', f'space-orig_{LESIONS}.json')).read_text())
    other = json.loads((out / place('02', f'space-individual_{LESIONS}.json')).read_text())
    first = json.loads((out / place('01', f'space-orig_{LESIONS}.json')).read_text())
    xfm = json.loads((out / place('02', 'from-orig_to-individual_mode-image_xfm.json')).read_text())
    assert other['Sources'] == [
        'bids::' + place('02', f'space-orig_{LESIONS}.nii.gz'),
        'bids::' + place('02', 'from-orig_to-individual_mode-image_xfm.txt'),
    ]
    assert other['SpatialReference'] == first['SpatialReference'] != own['SpatialReference']
    assert (xfm['BrainDice'], xfm['RotationDeg'], xfm['DisagreementMm']) == (0.9712, 4.5679, 0.21)
    assert xfm['Sources'] == [
        'bids::' + place(session, 'ce-gd_space-orig_desc-preproc_T1w.nii.gz')
        for session in ('02', '01')
    ]
    assert own['NumberOfLesions'] == 2
    for one in (own, other, xfm):
        assert (one['SettingsSHA256'], one['InputSHA256']) == ('5' * 64, '1' * 64)
    tracks = json.loads(
        (out / 'sub-01/anat/sub-01_space-individual_seg-metastasesTracks_dseg.json').read_text()
    )
    assert tracks['Sources'] == [
        'bids::' + place(session, f'space-individual_{LESIONS}.nii.gz') for session in ('01', '02')
    ]


def test_corrections_of_a_reader_are_echoed_and_go_with_them(out, tmp_path):
    summaries, history = told(out)
    edits = (
        ReaderEdit(session='02', action='link', item='2', value='L001'),
        ReaderEdit(session=None, action='exclude_ids', item='', value='L002'),
    )
    edited = dataclasses.replace(history, edits=edits)
    changed = through_time.follow(out, tmp_path / 'work', summaries, edited)
    sidecar = place('02', f'space-orig_{LESIONS}.json')
    assert sidecar in changed
    assert place('01', f'space-orig_{LESIONS}.json') not in changed
    told_there = json.loads((out / sidecar).read_text())['ReaderEdits']
    assert told_there == [{'action': 'link', 'item': '2', 'value': 'L001'}]
    through_time.follow(out, tmp_path / 'work', summaries, history)
    assert 'ReaderEdits' not in json.loads((out / sidecar).read_text())


def test_where_lesions_are_no_longer_followed_their_files_go_and_numbers_are_those_of_the_visit(
    out, tmp_path
):
    summaries, history = told(out)
    bare = dataclasses.replace(
        history, untracked='sessionwise', trackings=(), responses={}, best={}, registrations={}
    )
    through_time.follow(out, tmp_path / 'work', summaries, bare)
    participant.write_tables(out, '01')
    group.write_tables(out, bids_dir=out.parents[1])
    assert not [path for path in content(out) if 'individual' in path]
    stem = place('02', f'space-orig_{LESIONS}')
    values = np.unique(image.read_labels(out / f'{stem}.nii.gz').array).tolist()
    assert values == [0, 10001, 10002]
    rows = read_tsv(out / names.lesions_table('01'))[1]
    assert {row['lesion_id'] for row in rows} == {'U001', 'U002'}
    assert check.problems(out) == []


def test_a_visit_that_is_withdrawn_takes_what_was_followed_along(out, tmp_path):
    summaries, history = told(out)
    first, second = summaries
    publish.withdraw(out, second.visit)
    assert not (out / 'sub-01/ses-02/anat').exists() or not any(
        (out / 'sub-01/ses-02/anat').iterdir()
    )
    failed = dataclasses.replace(second, status='failed', reason='signal 9', models=())
    failed = dataclasses.replace(failed, lesion_sets=())
    participant.write_summary(out, failed)
    # Until it is followed again, the history is not that of today.
    assert participant.account(out, '01').history is None
    trackings = [
        dataclasses.replace(
            one,
            tracks=tuple(
                through_time.a_track(name, [number, 'not_evaluable'])
                for number, name in ((1, 'L001'), (2, 'L002'))
            ),
        )
        for one in history.trackings
    ]
    again = through_time.a_history([first, failed], trackings, criteria=('rano2', 'rano_bm'))
    through_time.follow(out, tmp_path / 'work', [first, failed], again)
    participant.write_tables(out, '01')
    group.write_tables(out, bids_dir=out.parents[1])
    assert not [path for path in content(out) if 'individual' in path]
    rows = read_tsv(out / names.lesions_table('01'))[1]
    last = [row for row in rows if row['session_id'] == 'ses-02']
    assert {row['status'] for row in last} == {'not_evaluable'}
    assert {row['volume_mm3'] for row in last} == {'n/a'}
    assert [row['lesion_id'] for row in last] == ['L001', 'L002'] * 2
    visits = read_tsv(out / 'group_visits.tsv')[1]
    mine = [row for row in visits if row['session_id'] == 'ses-02']
    assert [(row['visit_status'], row['response'], row['disease']) for row in mine] == [
        ('failed', 'NE', 'glioma'),
        ('failed', 'NE', 'metastases'),
    ]
    assert check.problems(out) == []


def test_a_visit_that_was_made_again_is_read_by_itself_until_it_is_followed(out):
    table = out / place('02', f'space-orig_{LESIONS}.tsv')
    table.write_text(table.read_text().replace('L001', 'U001').replace('L003', 'U002'))
    assert participant.account(out, '01').history is None
    participant.write_tables(out, '01')
    rows = read_tsv(out / names.lesions_table('01'))[1]
    last = [row['lesion_id'] for row in rows if row['session_id'] == 'ses-02']
    assert last == ['L001', 'L002', 'L003', 'U001', 'L002', 'U002']


def test_one_visit_alone_has_names_for_life_and_no_space_of_its_own(out):
    summaries, history = told(out, '02')
    rows = read_tsv(out / names.lesions_table('02'))[1]
    assert [(row['lesion_id'], row['identity_event']) for row in rows] == [
        ('L001', 'baseline'),
        ('L002', 'baseline'),
    ]
    assert rows[0]['centroid_ref_x'] == rows[0]['centroid_x']
    assert not [path for path in written.paths(history, summaries) if 'individual' in path]


def test_the_middle_of_all_visits_is_a_file_and_the_reference_of_what_lies_there(out, tmp_path):
    summaries, history = told(out)
    moved = {**history.registrations, '01': history.registrations['02']}
    middle = dataclasses.replace(history, registrations=moved)
    through_time.follow(out, tmp_path / 'work', summaries, middle)
    grid = image.read_header(out / place('01', f'space-individual_{LESIONS}.nii.gz')).grid
    mean = image.Volume(np.ones(grid.shape, np.float32), grid)
    written.write_participant(out, middle, tracks={}, mean=mean)
    path = 'sub-01/anat/sub-01_space-individual_desc-mean_T1w.nii.gz'
    assert path in written.paths(middle, summaries)
    sidecar = json.loads((out / place('02', f'space-individual_{LESIONS}.json')).read_text())
    assert sidecar['SpatialReference'] == f'bids::{path}'
    shown = json.loads((out / path.replace('.nii.gz', '.json')).read_text())
    assert shown['SkullStripped'] is False
    assert len(shown['Sources']) == 2
    # The tracks of before still lie on the first visit's grid: they must be made again.
    assert [one for one in check.problems(out) if 'Tracks' not in one] == []
    through_time.follow(out, tmp_path / 'work', summaries, history)
    assert not (out / path).exists()


def test_a_disk_that_is_full_leaves_a_visit_as_it_was(out, tmp_path, monkeypatch):
    summaries, history = told(out)
    before = content(out)
    edits = (ReaderEdit(session='02', action='link', item='2', value='L001'),)
    other = dataclasses.replace(history, edits=edits, reference='02')
    calls = []

    def full(text: bytes, target: Path) -> None:
        calls.append(target)
        if len(calls) > 1:
            raise OSError(28, 'No space left on device')
        target.write_bytes(text)

    monkeypatch.setattr(publish, '_put', full)
    with pytest.raises(OutputError, match='the disk is full'):
        through_time.follow(out, tmp_path / 'work', summaries, other)
    assert content(out) == before


def test_a_further_set_of_lesions_has_an_image_and_a_table_of_its_own(out, tmp_path):
    summaries, history = told(out)
    first = summaries[0].lesion_sets[0]
    lesions = tuple(dataclasses.replace(one, tissue='NonCE') for one in first.lesions)
    further = dataclasses.replace(first, tissue='NonCE', lesions=lesions, n_specks=4)
    more = [dataclasses.replace(one, lesion_sets=(*one.lesion_sets, further)) for one in summaries]
    tracking = through_time.a_tracking(further, {'L001': [1, 1], 'L002': [2, 2]})
    whole = dataclasses.replace(history, trackings=(*history.trackings, tracking))
    volumes = image.read_labels(out / place('01', 'space-orig_seg-gliomaLesions_dseg.nii.gz'))
    labels = {'gliomaNonCE': image.Volume(volumes.array.astype(np.uint16), volumes.grid)}
    transform = tmp_path / 'work.txt'
    transform.write_bytes(b'#Insight Transform File V1.0\n')
    for summary in more:
        participant.write_summary(out, summary)
        known = {
            names.lesion_set(one.disease, one.tissue): through_time.known(
                out, summary, one, place_of
            )
            for place_of, one in ((more.index(summary), one) for one in history.trackings)
        }
        written.write_visit(
            out,
            summary,
            whole,
            labels={**known, **labels},
            individual={**known, **labels},
            transform=transform,
        )
    tracks = {'gliomaNonCE': labels['gliomaNonCE']}
    written.write_participant(out, whole, tracks=tracks, mean=None)
    written.write_history(out, whole)
    assert written.prune(out, whole, more) == ()
    participant.write_tables(out, '01')
    group.write_tables(out, bids_dir=out.parents[1])
    sidecar = json.loads(
        (out / place('01', 'space-orig_seg-gliomaNonCELesions_dseg.json')).read_text()
    )
    assert (sidecar['Tissue'], sidecar['NumberOfSpecks']) == ('NonCE', 4)
    assert 'non-enhancing tumour (NonCE)' in sidecar['Description']
    rows = read_tsv(out / names.lesions_table('01'))[1]
    assert [row['lesion_id'] for row in rows if row['tissue'] == 'NonCE'] == ['L001', 'L002'] * 2
    # Only the disease's own set is counted in the totals.
    visits = read_tsv(out / 'group_visits.tsv')[1]
    assert visits[0]['n_lesions'] == '2'
    assert check.problems(out) == []
    # Measured no longer: gone with all that belongs to it.
    for summary in summaries:
        participant.write_summary(out, summary)
    gone = written.prune(out, history, summaries)
    assert len(gone) == 2 * 2 * 3 + 3
    assert all('gliomaNonCE' in path for path in gone)
    assert group.write_tables(out) == ()
