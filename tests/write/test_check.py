# SPDX-License-Identifier: Apache-2.0
"""The checker is silent on a good tree and names each kind of fault on a broken one."""

import gzip
import json
from pathlib import Path

import nibabel as nb
import numpy as np
import pytest

from bids_seg import image
from bids_seg.write import check

ANAT = 'sub-01/ses-01/anat/sub-01_ses-01_'
DSEG = f'{ANAT}space-orig_seg-glioma_dseg'
FLAIR = f'{ANAT}space-T1wCE_desc-preproc_FLAIR'


def edit_json(path: Path, **changes: object) -> None:
    content = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))


def replace_text(path: Path, old: str, new: str) -> None:
    content = path.read_bytes().decode()
    assert old in content
    path.write_bytes(content.replace(old, new).encode())


def resave(root: Path, stem: str, change) -> None:
    place = root / f'{stem}.nii.gz'
    volume = image.read_map(place)
    image.save(change(volume), place)


def other_grid(volume: image.Volume) -> image.Volume:
    affine = volume.grid.stored_affine.copy()
    affine[0, 3] += 2
    return image.Volume(volume.array, image.Grid(volume.grid.stored_shape, affine))


def scaled(root: Path) -> None:
    place = root / f'{DSEG}.nii.gz'
    stored = nb.load(place)
    raw = nb.Nifti1Image(np.asarray(stored.dataobj, dtype=np.uint8), stored.affine, stored.header)
    raw.header.set_slope_inter(2, 0)
    place.write_bytes(gzip.compress(raw.to_bytes(), mtime=0))


def series(root: Path) -> None:
    stem = f'{ANAT}space-orig_seg-glioma_label-WT_probseg'
    array = np.zeros((2, 3, 4, 2), dtype=np.float32)
    place = root / f'{stem}.nii.gz'
    place.write_bytes(gzip.compress(nb.Nifti1Image(array, np.eye(4)).to_bytes(), mtime=0))


def add(root: Path, path: str, content: str = '{}') -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(content)


