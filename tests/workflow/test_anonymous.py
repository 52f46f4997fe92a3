# SPDX-License-Identifier: Apache-2.0
"""No text that is shared names a folder or the name of the machine that made it."""

import platform
import traceback
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bids_seg.workflow.anonymous import anonymous, roots, without_host
from bids_seg.write.check import _PATH


def known(tmp_path):
    return roots(
        bids_dir=tmp_path / 'bids', out_dir=tmp_path / 'bids/derivatives/x', work_dir=tmp_path / 'w'
    )


def test_the_innermost_folder_gives_its_name(tmp_path):
    text = f'{tmp_path}/bids/derivatives/x/sub-01 and {tmp_path}/bids/sub-01, {tmp_path}/w/a.json'
    assert anonymous(text, known(tmp_path)) == '<out>/sub-01 and <bids>/sub-01, <work>/a.json'


def test_a_folder_whose_name_only_begins_alike_is_another(tmp_path):
    assert '<bids>' not in anonymous(f'{tmp_path}/bids2/sub-01', known(tmp_path))


def test_a_traceback_names_the_package_and_libraries_alone(tmp_path):
    try:
        import numpy as np

        np.linalg.inv(np.zeros((2, 2)))
    except np.linalg.LinAlgError:
        text = traceback.format_exc()
    found = anonymous(text, known(tmp_path))
    assert 'File "<library>/numpy/' in found
    assert str(Path.home()) not in found
    assert _PATH.search(found) is None


def test_our_own_lines_are_named_by_the_package(tmp_path):
    import bids_seg.image as package

    place = str(Path(package.__file__).resolve())
    assert anonymous(place, known(tmp_path)) == '<package>/image/__init__.py'


@given(st.lists(st.from_regex(r'[a-z][a-z0-9_.-]{0,6}', fullmatch=True), min_size=2, max_size=5))
def test_any_other_absolute_path_loses_its_folders(parts):
    path = '/' + '/'.join(parts)
    found = anonymous(f'cannot read {path}', ())
    assert found == f'cannot read <path>/{parts[-1]}'


def test_units_and_ratios_are_no_paths():
    text = '3 mm/s, n/a and 1/2 of 10/12/13'
    assert anonymous(text, ()) == text


def test_the_name_of_the_machine_is_taken_out(monkeypatch):
    monkeypatch.setattr(platform, 'node', lambda: 'brain-7')
    assert without_host('on host brain-7.') == 'on host <host>.'
    monkeypatch.setattr(platform, 'node', lambda: 'a')
    assert without_host('a host') == 'a host'
