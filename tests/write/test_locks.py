# SPDX-License-Identifier: Apache-2.0
"""Locks (BIDS.md section 4, rule 4)."""

import json
import os
import platform
import threading
import time
from pathlib import Path

import pytest

from bids_seg.errors import LockedError, OutputError
from bids_seg.write import locks


def put(out: Path, name: str, **changes: object) -> Path:
    place = out / 'logs' / name
    place.parent.mkdir(parents=True, exist_ok=True)
    content = {'host': platform.node(), 'pid': os.getpid(), 'start': time.time(), **changes}
    place.write_text(json.dumps(content))
    return place


def test_a_held_lock_names_its_holder_and_ends_with_its_run(tmp_path):
    place = tmp_path / 'logs' / '.sub-01.lock'
    with locks.participant_lock(tmp_path, '01'):
        holder = json.loads(place.read_text())
        assert (holder['host'], holder['pid']) == (platform.node(), os.getpid())
        with (
            pytest.raises(LockedError, match=f'process {os.getpid()}') as caught,
            locks.participant_lock(tmp_path, '01'),
        ):
            pass
        assert caught.value.code == 75
        with locks.participant_lock(tmp_path, '02'):
            pass
        assert place.exists()
    assert list((tmp_path / 'logs').iterdir()) == []


def test_a_lock_is_freed_when_its_run_fails(tmp_path):
    with pytest.raises(KeyboardInterrupt), locks.participant_lock(tmp_path, '01'):
        raise KeyboardInterrupt
    assert list((tmp_path / 'logs').iterdir()) == []


@pytest.mark.parametrize(
    'changes',
    [
        {'pid': 2**22 + 12345},
        {'start': time.time() - 25 * 3600, 'host': 'elsewhere'},
        {'start': 1.0},
        {'pid': os.getpid(), 'start': time.time() - 23 * 3600},
        {'pid': 'what'},
    ],
    ids=['gone', 'a day old elsewhere', 'ancient', 'number used again', 'unreadable number'],
)
def test_a_stale_lock_is_taken_over(tmp_path, changes):
    put(tmp_path, '.sub-01.lock', **changes)
    with locks.participant_lock(tmp_path, '01'):
        assert json.loads((tmp_path / 'logs/.sub-01.lock').read_text())['pid'] == os.getpid()
    assert list((tmp_path / 'logs').iterdir()) == []


def test_a_fresh_lock_of_another_host_is_respected_whatever_its_number(tmp_path):
    put(tmp_path, '.sub-01.lock', host='elsewhere', pid=2**22 + 12345)
    with (
        pytest.raises(LockedError, match='on elsewhere'),
        locks.participant_lock(tmp_path, '01'),
    ):
        pass


def test_an_unreadable_lock_is_respected_while_it_is_young(tmp_path):
    place = put(tmp_path, '.sub-01.lock')
    place.write_text('{"host')
    with pytest.raises(LockedError), locks.participant_lock(tmp_path, '01'):
        pass
    os.utime(place, (1, 1))
    with locks.participant_lock(tmp_path, '01'):
        pass


def test_the_lock_of_the_root_is_waited_for(tmp_path):
    place = put(tmp_path, '.root.lock')
    timer = threading.Timer(0.1, place.unlink)
    timer.start()
    with locks.root_lock(tmp_path, patience_s=10):
        timer.join()
    put(tmp_path, '.root.lock')
    with pytest.raises(LockedError), locks.root_lock(tmp_path, patience_s=0.05):
        pass


def test_many_at_once_never_hold_the_lock_together(tmp_path):
    put(tmp_path, '.root.lock', pid=2**22 + 12345)
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        for _ in range(5):
            with locks.root_lock(tmp_path, patience_s=60):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.001)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 30
    assert max(most) == 1


def test_where_nothing_can_be_written_the_folder_is_named(tmp_path):
    (tmp_path / 'logs').write_text('a file where a folder should be')
    with pytest.raises(OutputError, match='no lock can be made'), locks.root_lock(tmp_path):
        pass