FAULTS = {
    'no such source': (
        lambda root: edit_json(root / f'{DSEG}.json', Sources=['bids::sub-01/none.nii.gz']),
        'sub-01/none.nii.gz does not exist',
    ),
    'no such raw file': (
        lambda root: edit_json(root / f'{FLAIR}.json', Sources=['bids:raw:sub-01/x.nii.gz']),
        'bids:raw:sub-01/x.nii.gz does not exist',
    ),
    'a spatial reference that is a bare word': (
        lambda root: edit_json(root / f'{FLAIR}.json', SpatialReference='orig'),
        'orig is no BIDS URI',
    ),
    'an unknown link': (
        lambda root: edit_json(root / f'{FLAIR}.json', Sources=['bids:other:x']),
        'a link other that is not in DatasetLinks',
    ),
    'sources that are a string': (
        lambda root: edit_json(root / f'{FLAIR}.json', Sources='bids::x'),
        'Sources is no list',
    ),
    'raw sources': (
        lambda root: edit_json(root / f'{FLAIR}.json', RawSources=[]),
        'RawSources is deprecated',
    ),
    'an empty link': (
        lambda root: edit_json(
            root / 'dataset_description.json', DatasetLinks={'': '.', 'raw': '..'}
        ),
        'an empty key in DatasetLinks',
    ),
    'an absolute link': (
        lambda root: edit_json(root / 'dataset_description.json', DatasetLinks={'raw': '/data'}),
        'DatasetLinks.raw is an absolute path',
    ),
    'plain and compressed': (
        lambda root: add(root, f'{FLAIR}.nii'),
        'stored compressed as well',
    ),
    'a raw name': (
        lambda root: (root / f'{FLAIR}.nii.gz').rename(root / f'{ANAT}FLAIR.nii.gz'),
        'named like a raw file',
    ),
    'an image without sidecar': (
        lambda root: (root / f'{FLAIR}.json').unlink(),
        'FLAIR.nii.gz: no sidecar',
    ),
    'a table without image': (
        lambda root: (root / f'{DSEG}.nii.gz').unlink(),
        'dseg.tsv: no image of this name',
    ),
    'a sidecar that applies to a second image in its folder': (
        lambda root: add(root, f'{ANAT}space-orig_seg-glioma_probseg.json'),
        'probseg.json: applies to',
    ),
    'a sidecar above the folder': (
        lambda root: add(root, 'dseg.json'),
        'dseg.json: applies to',
    ),
    'an empty cell': (
        lambda root: replace_text(root / 'group_qc.tsv', 'n/a', ''),
        'has empty cells',
    ),
    'windows line ends': (
        lambda root: replace_text(root / 'participants.tsv', '\n', '\r\n'),
        'has CR line ends',
    ),
    'a byte order mark': (
        lambda root: replace_text(
            root / 'participants.tsv', 'participant_id', '\ufeffparticipant_id'
        ),
        'begins with a byte order mark',
    ),
    'another encoding': (
        lambda root: (root / 'participants.tsv').write_bytes(b'participant_id\n\xe4\n'),
        'is not UTF-8',
    ),
    'a short row': (
        lambda root: replace_text(root / 'participants.tsv', '\t1\n', '\n'),
        'rows of different lengths',
    ),
    'a column twice': (
        lambda root: replace_text(root / 'participants.tsv', 'n_visits_complete', 'n_visits'),
        'two columns of one name',
    ),
    'no line end': (
        lambda root: replace_text(root / 'group_visits.tsv', '5\n', '5'),
        'the last line has no end',
    ),
    'a column without description': (
        lambda root: edit_json(root / 'participants.json', status=None),
        'columns without description: status',
    ),
    'a value outside of levels': (
        lambda root: replace_text(root / 'group_visits.tsv', 'complete', 'finished'),
        'visit_status has values outside of Levels',
    ),
    'a column of participants among the sessions': (
        lambda root: replace_text(root / 'participants.tsv', 'n_visits\t', 'brain_mm3\t'),
        'shares columns with participants.tsv',
    ),
    'a description missing': (
        lambda root: replace_text(root / 'descriptions.tsv', 'desc-entropy', 'desc-other'),
        '0 rows for desc-entropy',
    ),
    'another ignore file': (
        lambda root: add(root, '.bidsignore', '*.html\n'),
        '.bidsignore: holds',
    ),
    'a file that is hidden though legal': (
        lambda root: replace_text(root / '.bidsignore', 'group*', 'sub-0*'),
        'hidden by .bidsignore',
    ),
    'a file outside of the schema': (
        lambda root: add(root, f'{ANAT}desc-lesions_stats.tsv'),
        'neither in the schema nor in .bidsignore',
    ),
    'entities out of order': (
        lambda root: add(root, f'{ANAT}desc-brain_label-x_mask.nii.gz'),
        'desc-brain_label-x_mask.nii.gz: neither in the schema',
    ),
    'a transform to nowhere': (
        lambda root: add(root, f'{ANAT}from-T2w_to-individual_mode-image_xfm.txt'),
        'no image in space individual',
    ),
    'an absolute path': (
        lambda root: edit_json(root / f'{FLAIR}.json', Note='read from /data/in/x.nii'),
        'names an absolute path (/data/in/x.nii)',
    ),
    'an absolute path on a page': (
        lambda root: add(root, 'sub-01.html', '<p>/home/somebody/study</p>'),
        'names an absolute path (/home/somebody)',
    ),
    'a value that the table lacks': (
        lambda root: replace_text(root / f'{DSEG}.tsv', '\n6\t', '\n4\t'),
        'values [6] are not in its lookup table',
    ),
    'a label image without table': (
        lambda root: (root / f'{DSEG}.tsv').unlink(),
        'dseg.nii.gz: no lookup table',
    ),
    'an index twice': (
        lambda root: replace_text(root / f'{DSEG}.tsv', '\n5\t', '\n6\t'),
        'an index stands twice',
    ),
    'another grid': (
        lambda root: resave(root, FLAIR, other_grid),
        'another grid than',
    ),
    'another reference': (
        lambda root: edit_json(
            root / f'{FLAIR}.json',
            SpatialReference='bids:raw:sub-01/ses-01/anat/sub-01_ses-01_T1w.nii.gz',
        ),
        'another SpatialReference than',
    ),
    'a label image of real numbers': (
        lambda root: resave(root, DSEG, lambda volume: volume),
        'stored as float32',
    ),
    'labels with a scale': (scaled, 'stored with a scale'),
    'a mask with other values': (
        lambda root: resave(
            root,
            f'{ANAT}ce-gd_space-orig_desc-brain_mask',
            lambda volume: image.Volume((volume.array * 3).astype(np.uint8), volume.grid),
        ),
        'a mask with values [0, 3]',
    ),
    'a time in the stream': (
        lambda root: (root / f'{FLAIR}.nii.gz').write_bytes(
            gzip.compress(gzip.decompress((root / f'{FLAIR}.nii.gz').read_bytes()), mtime=5)
        ),
        'carries a name or a time',
    ),
    'a broken image': (
        lambda root: add(root, f'{FLAIR}.nii.gz', 'no image'),
        'cannot be read',
    ),
    'a series without names': (series, 'without LabelMap'),
}


def test_a_tree_that_keeps_the_contract_has_no_problems(finished):
    assert check.problems(finished / 'derivatives' / 'bids-seg') == []


@pytest.mark.parametrize('fault', FAULTS)
def test_each_fault_is_named(tree, fault):
    break_it, words = FAULTS[fault]
    break_it(tree)
    found = check.problems(tree)
    assert any(words in problem for problem in found), found


def test_sources_resolve_against_a_given_input_where_the_link_is_no_path(tree, one_visit, tmp_path):
    edit_json(tree / 'dataset_description.json', DatasetLinks={'raw': 'doi:10.1/x'})
    assert check.problems(tree) == []
    assert check.problems(tree, raw=one_visit) == []
    assert any('does not exist' in one for one in check.problems(tree, raw=tmp_path))
