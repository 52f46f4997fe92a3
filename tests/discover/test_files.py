# SPDX-License-Identifier: Apache-2.0
"""Folder, file system, tables and sidecars: rules 19 to 29 of the input contract."""

import ast
import hashlib
import logging
import os
import time
from pathlib import Path

import pytest

from bids_seg import discover
from bids_seg.discover import index, text
from bids_seg.errors import CommandError, InputError

T1 = 'sub-01/anat/sub-01_T1w.nii.gz'
SIDE = 'sub-01/anat/sub-01_T1w.json'


@pytest.fixture
def patients(tmp_path):
    """Return a function that returns the patients of a dataset."""

    def find(root, wanted=()):
        labels = discover.select(root, wanted)
        return list(discover.patients(root, participants=labels, index_dir=tmp_path / 'index'))

    return find


def tree(root):
    """Return what lies in a folder, with contents."""
    return {
        path.relative_to(root).as_posix(): (
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else '', path.lstat().st_mtime_ns
        )
        for path in sorted(root.rglob('*'))
    }  # fmt: skip


def test_an_empty_folder_is_no_dataset(tmp_path):
    with pytest.raises(InputError, match='no sub-<label> folder') as caught:
        discover.participants(tmp_path)
    assert caught.value.code == 65


def test_a_folder_that_is_not_there_is_a_wrong_command(tmp_path):
    with pytest.raises(CommandError, match='no such folder'):
        discover.participants(tmp_path / 'nowhere')


def test_a_root_below_other_participants_does_not_rename_anyone(make_dataset, tmp_path, patients):
    root = tmp_path / 'sub-99' / 'ses-x' / 'anat' / 'sub-98_T1w' / 'bids'
    make_dataset({T1: {}, 'sub-02/ses-1/anat/sub-02_ses-1_FLAIR.nii.gz': {}}, root=root)
    found = patients(root)
    assert [visit.name for patient in found for visit in patient.visits] == [
        'sub-01',
        'sub-02_ses-1',
    ]
    assert found[0].visits[0].scans[0].path == root / T1


def test_a_link_folder_below_other_participants_does_not_either(make_dataset, tmp_path):
    root = make_dataset({T1: {}})
    work = tmp_path / 'work' / 'sub-99' / 'ses-x' / 'func'
    (patient,) = discover.patients(root, participants=('01',), index_dir=work)
    assert [visit.name for visit in patient.visits] == ['sub-01']
    assert patient.visits[0].roles == {'T1w'}
    assert list(work.iterdir()) == []


def test_only_participant_folders_at_the_root_count(make_dataset, patients):
    others = ['work', 'group1', 'sub-01', 'sourcedata', 'derivatives/x', 'code', 'stimuli', 'logs',
              'docs', 'phenotype', '.hidden']  # fmt: skip
    files = {f'{folder}/sub-02/anat/sub-02_T1w.nii.gz': b'x' for folder in others}
    files |= {f'{folder}/sub-01/anat/sub-01_T1w.nii.gz': b'x' for folder in others}
    files |= {T1: {}, 'sub-03': 'a file', 'sub-0_4/anat/x.nii': b'x', 'sub-/x': 'x'}
    root = make_dataset(files)
    assert discover.participants(root) == ('01',)
    (patient,) = patients(root)
    (visit,) = patient.visits
    assert [scan.relative for scan in visit.scans] == [T1]
    assert visit.passed_over == ()


def test_a_label_that_is_none_is_told(make_dataset, caplog):
    root = make_dataset({T1: {}, 'sub-0_4/x': 'x'})
    with caplog.at_level(logging.WARNING):
        discover.participants(root)
    assert 'sub-0_4 is left out' in caplog.text


