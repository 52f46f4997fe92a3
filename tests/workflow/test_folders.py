# SPDX-License-Identifier: Apache-2.0
"""What input, output and work folder may be."""

import pytest

from bids_seg.errors import CommandError, OutputError
from bids_seg.workflow import folders


def test_a_dataset_that_is_no_folder_is_refused(tmp_path):
    with pytest.raises(CommandError, match='no such folder'):
        folders.check_input(tmp_path / 'nothing')


@pytest.mark.parametrize('inside', ['.', 'out', 'derivatives', 'sub-01/results'])
def test_an_output_that_mixes_with_the_input_is_refused_with_a_better_one(tmp_path, inside):
    with pytest.raises(CommandError, match='derivatives/bids-seg'):
        folders.check_output(tmp_path / inside, tmp_path)


def test_an_output_below_derivatives_is_made(tmp_path):
    folders.check_output(tmp_path / 'derivatives' / 'bids-seg', tmp_path)
    assert (tmp_path / 'derivatives' / 'bids-seg').is_dir()
    assert not any((tmp_path / 'derivatives' / 'bids-seg').iterdir())


def test_an_output_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(OutputError, match='cannot be made'):
        folders.check_output(tmp_path / 'file' / 'out', tmp_path / 'bids')


def work(tmp_path, name='work', *, empty=False):
    return folders.open_work(
        tmp_path / name, bids_dir=tmp_path / 'bids', output_dir=tmp_path / 'out', empty=empty
    )


def test_a_work_folder_is_marked_and_can_be_emptied(tmp_path):
    (work(tmp_path) / 'old').write_text('')
    emptied = work(tmp_path, empty=True)
    assert [path.name for path in emptied.iterdir()] == [folders.MARKER]


def test_a_folder_of_somebody_else_is_never_emptied(tmp_path):
    (tmp_path / 'work').mkdir()
    (tmp_path / 'work' / 'thesis').write_text('')
    with pytest.raises(CommandError, match='not made by bids-seg'):
        work(tmp_path, empty=True)
    assert (tmp_path / 'work' / 'thesis').is_file()


@pytest.mark.parametrize('name', ['bids/work', 'out', 'bids'])
def test_a_work_folder_in_the_input_or_the_output_itself_is_refused(tmp_path, name):
    with pytest.raises(CommandError, match='--work-dir'):
        work(tmp_path, name)


def test_a_disk_that_is_too_full_is_told_before_anything_is_done(tmp_path, monkeypatch):
    monkeypatch.setattr(
        'shutil.disk_usage', lambda _: type('Usage', (), {'free': 10 * folders.BYTES_PER_VISIT})()
    )
    folders.check_space((tmp_path,), visits=10)
    with pytest.raises(OutputError, match='11 visits take about'):
        folders.check_space((tmp_path,), visits=11)
