# SPDX-License-Identifier: Apache-2.0
"""What a run leaves in its logs; its settings can be given back to it."""

import json
import logging
from pathlib import Path

import pytest

from bids_seg.cli import settings
from bids_seg.workflow import log


@pytest.fixture
def opened(tmp_path):
    """Return settings and the log of a run, and put the handlers back afterwards."""
    root = logging.getLogger()
    before, level, raised = list(root.handlers), root.level, logging.raiseExceptions
    said = settings(
        [
            *(str(tmp_path / 'bids'), str(tmp_path / 'out'), 'participant', '--n4'),
            *('--work-dir', str(tmp_path / 'work'), '--mem', '4G', '--models', 'brain', 'glioma'),
            *('--bids-filter-file', str(tmp_path / 'else' / 'filter.json')),
        ],
        environment={},
    )
    log.set_stderr(0)
    logging.getLogger('bids_seg.early').warning('said before there was a file')
    yield said, log.open_log(said, work_dir=tmp_path / 'work')
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    for handler in before:
        root.addHandler(handler)
    root.setLevel(level)
    logging.raiseExceptions = raised
    logging.getLogger('bids_seg').setLevel(logging.NOTSET)
    logging.captureWarnings(capture=False)


def test_what_was_said_before_the_file_was_open_stands_in_it(opened):
    _, made = opened
    text = (made.folder / f'{made.run}.log').read_text()
    assert text.count('said before there was a file') == 1


def test_settings_are_taken_back_and_name_no_folder(opened, tmp_path):
    said, made = opened
    log.write_settings(made, said, versions={'bids-seg': '0'}, weights={'brain': 'ab'})
    place = made.folder / f'{made.run}.toml'
    assert str(tmp_path) not in place.read_text()
    words = ['b', 'o', 'participant', '--config-file', str(place)]
    back = settings(words, environment={})
    assert (back.n4, back.mem, back.models) == (True, 4000, ('brain', 'glioma'))
    assert (back.work_dir, back.bids_filter_file, back.bids_dir) == (None, None, Path('b'))


def test_an_event_is_one_line_without_folders(opened, tmp_path):
    _, made = opened
    made.event(visit='sub-01', node='plan', reason=f'{tmp_path}/bids/x "is" broken', seconds=None)
    line = (made.folder / f'{made.run}.jsonl').read_text()
    assert line.endswith('\n')
    assert json.loads(line)['reason'] == '<bids>/x "is" broken'
    assert json.loads(line)['seconds'] is None


def test_a_disk_that_is_full_ends_nothing(opened, monkeypatch):
    _, made = opened
    made.folder.joinpath(f'{made.run}.jsonl').mkdir()
    made.event(visit='sub-01', node='plan')
    made.folder.joinpath(made.run).write_text('in the way')
    made.write_crash('sub-01', 'brain', 'text')