@pytest.mark.parametrize('where', ['loop', 'sub-01/loop', 'sub-01/anat/loop', 'sub-01/ses-01'])
def test_link_loops_are_not_followed(make_dataset, patients, where):
    root = make_dataset({T1: {}, 'sub-02/anat/sub-02_T1w.nii.gz': {}})
    (root / where).symlink_to(root, target_is_directory=True)
    found = patients(root)
    scans = [scan.relative for patient in found for visit in patient.visits for scan in visit.scans]
    assert scans == [T1, 'sub-02/anat/sub-02_T1w.nii.gz']


def test_a_second_name_of_the_same_file_is_seen_through(make_dataset, patients):
    root = make_dataset({T1: {}, 'sub-01/anat/sub-01_acq-b_T1w.nii.gz': Path('sub-01_T1w.nii.gz')})
    (visit,) = patients(root)[0].visits
    assert len(visit.scans) == 1
    (other,) = visit.passed_over
    assert other.reason.startswith('the same file as')


def test_a_participant_that_is_a_link_is_a_participant(make_dataset, tmp_path, patients):
    make_dataset({T1: {}}, root=tmp_path / 'store')
    root = make_dataset({'sub-01': tmp_path / 'store' / 'sub-01'})
    (patient,) = patients(root)
    assert patient.visits[0].scans[0].path == root / T1


def test_a_visit_whose_image_was_not_fetched_is_skipped_and_says_how_to_fetch(
    make_dataset, patients
):
    root = make_dataset(
        {
            T1: Path('../../.git/annex/objects/xx/key'),
            'sub-01/anat/sub-01_FLAIR.nii.gz': {},
            'sub-02/anat/sub-02_T1w.nii.gz': {},
        }
    )
    first, second = patients(root)
    (visit,) = first.visits
    assert visit.scans == ()
    told = {item.relative: item.reason for item in visit.passed_over}
    assert 'content was not fetched' in told[T1]
    assert '`datalad get sub-01_T1w.nii.gz`' in told[T1]
    assert 'waits for sub-01_T1w.nii.gz' in told['sub-01/anat/sub-01_FLAIR.nii.gz']
    assert any('not fetched' in warning for warning in visit.warnings)
    assert second.visits[0].roles == {'T1w'}


def test_an_unfetched_second_choice_holds_nothing_up(make_dataset, patients):
    root = make_dataset({T1: {}, 'sub-01/anat/sub-01_run-1_T1w.nii.gz': Path('nowhere')})
    (visit,) = patients(root)[0].visits
    assert visit.roles == {'T1w'}


def test_an_annex_pointer_file_is_named_as_such(make_dataset, patients):
    root = make_dataset({T1: b'/annex/objects/MD5E-s1--abc.nii.gz\n'})
    (visit,) = patients(root)[0].visits
    assert visit.scans == ()
    assert 'git-annex pointer' in visit.passed_over[0].reason


def test_a_dangling_sidecar_is_a_missing_one(make_dataset, patients):
    root = make_dataset({T1: {}, SIDE: Path('nowhere.json')})
    (visit,) = patients(root)[0].visits
    assert visit.roles == {'T1w'}
    assert visit.warnings == ()


@pytest.mark.parametrize(
    ('content', 'words'),
    [
        (b'4 volumes', 'not compressed'),
        (b'', '0 bytes'),
        (b'\x1f\x8b\x08\x00short', 'cannot be read'),
    ],
)
def test_a_broken_image_costs_its_own_place_only(make_dataset, patients, content, words):
    root = make_dataset(
        {T1: content, 'sub-01/anat/sub-01_FLAIR.nii.gz': {}, 'sub-02/anat/sub-02_T1w.nii': {}}
    )
    first, second = patients(root)
    (visit,) = first.visits
    assert visit.roles == {'FLAIR'}
    assert words in visit.passed_over[0].reason
    assert words in visit.warnings[0]
    assert second.visits[0].roles == {'T1w'}


def test_a_series_is_left_out_with_the_count(make_dataset, patients):
    root = make_dataset({T1: {'shape': (14, 15, 12, 4)}})
    (visit,) = patients(root)[0].visits
    assert '4 volumes' in visit.passed_over[0].reason


