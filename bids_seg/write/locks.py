# SPDX-License-Identifier: Apache-2.0
"""Locks between runs that share an output: one for each participant, a short one for the root.

A lock is a file that only one process can create. It holds host, process and start, so that
the lock of a process that is gone can be taken over.
"""

import contextlib
import json
import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from bids_seg.errors import LockedError, OutputError

STALE_AFTER_S = 24 * 3600.0
"""A participant's lock that is older is nobody's."""
ROOT_STALE_AFTER_S = 300.0
"""The lock of the root is held for milliseconds; one that is older is nobody's."""
ROOT_PATIENCE_S = 60.0
"""So long a run waits for the lock of the root."""


@contextlib.contextmanager
def participant_lock(out_dir: Path, participant: str) -> Iterator[None]:
    """Keep other runs away from one participant.

    Parameters
    ----------
    out_dir
        Root of the output dataset.
    participant
        Label without `sub-`.

    Raises
    ------
    LockedError
        If another run holds it.
    OutputError
        If the folder of locks cannot be written.
    """
    path = out_dir / 'logs' / f'.sub-{participant}.lock'
    holder = _take(path, STALE_AFTER_S)
    if holder is not None:
        raise LockedError(
            f'process {holder.get("pid", "?")} on {holder.get("host", "?")} works on it',
            where=f'sub-{participant}',
            do=f'wait and try again, or remove {path} if that run is gone',
        )
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def root_lock(out_dir: Path, *, patience_s: float = ROOT_PATIENCE_S) -> Iterator[None]:
    """Keep other runs away from the files that all participants share, for a moment.

    Parameters
    ----------
    out_dir
        Root of the output dataset.
    patience_s
        How long to wait for it.

    Raises
    ------
    LockedError
        If it does not get free in time.
    OutputError
        If the folder of locks cannot be written.
    """
    path = out_dir / 'logs' / '.root.lock'
    until = time.monotonic() + patience_s
    while (holder := _take(path, ROOT_STALE_AFTER_S)) is not None:
        if time.monotonic() > until:
            raise LockedError(
                f'process {holder.get("pid", "?")} on {holder.get("host", "?")} holds the lock '
                f'of its shared files for more than {patience_s:.0f} s',
                where=out_dir,
                do=f'try again, or remove {path} if that run is gone',
            )
        time.sleep(0.02)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _take(path: Path, stale_after_s: float) -> dict[str, Any] | None:
    """Create the lock, over one that is stale; return who holds it if that fails."""
    for _ in range(3):
        if _create(path):
            return None
        seen, holder = _read(path)
        if seen is None:
            continue
        if not _stale(path, holder, stale_after_s):
            return holder
        _set_aside(path, seen)
    return _read(path)[1]


def _create(path: Path) -> bool:
    """Create the lock; return whether it was free."""
    content = {'host': platform.node(), 'pid': os.getpid(), 'start': time.time()}
    # Linked into place with its content, so that nobody ever reads an empty lock.
    hidden = path.with_name(f'{path.name}.{os.getpid()}.{time.monotonic_ns()}')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        hidden.write_text(json.dumps(content), encoding='utf-8')
        try:
            return _link(hidden, path)
        finally:
            hidden.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f'no lock can be made ({error.strerror})',
            where=path.parent,
            do='check its permissions and free space, or choose another output folder',
        ) from error


def _link(hidden: Path, path: Path) -> bool:
    """Give a file its name unless that is taken; also where there are no hard links."""
    try:
        os.link(hidden, path)
    except FileExistsError:
        return False
    except OSError:
        try:
            with path.open('x', encoding='utf-8') as file:
                file.write(hidden.read_text(encoding='utf-8'))
        except FileExistsError:
            return False
    return True


def _read(path: Path) -> tuple[str | None, dict[str, Any]]:
    """Return the lock's text and what it says; None where it is gone."""
    try:
        content = path.read_text(encoding='utf-8')
    except OSError:
        return None, {}
    try:
        holder = json.loads(content)
    except ValueError:
        return content, {}
    return content, holder if isinstance(holder, dict) else {}


def _stale(path: Path, holder: dict[str, Any], stale_after_s: float) -> bool:
    """Return whether the process that made the lock is gone, or the lock too old."""
    start = holder.get('start')
    if not isinstance(start, (int, float)):
        # Unreadable, perhaps half-written: its age tells.
        try:
            return time.time() - path.stat().st_mtime > stale_after_s
        except OSError:
            return False
    if time.time() - start > stale_after_s:
        return True
    if holder.get('host') != platform.node():
        return False
    try:
        process = psutil.Process(int(holder.get('pid', -1)))
        # A process that began after the lock was made is another one with the same number.
        return process.create_time() > start + 1
    except (psutil.NoSuchProcess, ValueError):
        return True
    except psutil.AccessDenied:
        return False


def _set_aside(path: Path, seen: str) -> None:
    """Remove a stale lock; put it back if it was another's by then."""
    aside = path.with_name(f'{path.name}.{os.getpid()}.{time.monotonic_ns()}')
    try:
        path.rename(aside)
    except FileNotFoundError:
        return
    if aside.read_text(encoding='utf-8') != seen:
        _link(aside, path)
    aside.unlink(missing_ok=True)
