# SPDX-License-Identifier: Apache-2.0
"""Files of the dataset as a whole (BIDS.md 2.5, section 4 rules 4 and 5)."""

import errno
import json
import os
from pathlib import Path

import pytest

from bids_seg.errors import OutputError
from bids_seg.write import dataset, names
from bids_seg.write.text import read_tsv


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    root = tmp_path / 'raw'
    (root / 'sub-01').mkdir(parents=True)
    return root


def describe(root: Path, **given: object) -> None:
    (root / 'dataset_description.json').write_text(json.dumps({'Name': 'Heads', **given}))


def written(out: Path) -> dict[str, object]:
    return json.loads((out / 'dataset_description.json').read_text())


def test_a_second_run_changes_nothing_not_even_a_time_stamp(raw):
    out = raw / 'derivatives' / 'bids-seg'
    origin = dataset.Origin(version='1.0.0', bids_dir=raw)
    describe(raw)
    assert dataset.write_root(out, origin, labels={'brain'}) == ()
    before = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in out.rglob('*')}
    assert dataset.write_root(out, origin, labels={'brain'}) == ()
    after = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in out.rglob('*')}
    files = {path for path in before if path.is_file()}
    assert {path: before[path] for path in files} == {path: after[path] for path in files}
    assert {path.relative_to(out).as_posix() for path in files} == {
        *names.ROOT_FILES,
        names.CITATION,
    }


def test_the_ignore_file_has_the_six_patterns_and_the_readme_is_long_enough(raw):
    dataset.write_root(raw / 'out', dataset.Origin(version='1', bids_dir=raw))
    lines = (raw / 'out' / '.bidsignore').read_text().splitlines()
    assert lines == ['*.html', 'figures', 'figures/', '*_xfm.*', '*_lesions.*', 'group*']
    assert (raw / 'out' / 'README.md').stat().st_size > 150


def test_name_licence_and_source_come_from_the_input(raw):
    describe(raw, License='CC0', DatasetDOI='https://doi.org/10.18112/x.v1', Authors=['A'])
    dataset.write_root(raw / 'derivatives' / 'x', dataset.Origin(version='1', bids_dir=raw))
    found = written(raw / 'derivatives' / 'x')
    assert found['Name'] == 'bids-seg - Heads'
    assert found['License'] == 'CC0'
    assert found['SourceDatasets'] == [{'DOI': 'doi:10.18112/x.v1'}]
    assert found['DatasetLinks'] == {'raw': '../..'}
    assert (found['BIDSVersion'], found['DatasetType']) == ('1.11.1', 'derivative')
    assert 'Authors' not in found
    assert 'HEDVersion' not in found
    assert found['GeneratedBy'] == [{'Name': 'bids-seg', 'Version': '1'}]


def test_an_output_elsewhere_links_by_doi_else_by_a_relative_path_with_a_warning(raw, tmp_path):
    origin = dataset.Origin(version='1', bids_dir=raw)
    describe(raw)
    (warning,) = dataset.write_root(tmp_path / 'a', origin)
    assert 'relative path' in warning
    assert written(tmp_path / 'a')['DatasetLinks'] == {'raw': '../raw'}
    describe(raw, DatasetDOI='doi:10.1/x')
    assert dataset.write_root(tmp_path / 'b', origin) == ()
    assert written(tmp_path / 'b')['DatasetLinks'] == {'raw': 'doi:10.1/x'}


@pytest.mark.parametrize('content', [None, b'', b'\xef\xbb\xbf{"Name": "Heads"}', b'["x"]'])
def test_an_input_without_a_good_description_still_has_an_output(raw, content):
    if content is not None:
        (raw / 'dataset_description.json').write_bytes(content)
    dataset.write_root(raw / 'derivatives' / 'x', dataset.Origin(version='1', bids_dir=raw))
    good = content is not None and b'Heads' in content
    assert written(raw / 'derivatives' / 'x')['Name'] == (
        'bids-seg - Heads' if good else 'bids-seg'
    )


def test_what_another_version_wrote_is_kept_and_warned_about(raw):
    describe(raw)
    out = raw / 'derivatives' / 'x'
    image = {'Type': 'docker', 'Tag': 'x:1', 'URI': ''}
    dataset.write_root(out, dataset.Origin(version='1', bids_dir=raw, container=image))
    (warning,) = dataset.write_root(out, dataset.Origin(version='2', bids_dir=raw))
    assert 'bids-seg 1' in warning
    assert written(out)['GeneratedBy'] == [
        {'Name': 'bids-seg', 'Version': '1', 'Container': {'Type': 'docker', 'Tag': 'x:1'}},
        {'Name': 'bids-seg', 'Version': '2'},
    ]
    assert dataset.write_root(out, dataset.Origin(version='2', bids_dir=raw)) == ()


@pytest.mark.parametrize('given', [None, 'an empty folder'])
def test_a_group_run_without_the_input_keeps_what_is_known_of_it(raw, tmp_path, given):
    describe(raw, License='CC0')
    out = raw / 'derivatives' / 'x'
    dataset.write_root(out, dataset.Origin(version='1', bids_dir=raw))
    before = written(out)
    empty = tmp_path / 'empty'
    empty.mkdir()
    dataset.write_root(out, dataset.Origin(version='1', bids_dir=empty if given else None))
    assert written(out) == before


def test_descriptions_gather_the_labels_of_all_runs_in_one_order(raw):
    out = raw / 'out'
    origin = dataset.Origin(version='1', bids_dir=raw)
    dataset.write_root(out, origin, labels={'metastases', 'brain'})
    dataset.write_root(out, origin, labels={'preproc'})
    rows = read_tsv(out / 'descriptions.tsv')[1]
    assert [row['desc_id'] for row in rows] == ['desc-brain', 'desc-preproc', 'desc-metastases']


def test_the_methods_text_is_written_once(raw):
    place = raw / 'out' / names.CITATION
    dataset.write_root(raw / 'out', dataset.Origin(version='1', bids_dir=raw))
    assert 'doi:10.1038/sdata.2016.44' in place.read_text()
    place.write_text('changed by a person')
    dataset.write_root(raw / 'out', dataset.Origin(version='1', bids_dir=raw))
    assert place.read_text() == 'changed by a person'


def test_a_new_participant_is_listed_only_where_there_is_a_list(tmp_path):
    dataset.append_participant(tmp_path, '02', status='complete')
    place = tmp_path / 'participants.tsv'
    assert not place.exists()
    place.write_text('participant_id\tstatus\tage\nsub-01\tfailed\t7\n')
    for _ in range(2):
        dataset.append_participant(tmp_path, '02', status='complete')
        dataset.append_participant(tmp_path, '01', status='complete')
    assert place.read_text() == (
        'participant_id\tstatus\tage\nsub-01\tfailed\t7\nsub-02\tcomplete\tn/a\n'
    )


def test_a_full_disk_is_said_with_what_to_do_and_leaves_nothing_behind(raw, monkeypatch):
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(OutputError, match='the disk is full') as caught:
        dataset.write_root(raw / 'out', dataset.Origin(version='1', bids_dir=raw))
    assert caught.value.code == 73
    assert [path for path in (raw / 'out').rglob('*') if path.is_file()] == []