def test_header_oddities_are_noted_at_the_image(make_dataset, patients):
    import nibabel as nb
    import numpy as np

    root = make_dataset({T1: {}})
    made = nb.load(root / T1)
    moved = made.affine.copy()
    moved[0, 3] += 3
    made = nb.Nifti1Image(np.asarray(made.dataobj), made.affine, made.header)
    made.set_qform(moved, 1)
    nb.save(made, root / T1)
    (scan,) = patients(root)[0].visits[0].scans
    assert any('sform and qform differ by 3.0 mm' in note for note in scan.notes)


def test_the_dataset_is_never_written_to(make_dataset, patients):
    root = make_dataset({T1: {}, 'participants.tsv': 'participant_id\nsub-01\n'})
    for folder in (root, root / 'sub-01', root / 'sub-01' / 'anat'):
        folder.chmod(0o555)
    before = tree(root)
    patients(root)
    after = tree(root)
    for folder in (root, root / 'sub-01', root / 'sub-01' / 'anat'):
        folder.chmod(0o755)
    assert before == after


def test_links_are_not_made_inside_the_dataset(make_dataset):
    root = make_dataset({T1: {}})
    with pytest.raises(CommandError, match='inside the dataset'):
        list(discover.patients(root, participants=('01',), index_dir=root / 'work'))
    assert not (root / 'work').exists()


@pytest.mark.parametrize(
    'description',
    [None, b'', b'\xef\xbb\xbf{"Name": "x"}', b'{"Name": "caf\xe9"}', b'[1]', b'{"Name": "x",}'],
)
def test_a_bad_description_stops_nothing(make_dataset, patients, description, caplog):
    root = make_dataset({T1: {}}, description=description)
    with caplog.at_level(logging.WARNING):
        assert patients(root)[0].visits[0].roles == {'T1w'}
    if description is None or not description.startswith(b'\xef'):
        assert 'dataset_description.json' in caplog.text


@pytest.mark.parametrize(
    ('content', 'role', 'words'),
    [
        (b'\xef\xbb\xbf{"ContrastBolusIngredient": "GADOLINIUM"}', 'T1wCE', None),
        (b'{"ContrastBolusIngredient": "GADOLINIUM", "X": "caf\xe9"}', 'T1wCE', 'Latin-1'),
        (b'{"ContrastBolusIngredient": "GADOLINIUM",}', 'T1w', 'not valid JSON'),
        (b'', 'T1w', 'is empty'),
        (b'["GADOLINIUM"]', 'T1w', 'no JSON object'),
    ],
)
def test_a_broken_sidecar_costs_its_visit_a_warning(make_dataset, patients, content, role, words):
    root = make_dataset({T1: {}, SIDE: content, 'sub-02/anat/sub-02_T1w.nii.gz': {}})
    first, second = patients(root)
    assert first.visits[0].roles == {role}
    assert second.visits[0].warnings == ()
    assert bool(words) == bool(first.visits[0].warnings)
    if words:
        assert words in first.visits[0].warnings[0]
        assert SIDE in first.visits[0].warnings[0]


@pytest.mark.parametrize(
    ('content', 'words'),
    [
        (b'participant_id\tgroup\nsub-01\tglioma\n', None),
        (b'\xef\xbb\xbfparticipant_id\tgroup\nsub-01\tglioma\n', 'byte order mark'),
        (b'participant_id\tgroup\r\nsub-01\tglioma\r\n', 'line ends'),
        (b'participant_id\tgroup\tsite\nsub-01\tglioma\tM\xfcnchen\n', 'Latin-1'),
        (b'participant_id\t"group"\n"sub-01"\t"glioma"\n', 'quoted'),
        (b'participant_id\tgroup  \nsub-01 \tglioma \n', 'blanks'),
        (b'participant_id\tgroup\tage\nsub-01\tglioma\n', 'unequal length'),
        (b'participant_id\tgroup\n01\tglioma\n', None),
    ],
)
def test_tables_are_read_as_people_write_them(make_dataset, patients, content, words, caplog):
    root = make_dataset({T1: {}, 'participants.tsv': content})
    with caplog.at_level(logging.WARNING):
        (patient,) = patients(root)
    assert patient.info['group'] == 'glioma'
    assert bool(words) == bool(caplog.text)
    assert (words or '') in caplog.text


def test_the_participants_table_may_lack_people_and_list_absent_ones(make_dataset, patients):
    table = 'participant_id\tsetting\nsub-09\trecurrent\nsub-02\tnewly_diagnosed\nsub-02\tx\n'
    root = make_dataset({T1: {}, 'sub-02/anat/sub-02_T1w.nii.gz': {}, 'participants.tsv': table})
    first, second = patients(root)
    assert first.info == {}
    assert 'does not list' in first.warnings[0]
    assert second.info == {'setting': 'newly_diagnosed'}
    assert '2 times' in second.warnings[0]


def test_empty_cells_say_nothing(tmp_path):
    path = tmp_path / 'x.tsv'
    path.write_text('a\tb\tc\n1\t\tn/a\n\n', encoding='utf-8')
    table = text.read_tsv(path, shown='x.tsv')
    assert table.rows == ({'a': '1', 'b': 'n/a', 'c': 'n/a'},)
    assert table.warnings == ()
    assert [text.said(value) for value in ('x', '', 'n/a', None)] == ['x', None, None, None]


def test_the_nearest_sidecar_wins_for_each_key(make_dataset, patients):
    image = 'sub-01/ses-1/anat/sub-01_ses-1_acq-a_T1w'
    root = make_dataset(
        {
            f'{image}.nii.gz': {},
            'T1w.json': {
                'Manufacturer': 'root',
                'EchoTime': 0.1,
                'FlipAngle': 1,
                'RepetitionTime': 9,
            },
            'sub-01/sub-01_T1w.json': {
                'Manufacturer': 'participant',
                'EchoTime': 0.2,
                'FlipAngle': 2,
            },
            'sub-01/ses-1/sub-01_ses-1_acq-a_T1w.json': {
                'Manufacturer': 'session',
                'EchoTime': 0.3,
            },
            f'{image}.json': {'Manufacturer': 'image'},
            'T2w.json': {'Manufacturer': 'another suffix'},
            'acq-b_T1w.json': {'RepetitionTime': 'another image'},
        }
    )
    (visit,) = patients(root)[0].visits
    assert visit.warnings == ()
    assert visit.scans[0].metadata == {
        'Manufacturer': 'image', 'EchoTime': 0.3, 'FlipAngle': 2, 'RepetitionTime': 9,
    }  # fmt: skip


def test_of_two_sidecars_at_one_level_the_first_path_is_taken_and_told(make_dataset, patients):
    root = make_dataset(
        {
            'sub-01/anat/sub-01_acq-a_run-1_T1w.nii.gz': {},
            'sub-01/anat/sub-01_acq-a_T1w.json': {'Manufacturer': 'a'},
            'sub-01/anat/sub-01_run-1_T1w.json': {'Manufacturer': 'b'},
        }
    )
    (visit,) = patients(root)[0].visits
    assert visit.scans[0].metadata == {'Manufacturer': 'a'}
    assert 'apply to' in visit.warnings[0]


def test_the_exact_sidecar_is_taken_first(make_dataset, patients):
    root = make_dataset(
        {
            'sub-01/anat/sub-01_run-1_T1w.nii.gz': {'sidecar': {'Manufacturer': 'exact'}},
            'sub-01/anat/sub-01_T1w.json': {'Manufacturer': 'wide'},
        }
    )
    (visit,) = patients(root)[0].visits
    assert visit.scans[0].metadata == {'Manufacturer': 'exact'}
    assert len(visit.warnings) == 1


def test_sidecars_of_images_side_by_side_are_no_conflict(make_dataset, patients):
    root = make_dataset(
        {
            T1: {'sidecar': {'Manufacturer': 'a'}},
            'sub-01/anat/sub-01_ce-gd_T1w.nii.gz': {'sidecar': {'Manufacturer': 'b'}},
        }
    )
    (visit,) = patients(root)[0].visits
    assert visit.warnings == ()
    assert [scan.metadata['Manufacturer'] for scan in visit.scans] == ['b', 'a']


def test_links_and_uris_in_sidecars_need_not_resolve(make_dataset, patients):
    fields = {'IntendedFor': 'bids:nowhere:sub-01/x.nii.gz', 'Sources': ['bids::y']}
    root = make_dataset({T1: {'sidecar': fields}})
    (visit,) = patients(root)[0].visits
    assert visit.roles == {'T1w'}
    assert visit.warnings == ()


def test_a_participant_that_cannot_be_read_does_not_stop_the_others(
    make_dataset, patients, monkeypatch
):
    root = make_dataset({T1: {}, 'sub-02/anat/sub-02_T1w.nii.gz': {}})
    listed = index.sessions

    def sessions(bids_dir, participant):
        if participant == '01':
            raise InputError('cannot be read (Permission denied)', where='sub-01', do='check')
        return listed(bids_dir, participant)

    monkeypatch.setattr(index, 'sessions', sessions)
    first, second = patients(root)
    assert 'Permission denied' in first.visits[0].warnings[0]
    assert second.visits[0].roles == {'T1w'}


def test_names_that_are_no_text_stop_nothing(make_dataset, patients):
    root = make_dataset({T1: {}, 'sub-01/anat/tab\tand\nline.nii': b'x'})
    (root / 'sub-01' / 'anat' / os.fsdecode(b'sub-01_\xff_T1w.nii')).touch()
    found = patients(root)
    assert found[0].visits[0].roles == {'T1w'}
    lines = discover.as_tsv(discover.plan(found)).splitlines()
    assert len(lines) == 3
    assert {line.count('\t') for line in lines} == {4}


def test_participants_come_in_batches_and_each_batch_is_forgotten(
    make_dataset, tmp_path, monkeypatch
):
    labels = [f'{number:02d}' for number in range(1, 6)]
    root = make_dataset({f'sub-{label}/anat/sub-{label}_T1w.nii.gz': {} for label in labels})
    sizes = []
    found = index.images

    def images(bids_dir, batch, *, index_dir):
        sizes.append(len(batch))
        return found(bids_dir, batch, index_dir=index_dir)

    monkeypatch.setattr(index, 'BATCH', 2)
    monkeypatch.setattr(index, 'images', images)
    ready = discover.patients(root, participants=labels, index_dir=tmp_path / 'index')
    assert next(ready).participant == '01'
    assert sizes == [2]
    assert [patient.participant for patient in ready] == labels[1:]
    assert sizes == [2, 2, 1]
    assert list((tmp_path / 'index').iterdir()) == []


def test_banned_methods_of_pybids_are_never_called():
    folder = Path(index.__file__).parent
    for path in folder.glob('*.py'):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Attribute):
                assert node.attr not in {'get_subjects', 'get_sessions', 'add_derivatives'}
            if isinstance(node, ast.keyword):
                assert node.arg != 'derivatives'
            if isinstance(node, ast.ImportFrom) and (node.module or '').startswith('bids.'):
                assert node.col_offset > 0, 'pybids must be imported inside a function'


@pytest.mark.slow
def test_one_participant_costs_the_same_in_a_large_dataset(make_dataset, tmp_path):
    root = make_dataset({'sub-0001/anat/sub-0001_T1w.nii.gz': {}})
    for number in range(2, 2001):
        (root / f'sub-{number:04d}').symlink_to(root / 'sub-0001')
    list(discover.patients(root, participants=('0001',), index_dir=tmp_path / 'warm'))
    start = time.perf_counter()
    labels = discover.select(root, ['0001'])
    (patient,) = discover.patients(root, participants=labels, index_dir=tmp_path / 'index')
    assert time.perf_counter() - start < 3
    assert patient.visits[0].roles == {'T1w'}
